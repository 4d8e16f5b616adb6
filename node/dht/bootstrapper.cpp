#include "node/dht/bootstrapper.h"

#include <algorithm>
#include <utility>

namespace shoal {

Bootstrapper::Bootstrapper(NodeContext& context, Rpc& rpc, const HostStore& hosts, const OwnAddresses& own)
    : context_(context), rpc_(rpc), hosts_(hosts), own_(own) {}

void Bootstrapper::begin() {
  if (phase_ != Phase::kIdle) return;
  has_failed_ = false;
  backoff_ = context_.config.bootstrap_backoff_min;
  ask();
}

void Bootstrapper::set_endpoints(std::vector<Endpoint> endpoints) {
  context_.config.bootstrap = std::move(endpoints);
  if (phase_ == Phase::kIdle) return;
  phase_ = Phase::kWaiting;
  arm(Duration::zero());
}

void Bootstrapper::arm(Duration delay) {
  due_ = context_.now() + delay;
  context_.at(due_, DeadlineKind::kBootstrap);
}

// Each round asks all endpoints, and the next few known hosts, so that dead ones at the front do not keep us
// out.
void Bootstrapper::ask() {
  phase_ = Phase::kAsking;
  unasked_ = context_.config.bootstrap.size();
  say_hello(kHostsPerRound);
  const std::vector<KnownHost> known = hosts_.load_hosts();
  for (std::size_t i = 0; i < std::min(kHostsPerRound, known.size()); ++i) {
    on_hello(known[next_host_++ % known.size()].contact);
  }
  wait_for_answers();
}

void Bootstrapper::say_hello(std::size_t hosts_max) {
  const std::vector<Endpoint>& endpoints = context_.config.bootstrap;
  for (std::size_t i = 0; i < hosts_max && unasked_ > 0; ++i) {
    rpc_.send_hello(endpoints[endpoints.size() - unasked_--]);
  }
}

void Bootstrapper::wait_for_answers() {
  // Two sendings of a request, the second waiting twice as long, end within this.
  arm(unasked_ > 0 ? kHelloPause : 3 * context_.config.request_timeout_first);
}

void Bootstrapper::on_hello(const Contact& contact) {
  if (!own_.is_other(contact)) return;
  rpc_.request({contact, wire::Ping{}, Purpose::kBootstrap, {Completion::Owner::kVerify, 0, {}}, false});
}

void Bootstrapper::on_deadline(bool connected) {
  if (connected) {
    phase_ = Phase::kIdle;
    return;
  }
  if (context_.now() < due_) return;  // of an earlier search, or brought forward since
  if (phase_ == Phase::kWaiting) {
    ask();
  } else if (phase_ == Phase::kAsking && unasked_ > 0) {
    say_hello(kHellosPerStep);
    wait_for_answers();
  } else if (phase_ == Phase::kAsking) {
    phase_ = Phase::kWaiting;
    has_failed_ = true;
    arm(context_.rng.jittered(backoff_, 0.25));
    backoff_ = std::min(backoff_ * 2, context_.config.bootstrap_backoff_max);
  }
}

std::vector<Endpoint> Bootstrapper::unanswered() const {
  const bool is_in_vain = phase_ != Phase::kIdle && has_failed_;
  return is_in_vain ? context_.config.bootstrap : std::vector<Endpoint>();
}

bool Bootstrapper::on_connected() {
  const bool searched = phase_ != Phase::kIdle;
  phase_ = Phase::kIdle;
  return searched;
}

}  // namespace shoal
