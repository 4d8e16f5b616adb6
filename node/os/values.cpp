#include "node/os/values.h"

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "node/control/base64.h"

namespace shoal {
namespace {

bool is_worth_another_try(ErrorCode code) {
  return code == ErrorCode::kBusy || code == ErrorCode::kTimeout || code == ErrorCode::kNotFound;
}

}  // namespace

void NodeValues::put(Bytes value) {
  while (!failed_ && pending_.size() >= kPutsInFlight) receive();
  if (!failed_) begin(PutCommand{std::move(value)});
}

Result<void> NodeValues::flush() {
  while (!failed_ && !pending_.empty()) receive();
  return failure();
}

Result<void> NodeValues::failure() const {
  if (failed_) return tl::unexpected(*failed_);
  return {};
}

Values::Ticket NodeValues::ask(const Id& key) {
  return begin(GetCommand{key});
}

Result<Bytes> NodeValues::take(Ticket ticket) {
  for (;;) {
    if (auto found = taken_.extract(ticket); !found.empty()) return std::move(found.mapped());
    if (failed_) return tl::unexpected(*failed_);
    check(pending_.contains(ticket), "a ticket that was taken already");
    receive();
  }
}

Values::Ticket NodeValues::begin(Command command) {
  const Ticket ticket = ++tickets_;
  send(ticket, pending_.emplace(ticket, Pending{std::move(command)}).first->second);
  return ticket;
}

void NodeValues::send(Ticket ticket, Pending& pending) {
  ++pending.attempts;
  if (Result<void> sent = client_.send(ticket, pending.command, timeout_); !sent) cut_off(sent.error());
}

void NodeValues::receive() {
  Result<ControlClient::Numbered> answer = client_.receive(timeout_);
  if (answer) {
    on_answer(answer->number, std::move(answer->answer));
  } else {
    cut_off(std::move(answer.error()));
  }
}

void NodeValues::cut_off(Error error) {
  is_cut_off_ = error.code != ErrorCode::kTimeout;
  failed_ = std::move(error);
}

void NodeValues::on_answer(Ticket ticket, ControlClient::Answer answer) {
  const auto found = pending_.find(ticket);
  if (found == pending_.end()) return;  // the node answers no command twice
  Pending& pending = found->second;
  Result<Bytes> value = value_of(pending.command, answer);
  if (!value && is_worth_another_try(value.error().code) && pending.attempts < kAttemptsMax) {
    send(ticket, pending);
    return;
  }
  const bool is_put = std::holds_alternative<PutCommand>(pending.command);
  pending_.erase(found);
  if (!is_put) {
    taken_.emplace(ticket, std::move(value));
  } else if (value) {
    ++stored_;
  } else if (!failed_) {
    failed_ = std::move(value.error());
  }
}

// Of a put: no bytes.
Result<Bytes> NodeValues::value_of(const Command& command, ControlClient::Answer& answer) {
  const auto not_of_protocol = [] {
    return fail(ErrorCode::kMalformed,
                "the node's answer is not of the control protocol: is it of another version?");
  };
  if (!answer) return tl::unexpected(std::move(answer.error().error));
  const bool is_put = std::holds_alternative<PutCommand>(command);
  const auto field = answer->find(is_put ? "stored_count" : "value");
  if (field == answer->end()) return not_of_protocol();
  if (is_put) {
    if (!field->is_number_unsigned()) return not_of_protocol();
    const auto copies = field->get<std::size_t>();
    if (copies == 0) return fail(ErrorCode::kNotFound, "no host stored a value of the tree");
    copies_min_ = std::min(copies_min_.value_or(copies), copies);
    return Bytes{};
  }
  if (!field->is_string()) return not_of_protocol();
  std::optional<Bytes> value = from_base64(field->get_ref<const std::string&>());
  if (!value) return not_of_protocol();
  return std::move(*value);
}

}  // namespace shoal
