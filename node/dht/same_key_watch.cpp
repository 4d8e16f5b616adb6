#include "node/dht/same_key_watch.h"

#include <utility>

namespace shoal {

void SameKeyWatch::heard_of(const Contact& contact) {
  const bool is_place = contact.endpoint.port != 0 && !contact.endpoint.is_unspecified();
  if (contact.key != self_ || !is_place || own_.is_own(contact.endpoint)) return;
  if (asked_ || context_.now() < ask_after_) return;
  ask_after_ = context_.now() + kPause;
  const Id target = context_.rng.id();
  OutRequest out;
  out.to = contact;
  out.body = wire::FindHost{target};
  out.purpose = Purpose::kMaintenance;
  out.completion.owner = Completion::Owner::kSameKey;
  out.by_session = true;
  if (!rpc_.request(std::move(out))) return;
  asked_ = target;
  is_us_ = false;
}

bool SameKeyWatch::on_request(const Id& target) {
  if (asked_ != target) return true;
  is_us_ = true;
  return false;
}

bool SameKeyWatch::on_answer(const Answer& answer) {
  asked_.reset();
  return answer.response != nullptr && !is_us_;
}

}  // namespace shoal
