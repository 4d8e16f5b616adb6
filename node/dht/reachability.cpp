#include "node/dht/reachability.h"

#include <algorithm>
#include <utility>

namespace shoal {
namespace {

// A series that found nothing out is repeated after this long, then ever later.
constexpr Duration kTestAgainMin = std::chrono::seconds(30);
constexpr Duration kSettleAfterChange = std::chrono::seconds(5);
// What a NAT may still let in because this host, before it was started again, had sent something there.
constexpr Duration kOldPermits = std::chrono::minutes(5);
// A host that knows its LAN only is one that can be reached, if nobody else comes within this time.
constexpr Duration kTesterWait = std::chrono::seconds(3);
// Contacts among which one is looked for that may test us, when those of a LAN may not.
constexpr std::size_t kTestersLookedAt = 128;

}  // namespace

std::string_view to_string(Reachability::State state) {
  switch (state) {
    case Reachability::State::kUnknown:
      return "unknown";
    case Reachability::State::kReachable:
      return "reachable";
    case Reachability::State::kUnreachable:
      return "unreachable";
  }
  return "unknown";
}

Reachability::Reachability(NodeContext& context, Rpc& rpc, const RoutingTable& table, const OwnAddresses& own,
                           ReachabilityListener& listener)
    : context_(context),
      rpc_(rpc),
      table_(table),
      own_(own),
      listener_(listener),
      tested_(!enabled()),
      again_after_(kTestAgainMin),
      proof_from_(context.now() + kOldPermits) {
  announce();
}

bool Reachability::enabled() const {
  return !context_.config.client && context_.config.reach_test_interval > Duration::zero();
}

void Reachability::announce() {
  rpc_.announce_client(is_client() || !tested_, is_client());
}

void Reachability::test_at(Instant when) {
  due_ = when;
  context_.at(when, DeadlineKind::kTestReach);
}

void Reachability::take_over(const Reachability& before) {
  state_ = before.state_;
  tested_ = before.tested_;
  shown_by_local_ = before.shown_by_local_;
  announce();
  if (enabled() && tested_) test_at(context_.now() + context_.config.reach_test_interval);
}

// ---- Being tested

void Reachability::on_connected(const Contact& contact) {
  join_waits_ = true;
  if (state_ != State::kUnknown || !enabled()) {
    release_join();
  } else if (testing_) {
    return;
  } else if (may_test(contact)) {
    begin(contact);
  } else {
    tester_wanted_ = true;
    test_at(context_.now() + kTesterWait);
  }
}

void Reachability::on_new_contact(const Contact& contact) {
  if (tester_wanted_ && !testing_ && may_test(contact)) begin(contact);
}

bool Reachability::may_test(const Contact& contact) const {
  return own_.is_local() || !contact.endpoint.is_local();
}

void Reachability::release_join() {
  if (std::exchange(join_waits_, false)) listener_.on_may_join();
}

void Reachability::begin(const Contact& asked) {
  testing_ = true;
  tester_wanted_ = false;
  tests_ = 0;
  witnesses_ = 0;
  announce();
  ask(asked);
}

void Reachability::ask(const Contact& asked) {
  ++tests_;
  shown_by_local_ = asked.endpoint.is_local();
  due_ = kNever;
  const Completion completion{Completion::Owner::kReachability, 0, {}};
  if (!rpc_.request({asked, wire::TestReach{}, Purpose::kMaintenance, completion, false})) end(state_);
}

void Reachability::on_answer(const Answer& answer) {
  if (!testing_) return;
  std::size_t strangers = 0;
  if (answer.response != nullptr) {
    if (const auto* asked = std::get_if<wire::Contacts>(&answer.response->body)) {
      strangers = static_cast<std::size_t>(std::ranges::count_if(asked->contacts, [&](const Contact& c) {
        return own_.usable(c) && !rpc_.has_contacted(c.endpoint);
      }));
    }
  }
  if (strangers == 0) {
    end(state_);  // it did not answer, or the network is small: nobody is left who could be a witness
    return;
  }
  witnesses_ += std::min(strangers, kWitnessesPerTest);
  test_at(context_.now() + kWitnessWait);
}

// A test of the series is over, and nobody came.
void Reachability::go_on() {
  if (witnesses_ >= kWitnessesNeeded) {
    end(State::kUnreachable);
    return;
  }
  const std::optional<Contact> next = random_contact();
  if (tests_ == kTestsMax || !next) {
    end(state_);
  } else {
    ask(*next);
  }
}

void Reachability::end(State found) {
  const bool was_client = is_client();
  testing_ = false;
  tested_ = true;
  state_ = found;
  announce();
  if (was_client != is_client()) listener_.on_client_changed(is_client());
  release_join();
  Duration wait = context_.config.reach_test_interval;
  if (state_ == State::kReachable) {
    wait = std::min(wait, std::max(proof_from_ - context_.now(), kTestAgainMin));
  } else if (state_ == State::kUnknown) {
    wait = std::min(wait, again_after_);
    again_after_ = 2 * wait;  // at most twice the interval, however often it ends so
  }
  test_at(context_.now() + context_.rng.jittered(wait, 0.25));
}

void Reachability::on_reached(const Endpoint& by) {
  if (by.is_local() && !own_.is_local()) return;
  shown_by_local_ = by.is_local();
  reached_ = context_.now();
  if (!enabled() || (state_ == State::kReachable && !testing_)) return;
  again_after_ = kTestAgainMin;
  end(State::kReachable);
}

void Reachability::on_network_changed() {
  if (!enabled() || testing_ || due_ == kNever) return;
  proof_from_ = context_.now() + kOldPermits;
  test_at(context_.now() + kSettleAfterChange);
}

void Reachability::on_own_addresses_changed() {
  if (!shown_by_local_ || own_.is_local() || !enabled()) return;
  shown_by_local_ = testing_ = tested_ = false;
  state_ = State::kUnknown;
  again_after_ = kTestAgainMin;
  announce();
  release_join();
  test_at(context_.now());
}

void Reachability::on_deadline() {
  if (context_.now() < due_) return;
  if (testing_) {
    go_on();
    return;
  }
  const Instant proof_ends = reached_ + context_.config.reach_test_interval;
  if (state_ == State::kReachable && reached_ >= proof_from_ && context_.now() < proof_ends) {
    test_at(proof_ends);
  } else if (const std::optional<Contact> contact = random_contact()) {
    begin(*contact);
  } else {
    due_ = kNever;  // alone: on_connected() goes on; among neighbours: on_new_contact() does
    state_ = State::kUnknown;
    if (table_.size() > 0) tested_ = tester_wanted_ = true;
    announce();
    if (table_.size() > 0) release_join();
  }
}

// ---- Testing others

std::optional<Contact> Reachability::random_contact() {
  const Id place = context_.rng.id();
  std::vector<Contact> contacts;
  table_.closest(place, 1, contacts);
  if (contacts.empty() || may_test(contacts.front())) {
    return contacts.empty() ? std::nullopt : std::optional(contacts.front());
  }
  contacts.clear();
  table_.closest(place, kTestersLookedAt, contacts);
  const auto found = std::ranges::find_if(contacts, [&](const Contact& c) { return may_test(c); });
  return found == contacts.end() ? std::nullopt : std::optional(*found);
}

std::vector<Contact> Reachability::ask_witnesses(const Contact& tested) {
  std::vector<Contact> witnesses;
  table_.closest(context_.rng.id(), kWitnessesPerTest + 1, witnesses);
  std::erase_if(witnesses, [&](const Contact& witness) { return witness.key == tested.key; });
  witnesses.resize(std::min(witnesses.size(), kWitnessesPerTest));
  std::erase_if(witnesses, [&](const Contact& witness) {
    return !rpc_.request({witness, wire::TestReach{tested}, Purpose::kMaintenance, {}, false});
  });
  return witnesses;
}

}  // namespace shoal
