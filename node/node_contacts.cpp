// What requests and responses teach a node of others, and of itself.
#include <algorithm>
#include <utility>

#include "node/node_impl.h"

namespace shoal {
namespace {

// Items handed over at once to one newcomer; the others reach it when they are renewed.
constexpr std::size_t kHandOverMax = 64;
// Time for more than one host to tell us our address.
constexpr Duration kPublishSelfDelay = std::chrono::seconds(5);
// However short lives are.
constexpr Duration kPublishSelfPeriodMin = std::chrono::minutes(1);

}  // namespace

void Node::Impl::on_contact_answered(const Contact& contact, Duration rtt) {
  on_answered_at(contact);
  leaving.erase(contact.key);
  const bool reunited = reunion.on_answered(contact.key);
  if (reunited) {
    maintenance.join();
    groups.on_reunion();
  }
  const RoutingTable::Added added = table.add(contact, context.now(), rtt);
  if (table.contains(contact.key)) cipher->keep(contact.key);
  if (added != RoutingTable::Added::kNew) return;
  // To a host that is joining everybody is new, and it may hold what it held long ago.
  if (maintenance.joined() && keeps_items()) hand_items_to(contact);
  if (bootstrapper.on_connected()) {
    reachability.on_connected(contact);
  } else {
    reachability.on_new_contact(contact);
  }
}

void Node::Impl::on_may_join() {
  maintenance.join();
  groups.on_network();
  publish_self_at(context.now() + kPublishSelfDelay);
}

// A client asks its contacts once more, so that each reads in the request that we are one and drops us. A
// host that is none any longer joins again, so that others meet it.
void Node::Impl::on_client_changed(bool client) {
  groups.set_client(client);
  if (client) {
    maintenance.ping_all();
  } else {
    maintenance.join();
  }
}

void Node::Impl::hand_items_to(const Contact& newcomer) {
  std::vector<ItemName> names = items.to_hand_over(newcomer);
  names.resize(std::min(names.size(), kHandOverMax));
  for (const ItemName& name : names) operations.hand_over(name, newcomer);
}

// A host that shared items with us has left: those that are ours to keep get another holder in its place.
void Node::Impl::repair_items_of(const Id& lost) {
  if (!keeps_items()) return;
  std::vector<ItemName> names = items.to_repair(lost);
  names.resize(std::min(names.size(), kHandOverMax));
  for (const ItemName& name : names) operations.repair(name);
}

// That a host says so of itself is enough: it can harm nobody else.
void Node::Impl::on_client(const Id& host) {
  leaving.erase(host);
  if (!table.remove(host)) return;
  repair_items_of(host);
  search_if_alone();
}

void Node::Impl::on_contact_silent(const Contact& contact) {
  lan.on_silent(contact);
  const auto known = table.find(contact.key);
  const bool said_goodbye = leaving.erase(contact.key) > 0;
  if (known && known->endpoint == contact.endpoint) {
    const bool left = said_goodbye ? table.remove(contact.key) : table.failed(contact.key);
    if (left) {
      connections.close(contact.key);
      if (!said_goodbye) reunion.on_lost(contact);
      repair_items_of(contact.key);
    } else {
      maintenance.on_silent(contact);
    }
  }
  search_if_alone();
}

void Node::Impl::search_if_alone() {
  if (table.size() == 0 && !stopping) bootstrapper.begin();
}

void Node::Impl::on_observed(const Endpoint& endpoint, const Contact& by) {
  if (own.on_observed(endpoint, by)) own_addresses_changed();
}

// Before it is published that we are there: does another host answer where others say that we are?
void Node::Impl::ask_at_own_addresses() {
  for (const Endpoint& endpoint : own.unproven()) rpc.send_hello(endpoint);
}

// While we take another host key, the other of our two keys answers at our address too.
void Node::Impl::on_answered_at(const Contact& contact) {
  if (other != nullptr && contact.key == other->keys.public_key()) return;
  if (own.on_answered(contact)) own_addresses_changed();
}

void Node::Impl::own_addresses_changed() {
  ask_at_own_addresses();
  table.set_own_is_local(own.is_local());
  reachability.on_own_addresses_changed();
  if (table.size() == 0) return;
  publish_self_at(context.now() + kPublishSelfDelay);
  groups.on_network();
}

// Whoever knows us knows where we were.
void Node::Impl::on_address_lost() {
  groups.on_address_lost();
  if (table.size() == 0) return;
  maintenance.join();
  maintenance.tell_all();
}

void Node::Impl::publish_self_at(Instant when) {
  if (context.config.connection_item_lifetime == Duration::zero()) return;
  publish_self_due = when;
  context.at(when, DeadlineKind::kPublishSelf);
}

void Node::Impl::on_slow(const Completion& completion) {
  if (completion.owner == Completion::Owner::kLookup) lookups.on_slow(completion);
}

void Node::Impl::on_answer(const Answer& answer) {
  switch (answer.completion.owner) {
    case Completion::Owner::kNobody:
      break;
    case Completion::Owner::kLookup:
      lookups.on_answer(answer);
      break;
    case Completion::Owner::kStore:
      operations.on_store_answer(answer);
      break;
    case Completion::Owner::kFetch:
      operations.on_fetch_answer(answer);
      break;
    case Completion::Owner::kVerify:
      maintenance.on_verified(answer.from, answer.response != nullptr);
      break;
    case Completion::Owner::kCommand:
      finish_asking_command(answer);
      break;
    case Completion::Owner::kReachability:
      reachability.on_answer(answer);
      break;
    case Completion::Owner::kLan:
      lan.on_answer(answer);
      break;
    case Completion::Owner::kSync:
      if (keeps_folders()) sync->on_answer(answer);
      break;
    case Completion::Owner::kSameKey:
      if (same_key_watch.on_answer(answer)) on_same_key(answer.from.endpoint);
      break;
    case Completion::Owner::kShutdown:
      --shutdowns_unanswered;
      stop_if_ready(false);
      break;
  }
}

void Node::Impl::on_session_lost(Guid connection, const std::optional<Contact>& contact, bool reset) {
  rpc.on_session_lost(connection);
  groups.on_session_lost(connection);
  if (sharing.erase(connection) > 0 && keeps_folders()) sync->on_session_lost(connection);
  if (reset && contact && table.contains(contact->key)) maintenance.verify(*contact, Purpose::kMaintenance);
}

void Node::Impl::on_shared_groups(Guid connection, const Contact& contact, bool outbound,
                                  const std::vector<Id>& shared) {
  if (contact.key == keys.public_key()) return;  // a copy of us: it is to take another key first
  groups.on_shared_groups(connection, contact, outbound, shared);
  sharing[connection] = {contact, shared};
  if (!shared.empty()) cipher->keep(contact.key);
  if (keeps_folders()) sync->on_shared_groups(connection, contact, shared);
}

void Node::Impl::on_lookup_done(LookupOutcome outcome) {
  const LookupOwner owner = outcome.owner;
  switch (owner.part) {
    case LookupOwner::Part::kNobody:
      break;
    case LookupOwner::Part::kCommand:
      finish_lookup_command(owner.guid, std::move(outcome));
      break;
    case LookupOwner::Part::kItems:
      operations.on_lookup_done(owner.guid, std::move(outcome));
      break;
    case LookupOwner::Part::kJoin:
      maintenance.on_join_done();
      break;
    case LookupOwner::Part::kBucketRefresh:
      maintenance.on_bucket_refreshed();
      break;
  }
}

void Node::Impl::on_new_peer(const Id& group, const Contact& peer) {
  events.push_back(NodeEvent{NodeEvent::Kind::kNewPeer, group, peer.key, {}, {}});
}

void Node::Impl::on_fs_event(const Id& group, const Id& origin, ByteView event) {
  events.push_back(
      NodeEvent{NodeEvent::Kind::kNewFsEvent, group, origin, Bytes(event.begin(), event.end()), {}});
  if (keeps_folders()) sync->on_fs_event(group, origin, event);
}

void Node::Impl::on_publish_self_deadline() {
  if (context.now() < publish_self_due || stage == Stage::kFormer) return;
  publish_self_at(
      context.now() +
      std::max(kPublishSelfDelay, paced(table.contact_lifetime(), context.config.refreshes_per_lifetime,
                                        kPublishSelfPeriodMin, context.config.connection_item_lifetime / 2)));
  ask_at_own_addresses();
  operations.publish_self();
}

}  // namespace shoal
