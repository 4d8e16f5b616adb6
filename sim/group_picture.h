// GroupPicture: one look at the members of a group that are online: who could meet whom, who has a session
// with whom, whom each goes by as primary.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "node/base/id.h"
#include "node/base/instant.h"
#include "sim/host_index.h"

namespace shoal::sim {

class GroupPicture {
 public:
  struct Member {
    HostIndex host = 0;
    Id id;
    Instant since{};            // it is online
    std::optional<Id> primary;  // whose lease lasts, as it has heard
    std::uint64_t epoch = 0;    // the counter it goes by
    std::vector<Id> sessions;   // the peers it takes itself to have sessions with
  };
  using CanMeet = std::function<bool(HostIndex, HostIndex)>;

  // In the order of hosts.
  GroupPicture(std::vector<Member> members, const CanMeet& can_meet);

  const std::vector<Member>& members() const { return members_; }
  std::size_t size() const { return members_.size(); }
  // Indexes of members(). A member can meet neither itself nor has it a session with itself.
  bool can_meet(std::size_t a, std::size_t b) const { return pairs_[a * size() + b].can_meet; }
  // They could meet, and both take themselves to have a session with the other.
  bool joined(std::size_t a, std::size_t b) const { return pairs_[a * size() + b].joined; }
  bool any_can_meet() const { return std::ranges::any_of(pairs_, &Pair::can_meet); }
  bool is_primary(std::size_t member) const { return members_[member].primary == members_[member].id; }
  // Members that sessions join, one through the other, have the same number: the least index among them.
  const std::vector<std::size_t>& parts() const { return parts_; }

 private:
  struct Pair {
    bool can_meet = false, joined = false;
  };
  void find_parts();

  std::vector<Member> members_;
  std::vector<Pair> pairs_;
  std::vector<std::size_t> parts_;
};

}  // namespace shoal::sim
