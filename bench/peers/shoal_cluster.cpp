// Nodes of ours, each on sockets of its own, on as many threads as there are cores. Limits that look at
// addresses are lifted, as with the others: here all hosts have the same.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/peers/cluster.h"
#include "node/node.h"
#include "node/os/entropy.h"
#include "node/os/event_loop.h"
#include "node/os/os_host.h"
#include "node/secure/keys.h"
#include "node/store/memory_host_store.h"
#include "node/store/memory_item_store.h"

namespace shoal::peers {
namespace {

constexpr std::size_t kJobsPerTurn = 256;

class Member final : private HostedNode, private NodeListener {
 public:
  Member(EventLoop& loop, const std::vector<Endpoint>& bootstrap) : loop_(loop) {
    auto host = OsHost::open(loop, Endpoint::v4(0x7f000001, 0));
    if (!host) {
      std::fprintf(stderr, "%s\n", host.error().message.c_str());
      std::exit(1);
    }
    host_ = std::move(*host);
    NodeConfig config;
    config.per_subnet_max = 0;
    config.requests_per_source_per_s = 1'000'000;
    config.bootstrap = bootstrap;
    const HostPorts ports = host_->ports();
    Rng rng = os_seeded_rng();
    const KeyPair keys = KeyPair::from_seed(rng.seed());
    node_ = std::make_unique<Node>(config, keys, 1, CipherKind::kReal, std::move(rng),
                                   NodePorts{ports.clock, ports.alarm, ports.datagrams, ports.streams, items_,
                                             hosts_, contacts_, *this});
    node_->start();
    host_->attach(*this);
  }
  ~Member() override { host_->detach(); }

  const Endpoint& endpoint() const { return host_->endpoint(); }
  const Id& key() const { return node_->id(); }
  // From any thread; `done` is called on the loop's.
  void ask(Command command, Done done) {
    loop_.post([this, command = std::move(command), done = std::move(done)] {
      const CommandId id{++commands_};
      waiting_.emplace(id, done);
      node_->on_command(id, command);
      host_->wake();
    });
  }

 private:
  PortEvents& events() override { return *node_; }
  bool run_jobs() override {
    bool more = node_->run_jobs(kJobsPerTurn);
    for (const CommitCompletion& done : commits_.take()) {
      node_->on_committed(done.commit, done.outcome);
      more = true;
    }
    return more;
  }
  void on_command_result(CommandId command, const CommandResult& result) override {
    const auto found = waiting_.find(command);
    const Done done = std::move(found->second);
    waiting_.erase(found);
    done(result.has_value());
  }
  void on_stopped() override {}

  EventLoop& loop_;
  std::unique_ptr<OsHost> host_;
  CommitQueue commits_;
  MemoryItemStore items_{commits_};
  MemoryHostStore hosts_;
  ContactBook contacts_;
  std::unique_ptr<Node> node_;
  std::uint64_t commands_ = 0;
  std::map<CommandId, Done> waiting_;
};

class ShoalCluster final : public ThreadedCluster {
 public:
  explicit ShoalCluster(const Options& options)
      : value_bytes_(options.value_bytes), loops_(std::max(1u, std::thread::hardware_concurrency())) {
    std::vector<Endpoint> bootstrap;
    for (std::size_t i = 0; i < options.nodes; ++i) {
      members_.push_back(std::make_unique<Member>(loops_[i % loops_.size()], bootstrap));
      if (i == 0) bootstrap.push_back(members_[0]->endpoint());
    }
    for (EventLoop& loop : loops_) threads_.emplace_back([&loop] { loop.run(); });
  }
  ~ShoalCluster() override {
    for (EventLoop& loop : loops_) loop.post([&loop] { loop.stop(); });
    for (std::thread& thread : threads_) thread.join();
    members_.clear();
  }

  void put(std::size_t node, std::size_t value, std::size_t bytes, Done done) override {
    ask(node, PutCommand{bytes_of(value, bytes)}, std::move(done));
  }
  void get(std::size_t node, std::size_t value, Done done) override {
    ask(node, GetCommand{sha256(bytes_of(value, value_bytes_))}, std::move(done));
  }
  std::string flooder_options() const override {
    return "--protocol shoal --to " + members_[0]->endpoint().to_string() + " --key " +
           members_[0]->key().hex();
  }

 private:
  static Bytes bytes_of(std::size_t value, std::size_t bytes) {
    const std::string text = value_of(value, bytes);
    return {text.begin(), text.end()};
  }
  void ask(std::size_t node, Command command, Done done) {
    members_[node]->ask(std::move(command),
                        [this, done = std::move(done)](bool success) { end(done, success); });
  }

  std::size_t value_bytes_;
  std::vector<EventLoop> loops_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::thread> threads_;
};

}  // namespace
}  // namespace shoal::peers

int main(int count, char** arguments) {
  using namespace shoal::peers;
  shoal::init_crypto();
  const Options options = read_options({arguments, static_cast<std::size_t>(count)});
  ShoalCluster cluster(options);
  return measure(cluster, options);
}
