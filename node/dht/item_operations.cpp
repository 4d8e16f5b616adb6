#include "node/dht/item_operations.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "node/wire/codec.h"

namespace shoal {
namespace {

// Completion::index of a question that comes before a store.
constexpr std::uint16_t kQuestion = 1;
// Hosts that a repair may turn to when the first does not take the item.
constexpr std::size_t kRepairTargetsMore = 2;
// Pages of records that one holder is asked for: each has one at least.
constexpr std::uint16_t kPagesMax = Items::kRecordsPerKeyMax;

bool about_sequence(ErrorCode code) {
  return code == ErrorCode::kSequenceTooLow || code == ErrorCode::kSequenceConflict ||
         code == ErrorCode::kCasMismatch;
}

// Does this host hold what is to be stored, or what supersedes it? It says so.
bool has_it(const Holding& holding, const wire::Item& item, std::uint64_t sequence) {
  if (holding.sequence != sequence) return holding.sequence > sequence;
  return !holding.digest || *holding.digest == item_digest(item.body);
}

std::chrono::milliseconds to_wall(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d);
}

}  // namespace

ItemOperations::ItemOperations(NodeContext& context, const KeyPair& keys, Rpc& rpc, Lookups& lookups,
                               Items& items, const RoutingTable& table, const OwnAddresses& own)
    : context_(context),
      keys_(keys),
      rpc_(rpc),
      lookups_(lookups),
      items_(items),
      table_(table),
      own_(own),
      operations_(kOperationsMax) {}

Guid ItemOperations::begin(Operation operation) {
  const std::optional<CommandId> command = operation.command;
  const Guid guid = operations_.insert(std::move(operation));
  if (!guid && command) refuse_busy(*command);
  return guid;
}

void ItemOperations::refuse_busy(CommandId command) {
  context_.results.emplace_back(command,
                                fail(ErrorCode::kBusy, "too many lookups or operations are under way"));
}

Purpose ItemOperations::purpose_of(const Operation& operation) const {
  return operation.command ? Purpose::kItems : Purpose::kMaintenance;
}

// ---- Commands

void ItemOperations::put(CommandId command, PutCommand put) {
  if (put.value.size() > wire::kValueBytesMax) {
    context_.results.emplace_back(command, fail(ErrorCode::kTooLarge, "a value has at most 65,536 bytes"));
    return;
  }
  Operation operation;
  operation.kind = Kind::kPut;
  operation.command = command;
  operation.result.key = hash_item_location(put.value);
  operation.get.name = {operation.result.key, ItemKind::kHash, {}};
  operation.item = {ItemKind::kHash, std::move(put.value)};
  operation.expires = context_.wall_time() + to_wall(context_.config.item_lifetime);
  start_lookup(begin(std::move(operation)));
}

void ItemOperations::publish(CommandId command, PublishCommand publish) {
  if (publish.value.size() > wire::kValueBytesMax || publish.salt.size() > wire::kSaltBytesMax) {
    context_.results.emplace_back(
        command, fail(ErrorCode::kTooLarge, "a value has at most 65,536 bytes, and a salt at most 64"));
    return;
  }
  Operation operation;
  operation.kind = Kind::kPublish;
  operation.command = command;
  operation.result.key = KeyPair::from_seed(publish.secret).public_key();
  operation.get.name = {publish_item_location(operation.result.key), ItemKind::kPublish, publish.salt};
  operation.expected_sequence = publish.expected_sequence;
  operation.publish = std::move(publish);
  keep_own(operation);
  start_lookup(begin(std::move(operation)));
}

void ItemOperations::get(CommandId command, const GetCommand& get) {
  const ItemName name{get.key, ItemKind::kHash, {}};
  if (const auto held = items_.find(name)) {
    context_.results.emplace_back(command, GetResult{*held->body, {}});
    return;
  }
  Operation operation;
  operation.kind = Kind::kGet;
  operation.command = command;
  operation.get.name = name;
  start_lookup(begin(std::move(operation)));
}

void ItemOperations::lookup(CommandId command, const LookupCommand& lookup) {
  wire::GetItem get;
  get.name = {publish_item_location(lookup.public_key), ItemKind::kPublish, lookup.salt};
  get.all = lookup.all;
  begin_read(command, Kind::kLookup, get);
}

