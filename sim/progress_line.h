// ProgressLine: how far a run has come, on standard error: one line that is rewritten on a terminal, a new
// line every few seconds elsewhere. Reads the wall clock, which nothing else in a simulation may.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "node/base/instant.h"
#include "sim/recorder.h"

namespace shoal::sim {

class ProgressLine {
 public:
  // `title` opens the line: the scenario and its seed.
  ProgressLine(std::string title, Duration duration);

  // Is it time for another line? Cheap enough to ask after every slice.
  bool due() const;
  void show(Duration simulated, std::uint64_t events, const Recorder::Progress& progress);
  // Clears the line on a terminal.
  void end();

 private:
  // lint-allow(clock): shows how fast the run goes; nothing of it reaches the run
  using Clock = std::chrono::steady_clock;

  std::string title_;
  Duration duration_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point started_ = Clock::now();
  Clock::time_point shown_at_ = started_;
  std::uint64_t events_then_ = 0;
};

}  // namespace shoal::sim
