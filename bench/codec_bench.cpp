// The codec on the hot path of every datagram, and what it costs to verify an item.
#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "node/base/rng.h"
#include "node/dht/item.h"
#include "node/secure/keys.h"
#include "node/wire/codec.h"

namespace shoal {
namespace {

wire::Message request(wire::RequestBody body) {
  wire::Request request;
  request.id = 0x0123'4567'89ab'cdef;
  request.token = wire::Token{1};
  request.body = std::move(body);
  return request;
}

wire::Message response(wire::ResponseBody body) {
  wire::Response response;
  response.id = 0x0123'4567'89ab'cdef;
  response.token = wire::Token{1};
  response.observed = Endpoint::v4(0xc0000201, 4000);
  response.body = std::move(body);
  return response;
}

wire::Message ping() {
  return request(wire::Ping{});
}

wire::Message find_host() {
  return request(wire::FindHost{Rng::keyed(1, "bench", "target").id()});
}

wire::Message contacts() {
  Rng rng = Rng::keyed(1, "bench", "contacts");
  wire::Contacts body;
  for (std::size_t i = 0; i < wire::kContactsMax; ++i) {
    body.contacts.push_back({rng.id(), Endpoint::v4(0xc0000200u + static_cast<std::uint32_t>(i), 4000)});
  }
  return response(std::move(body));
}

wire::Message store_item_1KiB() {
  return request(wire::StoreItem{{ItemKind::kHash, Bytes(1024, 0xab)}, {}, {}});
}

wire::Message items_64KiB() {
  return response(wire::Items{{{ItemKind::kHash, Bytes(wire::kValueBytesMax, 0xab)}}, {}, 0, 0, false});
}

void encode(benchmark::State& state, wire::Message (*make)()) {
  const wire::Message message = make();
  Bytes out;
  for (auto _ : state) {
    out.clear();
    wire::encode(message, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["message_bytes"] = static_cast<double>(out.size());
}

void decode(benchmark::State& state, wire::Message (*make)()) {
  const Bytes bytes = wire::encode(make());
  for (auto _ : state) benchmark::DoNotOptimize(wire::decode(bytes));
  state.counters["message_bytes"] = static_cast<double>(bytes.size());
}

#define SHOAL_CODEC_BENCH(message)                              \
  BENCHMARK_CAPTURE(encode, message, &message)->Apply(counted); \
  BENCHMARK_CAPTURE(decode, message, &message)->Apply(counted)
SHOAL_CODEC_BENCH(ping);
SHOAL_CODEC_BENCH(find_host);
SHOAL_CODEC_BENCH(contacts);
SHOAL_CODEC_BENCH(store_item_1KiB);
SHOAL_CODEC_BENCH(items_64KiB);

void verify_item(benchmark::State& state, ItemKind kind) {
  init_crypto();
  const KeyPair keys = KeyPair::from_seed(Rng::keyed(1, "bench", "keys").seed());
  const auto value_bytes = static_cast<std::size_t>(state.range(0));
  wire::Item item{ItemKind::kHash, Bytes(value_bytes, 0xab)};
  if (kind == ItemKind::kPublish) item = make_publish_item({{}, 1, {}, {}, item.body}, keys);
  for (auto _ : state) benchmark::DoNotOptimize(shoal::verify_item(item));
}
BENCHMARK_CAPTURE(verify_item, hash, ItemKind::kHash)->Arg(1024)->Arg(wire::kValueBytesMax);
BENCHMARK_CAPTURE(verify_item, publish, ItemKind::kPublish)->Arg(1024)->Arg(wire::kValueBytesMax);

}  // namespace
}  // namespace shoal
