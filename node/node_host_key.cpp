// A host key has a lifetime (DESIGN §1). It is replaced without a gap: for about two minutes a node is two
// hosts at one place, which share its socket and the items it holds.
//
//   current ──(host_key_lifetime)──► current + newcomer ──(settled)──► former + current ──(kFormerTime)──►
//   current
//
// The newcomer joins the network under the next key and connects to the peers of the groups. Once it has, it
// is the host that takes commands, keeps the items and accepts sessions, and its key is what the host store
// keeps. The former host still answers whoever asks for it and ends what it has begun; then it says goodbye
// as a host that stops, so that all drop its key.
#include <algorithm>
#include <utility>

#include "node/node_impl.h"

namespace shoal {
namespace {

constexpr Duration kLookInterval = std::chrono::seconds(1);
// Contacts near its id that a newcomer asks first.
constexpr std::size_t kFirstAskedMax = 32;
// Peers that cannot be reached come by themselves later, so they are not waited for longer than this.
constexpr Duration kPeersWithin = std::chrono::minutes(2);
// A newcomer that has not joined by then gives up, until kTryAgainAfter: the old key serves as well.
constexpr Duration kSettledWithin = std::chrono::minutes(10);
constexpr Duration kTryAgainAfter = std::chrono::hours(1);
constexpr Duration kFormerTime = std::chrono::minutes(1);
// Whoever has our key can make us take another one; no more often than this.
constexpr Duration kSameKeyPause = std::chrono::hours(1);
// Its result is nobody's.
constexpr CommandId kLeave{Groups::kOwnCommand};

}  // namespace

void Node::Impl::replace_key_at_its_age() {
  const Duration lifetime = context.config.host_key_lifetime;
  if (lifetime == Duration::zero()) return;
  Duration age{};
  if (const auto identity = ports.hosts.load_identity()) age = ports.clock.wall_time() - identity->created;
  context.after(lifetime - std::clamp(age, Duration::zero(), lifetime), DeadlineKind::kReplaceKey);
}

// Peers take both for one host, so that their sessions replace each other.
void Node::Impl::on_same_key(const Endpoint& where) {
  const bool is_news = !same_key || context.now() >= same_key->when + kSameKeyPause;
  if (!is_news || stage != Stage::kCurrent) return;
  same_key = SameKey{where, context.now()};
  NodeEvent event{NodeEvent::Kind::kSameKey, {}, keys.public_key(), {}, where};
  events.push_back(std::move(event));
  // A key without a lifetime is meant to stay.
  if (context.config.host_key_lifetime != Duration::zero()) {
    context.after(Duration::zero(), DeadlineKind::kReplaceKey);
  }
}

void Node::Impl::take_over(Impl& before) {
  stage = Stage::kNewcomer;
  context.network_time = before.context.network_time;
  connections.on_new_key();
  own.take_over(before.own);
  table.set_own_is_local(own.is_local());
  reachability.take_over(before.reachability);
  before.table.closest(keys.public_key(), kFirstAskedMax, first_asked);
  before.maintenance.save_hosts();  // for the bootstrapper
  before.groups.save_peers();
  groups.take_over(before.groups);
}

bool Node::Impl::is_settled(const Impl& before) const {
  if (before.table.size() == 0) return true;
  if (!maintenance.joined()) return false;
  return groups.as_connected_as(before.groups) || context.now() >= started + kPeersWithin;
}

void Node::Impl::become_current(Impl& before) {
  stage = Stage::kCurrent;
  before.stage = Stage::kFormer;
  before.other = nullptr;
  other = &before;
  context.counters = sum(context.counters, std::exchange(before.context.counters, {}));
  started = before.started;
  same_key = before.same_key;
  items.belong_to(context, table);
  items.start();
  if (sync != nullptr) take_folders();
  lan.serve(groups.lan_groups(), *this);
  lan.on_interfaces(own.interfaces());
  std::vector<Contact> where;
  for (const Endpoint& endpoint : own.advertised()) where.push_back({keys.public_key(), endpoint});
  if (!where.empty()) before.groups.tell_all(keys.public_key(), where);
  events.push_back(NodeEvent{NodeEvent::Kind::kNewHostKey, {}, keys.public_key(), {}, {}});
}

void Node::Impl::leave() {
  if (!stopping)
    context.post(JobClass::kControl, HandleCommand{kLeave, std::make_unique<Command>(StopCommand{})});
}

// A newcomer's datagrams come here first, and so do a former host's.
bool Node::Impl::on_not_ours(const Endpoint& from, ByteView datagram) {
  if (other == nullptr || other->stopped) return false;
  other->rpc.on_datagram(from, datagram);
  return true;
}

// ---- Node

void Node::turn_key() {
  impl_->key_due = false;
  if (impl_->stopping) return;
  if (other_ == nullptr) return begin_new_key();
  const Duration since = impl_->context.now() - turned_;
  if (other_->stage == Impl::Stage::kNewcomer) {
    if (other_->is_settled(*impl_)) {
      switch_keys();
    } else if (since >= kSettledWithin) {
      return end_other(kTryAgainAfter);
    }
  } else if (other_->stopped) {
    return end_other(impl_->context.config.host_key_lifetime);
  } else if (since >= kFormerTime) {
    other_->leave();
  }
  impl_->context.after(kLookInterval, DeadlineKind::kReplaceKey);
}

void Node::begin_new_key() {
  Rng rng = impl_->context.rng.fork();
  const KeyPair keys = KeyPair::from_seed(rng.seed());
  other_ = std::make_unique<Impl>(impl_->context.config, keys, impl_->boot_number, cipher_, std::move(rng),
                                  ports_, *items_, sync_.get());
  other_->take_over(*impl_);
  other_->context.post(JobClass::kEssential, Bootstrap{});
  impl_->other = other_.get();
  turned_ = impl_->context.now();
  impl_->context.after(kLookInterval, DeadlineKind::kReplaceKey);
}

void Node::switch_keys() {
  std::swap(impl_, other_);
  impl_->become_current(*other_);
  ports_.hosts.save_identity({impl_->keys.seed(), ports_.clock.wall_time(), impl_->boot_number});
  turned_ = impl_->context.now();
  impl_->deliver_results();
}

void Node::end_other(Duration next) {
  other_->connections.reset_all();
  items_->forget(other_->rpc, other_->operations);
  impl_->context.counters = sum(impl_->context.counters, other_->context.counters);
  impl_->other = nullptr;
  other_.reset();
  impl_->context.after(next, DeadlineKind::kReplaceKey);
}

}  // namespace shoal
