#include "node/dht/bootstrapper.h"

#include <algorithm>

namespace shoal {

Bootstrapper::Bootstrapper(NodeContext& context, Rpc& rpc, const HostStore& hosts, const OwnAddresses& own)
    : context_(context), rpc_(rpc), hosts_(hosts), own_(own) {}

void Bootstrapper::begin() {
  if (phase_ != Phase::kIdle) return;
  has_failed_ = false;
  backoff_ = context_.config.bootstrap_backoff_min;
  ask();
}

// Each round asks the next few of both lists, so that dead ones at the front do not keep us out.
void Bootstrapper::ask() {
  phase_ = Phase::kAsking;
  const std::vector<Endpoint>& endpoints = context_.config.bootstrap;
  for (std::size_t i = 0; i < std::min(kHostsPerRound, endpoints.size()); ++i) {
    rpc_.send_hello(endpoints[next_endpoint_++ % endpoints.size()]);
  }
  const std::vector<KnownHost> known = hosts_.load_hosts();
  for (std::size_t i = 0; i < std::min(kHostsPerRound, known.size()); ++i) {
    on_hello(known[next_host_++ % known.size()].contact);
  }
  // Two sendings of a request, the second waiting twice as long, end within this.
  context_.after(3 * context_.config.request_timeout_first, DeadlineKind::kBootstrap);
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
  if (phase_ == Phase::kWaiting) {
    ask();
  } else if (phase_ == Phase::kAsking) {
    phase_ = Phase::kWaiting;
    has_failed_ = true;
    context_.after(context_.rng.jittered(backoff_, 0.25), DeadlineKind::kBootstrap);
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
