#include "node/dht/items.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "node/base/big_endian.h"
#include "node/secure/keys.h"
#include "node/wire/codec.h"

namespace shoal {
namespace {

// What surrounds an item's body in an encoded response, at most.
constexpr std::size_t kItemResponseOverhead = wire::kDatagramMessageBytesMax - wire::kGetBodyInDatagramMax;
// The renewal deadline is looked at this often within one period.
constexpr int kRenewalTicks = 16;
constexpr double kRenewalJitter = 0.25;
// However short lives are.
constexpr Duration kRenewalPeriodMin = std::chrono::seconds(20);

// Sorts before every publish record at the same location and after every hash item there.
ItemName before_records(const Id& location) {
  return {location, ItemKind::kHash, Bytes(wire::kSaltBytesMax + 1, 0xff)};
}

// Tells a body from a damaged one at a thirtieth of what its signature costs. Never 0.
std::uint32_t digest_of(ByteView body) {
  const auto digest = static_cast<std::uint32_t>(read_u64(sha256(body).view()));
  return digest == 0 ? 1 : digest;
}

// Bodies of so many bytes in all, in a response.
bool fits(std::size_t bodies, std::size_t response_bytes_max) {
  return bodies + kItemResponseOverhead <= response_bytes_max;
}

}  // namespace

void Items::belong_to(NodeContext& context, const RoutingTable& table) {
  context_ = &context;
  table_ = &table;
  renewals_ = 0;  // those under way may never come to their end
  shares_.clear();
  for (auto& [name, held] : held_) {
    held.share.distance = share_of(name, held.share.voice, 0).distance;
    shares_.add(name, held.share);
  }
}

void Items::load() {
  constexpr std::size_t kPage = 1000;
  std::vector<ItemHeader> page = store_.list(nullptr, kPage);
  while (!page.empty()) {
    for (const ItemHeader& header : page) {
      const auto share = share_of(header.name, ItemShares::kUnknown, header.body_bytes);
      hold(header.name, held_until(header.expires, share));
    }
    page = store_.list(&page.back().name, kPage);
  }
}

void Items::start() {
  context_->after(renewal_period() / kRenewalTicks, DeadlineKind::kRenewItems);
}

Duration Items::renewal_period() const {
  const NodeConfig& config = context_->config;
  return paced(table_->contact_lifetime(), config.renewals_per_lifetime, kRenewalPeriodMin,
               config.republish_interval);
}

Instant Items::next_renewal() {
  return context_->now() + context_->rng.jittered(renewal_period(), kRenewalJitter);
}

Items::Held Items::held_until(WallTime expires, const ItemShares::Share& share) {
  Held held{next_renewal(), expires, lived_at(expires)};
  held.share = share;
  return held;
}

ItemShares::Share Items::share_of(const ItemName& name, std::uint64_t voice, std::size_t body_bytes) const {
  const NodeConfig& config = context_->config;
  const std::uint64_t weight_of_one =
      config.item_bytes_max / std::max<std::uint64_t>(config.item_count_max, 1);
  return {voice, name.location.word(0) ^ table_->self().word(0), weight_of_one + body_bytes};
}

void Items::hold(const ItemName& name, const Held& held) {
  const auto [place, is_new] = held_.try_emplace(name);
  if (!is_new) shares_.remove(place->first, place->second.share);
  place->second = held;
  shares_.add(place->first, held.share);
}

Items::HeldItems::iterator Items::drop(HeldItems::iterator held) {
  shares_.remove(held->first, held->second.share);
  return held_.erase(held);
}

// So many of those we know are nearer to it that it has no business here: its holders are others.
bool Items::is_far(const Id& location) const {
  std::vector<Contact> closest;
  const std::size_t nearer = kFarReplications * context_->config.replication;
  table_->closest(location, nearer, closest);
  return closest.size() == nearer && closer(location, closest.back().key, table_->self());
}

Instant Items::lived_at(WallTime expires) const {
  return context_->now() + std::max(WallTime::duration::zero(), expires - context_->wall_time());
}

// Does our own wall clock, or our monotonic one, confirm what the others say of the time?
bool Items::lives(const Held& held) const {
  if (held.expires > context_->wall_time()) return true;
  return held.expires > context_->clock.wall_time() && held.lived_at > context_->now();
}

std::optional<StoredItem> Items::find(const ItemName& name) {
  const auto held = held_.find(name);
  if (held == held_.end()) return std::nullopt;
  std::optional<StoredItem> item = store_.find(name);
  if (!item) {
    drop(held);
    return std::nullopt;
  }
  if (!is_intact(*item, held->second)) {
    ++context_->counters.items_damaged;
    erase(name);
    return std::nullopt;
  }
  if (!lives(held->second)) return std::nullopt;
  return item;
}

bool Items::is_intact(const StoredItem& item, Held& held) {
  const ItemName& name = item.header.name;
  if (name.kind == ItemKind::kHash) return hash_item_location(*item.body) == name.location;
  const std::uint32_t digest = digest_of(*item.body);
  if (held.digest != 0) return held.digest == digest;
  const auto verified = verify_item({name.kind, *item.body});
  if (!verified || verified->name != name || verified->sequence != item.header.sequence) return false;
  held.digest = digest;
  return true;
}

// ---- Storing

void Items::handle(Rpc& rpc, const Origin& origin, const wire::Request& request,
                   const wire::StoreItem& store) {
  const StoreReply reply{.rpc = &rpc, .origin = origin, .request_id = request.id};
  if (!origin.validated) {
    reply_to(reply, {ErrorCode::kBadToken, 0});
    return;
  }
  take(store.item, store.expected_sequence, store.expires, voice_of(origin.endpoint), reply);
}

void Items::store_here(const wire::Item& item, std::optional<std::uint64_t> expected_sequence,
                       WallTime expires, ItemsListener& listener, Guid operation) {
  take(item, expected_sequence, expires, ItemShares::kOwn, {.listener = &listener, .operation = operation});
}

void Items::take(const wire::Item& item, std::optional<std::uint64_t> expected_sequence, WallTime expires,
                 std::uint64_t voice, StoreReply reply) {
  Arrival arrival;
  const wire::Refusal outcome = judge(item, expected_sequence, expires, voice, arrival);
  if (outcome.code != ErrorCode::kNone) {
    reply_to(reply, outcome);
    return;
  }
  commit(item, arrival, std::move(reply));
}

wire::Refusal Items::judge(const wire::Item& item, std::optional<std::uint64_t> expected_sequence,
                           WallTime expires, std::uint64_t voice, Arrival& arrival) {
  const NodeConfig& config = context_->config;
  if (pending_.size() >= kCommitsPendingMax) return {ErrorCode::kBusy, 0};
  const auto verified = verify_item(item);
  if (!verified) return {verified.error().code, 0};
  ItemHeader& header = arrival.header;
  header = *verified;
  const WallTime now = context_->wall_time();
  const auto latest = now + std::chrono::duration_cast<std::chrono::milliseconds>(kItemLifetimeMax);
  if (item.kind == ItemKind::kHash) {
    const auto lifetime = std::chrono::duration_cast<std::chrono::milliseconds>(config.item_lifetime);
    header.expires = expires == WallTime{} ? now + lifetime : std::min(expires, latest);
  }
  if (header.expires <= now || header.expires > latest) return {ErrorCode::kExpired, 0};
  std::size_t replaced_bytes = held_.contains(header.name) ? item.body.size() : 0;  // of a hash item
  if (item.kind != ItemKind::kHash) {
    const std::optional<StoredItem> held = find(header.name);
    const wire::Refusal outcome = judge_sequence(header, item, expected_sequence, held);
    if (outcome.code != ErrorCode::kNone) return outcome;
    replaced_bytes = held ? held->body->size() : 0;
  }
  arrival.share = share_of(header.name, voice, item.body.size());
  if (!make_room(item.body.size(), replaced_bytes, arrival)) return {ErrorCode::kStoreFull, 0};
  return {};
}

bool Items::make_room(std::size_t body_bytes, std::size_t replaced_bytes, Arrival& arrival) const {
  const NodeConfig& config = context_->config;
  const ItemTotals totals = store_.totals();
  const ItemName& name = arrival.header.name;
  std::uint64_t count = totals.count + (held_.contains(name) ? 0 : 1);
  std::uint64_t bytes = totals.body_bytes;
  const auto has_room = [&] {
    if (count > config.item_count_max && !held_.contains(name)) return false;
    return body_bytes <= replaced_bytes || bytes + body_bytes - replaced_bytes <= config.item_bytes_max;
  };
  if (has_room()) return true;
  for (const ItemName* other : shares_.giving_way(arrival.share, kGivingWayMax)) {
    if (*other == name) continue;
    const auto item = store_.find(*other);
    --count;
    bytes -= item ? std::min<std::uint64_t>(bytes, item->header.body_bytes) : 0;
    arrival.giving_way.push_back(*other);
    if (has_room()) return true;
  }
  return false;
}

wire::Refusal Items::judge_sequence(const ItemHeader& header, const wire::Item& item,
                                    std::optional<std::uint64_t> expected_sequence,
                                    const std::optional<StoredItem>& held) {
  const std::uint64_t held_sequence = held ? held->header.sequence : 0;
  const bool same = held && *held->body == item.body;
  if (expected_sequence && *expected_sequence != held_sequence && !same) {
    return {ErrorCode::kCasMismatch, held_sequence};
  }
  if (!held) return {};
  if (header.sequence < held_sequence) return {ErrorCode::kSequenceTooLow, held_sequence};
  if (!same && !supersedes(header, item.body, held->header, *held->body)) {
    return {ErrorCode::kSequenceConflict, held_sequence};
  }
  return {};
}

std::optional<ItemName> Items::record_to_drop(const ItemName& newcomer) const {
  if (newcomer.kind != ItemKind::kPublish || held_.contains(newcomer)) return std::nullopt;
  std::size_t records = 0;
  auto first_to_expire = held_.end();
  for (auto it = held_.upper_bound(before_records(newcomer.location));
       it != held_.end() && it->first.location == newcomer.location && it->first.kind == ItemKind::kPublish;
       ++it) {
    ++records;
    if (first_to_expire == held_.end() || it->second.expires < first_to_expire->second.expires) {
      first_to_expire = it;
    }
  }
  if (records < kRecordsPerKeyMax) return std::nullopt;
  return first_to_expire->first;
}

void Items::commit(const wire::Item& item, const Arrival& arrival, StoreReply reply) {
  const ItemHeader& header = arrival.header;
  ItemBatch batch;
  batch.erases = arrival.giving_way;
  context_->counters.items_gave_way += batch.erases.size();
  const auto dropped = record_to_drop(header.name);
  if (dropped && std::ranges::find(batch.erases, *dropped) == batch.erases.end()) {
    batch.erases.push_back(*dropped);
  }
  for (const ItemName& name : batch.erases) {
    if (const auto gone = held_.find(name); gone != held_.end()) drop(gone);
  }
  StoredItem stored;
  stored.header = header;
  if (const auto held = held_.find(header.name); item.kind == ItemKind::kHash && held != held_.end()) {
    stored.header.expires = std::max(header.expires, held->second.expires);
  }
  stored.header.body_bytes = static_cast<std::uint32_t>(item.body.size());
  stored.body = std::make_shared<const Bytes>(item.body);
  const std::uint32_t digest = item.kind == ItemKind::kHash ? 0 : digest_of(item.body);
  const auto held = held_.find(header.name);
  Held kept = held == held_.end() ? held_until(stored.header.expires, arrival.share) : held->second;
  if (kept.expires != stored.header.expires) kept.lived_at = lived_at(stored.header.expires);
  kept.expires = stored.header.expires;
  kept.digest = digest;
  // It stays in the share that it is in, unless it is our own now.
  kept.share.weight = arrival.share.weight;
  if (arrival.share.voice == ItemShares::kOwn) kept.share.voice = ItemShares::kOwn;
  const bool is_own = kept.share.voice == ItemShares::kOwn;
  const bool far = !is_own && is_far(header.name.location);
  kept.far_until = far ? context_->now() + kFarPeriods * renewal_period() : Instant::max();
  hold(header.name, kept);
  batch.puts.push_back(std::move(stored));
  commit(std::move(batch), std::move(reply));
}

void Items::commit(ItemBatch batch, StoreReply reply) {
  PendingCommit pending{batch.erases, std::move(reply)};
  for (const StoredItem& item : batch.puts) pending.names.push_back(item.header.name);
  pending_.emplace(store_.commit(std::move(batch)), std::move(pending));
}

void Items::on_committed(CommitId commit, const Result<void>& outcome) {
  const auto found = pending_.find(commit);
  if (found == pending_.end()) return;
  const PendingCommit pending = std::move(found->second);
  pending_.erase(found);
  if (!outcome) {
    ++context_->counters.commits_failed;
    for (const ItemName& name : pending.names) take_from_store(name);
  }
  reply_to(pending.reply, {outcome ? ErrorCode::kNone : ErrorCode::kStoreFull, 0});
}

void Items::take_from_store(const ItemName& name) {
  if (const auto item = store_.find(name)) {
    const auto held = held_.find(name);
    const std::uint64_t voice = held == held_.end() ? ItemShares::kUnknown : held->second.share.voice;
    hold(name, held_until(item->header.expires, share_of(name, voice, item->header.body_bytes)));
  } else if (const auto held = held_.find(name); held != held_.end()) {
    drop(held);
  }
}

void Items::forget(const Rpc& rpc, const ItemsListener& listener) {
  for (auto& [commit, pending] : pending_) {
    if (pending.reply.rpc == &rpc || pending.reply.listener == &listener) pending.reply = {};
  }
}

void Items::reply_to(const StoreReply& reply, const wire::Refusal& outcome) {
  if (reply.rpc == nullptr && reply.listener == nullptr) return;
  const bool stored = outcome.code == ErrorCode::kNone;
  if (!stored) ++context_->counters.stores_refused;
  if (reply.listener != nullptr) {
    reply.listener->on_stored_here(reply.operation, outcome);
    return;
  }
  wire::ResponseBody body = stored ? wire::ResponseBody(wire::Done{}) : wire::ResponseBody(outcome);
  reply.rpc->respond(reply.origin, reply.request_id, wire::RequestKind::kStoreItem, std::move(body));
}

void Items::erase(const ItemName& name) {
  ItemBatch batch;
  batch.erases.push_back(name);
  if (const auto held = held_.find(name); held != held_.end()) drop(held);
  commit(std::move(batch), {});
}

// ---- Serving

void Items::handle(Rpc& rpc, const Origin& origin, const wire::Request& request, const wire::GetItem& get) {
  const std::size_t response_bytes_max = rpc.response_bytes_max(origin);
  wire::Items answer =
      get.all ? page_of_records(get, response_bytes_max) : one_record(get, response_bytes_max);
  if (get.renewing && !get.all) note_renewal_by_another(get);
  table_->closest(get.name.location, contacts_for(origin, get, answer), answer.contacts);
  rpc.respond(origin, request, std::move(answer));
}

// What is too large for a datagram is fetched from one holder that was found: the search is over but for the
// others that are to hold it, and whoever comes by session has it behind him.
std::size_t Items::contacts_for(const Origin& origin, const wire::GetItem& get,
                                const wire::Items& answer) const {
  if (origin.connection) return 0;
  const bool found = answer.by_session_bytes > 0 && !get.renewing && !get.all;
  return found ? std::min(context_->config.replication - 1, context_->config.k) : context_->config.k;
}

wire::Items Items::one_record(const wire::GetItem& get, std::size_t response_bytes_max) {
  wire::Items answer;
  const auto item = find(get.name);
  if (!item || item->header.sequence < get.sequence_min) return answer;
  answer.held_sequence = item->header.sequence;
  // A host that renews has the value, and asks only who else does.
  if (!get.renewing && fits(item->body->size(), response_bytes_max)) {
    answer.items.push_back({get.name.kind, *item->body});
  } else {
    answer.by_session_bytes = item->header.body_bytes;
    if (get.name.kind != ItemKind::kHash) answer.held_digest = item_digest(*item->body);
  }
  return answer;
}

wire::Items Items::page_of_records(const wire::GetItem& get, std::size_t response_bytes_max) {
  wire::Items answer;
  ItemName after = get.name;
  if (!get.resume) after = before_records(get.name.location);
  std::size_t bytes = 0;
  for (const ItemHeader& header : store_.list(&after, kRecordsPerKeyMax)) {
    if (header.name.location != get.name.location || header.name.kind != ItemKind::kPublish) break;
    const auto item = find(header.name);
    if (!item) continue;
    if (!fits(bytes + item->body->size(), response_bytes_max)) {
      answer.more = true;
      if (answer.items.empty()) answer.by_session_bytes = header.body_bytes;
      break;
    }
    bytes += item->body->size() + 8;
    answer.items.push_back({ItemKind::kPublish, *item->body});
  }
  return answer;
}

// ---- Keeping

void Items::note_renewal_by_another(const wire::GetItem& get) {
  const auto found = held_.find(get.name);
  if (found == held_.end() || found->second.skipped == kSkipsMax) return;
  if (get.renewing_digest) {
    const auto item = store_.find(get.name);
    if (item && item_digest(*item->body) != *get.renewing_digest) return;  // it renews another one than ours
  }
  ++found->second.skipped;
  found->second.renew_at = next_renewal();
}

void Items::on_renew_deadline() {
  const Duration period = renewal_period();
  context_->after(period / kRenewalTicks, DeadlineKind::kRenewItems);
  ItemBatch expired;
  for (auto held = held_.begin(); held != held_.end();) {
    if (lives(held->second) && context_->now() < held->second.far_until) {
      ++held;
      continue;
    }
    expired.erases.push_back(held->first);
    held = drop(held);
  }
  if (!expired.erases.empty()) commit(std::move(expired), {});
  // When lives have become shorter, so has the period of what was put off before.
  const Instant latest = context_->now() + period + period / 4;
  for (auto& [name, held] : held_) {
    if (held.renew_at > latest) held.renew_at = next_renewal();
  }
  start_renewals();
}

void Items::start_renewals() {
  std::size_t posted = 0;
  for (auto& [name, held] : held_) {
    if (renewals_ + posted >= kRenewalsMax) return;
    if (held.renew_at > context_->now() || name.kind == ItemKind::kConnection) continue;
    held.renew_at = next_renewal();
    held.skipped = 0;
    context_->post(JobClass::kMaintenance, Store{name});
    ++posted;
  }
}

void Items::on_renewal_done() {
  if (renewals_ > 0) --renewals_;
  start_renewals();
}

// Are we among the kKeepers closest, leaving out one contact?
bool Items::is_keeper(const Id& location, const Id& except, std::vector<Contact>& closest) const {
  table_->closest(location, kKeepers + 1, closest);
  const auto nearer = [&](const Contact& contact) {
    return contact.key != except && closer(location, contact.key, table_->self());
  };
  return std::count_if(closest.begin(), closest.end(), nearer) < static_cast<std::ptrdiff_t>(kKeepers);
}

std::vector<ItemName> Items::to_repair(const Id& lost) const {
  std::vector<ItemName> names;
  const std::size_t others = context_->config.replication - 1;
  if (others == 0) return names;
  std::vector<Contact> closest;
  for (const auto& [name, held] : held_) {
    if (name.kind == ItemKind::kConnection) continue;
    if (!is_keeper(name.location, {}, closest)) continue;
    table_->closest(name.location, others, closest);
    if (closest.size() == others && closer(name.location, lost, closest.back().key)) names.push_back(name);
  }
  return names;
}

std::vector<ItemName> Items::to_hand_over(const Contact& newcomer) const {
  std::vector<ItemName> names;
  std::vector<Contact> closest;
  const auto is_newcomer = [&](const Contact& contact) { return contact.key == newcomer.key; };
  for (const auto& [name, held] : held_) {
    if (name.kind == ItemKind::kConnection) continue;
    if (!is_keeper(name.location, newcomer.key, closest)) continue;
    table_->closest(name.location, context_->config.replication, closest);
    if (std::any_of(closest.begin(), closest.end(), is_newcomer)) names.push_back(name);
  }
  return names;
}

}  // namespace shoal
