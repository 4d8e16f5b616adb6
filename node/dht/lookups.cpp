#include "node/dht/lookups.h"

#include <algorithm>
#include <utility>

namespace shoal {

namespace {

// A request of a lookup is sent so many times more than others (request_attempts). If the contact that is
// nearest to the target seems silent, the lookup has failed; that of all others costs a repetition later.
constexpr std::uint8_t kMoreAttempts = 1;

}  // namespace

Lookups::Lookups(NodeContext& context, Rpc& rpc, const RoutingTable& table, const OwnAddresses& own,
                 LookupListener& listener)
    : context_(context),
      rpc_(rpc),
      table_(table),
      own_(own),
      listener_(listener),
      active_(context.config.lookups_in_flight_max) {}

Guid Lookups::start(LookupRequest request) {
  if (active_.full()) {
    ++context_.counters.lookups_refused;
    return {};
  }
  const LookupConfig config{.wanted = request.wanted,
                            .alpha = context_.config.alpha,
                            .per_subnet_max = context_.config.per_subnet_max,
                            .own_is_local = own_.is_local()};
  Lookup lookup(table_.self(), request.target, config, context_.now());
  std::vector<Contact> known;
  table_.closest(request.target, std::max(request.wanted, context_.config.k), known);
  lookup.add_known(known);
  const Guid guid = active_.insert(Active{std::move(request), std::move(lookup), {}, {}, {}, false});
  step(guid);
  return guid;
}

void Lookups::step(Guid guid) {
  for (;;) {
    Active* active = active_.find(guid);
    if (active == nullptr) return;
    if (active->found || active->lookup.done()) {
      finish(guid);
      return;
    }
    if (active->paused) return;
    const auto candidate = active->lookup.next_to_ask(context_.now());
    if (!candidate) return;
    OutRequest out;
    out.to = active->lookup.contact(*candidate);
    out.purpose = active->request.purpose;
    const Lookup::Allowance allowance = active->lookup.allowance(*candidate);
    out.padded = allowance == Lookup::Allowance::kAll;
    const bool once = allowance == Lookup::Allowance::kOnce;
    out.attempts_max =
        once ? std::uint8_t{1} : static_cast<std::uint8_t>(context_.config.request_attempts + kMoreAttempts);
    out.completion = {Completion::Owner::kLookup, *candidate, guid};
    if (active->request.get) {
      out.body = *active->request.get;
    } else {
      out.body = wire::FindHost{active->request.target};
    }
    const Guid sent = rpc_.request(std::move(out));
    if (!sent) {
      active->lookup.on_failed(*candidate, LookupReport::Outcome::kUnasked, context_.now());
      continue;
    }
    active->requests.push_back(sent);
    if (once) active->lookup.on_slow(*candidate);
  }
}

void Lookups::finish(Guid guid) {
  std::optional<Active> active = active_.take(guid);
  for (const Guid request : active->requests) rpc_.forget(request);
  LookupOutcome outcome;
  outcome.owner = active->request.owner;
  outcome.report = active->lookup.report(context_.now());
  outcome.holdings = std::move(active->holdings);
  outcome.items = std::move(active->items);
  listener_.on_lookup_done(std::move(outcome));
}

LookupReport Lookups::stop(Guid guid) {
  const std::optional<Active> active = active_.take(guid);
  if (!active) return {};
  for (const Guid request : active->requests) rpc_.forget(request);
  return active->lookup.report(context_.now());
}

void Lookups::resume(Guid guid) {
  Active* active = active_.find(guid);
  if (active == nullptr || !active->paused) return;
  active->paused = false;
  step(guid);
}

void Lookups::on_slow(const Completion& completion) {
  Active* active = active_.find(completion.guid);
  if (active == nullptr) return;
  active->lookup.on_slow(completion.index);
  step(completion.guid);
}

void Lookups::on_answer(const Answer& answer) {
  Active* active = active_.find(answer.completion.guid);
  if (active == nullptr) return;
  const std::uint16_t candidate = answer.completion.index;
  const Instant now = context_.now();
  if (answer.error != ErrorCode::kNone) {
    const auto outcome =
        answer.response == nullptr ? LookupReport::Outcome::kTimedOut : LookupReport::Outcome::kRefused;
    active->lookup.on_failed(candidate, outcome, now);
    step(answer.completion.guid);
    return;
  }
  std::vector<Contact> told;
  bool held_by_session = false;
  if (const auto* contacts = std::get_if<wire::Contacts>(&answer.response->body)) {
    told = contacts->contacts;
  } else if (const auto* items = std::get_if<wire::Items>(&answer.response->body)) {
    told = items->contacts;
    if (active->request.get) held_by_session = take_items(*active, answer.from, *items);
  }
  for (const Contact& contact : told) {
    if (contact.key == table_.self()) listener_.on_told_of_own_key(contact);
  }
  std::erase_if(told, [&](const Contact& contact) { return !own_.usable(contact); });
  active->lookup.on_answer(candidate, told, now);
  if (answer.response->client) active->lookup.exclude(candidate);
  if (held_by_session && active->request.first_item_is_enough) {
    const LookupOwner owner = active->request.owner;
    const Holding holding = active->holdings.back();
    active->paused = active->paused || !active->was_paused;
    active->was_paused = true;
    listener_.on_held_by_session(owner, holding);
  }
  step(answer.completion.guid);
}

bool Lookups::take_items(Active& active, const Contact& from, const wire::Items& answer) {
  if (answer.items.empty() && answer.by_session_bytes == 0) return false;
  const bool needs_session = answer.by_session_bytes > 0 || answer.more;
  active.holdings.push_back({from, answer.held_sequence, needs_session, answer.held_digest});
  for (const wire::Item& item : answer.items) active.items.keep(item, *active.request.get);
  if (!active.items.empty() && active.request.first_item_is_enough) active.found = true;
  return needs_session;
}

}  // namespace shoal
