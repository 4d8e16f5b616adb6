// CommitSink: where a store without threads of its own reports its commits, for its host to turn into events.
#pragma once

#include <utility>
#include <vector>

#include "node/ports/item_store.h"

namespace shoal {

class CommitSink {
 public:
  virtual ~CommitSink() = default;
  // `commit` is stored. Called from inside ItemStore::commit: remember it and tell the node by on_committed
  // as an event of its own, later, in the order of these calls.
  virtual void committed(CommitId commit) = 0;
};

// A sink for hosts that poll.
class CommitQueue final : public CommitSink {
 public:
  void committed(CommitId commit) override { waiting_.push_back(commit); }
  // All commits since the last call, oldest first.
  std::vector<CommitId> take() { return std::exchange(waiting_, {}); }
  bool empty() const { return waiting_.empty(); }

 private:
  std::vector<CommitId> waiting_;
};

}  // namespace shoal
