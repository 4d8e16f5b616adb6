#include "node/store/memory_host_store.h"

#include <algorithm>

namespace shoal {

void MemoryHostStore::save_hosts(const std::vector<KnownHost>& hosts) {
  hosts_ = most_recent(hosts, hosts_max_);
  hosts_.shrink_to_fit();
}

std::vector<KnownPeer> MemoryHostStore::load_peers(const Id& group) const {
  const auto found = peers_.find(group);
  return found == peers_.end() ? std::vector<KnownPeer>() : found->second;
}

void MemoryHostStore::save_peers(const Id& group, const std::vector<KnownPeer>& peers) {
  if (peers.empty()) {
    peers_.erase(group);
  } else {
    peers_[group] = peers;
  }
}

std::vector<KnownHost> most_recent(std::vector<KnownHost> hosts, std::size_t count_max) {
  std::stable_sort(hosts.begin(), hosts.end(),
                   [](const KnownHost& a, const KnownHost& b) { return a.last_seen > b.last_seen; });
  if (hosts.size() > count_max) hosts.resize(count_max);
  return hosts;
}

}  // namespace shoal
