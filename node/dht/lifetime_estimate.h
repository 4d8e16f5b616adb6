// LifetimeEstimate: how long contacts stay from one look at them to their end, judged by those that a host
// knows itself: the time for which they were seen to live, over the number that fell silent (the
// maximum-likelihood mean of an exponential law; where sessions are heavy-tailed it is the mean of those that
// a table keeps). The pace of all upkeep derives from it, so that a calm network costs little and a stormy
// one is followed.
#pragma once

#include <algorithm>

#include "node/base/instant.h"

namespace shoal {

class LifetimeEstimate {
 public:
  // A contact that was last seen `since` ago has answered: it has lived through that time.
  void on_alive(Duration since) { lived_ += since; }
  // A contact has fallen silent.
  void on_silent() {
    if (++silent_ < kSilentKept) return;
    silent_ /= 2;
    lived_ /= 2;
  }
  // One that had fallen silent has answered after all.
  void on_returned() {
    if (silent_ > 1) --silent_;
  }

  Duration mean() const { return lived_ / silent_; }

 private:
  // What is assumed before anything is known counts as much as one contact that fell silent.
  static constexpr Duration kFirstGuess = std::chrono::minutes(10);
  // So many are remembered at most; at that number all that was seen counts half.
  static constexpr int kSilentKept = 32;

  Duration lived_ = kFirstGuess;
  int silent_ = 1;
};

// The period of what is done `times` in a lifetime. 0 times: only as often as `longest` says.
inline Duration paced(Duration lifetime, int times, Duration shortest, Duration longest) {
  if (times == 0) return longest;
  return std::min(std::max(lifetime / times, shortest), longest);
}

}  // namespace shoal