void ItemOperations::resolve(CommandId command, const ResolveCommand& resolve) {
  wire::GetItem get;
  get.name = {resolve.host, ItemKind::kConnection, {}};
  begin_read(command, Kind::kResolve, get);
}

// What we hold ourselves may be the newest.
void ItemOperations::begin_read(CommandId command, Kind kind, const wire::GetItem& get) {
  Operation operation;
  operation.kind = kind;
  operation.command = command;
  operation.get = get;
  keep_own(operation);
  start_lookup(begin(std::move(operation)));
}

void ItemOperations::keep_own(Operation& operation) const {
  const ItemName& name = operation.get.name;
  if (const auto held = items_.find(name)) operation.items.keep({name.kind, *held->body}, operation.get);
}

// ---- Of our own accord

// For passing on what we hold.
std::optional<ItemOperations::Operation> ItemOperations::operation_on_held(Kind kind,
                                                                           const ItemName& name) const {
  const auto held = items_.find(name);
  if (!held) return std::nullopt;
  Operation operation;
  operation.kind = kind;
  operation.item = {name.kind, *held->body};
  operation.expires = held->header.expires;
  operation.result.sequence = held->header.sequence;
  operation.get.name = name;
  return operation;
}

void ItemOperations::renew(const ItemName& name) {
  std::optional<Operation> operation = operation_on_held(Kind::kRenew, name);
  if (!operation) return;
  const Guid guid = begin(std::move(*operation));
  if (!guid) return;
  items_.on_renewal_begun();
  start_lookup(guid);
}

void ItemOperations::hand_over(const ItemName& name, const Contact& to) {
  std::optional<Operation> operation = operation_on_held(Kind::kHandOver, name);
  if (!operation) return;
  operation->targets = {to};
  operation->copies_wanted = 1;
  const bool large = operation->item.body.size() > wire::kStoreBodyInDatagramMax;
  const Guid guid = begin(std::move(*operation));
  if (!guid) return;
  if (!large) {
    store_on_next(guid);
    return;
  }
  // A host that is back from absence has kept what it held: it is asked before a session moves the value.
  wire::GetItem question;
  question.name = name;
  const Completion completion{Completion::Owner::kStore, kQuestion, guid};
  if (!rpc_.request({to, question, Purpose::kMaintenance, completion, false})) operations_.erase(guid);
}

// The others of the closest hold it; the new one is whoever is now the last of them, or the next that takes
// it.
void ItemOperations::repair(const ItemName& name) {
  std::optional<Operation> operation = operation_on_held(Kind::kHandOver, name);
  if (!operation) return;
  const std::size_t others = context_.config.replication - 1;
  table_.closest(name.location, others + kRepairTargetsMore, operation->targets);
  if (operation->targets.size() < others || others == 0) return;
  operation->next_target = others - 1;
  operation->copies_wanted = 1;
  store_on_next(begin(std::move(*operation)));
}

void ItemOperations::publish_self() {
  if (context_.config.client || own_.advertised().empty()) return;
  Operation operation;
  operation.kind = Kind::kPublishSelf;
  operation.get.name = {keys_.public_key(), ItemKind::kConnection, {}};
  keep_own(operation);
  start_lookup(begin(std::move(operation)));
}

void ItemOperations::start_lookup(Guid guid) {
  Operation* operation = operations_.find(guid);
  if (operation == nullptr) return;
  LookupRequest request;
  request.target = operation->get.name.location;
  request.wanted = operation->second_round ? context_.config.k : context_.config.replication;
  request.get = operation->get;
  request.get->renewing = operation->kind == Kind::kRenew;
  if (operation->kind == Kind::kRenew && operation->item.kind != ItemKind::kHash) {
    request.get->renewing_digest = item_digest(operation->item.body);
  }
  request.first_item_is_enough = operation->kind == Kind::kGet;
  request.purpose = purpose_of(*operation);
  request.owner = {LookupOwner::Part::kItems, guid};
  operation->reading = true;
  // It may have ended, and the operation with it, before its guid is known.
  if (const Guid lookup = lookups_.start(std::move(request))) {
    operation = operations_.find(guid);
    if (operation != nullptr && operation->reading) operation->lookup = lookup;
    return;
  }
  const std::optional<Operation> refused = operations_.take(guid);
  if (refused->command) refuse_busy(*refused->command);
  if (refused->kind == Kind::kRenew) items_.on_renewal_done();
}

