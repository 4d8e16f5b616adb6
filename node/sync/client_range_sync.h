// ClientRangeSync: finds the entries that a peer holds in another state than we do, though both know the
// same, and fetches those (commands send_range_fingerprints, send_range).
//
//   all ids ─► divided by the peer, 16-way ─┬─► equal fingerprints: nothing to do
//                   ▲                       ├─► few entries: fetched
//                   └───────────────────────┴─► more: divided again
//
// So one entry among n costs log16(n) requests. What only we have is for the peer to find, and to fetch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/sync/folder_context.h"

namespace shoal::sync {

class ClientRangeSync {
 public:
  // Of one session, and as many are served: whatever a peer says, it costs no more.
  static constexpr std::size_t kRequestsMax = 4096;
  // A range of so few entries is fetched, and not divided.
  static constexpr std::uint64_t kEntriesFew = 64;
  // A peer that divides as it should has come to single entries before. So at most 16 times as many ranges
  // are kept.
  static constexpr std::size_t kDepthMax = 12;

  ClientRangeSync(FolderContext& context, Guid connection, const Contact& contact)
      : context_(context), connection_(connection), contact_(contact) {}

  // With all ids. False: the session's requests are used up.
  bool start();
  // There are ranges to ask about, or a request is under way.
  bool is_started() const { return !ranges_.empty(); }
  bool is_under_way() const { return request_ != 0; }
  // About the next range. False: the request cannot be sent now. Precondition: is_started().
  bool ask(Rpc& rpc);
  // What ask() sends.
  wire::RequestBody next_request() const;
  bool owns(const Answer& answer) const { return request_ != 0 && answer.completion.guid.slot == request_; }
  // The entries of the answer, if it has any, that tell us something new; `ours` is what we know. An error
  // ends it: kMalformed, the peer breaks a rule; kBusy, it cannot be compared with now. Precondition:
  // is_started(), and it was asked.
  Result<std::vector<Entry>> on_answer(const Answer& answer, const Knowledge& ours);

 private:
  struct Range {
    NodeId lo;
    NodeId hi;
    std::size_t depth = 0;
    bool is_fetched = false;  // else divided
  };

  Result<std::vector<Entry>> take(const Range& range, const Answer& answer, const Knowledge& ours);
  Result<void> take_ranges(const Range& range, const wire::RecvRangeFingerprints& answer);
  Result<std::vector<Entry>> take_entries(const Range& range, const wire::RecvChanges& answer,
                                          const Knowledge& ours);
  bool is_news(const Entry& entry) const;

  FolderContext& context_;
  Guid connection_;
  Contact contact_;
  std::uint32_t request_ = 0;
  std::size_t requests_left_ = kRequestsMax;
  std::vector<Range> ranges_;  // the last is asked about next, or now
};

// An id of an entry as messages have it.
wire::NodeId to_wire(const NodeId& id);
NodeId from_wire(const wire::NodeId& id);

}  // namespace shoal::sync
