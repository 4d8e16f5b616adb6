#include "node/store/memory_host_store.h"

#include <algorithm>

namespace shoal {

void MemoryHostStore::save_hosts(const std::vector<KnownHost>& hosts) {
  hosts_ = most_recent(hosts, hosts_max_);
  hosts_.shrink_to_fit();
}

std::vector<KnownHost> most_recent(std::vector<KnownHost> hosts, std::size_t count_max) {
  std::stable_sort(hosts.begin(), hosts.end(),
                   [](const KnownHost& a, const KnownHost& b) { return a.last_seen > b.last_seen; });
  if (hosts.size() > count_max) hosts.resize(count_max);
  return hosts;
}

}  // namespace shoal
