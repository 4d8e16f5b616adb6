// GroupRecord: what a run shows of its groups: who finds whom and how soon, what broadcasts reach, who is
// primary. The part of the Recorder that reckons the metrics group.*; it judges nothing.
//
// Memory: a few words for each member, and for each event as long as it may still arrive.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "node/base/instant.h"
#include "sim/group_event.h"
#include "sim/group_picture.h"
#include "sim/host_index.h"

namespace shoal::sim {

class GroupRecord {
 public:
  // An event that arrives later has not arrived.
  static constexpr Duration kDeliveredWithin = 10s;

  // Once for each group, in their order, before the first look.
  void formed(std::size_t members) { groups_.emplace_back().size = members; }
  // Looks at all groups, one after the other, all at one instant: begin, every group once, end. From
  // `counted_from` on they count.
  void begin(Instant when) { now_ = when; }
  void saw(std::uint32_t group, const GroupPicture& picture, bool counts);
  // The share of pairs with a session in the look that ends, and how many primaries a part of a group has.
  struct Look {
    std::optional<double> session_ratio, primaries;
  };
  Look end();

  // A host has gone without a word.
  void crashed(HostIndex host, Instant when);

  // `to`: the members that it should reach, each with a number that changes when it goes.
  using Recipient = std::pair<HostIndex, std::uint32_t>;
  void broadcast(GroupEventId event, std::vector<Recipient> to, bool counts, Instant when);
  void given(GroupEventId event, HostIndex host, Instant when);
  // Events whose time is up are judged. `is_there`: has a recipient been there all the time?
  void judge(Instant now, const std::function<bool(const Recipient&)>& is_there);

  // What was counted
  struct Ratio {
    std::uint64_t part = 0, whole = 0;
    void add(bool in_part) {
      part += in_part ? 1 : 0;
      ++whole;
    }
  };
  const Ratio& sessions() const { return sessions_; }            // over pairs that could meet, of all looks
  const Ratio& last_sessions() const { return last_sessions_; }  // of the last one
  const Ratio& met() const { return met_; }  // groups, of those all of whose members were online at a time
  const Ratio& one_primary() const { return one_primary_; }  // over parts of groups, of all looks
  std::uint64_t primaries() const { return primaries_; }     // in those parts together
  const Ratio& deliveries() const { return deliveries_; }
  std::uint64_t broadcasts() const { return broadcasts_; }
  const std::vector<double>& meeting_s() const { return meeting_s_; }
  const std::vector<double>& gap_s() const { return gap_s_; }
  const std::vector<double>& join_s() const { return join_s_; }
  const std::vector<double>& takeover_s() const { return takeover_s_; }
  const std::vector<double>& latency_ms() const { return latency_ms_; }

 private:
  struct Newcomer {
    Instant since{};         // of its session on the network
    Instant waits = kNever;  // for somebody to meet, whom it could
    bool joined = false;
  };
  struct Group {
    std::size_t size = 0;         // members, online or not
    Instant all_online = kNever;  // for the first time
    bool met = false;
    std::optional<Instant> apart_since;  // since it has met: not all that could have sessions
    std::map<HostIndex, Newcomer> newcomers;
    std::vector<HostIndex> primaries;        // in the last look
    std::optional<Instant> without_primary;  // since one crashed
  };
  struct Event {
    GroupEventId id;
    Instant sent{};
    bool counts = false;
    std::vector<Recipient> to;
    std::vector<HostIndex> given;
  };

  void see_pairs(Group& group, const GroupPicture& picture, bool counts);
  void see_gap(Group& group, bool all_joined, bool counts);
  void see_newcomers(Group& group, const GroupPicture& picture, bool counts);
  void see_primaries(Group& group, const GroupPicture& picture, bool counts);

  Instant now_{};
  std::vector<Group> groups_;
  std::deque<Event> events_;  // that may still arrive, in the order of time
  Ratio look_sessions_, look_parts_;
  Ratio sessions_, last_sessions_, met_, one_primary_, deliveries_;
  std::uint64_t primaries_ = 0, broadcasts_ = 0;
  std::vector<double> meeting_s_, gap_s_, join_s_, takeover_s_, latency_ms_;
};

}  // namespace shoal::sim
