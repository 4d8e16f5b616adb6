#include "sim/group_record.h"

#include <algorithm>

#include "node/base/check.h"

namespace shoal::sim {

void GroupRecord::saw(std::uint32_t group, const GroupPicture& picture, bool counts) {
  check(group < groups_.size(), "a group is seen that was never formed");
  see_pairs(groups_[group], picture, counts);
  see_newcomers(groups_[group], picture, counts);
  see_primaries(groups_[group], picture, counts);
}

GroupRecord::Look GroupRecord::end() {
  Look look;
  const auto share = [](const Ratio& ratio) {
    return static_cast<double>(ratio.part) / static_cast<double>(ratio.whole);
  };
  if (look_sessions_.whole > 0) look.session_ratio = share(look_sessions_);
  if (look_parts_.whole > 0) look.primaries = share(look_parts_);
  last_sessions_ = look_sessions_;
  look_sessions_ = look_parts_ = {};
  return look;
}

void GroupRecord::see_pairs(Group& group, const GroupPicture& picture, bool counts) {
  Ratio pairs;
  for (std::size_t a = 0; a < picture.size(); ++a) {
    for (std::size_t b = a + 1; b < picture.size(); ++b) {
      if (picture.can_meet(a, b)) pairs.add(picture.joined(a, b));
    }
  }
  look_sessions_.part += pairs.part;
  look_sessions_.whole += pairs.whole;
  if (counts) {
    sessions_.part += pairs.part;
    sessions_.whole += pairs.whole;
  }
  if (group.met) see_gap(group, pairs.part == pairs.whole, counts);
  if (group.met) return;
  if (group.all_online == kNever) {
    if (picture.size() < group.size) return;
    group.all_online = now_;
    ++met_.whole;
  }
  if (pairs.part < pairs.whole) return;
  group.met = true;
  ++met_.part;
  meeting_s_.push_back(to_seconds(now_ - group.all_online));
}

void GroupRecord::see_gap(Group& group, bool all_joined, bool counts) {
  if (!all_joined && !group.apart_since) group.apart_since = now_;
  if (!all_joined || !group.apart_since) return;
  if (counts) gap_s_.push_back(to_seconds(now_ - *group.apart_since));
  group.apart_since.reset();
}

void GroupRecord::see_newcomers(Group& group, const GroupPicture& picture, bool counts) {
  for (std::size_t a = 0; a < picture.size(); ++a) {
    const GroupPicture::Member& member = picture.members()[a];
    Newcomer& newcomer = group.newcomers[member.host];
    if (newcomer.since != member.since) newcomer = {.since = member.since};
    if (newcomer.joined) continue;
    bool could_meet = false;
    for (std::size_t b = 0; b < picture.size(); ++b) {
      could_meet |= b != a && picture.can_meet(a, b);
      newcomer.joined |= b != a && picture.joined(a, b);
    }
    if (could_meet) newcomer.waits = std::min(newcomer.waits, now_);
    if (newcomer.joined && counts) join_s_.push_back(to_seconds(now_ - newcomer.waits));
  }
}

void GroupRecord::see_primaries(Group& group, const GroupPicture& picture, bool counts) {
  group.primaries.clear();
  for (std::size_t part = 0; part < picture.size(); ++part) {
    std::uint64_t size = 0, primaries = 0;
    for (std::size_t member = part; member < picture.size(); ++member) {
      if (picture.parts()[member] != part) continue;
      ++size;
      if (!picture.is_primary(member)) continue;
      ++primaries;
      group.primaries.push_back(picture.members()[member].host);
    }
    if (size < 2) continue;
    look_parts_.part += primaries;
    ++look_parts_.whole;
    if (!counts) continue;
    one_primary_.add(primaries == 1);
    primaries_ += primaries;
  }
  if (!group.without_primary) return;
  // Where nobody can meet anybody, there is nobody to be primary for.
  const bool waits = group.primaries.empty() && picture.any_can_meet();
  if (waits) return;
  if (!group.primaries.empty() && counts) takeover_s_.push_back(to_seconds(now_ - *group.without_primary));
  group.without_primary.reset();
}

void GroupRecord::crashed(HostIndex host, Instant when) {
  for (Group& group : groups_) {
    const bool alone = group.primaries.size() == 1 && group.primaries.front() == host;
    if (alone) group.without_primary = when;
  }
}

void GroupRecord::broadcast(GroupEventId event, std::vector<Recipient> to, bool counts, Instant when) {
  if (counts) ++broadcasts_;
  events_.push_back({.id = event, .sent = when, .counts = counts, .to = std::move(to), .given = {}});
}

void GroupRecord::given(GroupEventId id, HostIndex host, Instant when) {
  const auto event = std::ranges::find(events_, id, &Event::id);
  if (event == events_.end() || when > event->sent + kDeliveredWithin) return;
  if (std::ranges::find(event->given, host) != event->given.end()) return;
  if (std::ranges::find(event->to, host, &Recipient::first) == event->to.end()) return;
  event->given.push_back(host);
  if (event->counts) latency_ms_.push_back(to_seconds(when - event->sent) * 1e3);
}

void GroupRecord::judge(Instant now, const std::function<bool(const Recipient&)>& is_there) {
  for (; !events_.empty() && events_.front().sent + kDeliveredWithin <= now; events_.pop_front()) {
    const Event& event = events_.front();
    if (!event.counts) continue;
    for (const Recipient& recipient : event.to) {
      const bool given = std::ranges::find(event.given, recipient.first) != event.given.end();
      if (is_there(recipient)) deliveries_.add(given);
    }
  }
}

}  // namespace shoal::sim
