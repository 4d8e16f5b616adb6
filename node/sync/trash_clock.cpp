#include "node/sync/trash_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace shoal::sync {
namespace {

std::int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

bool read_number(std::string_view& text, std::int64_t& into) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto read = std::from_chars(text.data(), text.data() + text.size(), into);
  if (read.ec != std::errc() || into > TrashClock::kNumberMax || into < -TrashClock::kNumberMax) return false;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return true;
}

}  // namespace

// Of one length, so that it is written in place.
std::string TrashClock::encode(const Saved& saved) {
  return fmt::format("{:20} {:20}\n", saved.lived_ms, saved.epoch_ms);
}

std::optional<TrashClock::Saved> TrashClock::decode(std::string_view text) {
  Saved saved;
  if (!read_number(text, saved.lived_ms) || !read_number(text, saved.epoch_ms)) return std::nullopt;
  if (text != "\n" || saved.lived_ms < 0) return std::nullopt;
  return saved;
}

void TrashClock::start(const std::optional<Saved>& saved, std::int64_t lived_ms_min, Instant now,
                       WallTime date) {
  state_.lived_ms =
      std::max(saved ? saved->lived_ms : 0, std::clamp<std::int64_t>(lived_ms_min, 0, kNumberMax));
  state_.epoch_ms = saved ? saved->epoch_ms : date.time_since_epoch().count() - state_.lived_ms;
  gap_ms_ = gap_ms(date);
  advanced_ = now;
}

std::int64_t TrashClock::gap_ms(WallTime date) const {
  return date.time_since_epoch().count() - state_.epoch_ms - state_.lived_ms;
}

void TrashClock::advance(Instant now, WallTime date, Duration lifetime) {
  const std::int64_t elapsed_ms = to_ms(now - advanced_);
  advanced_ += std::chrono::milliseconds(elapsed_ms);
  state_.lived_ms += elapsed_ms;
  std::int64_t gap = gap_ms(date);
  const std::int64_t gap_max = to_ms(lifetime) / 4;
  if (gap > gap_max) {
    state_.epoch_ms += gap - gap_max;
    gap = gap_max;
  }
  const std::int64_t believed = std::clamp<std::int64_t>(std::min(gap, gap_ms_), 0, kCatchUp * elapsed_ms);
  state_.lived_ms += believed;
  gap_ms_ = gap - believed;
}

std::int64_t TrashClock::lived_ms(Instant now) const {
  return state_.lived_ms + to_ms(now - advanced_);
}

}  // namespace shoal::sync
