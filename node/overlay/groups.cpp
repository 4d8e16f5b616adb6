#include "node/overlay/groups.h"

#include <algorithm>
#include <utility>

namespace shoal {
namespace {

constexpr Duration kPublishDelay = 3s;  // for more than one host to tell us our address
constexpr Duration kPublishRetryMin = 15s;
constexpr Duration kReadWaitMin = 2s;
constexpr Duration kSavePeersDelay = 5s;  // several come and go at once
constexpr Duration kSavePeersInterval = 1h;
constexpr Duration kProofsTimeout = 5s;     // for what follows the handshake
constexpr int kReadsLedPerRead = 4;         // of the primary's, for one of its followers'
constexpr std::size_t kPeersOfPrimary = 4;  // for each one that others want

}  // namespace

Groups::Groups(NodeContext& context, const KeyPair& keys, SessionGroups& session_groups,
               Connections& connections, Rpc& rpc, ItemOperations& operations, const OwnAddresses& own,
               HostStore& hosts, GroupsListener& listener)
    : context_(context),
      keys_(keys),
      session_groups_(session_groups),
      connections_(connections),
      rpc_(rpc),
      operations_(operations),
      own_(own),
      hosts_(hosts),
      listener_(listener),
      client_(context.config.client) {}

Groups::Group* Groups::find(const Id& group) {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

void Groups::set(std::vector<GroupKey> keys) {
  std::map<Id, Group> before = std::exchange(groups_, {});
  for (const GroupKey& key : keys) {
    if (auto kept = before.extract(key.id())) {
      kept.mapped().key = key;
      groups_.insert(std::move(kept));
      continue;
    }
    const PeerBackoff backoff{context_.config.peer_backoff_min, context_.config.peer_backoff_max};
    const auto [added, is_new] =
        groups_.emplace(key.id(), Group(key, PeerBook(keys_.public_key(), backoff),
                                        Primary(keys_.public_key(), context_.config.primary_lease)));
    remember_peers(added->second);
    if (network_since_) rendezvous_soon(added->second);
  }
  for (const auto& [id, left] : before) hosts_.save_peers(id, {});
  session_groups_.set(keys);
  connections_.on_groups_changed();
  arm();
}

Duration Groups::clock_ahead(const Id& group) const {
  const auto found = groups_.find(group);
  if (found == groups_.end() || found->second.book.connected_count() > 0) return {};
  if (const auto ahead = session_groups_.ahead_of_caller(group, context_.wall_time())) return *ahead;
  // The peers do not answer a call that they refuse. Where the hosts that do answer are few, they may be the
  // peers, and this host does not go by their time.
  const Duration ahead = context_.network_time.ahead(context_.wall_time(), context_.now());
  const bool is_refused = std::chrono::abs(ahead) > std::chrono::minutes(SessionGroups::kMinutesApartMax);
  return is_refused ? ahead : Duration::zero();
}

void Groups::remember_peers(Group& group) {
  for (const KnownPeer& peer : hosts_.load_peers(group.key.id())) {
    // The wall clock may have been set, and what is longer ago than that makes no difference.
    const WallTime now = context_.wall_time();
    const WallTime longest_ago =
        now - std::chrono::duration_cast<std::chrono::milliseconds>(PeerBook::kKnownKept);
    const Duration ago = now - std::clamp(peer.last_seen, longest_ago, now);
    group.book.remembered(peer.host, peer.endpoints, context_.now() - ago, context_.now());
  }
}

void Groups::save_peers() {
  bool any_connected = false;
  for (const auto& [id, group] : groups_) {
    std::vector<KnownPeer> peers;
    for (const PeerBook::Peer* peer : group.book.to_remember()) {
      const Duration ago = peer->connection ? Duration::zero() : context_.now() - peer->heard;
      peers.push_back({peer->host, peer->endpoints,
                       context_.wall_time() - std::chrono::duration_cast<std::chrono::milliseconds>(ago)});
    }
    any_connected = any_connected || group.book.connected_count() > 0;
    hosts_.save_peers(id, peers);
  }
  save_peers_at_ = any_connected ? context_.now() + kSavePeersInterval : kNever;
}

void Groups::save_peers_soon() {
  save_peers_at_ = std::min(save_peers_at_, context_.now() + kSavePeersDelay);
}

std::vector<LanGroup> Groups::lan_groups() const {
  std::vector<LanGroup> shown;
  for (const auto& [id, group] : groups_) shown.push_back({id, group.key.locate_key()});
  return shown;
}

void Groups::take_over(const Groups& before) {
  client_ = before.client_;
  std::vector<GroupKey> keys;
  for (const auto& [id, group] : before.groups_) keys.push_back(group.key);
  set(std::move(keys));
  for (const auto& [id, group] : before.groups_) {
    Group& own = *find(id);
    for (const auto& [host, peer] : group.book.peers()) {
      own.book.heard(host, peer.endpoints, context_.now());
    }
    attempt_due(own);
  }
  arm();
}

bool Groups::as_connected_as(const Groups& others) const {
  return std::ranges::all_of(others.groups_, [&](const auto& entry) {
    const auto own = groups_.find(entry.first);
    const std::size_t wanted = std::min(entry.second.book.connected_count(), context_.config.peers_wanted);
    return own == groups_.end() || own->second.book.connected_count() >= wanted;
  });
}

void Groups::on_network() {
  network_since_ = context_.now();
  for (auto& [id, group] : groups_) rendezvous_soon(group);
  arm();
}

// Precondition: there is a network.
void Groups::rendezvous_soon(Group& group) const {
  const Instant now = context_.now();
  group.publish_at = std::min(group.publish_at, std::max(now, *network_since_ + kPublishDelay));
  group.read_wait = kReadWaitMin;
  group.read_at = now;
  group.publish_retry = kPublishRetryMin;
}

void Groups::set_client(bool client) {
  client_ = client;
  if (!client && network_since_) on_network();
}

void Groups::on_reunion() {
  for (auto& [id, group] : groups_) {
    group.book.try_all(context_.now());
    attempt_due(group);
  }
  on_network();
}

void Groups::on_address_lost() {
  connections_.doubt_all();
  for (auto& [id, group] : groups_) {
    for (const auto& [host, peer] : group.book.peers()) {
      if (peer.connection) tell_peers(group, peer.connection);
    }
  }
}

// One entry in the agenda stands for all groups: the one at armed_. Others were brought forward, and come to
// nothing.
void Groups::arm() {
  Instant due = save_peers_at_;
  for (const auto& [id, group] : groups_) {
    due =
        std::min({due, group.publish_at, group.read_at, group.primary.next_due(), group.book.next_overdue()});
    if (wants_peers(group)) due = std::min(due, group.book.next_due());
  }
  if (due >= armed_ && armed_ > context_.now()) return;
  armed_ = due;
  if (due != kNever) context_.at(std::max(due, context_.now()), DeadlineKind::kGroups);
}

void Groups::on_deadline() {
  if (context_.now() < armed_) return;
  armed_ = kNever;
  if (save_peers_at_ <= context_.now()) save_peers();
  for (auto& [id, group] : groups_) work(group);
  arm();
}

void Groups::work(Group& group) {
  if (group.publish_at <= context_.now()) publish(group);
  if (group.read_at <= context_.now()) read(group);
  claim_due(group);
  while (const auto host = group.book.overdue(context_.now())) {
    group.book.attempt_failed(*host, context_.now(), context_.rng);
  }
  attempt_due(group);
}

// ---- Rendezvous

CommandId Groups::send_out(Errand errand) {
  const CommandId command{++errands_begun_ | kOwnCommand};
  errands_.emplace(command.value, errand);
  return command;
}

// A host that strangers cannot reach finds the others.
void Groups::publish(Group& group) {
  group.publish_at = context_.now() + context_.rng.jittered(context_.config.rendezvous_lifetime / 2, 0.1);
  if (client_) return;
  RendezvousRecord record{
      .host = keys_.public_key(), .written = context_.wall_time(), .endpoints = own_.advertised()};
  record.endpoints.resize(std::min(record.endpoints.size(), RendezvousRecord::kEndpointsMax));
  if (record.endpoints.empty()) return;
  for (const Rendezvous::Day day : Rendezvous::days_at(context_.wall_time())) {
    const Rendezvous place(group.key.locate_key(), day);
    PublishCommand command;
    command.secret = place.signing_key().seed();
    command.salt = place.salt_of(record.host);
    command.value = place.seal(record, keys_, context_.rng);
    command.lifetime = context_.config.rendezvous_lifetime;
    operations_.publish(send_out({Errand::What::kPublish, group.key.id(), day}), std::move(command));
  }
}

void Groups::published(Group& group, bool stored) {
  if (stored) {
    group.published = context_.wall_time();
    group.publish_retry = kPublishRetryMin;
    return;
  }
  group.publish_at =
      std::min(group.publish_at, context_.now() + context_.rng.jittered(group.publish_retry, 0.25));
  group.publish_retry = std::min(group.publish_retry * 2, context_.config.rendezvous_read_interval);
}

// Often while nobody is there; rarely once somebody is, who tells of the others; and rarer still while it is
// the primary that looks.
void Groups::read(Group& group) {
  const Duration longest = context_.config.rendezvous_read_interval;
  const bool alone = group.book.connected_count() == 0;
  const auto primary = group.primary.holder(context_.now());
  const bool led = !alone && primary && primary != keys_.public_key();
  const Duration wait = alone ? std::min(group.read_wait, longest)
                        : led ? kReadsLedPerRead * longest
                              : longest;
  group.read_at = context_.now() + context_.rng.jittered(wait, 0.25);
  group.read_wait = alone ? std::min(group.read_wait * 2, longest) : kReadWaitMin;
  for (const Rendezvous::Day day : Rendezvous::days_at(context_.wall_time())) {
    LookupCommand command;
    command.public_key = Rendezvous(group.key.locate_key(), day).signing_key().public_key();
    command.all = true;
    operations_.lookup(send_out({Errand::What::kRead, group.key.id(), day}), command);
  }
}

void Groups::read_records(Group& group, const Errand& errand, const PublishedResult& result) {
  const Rendezvous place(group.key.locate_key(), errand.day);
  group.records = 0;
  group.read = context_.wall_time();
  for (const PublishRecord& published : result.records) {
    const auto record = place.open(published.salt, published.value);
    if (!record) {
      ++context_.counters.rendezvous_refused;
      continue;
    }
    ++group.records;
    if (record->written +
            2 * std::chrono::duration_cast<std::chrono::milliseconds>(context_.config.rendezvous_lifetime) <
        context_.wall_time()) {
      continue;  // a holder repeats what has expired
    }
    if (record->client) continue;
    // Where it says it is, we are: it is we ourselves under another key.
    std::vector<Endpoint> elsewhere = record->endpoints;
    std::erase_if(elsewhere, [&](const Endpoint& at) { return !own_.is_other({record->host, at}); });
    if (!elsewhere.empty()) group.book.heard(record->host, elsewhere, context_.now());
  }
}

void Groups::on_result(CommandId command, const CommandResult& result) {
  const auto errand = errands_.extract(command.value);
  if (!errand) return;
  Group* group = find(errand.mapped().group);
  if (group == nullptr) return;
  if (errand.mapped().what == Errand::What::kPublish) {
    const auto* stored = result ? std::get_if<StoreResult>(&*result) : nullptr;
    published(*group, stored != nullptr && stored->stored_count() > 0);
  } else if (const auto* records = result ? std::get_if<PublishedResult>(&*result) : nullptr) {
    read_records(*group, errand.mapped(), *records);
  }
  attempt_due(*group);
  arm();
}

// ---- Sessions

bool Groups::wants_peers(const Group& group) const {
  const std::size_t share = group.primary.is_self(context_.now()) ? kPeersOfPrimary : 1;
  return group.book.connected_count() + group.book.attempts_count() < share * context_.config.peers_wanted;
}

void Groups::attempt_due(Group& group) {
  while (wants_peers(group)) {
    const auto attempt = group.book.next_attempt(context_.now());
    if (!attempt) return;
    const auto connection = connections_.open({attempt->host, attempt->endpoint}, group.key.id());
    if (connection) {
      const Instant until = context_.now() + context_.config.handshake_timeout + kProofsTimeout;
      group.book.attempt_began(attempt->host, *connection, until);
    } else {
      group.book.attempt_failed(attempt->host, context_.now(), context_.rng);
    }
  }
}

void Groups::on_shared_groups(Guid connection, const Contact& contact, bool outbound,
                              const std::vector<Id>& shared) {
  for (auto& [id, group] : groups_) {
    const PeerBook::Peer* known = group.book.find(contact.key);
    const bool was_connected = known != nullptr && known->connection == connection;
    if (std::ranges::binary_search(shared, id) == was_connected) continue;
    if (was_connected) {
      lost(group, contact.key);
      continue;
    }
    const bool first = group.book.connected(contact, connection, outbound, context_.now());
    group.primary.set_has_peers(true, context_.now(), context_.rng);
    tell_peers(group, connection);
    if (const PrimaryClaim& claim = group.primary.claim(); group.primary.holder(context_.now())) {
      send(connection, contact.key,
           wire::DelegateAuthority{id, claim.epoch.counter, claim.epoch.host, claim.beat});
    }
    if (outbound) tell_of(group, contact.key, {contact});
    save_peers_soon();
    if (first) listener_.on_new_peer(id, contact);
  }
  // One that has proved its groups but not the one it was called for.
  for (auto& [id, group] : groups_) {
    const auto attempted = group.book.attempted_by(connection);
    if (attempted) group.book.attempt_failed(*attempted, context_.now(), context_.rng);
  }
  arm();
}

void Groups::lost(Group& group, const Id& host) {
  group.book.disconnected(host, context_.now(), context_.rng);
  save_peers_soon();
  if (group.book.connected_count() > 0) return;
  group.primary.set_has_peers(false, context_.now(), context_.rng);
  if (!network_since_) return;
  group.read_wait = kReadWaitMin;
  group.read_at = std::min(group.read_at, context_.now() + context_.rng.jittered(kReadWaitMin, 0.5));
}

void Groups::on_session_lost(Guid connection) {
  for (auto& [id, group] : groups_) {
    if (const auto host = group.book.connected_by(connection)) lost(group, *host);
    if (const auto host = group.book.attempted_by(connection)) {
      group.book.attempt_failed(*host, context_.now(), context_.rng);
    }
  }
  arm();
}

void Groups::heard(const Id& group, const Contact& peer) {
  Group* known = find(group);
  if (known == nullptr) return;
  known->book.heard(peer.key, {&peer.endpoint, 1}, context_.now());
  attempt_due(*known);
  arm();
}

// ---- Status

std::size_t Groups::events_remembered() const {
  std::size_t count = 0;
  for (const auto& [id, group] : groups_) count += group.events.size();
  return count;
}

StatusResult::Groups Groups::summary() const {
  StatusResult::Groups out;
  out.count = groups_.size();
  for (const auto& [id, group] : groups_) {
    out.peers += group.book.peers().size();
    out.connected += group.book.connected_count();
    if (const Duration ahead = clock_ahead(id); ahead != Duration::zero()) out.clock_ahead = ahead;
  }
  return out;
}

std::vector<GroupStatus> Groups::status() const {
  std::vector<GroupStatus> out;
  for (const auto& [id, group] : groups_) {
    GroupStatus status;
    status.id = id;
    status.level = group.key.level();
    status.primary = group.primary.holder(context_.now());
    status.epoch = group.primary.claim().epoch.counter;
    status.records = group.records;
    status.published = group.published;
    status.read = group.read;
    for (const auto& [host, peer] : group.book.peers()) {
      status.peers.push_back({host, peer.endpoints, static_cast<bool>(peer.connection),
                              context_.now() - peer.heard, peer.attempts});
    }
    out.push_back(std::move(status));
  }
  return out;
}

}  // namespace shoal
