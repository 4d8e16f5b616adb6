// FileFetcher: room on the disk, and what lies in staging and is not needed.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/sync/file_fetcher.h"

namespace shoal::sync {
namespace {

std::string kib(std::uint64_t bytes) {
  return fmt::format("{} KiB", (bytes + 1023) / 1024);
}

}  // namespace

// False: it waits for a measurement, or it has ended and begun again as one that waits for room.
bool FileFetcher::reserve(std::uint64_t number, Fetch& fetch, std::uint64_t bytes) {
  switch (room_.reserve(bytes, context_.now())) {
    case DiskRoom::Answer::kReserved:
      fetch.reserved = bytes;
      return true;
    case DiskRoom::Answer::kMeasureFirst:
      measure_ = true;
      return false;
    case DiskRoom::Answer::kTooLittle:
      break;
  }
  wait_for_room(
      number, bytes,
      fmt::format("it needs {}, and the disk has {} beside the {} that stay free (folder_free_floor)",
                  kib(bytes), kib(room_.free_bytes()), kib(room_.floor_bytes())),
      Duration::zero());
  return false;
}

// Under another number, so that works that are under way for it are not taken for later ones.
void FileFetcher::wait_for_room(std::uint64_t number, std::uint64_t bytes, const std::string& message,
                                Duration at_least) {
  const NodeId id = fetches_.at(number).id;
  const ContentName content = fetches_.at(number).content;
  end(number);
  add(id, content, Waiting{bytes, context_.now() + at_least});
  listener_.on_fetch_trouble(id, "disk_full", message, false);
}

std::uint64_t FileFetcher::room_missing() const {
  std::uint64_t bytes = 0;
  for (const auto& [number, waiting] : waiting_) bytes += std::min(waiting.bytes, UINT64_MAX - bytes);
  return bytes - std::min(bytes, room_.free_bytes());
}

void FileFetcher::look_for_room() {
  const bool is_due = !waiting_.empty() && context_.now() >= room_.measured_at() + kRoomRetry;
  if (room_.is_measuring() || (!measure_ && !is_due && removing_.empty())) return;
  measure_ = false;
  room_.begin_measuring();
  auto work = std::make_unique<SpaceWork>(context_.folder);
  work->unneeded.assign(removing_.begin(), removing_.end());
  context_.submit(std::move(work));
}

void FileFetcher::on_work(SpaceWork& work) {
  removing_.clear();
  measure_ = false;
  room_.measured(work.space ? std::optional(*work.space) : std::nullopt, context_.config().folder_free_floor,
                 context_.now());
  end_waits();
  for (const std::uint64_t number : std::exchange(for_room_, {})) {
    Fetch* fetch = find(number);
    if (fetch != nullptr && fetch->phase == Fetch::Phase::kRoom) go_on(number, *fetch);
  }
}

// Of those that fit now, in their order.
void FileFetcher::end_waits() {
  std::uint64_t left = room_.free_bytes();
  for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
    const auto& [bytes, not_before] = waiting->second;
    if (bytes > left || not_before > context_.now()) {
      ++waiting;
      continue;
    }
    left -= bytes;
    const std::uint64_t number = waiting->first;
    waiting = waiting_.erase(waiting);
    Fetch& fetch = fetches_.at(number);
    fetch.phase = Fetch::Phase::kQueued;
    queue_.insert(number);
    listener_.on_fetch_trouble(fetch.id, "", "", false);
  }
}

// ---- Staging files that are not needed

void FileFetcher::on_staged(const std::vector<std::string>& paths) {
  found_staged_.insert(paths.begin(), paths.end());
  for (const auto& [number, fetch] : fetches_) found_staged_.erase(fetch.staged);
}

void FileFetcher::on_complete() {
  unneeded_.merge(found_staged_);
  found_staged_.clear();
}

// Not what another entry wants now, as after a rename by a peer.
void FileFetcher::clean_staging() {
  if (unneeded_.empty() || room_.is_measuring()) return;
  for (const auto& [number, fetch] : fetches_) unneeded_.erase(kPartsPrefix + fetch.content.root.hex());
  removing_ = std::exchange(unneeded_, {});
  for (const std::string& path : removing_) forget_list(path);
}

// The list of its parts, unless a file has that content by now.
void FileFetcher::forget_list(const std::string& staged) {
  const auto root = Id::from_hex(std::string_view(staged).substr(kPartsPrefix.size()));
  if (!root) return;
  for (const ContentName& content : listed_contents(*root)) {
    if (context_.disk.with_content(content).empty()) listener_.on_list(content, {});
  }
}

}  // namespace shoal::sync