void ItemOperations::on_lookup_done(Guid guid, LookupOutcome outcome) {
  Operation* operation = operations_.find(guid);
  if (operation == nullptr) return;
  operation->lookup = {};
  operation->report = std::move(outcome.report);
  for (const wire::Item& item : outcome.items.items()) operation->items.keep(item, operation->get);
  switch (operation->kind) {
    case Kind::kPublishSelf:
      if (sign_own_connection(*operation)) {
        begin_storing(guid, {});
      } else {
        operations_.erase(guid);
      }
      break;
    case Kind::kPut:
      begin_storing(guid, {});
      break;
    case Kind::kRenew:
      begin_storing(guid, outcome.holdings);
      break;
    case Kind::kHandOver:
      break;
    case Kind::kPublish:
    case Kind::kLookup:
    case Kind::kResolve:
      operation->holdings = std::move(outcome.holdings);
      std::erase_if(operation->holdings, [](const Holding& holding) { return !holding.needs_session; });
      std::stable_sort(operation->holdings.begin(), operation->holdings.end(),
                       [](const Holding& a, const Holding& b) { return a.sequence < b.sequence; });
      [[fallthrough]];
    case Kind::kGet:
      operation->read_until = context_.now() + kNewerWithin;
      context_.at(operation->read_until, DeadlineKind::kFetchItem, guid);
      fetch_more(guid);
      break;
  }
}

// ---- Storing

void ItemOperations::sign_record(Operation& operation) {
  const PublishCommand publish = *std::exchange(operation.publish, std::nullopt);
  PublishRecord record;
  record.public_key = operation.result.key;
  const std::uint64_t held = publish.expected_sequence.value_or(operation.items.sequence_max());
  record.sequence = publish.sequence.value_or(next_sequence(held));
  record.expires = context_.wall_time() + to_wall(publish.lifetime.value_or(context_.config.item_lifetime));
  record.salt = publish.salt;
  record.value = publish.value;
  operation.item = make_publish_item(record, KeyPair::from_seed(publish.secret));
  operation.result.sequence = record.sequence;
}

// The time is the sequence number, so that a host which has forgotten what it published still counts on. A
// clock that was ahead before must not keep the host from being found now: what is held, as we signed it, is
// always exceeded.
bool ItemOperations::sign_own_connection(Operation& operation) {
  ConnectionRecord record;
  record.host = keys_.public_key();
  record.endpoints = own_.advertised();
  if (record.endpoints.empty()) return false;
  const WallTime now = context_.wall_time();
  const auto now_ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const bool is_held = !operation.items.empty();
  record.sequence = is_held ? std::max(now_ms, next_sequence(operation.items.sequence_max())) : now_ms;
  record.expires = now + to_wall(context_.config.connection_item_lifetime);
  operation.item = make_connection_item(record, keys_);
  operation.result.sequence = record.sequence;
  return true;
}

// `holdings`: who holds the item already, where that is enough.
void ItemOperations::begin_storing(Guid guid, const std::vector<Holding>& holdings) {
  Operation& operation = *operations_.find(guid);
  operation.copies_wanted = context_.config.replication;
  operation.holdings = holdings;
  const Id& location = operation.get.name.location;
  for (const LookupReport::Host& host : operation.report.closest) operation.targets.push_back(host.contact);
  if (!context_.config.client) {
    const Contact self{keys_.public_key(), {}};
    const auto place =
        std::lower_bound(operation.targets.begin(), operation.targets.end(), self,
                         [&](const Contact& a, const Contact& b) { return closer(location, a.key, b.key); });
    operation.targets.insert(place, self);
  }
  store_on_next(guid);
}

