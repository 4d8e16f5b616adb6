// MemoryHostStore: a HostStore in memory. Like a disk it outlives its node.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "node/ports/host_store.h"

namespace shoal {

class MemoryHostStore final : public HostStore {
 public:
  // Keeps the `hosts_max` most recently seen hosts; a large simulation keeps few.
  explicit MemoryHostStore(std::size_t hosts_max = kKnownHostsMax) : hosts_max_(hosts_max) {}

  std::optional<HostIdentity> load_identity() const override { return identity_; }
  void save_identity(const HostIdentity& identity) override { identity_ = identity; }
  std::vector<KnownHost> load_hosts() const override { return hosts_; }
  void save_hosts(const std::vector<KnownHost>& hosts) override;
  std::vector<KnownPeer> load_peers(const Id& group) const override;
  void save_peers(const Id& group, const std::vector<KnownPeer>& peers) override;

 private:
  std::size_t hosts_max_;
  std::optional<HostIdentity> identity_;
  std::vector<KnownHost> hosts_;
  std::map<Id, std::vector<KnownPeer>> peers_;  // by group; none is empty
};

// The `count_max` most recently seen of them, most recent first; equal times in the order given.
std::vector<KnownHost> most_recent(std::vector<KnownHost> hosts, std::size_t count_max);

}  // namespace shoal
