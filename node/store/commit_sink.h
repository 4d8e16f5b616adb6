// CommitSink: where a store without threads of its own reports its commits, for its host to turn into events.
#pragma once

#include <utility>
#include <vector>

#include "node/base/result.h"
#include "node/ports/item_store.h"

namespace shoal {

struct CommitCompletion {
  CommitId commit;
  Result<void> outcome;  // errors kIo; kBusy, too much waits or another program has the file locked
};

class CommitSink {
 public:
  virtual ~CommitSink() = default;
  // `commit` is stored, or has failed. Called from inside ItemStore::commit or later: remember it and tell
  // the node by on_committed as an event of its own, later, in the order of these calls.
  virtual void committed(CommitId commit, const Result<void>& outcome) = 0;
};

// A sink for hosts that poll.
class CommitQueue final : public CommitSink {
 public:
  void committed(CommitId commit, const Result<void>& outcome) override {
    waiting_.push_back({commit, outcome});
  }
  // All commits since the last call, oldest first.
  std::vector<CommitCompletion> take() { return std::exchange(waiting_, {}); }
  bool empty() const { return waiting_.empty(); }

 private:
  std::vector<CommitCompletion> waiting_;
};

}  // namespace shoal
