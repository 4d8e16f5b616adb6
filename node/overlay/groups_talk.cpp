// What the peers of a group tell each other: of more peers, who is primary, and what has happened.
#include <algorithm>
#include <utility>

#include "node/overlay/groups.h"

namespace shoal {

// ---- Peers of peers

void Groups::send(Guid connection, const Id& host, wire::RequestBody body) {
  OutRequest request;
  request.to = {host, {}};
  request.body = std::move(body);
  request.purpose = Purpose::kMaintenance;
  request.by_session = true;
  request.connection = connection;
  rpc_.request(std::move(request));
}

// Ourselves first, since it may have no other way to know where we are.
void Groups::tell_peers(Group& group, Guid connection) {
  wire::BroadcastPeers body{group.key.id(), {}};
  for (const Endpoint& endpoint : own_.advertised()) {
    if (!client_ && body.contacts.size() < RendezvousRecord::kEndpointsMax)
      body.contacts.push_back({keys_.public_key(), endpoint});
  }
  Id host;
  for (const auto& [id, peer] : group.book.peers()) {
    if (peer.connection == connection) {
      host = id;
    } else if (peer.connection && !peer.endpoints.empty() && body.contacts.size() < wire::kContactsMax) {
      body.contacts.push_back({id, peer.endpoints.front()});
    }
  }
  send(connection, host, std::move(body));
}

void Groups::tell_of(Group& group, const Id& peer, const std::vector<Contact>& contacts) {
  for (const auto& [id, other] : group.book.peers()) {
    if (other.connection && id != peer)
      send(other.connection, id, wire::BroadcastPeers{group.key.id(), contacts});
  }
}

void Groups::tell_all(const Id& peer, const std::vector<Contact>& contacts) {
  for (auto& [id, group] : groups_) tell_of(group, peer, contacts);
}

Groups::Group* Groups::shared_with(const Origin& origin, const Id& group) {
  Group* known = find(group);
  if (known == nullptr || !origin.connection) return nullptr;
  const PeerBook::Peer* peer = known->book.find(origin.key);
  return peer != nullptr && peer->connection == origin.connection ? known : nullptr;
}

ErrorCode Groups::serve(const Origin& origin, const wire::BroadcastPeers& body) {
  Group* group = shared_with(origin, body.group);
  if (group == nullptr) return ErrorCode::kUnsupported;
  std::vector<Contact> of_itself;
  for (const Contact& contact : body.contacts) {
    if (!own_.usable(contact)) continue;
    group->book.heard(contact.key, {&contact.endpoint, 1}, context_.now());
    group->book.vouched_for(contact.key, context_.now());
    if (contact.key == origin.key) of_itself.push_back(contact);
  }
  // Where a peer is that has called us, only itself can say; the others hear of it from us.
  if (!of_itself.empty()) tell_of(*group, origin.key, of_itself);
  attempt_due(*group);
  arm();
  return ErrorCode::kNone;
}

// ---- Primary

void Groups::tell_claim(Group& group, const PrimaryClaim& claim, const Id& but) {
  const wire::DelegateAuthority body{group.key.id(), claim.epoch.counter, claim.epoch.host, claim.beat};
  for (const auto& [host, peer] : group.book.peers()) {
    if (peer.connection && host != but) send(peer.connection, host, body);
  }
}

void Groups::claim_due(Group& group) {
  if (const auto claim = group.primary.on_due(context_.now(), context_.rng)) {
    tell_claim(group, *claim, keys_.public_key());
  }
}

ErrorCode Groups::serve(const Origin& origin, const wire::DelegateAuthority& body) {
  Group* group = shared_with(origin, body.group);
  if (group == nullptr) return ErrorCode::kUnsupported;
  const PrimaryClaim claim{{body.counter, body.host}, body.beat};
  if (group->primary.on_claim(claim, context_.now())) tell_claim(*group, claim, origin.key);
  attempt_due(*group);
  arm();
  return ErrorCode::kNone;
}

void Groups::pass_on_shutdown(const wire::ShutdownHost& notice, const Id& host, std::uint64_t boot,
                              const Id& by) {
  const std::pair which{host, boot};
  const bool known = std::ranges::any_of(
      groups_, [&](const auto& entry) { return entry.second.book.find(host) != nullptr; });
  if (!known || std::ranges::find(shutdowns_passed_on_, which) != shutdowns_passed_on_.end()) return;
  shutdowns_passed_on_.push_back(which);
  if (shutdowns_passed_on_.size() > kShutdownsRememberedMax) shutdowns_passed_on_.pop_front();
  for (const auto& [id, group] : groups_) {
    if (group.book.find(host) == nullptr) continue;
    for (const auto& [other, peer] : group.book.peers()) {
      if (peer.connection && other != host && other != by) send(peer.connection, other, notice);
    }
  }
}

void Groups::delegate_authority() {
  for (auto& [id, group] : groups_) {
    if (!group.primary.is_self(context_.now())) continue;
    const auto successor = std::ranges::find_if(
        group.book.peers(), [](const auto& entry) { return static_cast<bool>(entry.second.connection); });
    if (successor == group.book.peers().end()) continue;
    tell_claim(group, group.primary.hand_over(successor->first, context_.now()), keys_.public_key());
  }
}

// ---- Events

bool Groups::remember(Group& group, const Id& origin, std::uint64_t number) {
  if (!group.events.emplace(origin, number).second) return false;
  group.events_in_order.emplace_back(origin, number);
  if (group.events_in_order.size() > kEventsRememberedMax) {
    group.events.erase(group.events_in_order.front());
    group.events_in_order.pop_front();
  }
  return true;
}

std::size_t Groups::pass_on(Group& group, const wire::BroadcastFsEvent& event, const Id& from) {
  std::size_t told = 0;
  for (const auto& [host, peer] : group.book.peers()) {
    if (!peer.connection || host == from || host == event.origin) continue;
    send(peer.connection, host, event);
    ++told;
  }
  return told;
}

ErrorCode Groups::serve(const Origin& origin, const wire::BroadcastFsEvent& body) {
  Group* group = shared_with(origin, body.group);
  if (group == nullptr) return ErrorCode::kUnsupported;
  if (body.origin == keys_.public_key() || !remember(*group, body.origin, body.number))
    return ErrorCode::kNone;
  pass_on(*group, body, origin.key);
  listener_.on_fs_event(body.group, body.origin, body.event);
  return ErrorCode::kNone;
}

Result<std::size_t> Groups::broadcast_fs_event(const Id& group, Bytes event) {
  Group* known = find(group);
  if (known == nullptr) return fail(ErrorCode::kNotFound, "this host is not in a group with this id");
  // Unique also among the runs of one host key.
  const auto number = static_cast<std::uint64_t>(context_.wall_time().time_since_epoch().count()) << 16 |
                      (++events_begun_ & 0xffff);
  const wire::BroadcastFsEvent body{group, keys_.public_key(), number, std::move(event)};
  const std::size_t told = pass_on(*known, body, keys_.public_key());
  if (told == 0) return fail(ErrorCode::kNoPeers, "there is no session with any peer of the group");
  remember(*known, body.origin, body.number);
  return told;
}

}  // namespace shoal
