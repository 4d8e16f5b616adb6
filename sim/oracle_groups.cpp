// The oracle's groups: who is in them, what their members broadcast, whom they go by as primary.
#include <algorithm>

#include "node/base/check.h"
#include "sim/oracle_state.h"

namespace shoal::sim {

namespace {

// Two hosts that call each other at once settle which session they keep, and the other one ends, within this.
constexpr Duration kSettled = 10s;

}  // namespace

void Oracle::group_formed(const Id& group, std::span<const HostIndex> members) {
  impl_->groups[group].members.assign(members.begin(), members.end());
}

bool Oracle::Impl::is_member(const Group& group, HostIndex host) const {
  return std::ranges::find(group.members, host) != group.members.end();
}

void Oracle::host_moved(HostIndex host, Instant when) {
  for (auto& [id, group] : impl_->groups) {
    if (impl_->is_member(group, host)) group.same_since = when;
  }
  for (Impl::FolderKnown& folder : impl_->folders) {
    const bool concerned =
        std::ranges::any_of(folder.links, [&](const auto& link) { return link.first.host == host; });
    if (concerned) folder.same_since = when;
  }
}

void Oracle::event_broadcast(const Id& group, const Id& origin, ByteView event, Instant when) {
  impl_->groups[group].events.push_back(
      {.origin = origin, .event = Bytes(event.begin(), event.end()), .sent = when, .given = {}});
}

void Oracle::check_event(HostIndex host, const Id& group_id, const Id& origin, ByteView event, Instant when) {
  Impl::Group& group = impl_->groups[group_id];
  if (impl_->fails(Rule::kGroupStranger, impl_->is_member(group, host))) {
    impl_->violated(
        Rule::kGroupStranger, host, when,
        fmt::format("it is given an event of the group {}, of which it is no member", group_id.short_hex()));
  }
  const Impl::MemberRun run{host, impl_->host_at(host).since};
  const auto sent = std::ranges::find_if(group.events, [&](const Impl::GroupEvent& known) {
    return known.origin == origin && std::ranges::equal(known.event, event);
  });
  const bool known = sent != group.events.end();
  const bool again = known && std::ranges::find(sent->given, run) != sent->given.end();
  if (impl_->fails(Rule::kEventForged, known && !again)) {
    impl_->violated(Rule::kEventForged, host, when,
                    fmt::format("it is given an event of {} in the group {} {}", origin.short_hex(),
                                group_id.short_hex(), again ? "once more" : "that was never broadcast"));
  }
  if (known && !again) sent->given.push_back(run);
}

void Oracle::check_group(const Id& group_id, const GroupPicture& picture, Instant when) {
  Impl::Group& group = impl_->groups[group_id];
  const auto run_of = [&](std::size_t member) {
    return Impl::MemberRun{picture.members()[member].host, picture.members()[member].since};
  };
  std::vector<std::pair<Impl::MemberRun, Impl::MemberRun>> sessions;
  for (std::size_t a = 0; a < picture.size(); ++a) {
    for (std::size_t b = a + 1; b < picture.size(); ++b) {
      if (picture.joined(a, b)) sessions.emplace_back(run_of(a), run_of(b));
    }
  }
  if (sessions != group.sessions) {
    group.sessions = std::move(sessions);
    group.same_since = when;
    group.dispute_reported = false;
  }
  impl_->check_sessions(group, picture, when);
  impl_->check_epochs(group, picture, when);
  impl_->check_primaries(group, picture, when);
  impl_->judge_events(group, picture, when);
}

void Oracle::Impl::check_sessions(const Group& group, const GroupPicture& picture, Instant when) {
  for (const GroupPicture::Member& member : picture.members()) {
    for (const Id& peer : member.sessions) {
      const auto life = lives.find(peer);
      const bool is_known = life != lives.end() && is_member(group, life->second.host);
      if (fails(Rule::kGroupStranger, is_known)) {
        violated(Rule::kGroupStranger, member.host, when,
                 fmt::format("it takes {} for a peer of a group of which that is no member",
                             life == lives.end() ? peer.short_hex() : name_of(life->second)));
      }
    }
  }
}

void Oracle::Impl::check_epochs(Group& group, const GroupPicture& picture, Instant when) {
  std::map<MemberRun, std::uint64_t> epochs;
  for (const GroupPicture::Member& member : picture.members()) {
    const MemberRun run{member.host, member.since};
    const auto before = group.epochs.find(run);
    const std::uint64_t at_least = before == group.epochs.end() ? 0 : before->second;
    if (fails(Rule::kEpochBackwards, member.epoch >= at_least)) {
      violated(Rule::kEpochBackwards, member.host, when,
               fmt::format("it goes by epoch {} after epoch {}", member.epoch, at_least));
    }
    epochs[run] = member.epoch;
  }
  group.epochs = std::move(epochs);
}

void Oracle::Impl::check_primaries(Group& group, const GroupPicture& picture, Instant when) {
  if (group.dispute_reported || when - group.same_since < config.primary_agreed_within) return;
  const std::vector<std::size_t>& parts = picture.parts();
  for (std::size_t part = 0; part < picture.size(); ++part) {
    if (parts[part] != part || std::ranges::count(parts, part) < 2) continue;
    const std::optional<Id>& primary = picture.members()[part].primary;
    bool is_one_of_them = false;
    bool agreed = true;
    for (std::size_t member = part; member < picture.size(); ++member) {
      if (parts[member] != part) continue;
      is_one_of_them |= primary == picture.members()[member].id;
      agreed &= picture.members()[member].primary == primary;
    }
    if (!fails(Rule::kPrimaryDisputed, agreed && is_one_of_them)) continue;
    group.dispute_reported = true;
    violated(Rule::kPrimaryDisputed, picture.members()[part].host, when,
             fmt::format("members joined by sessions for {:.0f} s {}", to_seconds(when - group.same_since),
                         agreed ? "go by none of them as primary" : "go by different hosts as primary"));
  }
}

// Only where all sessions stayed what they were is it certain that nothing was on its way in one that ended.
void Oracle::Impl::judge_events(Group& group, const GroupPicture& picture, Instant when) {
  for (; group.judged < group.events.size(); ++group.judged) {
    const GroupEvent& event = group.events[group.judged];
    if (event.sent + config.event_within > when) return;
    if (group.same_since + kSettled > event.sent) continue;
    const auto origin = std::ranges::find(picture.members(), event.origin, &GroupPicture::Member::id);
    if (origin == picture.members().end() || origin->since > event.sent) continue;
    const std::size_t part = picture.parts()[static_cast<std::size_t>(origin - picture.members().begin())];
    for (std::size_t i = 0; i < picture.size(); ++i) {
      const GroupPicture::Member& member = picture.members()[i];
      if (picture.parts()[i] != part || member.id == event.origin) continue;
      const MemberRun run{member.host, member.since};
      if (!fails(Rule::kEventLost, std::ranges::find(event.given, run) != event.given.end())) continue;
      violated(Rule::kEventLost, member.host, when,
               fmt::format("it has not got what {} broadcast {:.0f} s ago, though sessions join them",
                           event.origin.short_hex(), to_seconds(when - event.sent)));
    }
  }
}

}  // namespace shoal::sim
