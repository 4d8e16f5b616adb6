// The recorder's groups: what GroupRecord is told, and what it says in the end.
#include <utility>

#include "node/base/check.h"
#include "sim/group_event.h"
#include "sim/recorder.h"
#include "sim/recorder_state.h"

namespace shoal::sim {

void Recorder::host_moved(HostIndex host, Instant when) {
  impl_->oracle.host_moved(host, when);
}

void Recorder::begin_groups(Instant when) {
  Impl& run = *impl_;
  run.advance(when);
  run.groups_when = when;
  run.groups.begin(when);
  run.groups.judge(when, [&](const GroupRecord::Recipient& recipient) {
    return run.incarnation(recipient.first) == recipient.second;
  });
}

void Recorder::saw_group(std::uint32_t group, std::vector<GroupPicture::Member> members) {
  Impl& run = *impl_;
  check(run.witness != nullptr, "who can meet whom is the witness's to say");
  const GroupPicture picture(std::move(members),
                             [&](HostIndex a, HostIndex b) { return run.witness->can_meet(a, b); });
  run.oracle.check_group(run.group_ids[group], picture, run.groups_when);
  run.groups.saw(group, picture, run.after_warm_up(run.groups_when));
}

void Recorder::end_groups() {
  Impl& run = *impl_;
  const GroupRecord::Look look = run.groups.end();
  if (look.session_ratio) run.add_point("group.session_ratio", run.groups_when, *look.session_ratio);
  if (look.primaries) run.add_point("group.primaries", run.groups_when, *look.primaries);
}

void Recorder::group_formed(std::uint32_t group, const Id& id, std::span<const HostIndex> members) {
  check(group == impl_->group_ids.size(), "groups are formed in their order");
  impl_->group_ids.push_back(id);
  impl_->groups.formed(members.size());
  impl_->oracle.group_formed(id, members);
}

void Recorder::broadcast_started(GroupEventId event, const Id& origin, std::span<const HostIndex> to,
                                 Instant when) {
  Impl& run = *impl_;
  run.oracle.event_broadcast(run.group_ids[event.group], origin, group_event(event), when);
  std::vector<GroupRecord::Recipient> recipients;
  for (const HostIndex host : to) recipients.emplace_back(host, run.incarnation(host));
  run.groups.broadcast(event, std::move(recipients), run.after_warm_up(when), when);
}

void Recorder::event_given(HostIndex host, const Id& group, const Id& origin, ByteView event, Instant when) {
  impl_->oracle.check_event(host, group, origin, event, when);
  if (const auto id = group_event_id(event)) impl_->groups.given(*id, host, when);
}

}  // namespace shoal::sim