void ItemOperations::store_on_next(Guid guid) {
  for (;;) {
    Operation* operation = operations_.find(guid);
    if (operation == nullptr) return;
    const bool enough = operation->copies + operation->in_flight >= operation->copies_wanted;
    if (enough || operation->next_target == operation->targets.size()) break;
    const Contact target = operation->targets[operation->next_target++];
    const bool holds =
        std::any_of(operation->holdings.begin(), operation->holdings.end(), [&](const Holding& h) {
          return h.contact.key == target.key && has_it(h, operation->item, operation->result.sequence);
        });
    const bool ourselves = target.key == keys_.public_key();
    if (holds || (ourselves && operation->kind == Kind::kRenew)) {
      ++operation->copies;
      continue;
    }
    ++operation->in_flight;
    if (ourselves) {
      items_.store_here(operation->item, operation->expected_sequence, operation->expires, *this, guid);
      continue;
    }
    OutRequest out;
    out.to = target;
    const bool carries_expiry = operation->item.kind != ItemKind::kHash;
    out.body = wire::StoreItem{operation->item, operation->expected_sequence,
                               carries_expiry ? WallTime{} : operation->expires};
    out.purpose = purpose_of(*operation);
    out.completion = {Completion::Owner::kStore, 0, guid};
    out.by_session = operation->item.body.size() > wire::kStoreBodyInDatagramMax;
    if (!rpc_.request(std::move(out))) record_store(guid, target, {ErrorCode::kBusy, 0});
  }
  const Operation* operation = operations_.find(guid);
  if (operation != nullptr && operation->in_flight == 0) finish_store(guid);
}

void ItemOperations::record_store(Guid guid, const Contact& holder, const wire::Refusal& outcome) {
  Operation& operation = *operations_.find(guid);
  --operation.in_flight;
  operation.result.holders.push_back({holder, outcome.code, outcome.sequence});
  if (outcome.code == ErrorCode::kNone) ++operation.copies;
  // A host that holds something newer is no reason to spread the older further out.
  if (about_sequence(outcome.code) && operation.copies_wanted > 0) --operation.copies_wanted;
}

// The newcomer has said whether it holds the item.
void ItemOperations::on_question_answer(const Answer& answer) {
  const Guid guid = answer.completion.guid;
  const auto* held = answer.response == nullptr ? nullptr : std::get_if<wire::Items>(&answer.response->body);
  if (held == nullptr) {
    operations_.erase(guid);
    return;
  }
  Holding holding{answer.from, held->held_sequence, held->by_session_bytes > 0, held->held_digest};
  if (!held->items.empty()) holding.digest = item_digest(held->items.front().body);
  const bool holds = !held->items.empty() || held->by_session_bytes > 0;
  const Operation& operation = *operations_.find(guid);
  if (holds && has_it(holding, operation.item, operation.result.sequence)) {
    operations_.erase(guid);
  } else {
    store_on_next(guid);
  }
}

void ItemOperations::on_store_answer(const Answer& answer) {
  if (operations_.find(answer.completion.guid) == nullptr) return;
  if (answer.completion.index == kQuestion) {
    on_question_answer(answer);
    return;
  }
  wire::Refusal outcome{answer.error, 0};
  if (answer.response != nullptr) {
    if (const auto* refusal = std::get_if<wire::Refusal>(&answer.response->body)) outcome = *refusal;
  }
  record_store(answer.completion.guid, answer.from, outcome);
  store_on_next(answer.completion.guid);
}

void ItemOperations::on_stored_here(Guid guid, const wire::Refusal& outcome) {
  if (operations_.find(guid) == nullptr) return;
  record_store(guid, Contact{keys_.public_key(), {}}, outcome);
  store_on_next(guid);
}

