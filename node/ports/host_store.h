// HostStore: what a host remembers of itself and of others between runs. One implementation in memory, one on
// SQLite.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/contact.h"
#include "node/base/instant.h"
#include "node/base/rng.h"

namespace shoal {

struct HostIdentity {
  Rng::Seed key_seed{};           // Ed25519 seed of the host key
  WallTime created{};             // for host_key.lifetime
  std::uint64_t boot_number = 0;  // of the run it was loaded by; grows by one each start
};

struct KnownHost {
  Contact contact;
  WallTime last_seen{};  // last answered us
};

// A peer of a group, which this host was connected with.
struct KnownPeer {
  Id host;
  std::vector<Endpoint> endpoints;  // where it may be, the likeliest first; not empty
  WallTime last_seen{};             // it was connected, or somebody named it

  bool operator==(const KnownPeer&) const = default;
};

class HostStore {
 public:
  virtual ~HostStore() = default;
  virtual std::optional<HostIdentity> load_identity() const = 0;
  virtual void save_identity(const HostIdentity& identity) = 0;
  // Most recently seen first; at most kKnownHostsMax.
  virtual std::vector<KnownHost> load_hosts() const = 0;
  // Replaces the list. Later, and without an event: losing the newest list costs a slower start only.
  virtual void save_hosts(const std::vector<KnownHost>& hosts) = 0;
  // Of this group, in the order in which they were saved.
  virtual std::vector<KnownPeer> load_peers(const Id& group) const = 0;
  // Replaces that list. Later, and without an event, like the above.
  virtual void save_peers(const Id& group, const std::vector<KnownPeer>& peers) = 0;
};

inline constexpr std::size_t kKnownHostsMax = 256;

}  // namespace shoal
