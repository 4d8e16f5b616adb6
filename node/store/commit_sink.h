// CommitSink: where stores without threads of their own report their commits, for their host to turn into
// events. All stores of one host have the same sink, so that no two commits have the same id.
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
  // For the store: the id of the commit that it takes now.
  CommitId next_commit() { return CommitId{++commits_}; }
  // `commit` is stored, or has failed. Called from inside ItemStore::commit or later: remember it and tell
  // the node by on_committed as an event of its own, later, in the order of these calls.
  virtual void committed(CommitId commit, const Result<void>& outcome) = 0;

 private:
  std::uint64_t commits_ = 0;
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
