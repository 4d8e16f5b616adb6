// Nodes of OpenDHT. Limits of rates are lifted.
#include <opendht.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/peers/cluster.h"

namespace shoal::peers {
namespace {

constexpr in_port_t kFirstPort = 18'000;

class OpendhtCluster final : public ThreadedCluster {
 public:
  explicit OpendhtCluster(const Options& options) {
    for (std::size_t i = 0; i < options.nodes; ++i) {
      dht::DhtRunner::Config config;
      config.threaded = true;
      config.dht_config.node_config.max_req_per_sec = -1;
      config.dht_config.node_config.max_peer_req_per_sec = -1;
      nodes_.push_back(std::make_unique<dht::DhtRunner>());
      const std::string port = std::to_string(kFirstPort + i);
      nodes_.back()->run("127.0.0.1", "::1", port.c_str(), config);
      if (i > 0) nodes_.back()->bootstrap("127.0.0.1", std::to_string(kFirstPort));
    }
  }
  ~OpendhtCluster() override {
    for (const auto& node : nodes_) node->join();
  }

  void put(std::size_t node, std::size_t value, std::size_t bytes, Done done) override {
    const std::string text = value_of(value, bytes);
    const auto* first = reinterpret_cast<const std::uint8_t*>(text.data());
    nodes_[node]->put(name(value), std::make_shared<dht::Value>(first, text.size()),
                      [this, done = std::move(done)](bool success) { end(done, success); });
  }
  void get(std::size_t node, std::size_t value, Done done) override {
    // Over with the first value, like the others.
    const auto has_ended = std::make_shared<bool>(false);
    nodes_[node]->get(
        name(value),
        [this, done, has_ended](const std::vector<std::shared_ptr<dht::Value>>&) {
          if (!std::exchange(*has_ended, true)) end(done, true);
          return false;
        },
        [this, done, has_ended](bool) {
          if (!std::exchange(*has_ended, true)) end(done, false);
        });
  }
  std::string flooder_options() const override {
    return "--protocol opendht --to 127.0.0.1:" + std::to_string(kFirstPort);
  }

 private:
  static dht::InfoHash name(std::size_t value) {
    return dht::InfoHash::get("value " + std::to_string(value));
  }

  std::vector<std::unique_ptr<dht::DhtRunner>> nodes_;
};

}  // namespace
}  // namespace shoal::peers

int main(int count, char** arguments) {
  using namespace shoal::peers;
  const Options options = read_options({arguments, static_cast<std::size_t>(count)});
  OpendhtCluster cluster(options);
  return measure(cluster, options);
}
