// Verifier: how far it is, as a row of the index.

#include <algorithm>
#include <utility>

#include "node/sync/reader.h"
#include "node/sync/verifier.h"

namespace shoal::sync {
namespace {

constexpr std::uint8_t kRowVersion = 1;
constexpr std::uint8_t kHasPass = 1;
constexpr std::uint8_t kHasLast = 2;
constexpr std::size_t kPathBytesMax = kFolderPathBytesMax;

void append_time(WallTime time, Bytes& out) {
  append_u64(static_cast<std::uint64_t>(time.time_since_epoch().count()), out);
}

WallTime read_time(Reader& reader) {
  return WallTime(WallTime::duration(static_cast<std::int64_t>(reader.u64())));
}

// All but the number, which is of one start of the node, and what a pass that has not ended has not.
void append_verification(const FolderVerification& pass, Bytes& out) {
  append_text(pass.path, out);
  append_time(pass.began, out);
  append_time(pass.ended.value_or(WallTime{}), out);
  for (const std::uint64_t number : {pass.files, pass.bytes, pass.files_checked, pass.bytes_checked,
                                     pass.files_damaged, pass.files_repaired, pass.files_unreadable,
                                     pass.rows_repaired, pass.peers_equal, pass.peers_at_odds}) {
    append_u64(number, out);
  }
}

FolderVerification read_verification(Reader& reader) {
  FolderVerification pass;
  pass.path = reader.text(kPathBytesMax);
  pass.began = read_time(reader);
  pass.ended = read_time(reader);
  for (std::uint64_t* number : {&pass.files, &pass.bytes, &pass.files_checked, &pass.bytes_checked,
                                &pass.files_damaged, &pass.files_repaired, &pass.files_unreadable,
                                &pass.rows_repaired, &pass.peers_equal, &pass.peers_at_odds}) {
    *number = reader.u64();
  }
  return pass;
}

}  // namespace

// Works under way, and suspects, have not been read yet.
Verifier::Position Verifier::resume_at() const {
  Position at = works_.empty() ? pass_->at : works_.begin()->second;
  if (!suspects_.empty()) {
    const NodeId& first = suspects_.begin()->first;
    if (first <= at.done) at = {{first.replica, first.counter - 1}, 0};
  }
  return at;
}

std::optional<Bytes> Verifier::take_row() {
  if (!std::exchange(is_row_dirty_, false)) return std::nullopt;
  const Pass* slow = suspended_ ? &*suspended_ : pass_ && !pass_->is_fast ? &*pass_ : nullptr;
  Bytes out = {kRowVersion};
  append_time(slow_began_.value_or(WallTime{}), out);
  out.push_back(
      static_cast<std::uint8_t>((slow != nullptr ? kHasPass : 0) | (ended_.empty() ? 0 : kHasLast)));
  if (slow != nullptr) {
    const Position at = suspended_ ? slow->at : resume_at();
    append_verification(told(*slow), out);
    out.push_back(static_cast<std::uint8_t>(slow->phase));
    append_dot(at.done, out);
    append_u64(at.bytes, out);
  }
  if (!ended_.empty()) append_verification(ended_.back(), out);
  return out;
}

void Verifier::start(const std::optional<Bytes>& row) {
  if (std::exchange(is_started_, true)) return;
  slow_began_ = wall_now();
  Reader reader(row ? ByteView(*row) : ByteView());
  const bool is_known = row && reader.u8() == kRowVersion;
  const WallTime began = read_time(reader);
  const std::uint8_t flags = reader.u8();
  std::optional<Pass> pass;
  if ((flags & kHasPass) != 0) {
    const FolderVerification told = read_verification(reader);
    pass = make_pass(kRoot, false);
    pass->phase = static_cast<Phase>(std::min<std::uint8_t>(reader.u8(), 3));
    pass->at.done = reader.dot();
    pass->at.bytes = reader.u64();
    // What is still damaged is found again.
    pass->found = context_.disk.damaged();
    pass->repaired_before = told.files_damaged - std::min(told.files_damaged, pass->found.size());
    const std::uint64_t number = pass->told.number;
    pass->told = told;
    pass->told.number = number;
    pass->told.ended.reset();
  }
  std::optional<FolderVerification> last;
  if ((flags & kHasLast) != 0) last = read_verification(reader);
  if (is_known && reader.at_end()) {
    slow_began_ = std::min(began, *slow_began_);
    if (last) ended_.push_back(std::move(*last));
    if (context_.config().folder_verify_interval > Duration::zero()) pass_ = std::move(pass);
  } else {
    is_row_dirty_ = true;
  }
  schedule();
}

}  // namespace shoal::sync
