#include "sim/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace shoal::sim {
namespace {

using namespace std::chrono_literals;

std::string clock_text(double seconds) {
  const auto s = static_cast<std::uint64_t>(seconds);
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

std::string rate_text(double per_second) {
  if (per_second >= 1e6) return fmt::format("{:.1f}M events/s", per_second / 1e6);
  return fmt::format("{:.0f}k events/s", per_second / 1e3);
}

std::string success_text(const char* what, std::uint64_t succeeded, std::uint64_t of) {
  if (of == 0) return "";
  return fmt::format(" | {} {:.2f} %", what,
                     100.0 * static_cast<double>(succeeded) / static_cast<double>(of));
}

}  // namespace

ProgressLine::ProgressLine(std::string title, Duration duration)
    : title_(std::move(title)), duration_(duration), terminal_(isatty(STDERR_FILENO) == 1) {}

bool ProgressLine::due() const {
  return Clock::now() - shown_at_ >= (terminal_ ? 250ms : 5s);
}

void ProgressLine::show(Duration simulated, std::uint64_t events, const Recorder::Progress& progress) {
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - shown_at_).count();
  const double wall = std::chrono::duration<double>(now - started_).count();
  const double done = to_seconds(simulated) / to_seconds(duration_);
  std::string line =
      fmt::format("{} | {} of {} | {} | {} online", title_, clock_text(to_seconds(simulated)),
                  clock_text(to_seconds(duration_)),
                  rate_text(static_cast<double>(events - events_then_) / since), progress.online);
  line += success_text("lookups", progress.lookups_succeeded, progress.lookups);
  line += success_text("gets", progress.gets_succeeded, progress.gets);
  if (done > 0) line += fmt::format(" | {} left", clock_text(wall / done * (1 - done)));
  std::fputs((terminal_ ? "\r\x1b[K" + line : line + "\n").c_str(), stderr);
  std::fflush(stderr);
  shown_ = true;
  shown_at_ = now;
  events_then_ = events;
}

void ProgressLine::end() {
  if (terminal_ && shown_) std::fputs("\r\x1b[K", stderr);
}

}  // namespace shoal::sim