void ItemOperations::finish_store(Guid guid) {
  std::optional<Operation> operation = operations_.take(guid);
  if (operation->kind == Kind::kRenew) finish_renewal(*operation);
  if (!operation->command) return;
  if (operation->report.closest.empty() && table_.size() == 0) {
    context_.results.emplace_back(*operation->command,
                                  fail(ErrorCode::kNotConnected, "no host of the network is known"));
    return;
  }
  // Of writers that compare and swap at once each may have got some of the hosts: none but one has most of
  // them.
  const auto superseded = static_cast<std::size_t>(
      std::count_if(operation->result.holders.begin(), operation->result.holders.end(),
                    [](const StoreResult::Holder& holder) { return about_sequence(holder.refusal); }));
  const std::size_t stored = operation->result.stored_count();
  if (operation->expected_sequence && stored > 0 && superseded >= stored) {
    context_.results.emplace_back(
        *operation->command,
        fail(
            ErrorCode::kCasMismatch,
            fmt::format("{} hosts have stored it, and {} hold another one by now: another host has published "
                        "meanwhile; look it up, and try again",
                        stored, superseded)));
    return;
  }
  operation->result.lookup = std::move(operation->report);
  context_.results.emplace_back(*operation->command, std::move(operation->result));
}

// An item that enough closer hosts hold is theirs to keep.
void ItemOperations::finish_renewal(const Operation& operation) {
  items_.on_renewal_done();
  const auto self = std::find_if(operation.targets.begin(), operation.targets.end(),
                                 [&](const Contact& c) { return c.key == keys_.public_key(); });
  const auto rank = static_cast<std::size_t>(self - operation.targets.begin());
  const bool ours_is_one_of_the_copies = rank < operation.next_target;
  if (!ours_is_one_of_the_copies && operation.copies >= context_.config.replication) {
    items_.erase(operation.get.name);
  }
}

// ---- Getting

bool ItemOperations::is_useful(const Operation& operation, const Holding& holding) const {
  if (operation.get.all || operation.items.empty()) return true;
  const std::uint64_t have = operation.items.sequence_max();
  if (holding.sequence != have) return holding.sequence > have;
  return holding.digest && *holding.digest != item_digest(operation.items.items().front().body);
}

void ItemOperations::on_held_by_session(Guid guid, const Holding& holding) {
  Operation* operation = operations_.find(guid);
  if (operation == nullptr || operation->kind != Kind::kGet) return;
  operation->holdings.insert(operation->holdings.begin(), holding);
  fetch_more(guid);
  operation = operations_.find(guid);
  if (operation != nullptr && operation->fetches == 0 && operation->lookup)
    lookups_.resume(operation->lookup);
}

void ItemOperations::on_fetch_deadline(Guid guid) {
  const Operation* operation = operations_.find(guid);
  if (operation == nullptr || !operation->reading) return;
  if (operation->lookup) lookups_.resume(operation->lookup);
  operation = operations_.find(guid);
  if (operation != nullptr && operation->reading) fetch_more(guid);
}

// Asks the next holders that are worth it, and ends the reading when nobody is left to wait for.
void ItemOperations::fetch_more(Guid guid) {
  Operation& operation = *operations_.find(guid);
  const Instant now = context_.now();
  // A record that is to be signed under a given number needs nothing of what is held.
  const bool needs_none = operation.publish && (operation.publish->sequence || operation.expected_sequence);
  if (needs_none) operation.holdings.clear();
  while (!operation.holdings.empty() && operation.fetches < kFetchesMax) {
    if (operation.fetches > 0 && now < operation.fetch_next) break;
    const Holding best = std::move(operation.holdings.back());
    operation.holdings.pop_back();
    if (!is_useful(operation, best) || !fetch(guid, operation, best.contact, operation.get, 0)) continue;
    ++operation.fetches;
    operation.fetch_next = now + kFetchPatience;
    context_.at(operation.fetch_next, DeadlineKind::kFetchItem, guid);
  }
  if (operation.kind == Kind::kGet && !operation.items.empty()) {
    finish_reading(guid);
    return;
  }
  if (operation.lookup) return;  // more may be found
  const bool enough = operation.kind == Kind::kPublish || !operation.items.empty();
  const bool waited = enough && now >= operation.read_until;
  if (operation.fetches == 0 || waited) finish_reading(guid);
}

bool ItemOperations::fetch(Guid guid, const Operation& operation, const Contact& holder,
                           const wire::GetItem& get, std::uint16_t page) {
  OutRequest out;
  out.to = holder;
  out.body = get;
  out.purpose = purpose_of(operation);
  out.completion = {Completion::Owner::kFetch, page, guid};
  out.by_session = true;
  return static_cast<bool>(rpc_.request(std::move(out)));
}

