// A packet's path through a node: a sealed request of a validated client in, its sealed answer out. Sockets
// excepted; bench/peers/measure.py has those.
#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "node/secure/keys.h"
#include "tests/support/node_cluster.h"
#include "tests/support/raw_peer.h"

namespace shoal {
namespace {

constexpr std::size_t kHosts = 40;

std::uint64_t responses_sent(const Node& node) {
  std::uint64_t sent = 0;
  for (const NodeCounters::Kind& kind : node.counters().kinds) sent += kind.responses_sent;
  return sent;
}

void serve(benchmark::State& state, const wire::RequestBody& body) {
  init_crypto();
  NodeCluster cluster;
  NodeConfig config;
  config.requests_per_source_per_s = 1'000'000'000;
  cluster.add_many(kHosts, config);
  cluster.advance(2min);
  RawPeer client(cluster.network(), 1);
  const Contact contact = client.contact();
  wire::Request request;
  request.id = 1;
  const auto pong = client.ask(cluster.contact(0), request);
  if (!pong || !pong->token) return state.SkipWithError("the node did not answer a ping");
  request.token = pong->token;
  request.body = body;
  const Bytes datagram = client.seal(cluster.contact(0).key, wire::encode(request));
  // What the node answers from now on is sent, and reaches nobody.
  cluster.network().set_interfaces(client.index(), {{Endpoint::v4(0xc6130001, 4000)}});
  cluster.advance(1s);
  Node& node = cluster.node(0);
  const NodeCounters& counters = node.counters();
  const std::uint64_t bytes_before = counters.bytes_sent;
  const std::uint64_t responses_before = responses_sent(node);
  for (auto _ : state) {
    node.on_datagram(contact.endpoint, datagram);
    while (node.run_jobs(16)) {
    }
  }
  const std::uint64_t responses = responses_sent(node) - responses_before;
  if (responses != static_cast<std::uint64_t>(state.iterations())) {
    return state.SkipWithError("not every request was answered");
  }
  state.counters["request_bytes"] = static_cast<double>(datagram.size());
  state.counters["response_bytes"] =
      static_cast<double>(counters.bytes_sent - bytes_before) / static_cast<double>(responses);
}
BENCHMARK_CAPTURE(serve, ping, wire::Ping{})->Apply(counted);
BENCHMARK_CAPTURE(serve, find_host, wire::FindHost{Rng::keyed(1, "bench", "target").id()})->Apply(counted);
BENCHMARK_CAPTURE(serve, next_connection, wire::GetNextConnection{Rng::keyed(1, "bench", "target").id()})
    ->Apply(counted);

}  // namespace
}  // namespace shoal
