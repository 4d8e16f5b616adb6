// Sessions of libtorrent with nothing but their DHT. Limits that look at addresses, and of rates, are lifted.
#include <chrono>
#include <condition_variable>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_params.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bench/peers/cluster.h"

namespace shoal::peers {
namespace {

constexpr int kFirstPort = 17'000;

class LibtorrentCluster final : public Cluster {
 public:
  explicit LibtorrentCluster(const Options& options) : waiting_(options.nodes), names_(options.operations) {
    for (std::size_t i = 0; i < options.nodes; ++i) {
      const int port = kFirstPort + static_cast<int>(i);
      lt::settings_pack settings;
      settings.set_str(lt::settings_pack::listen_interfaces, "127.0.0.1:" + std::to_string(port));
      settings.set_str(lt::settings_pack::dht_bootstrap_nodes, "127.0.0.1:" + std::to_string(kFirstPort));
      settings.set_int(lt::settings_pack::alert_mask, lt::alert_category::dht);
      for (const int off :
           {lt::settings_pack::enable_lsd, lt::settings_pack::enable_upnp, lt::settings_pack::enable_natpmp,
            lt::settings_pack::dht_restrict_routing_ips, lt::settings_pack::dht_restrict_search_ips,
            lt::settings_pack::dht_enforce_node_id, lt::settings_pack::dht_prefer_verified_node_ids,
            lt::settings_pack::dht_ignore_dark_internet}) {
        settings.set_bool(off, false);
      }
      settings.set_bool(lt::settings_pack::enable_dht, true);
      settings.set_int(lt::settings_pack::dht_upload_rate_limit, 1 << 30);
      settings.set_int(lt::settings_pack::dht_block_ratelimit, 1 << 20);
      settings.set_int(lt::settings_pack::dht_max_dht_items, 1 << 20);
      sessions_.push_back(std::make_unique<lt::session>(lt::session_params(settings)));
      sessions_.back()->set_alert_notify([this] {
        const std::lock_guard lock(mutex_);
        has_alerts_ = true;
        woken_.notify_one();
      });
    }
  }

  void put(std::size_t node, std::size_t value, std::size_t bytes, Done done) override {
    names_[value] = sessions_[node]->dht_put_item(lt::entry(value_of(value, bytes)));
    waiting_[node].emplace(names_[value], std::move(done));
  }
  void get(std::size_t node, std::size_t value, Done done) override {
    waiting_[node].emplace(names_[value], std::move(done));
    sessions_[node]->dht_get_item(names_[value]);
  }
  void run(double seconds, const std::function<bool()>& is_over) override {
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!is_over()) {
      std::unique_lock lock(mutex_);
      if (!woken_.wait_until(lock, until, [this] { return has_alerts_; })) return;
      has_alerts_ = false;
      lock.unlock();
      for (std::size_t i = 0; i < sessions_.size(); ++i) take_alerts(i);
    }
  }
  std::string flooder_options() const override {
    return "--protocol krpc --to 127.0.0.1:" + std::to_string(kFirstPort);
  }

 private:
  void take_alerts(std::size_t node) {
    std::vector<lt::alert*> alerts;
    sessions_[node]->pop_alerts(&alerts);
    for (const lt::alert* alert : alerts) {
      if (const auto* put = lt::alert_cast<lt::dht_put_alert>(alert)) {
        end(node, put->target, put->num_success > 0);
      } else if (const auto* got = lt::alert_cast<lt::dht_immutable_item_alert>(alert)) {
        end(node, got->target, got->item.type() == lt::entry::string_t);
      }
    }
  }
  void end(std::size_t node, const lt::sha1_hash& name, bool success) {
    const auto found = waiting_[node].find(name);
    if (found == waiting_[node].end()) return;
    const Done done = std::move(found->second);
    waiting_[node].erase(found);
    done(success);
  }

  std::mutex mutex_;
  std::condition_variable woken_;
  bool has_alerts_ = false;  // guarded by mutex_
  std::vector<std::multimap<lt::sha1_hash, Done>> waiting_;
  std::vector<lt::sha1_hash> names_;
  std::vector<std::unique_ptr<lt::session>> sessions_;
};

}  // namespace
}  // namespace shoal::peers

int main(int count, char** arguments) {
  using namespace shoal::peers;
  const Options options = read_options({arguments, static_cast<std::size_t>(count)});
  LibtorrentCluster cluster(options);
  return measure(cluster, options);
}