void ItemOperations::on_fetch_answer(const Answer& answer) {
  const Guid guid = answer.completion.guid;
  Operation* operation = operations_.find(guid);
  if (operation == nullptr || !operation->reading) return;
  --operation->fetches;
  const auto* items = answer.response == nullptr ? nullptr : std::get_if<wire::Items>(&answer.response->body);
  if (items == nullptr || items->items.empty()) {
    ++operation->undelivered;
    if (operation->lookup) lookups_.resume(operation->lookup);
    operation = operations_.find(guid);
    if (operation != nullptr && operation->reading) fetch_more(guid);
    return;
  }
  for (const wire::Item& item : items->items) operation->items.keep(item, operation->get);
  const std::uint16_t page = answer.completion.index;
  if (operation->get.all && items->more && page + 1 < kPagesMax) {
    if (const auto last = read_publish_item(items->items.back().body)) {
      wire::GetItem rest = operation->get;
      rest.resume = true;
      rest.name.salt = last->salt;
      if (fetch(guid, *operation, answer.from, rest, static_cast<std::uint16_t>(page + 1))) {
        ++operation->fetches;
      }
    }
  }
  fetch_more(guid);
}

void ItemOperations::finish_reading(Guid guid) {
  Operation& operation = *operations_.find(guid);
  if (operation.lookup) operation.report = lookups_.stop(std::exchange(operation.lookup, {}));
  operation.reading = false;
  operation.fetches = 0;
  operation.holdings.clear();
  if (operation.kind != Kind::kPublish) {
    finish_get(guid);
    return;
  }
  sign_record(operation);
  begin_storing(guid, {});
}

void ItemOperations::finish_get(Guid guid) {
  Operation& operation = *operations_.find(guid);
  if (operation.kind == Kind::kGet && operation.items.empty() && !operation.second_round &&
      !operation.report.closest.empty()) {
    // Those that said they hold the item did not deliver, or nobody near enough was asked: ask all of the
    // closest.
    operation.second_round = true;
    start_lookup(guid);
    return;
  }
  CommandResult result = result_of_get(operation);
  context_.results.emplace_back(*operation.command, std::move(result));
  operations_.erase(guid);
}

CommandResult ItemOperations::result_of_get(Operation& operation) const {
  const bool alone = operation.report.closest.empty() && table_.size() == 0;
  if (operation.items.empty() && alone)
    return fail(ErrorCode::kNotConnected, "no host of the network is known");
  const WallTime now = context_.wall_time();
  if (operation.kind == Kind::kGet && !operation.items.empty()) {
    return GetResult{operation.items.items().front().body, std::move(operation.report)};
  }
  if (operation.kind == Kind::kResolve) {
    for (const wire::Item& item : operation.items.items()) {
      auto record = read_connection_item(item.body);
      if (record && record->expires > now)
        return ResolveResult{std::move(*record), std::move(operation.report)};
    }
  }
  if (operation.kind == Kind::kLookup) {
    PublishedResult published;
    for (const wire::Item& item : operation.items.items()) {
      auto record = read_publish_item(item.body);
      if (record && record->expires > now) published.records.push_back(std::move(*record));
    }
    if (!published.records.empty()) {
      published.lookup = std::move(operation.report);
      return published;
    }
  }
  const LookupReport& report = operation.report;
  const auto answered = std::count_if(
      report.steps.begin(), report.steps.end(),
      [](const LookupReport::Step& step) { return step.outcome == LookupReport::Outcome::kAnswered; });
  if (operation.items.empty() && answered == 0) {
    return fail(
        ErrorCode::kTimeout,
        fmt::format("none of the {} hosts that were asked has answered: whether one holds it is not known",
                    report.steps.size()));
  }
  if (operation.items.empty() && operation.undelivered > 0) {
    return fail(ErrorCode::kTimeout, fmt::format("{} hosts say that they hold it, and none has delivered it",
                                                 operation.undelivered));
  }
  return fail(ErrorCode::kNotFound, "none of the hosts closest to it holds it");
}

}  // namespace shoal
