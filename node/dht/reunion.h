// Reunion: finds lost contacts again. When a network is cut in two, each half forgets the other, and nobody
// would tell it when the cut has healed. So a host remembers the contacts it lost by silence and pings one of
// them now and then.
//
//   watching ─(one answers)─► suspecting: a few more are pinged at once ─(most of them answer)─► all are
//   pinged
//       ▲                          └──(kSuspicion is over)──┐                  │
//       └───────────────────────────────────────────────────┴──────────────────┘
//
// Under ordinary churn the lost are dead, and this costs one ping every lost_check_interval.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/base/contact.h"
#include "node/dht/contact_book.h"
#include "node/jobs/node_context.h"
#include "node/rpc/rpc.h"

namespace shoal {

class Reunion {
 public:
  // Contacts remembered; the one lost first gives way.
  static constexpr std::size_t kLostMax = 64;

  Reunion(NodeContext& context, Rpc& rpc, ContactBook& book) : context_(context), rpc_(rpc), book_(book) {}
  ~Reunion();
  Reunion(const Reunion&) = delete;
  Reunion& operator=(const Reunion&) = delete;

  void on_lost(const Contact& contact);
  // True when this was the last doubt: a network has come back, and all that were lost have been pinged.
  bool on_answered(const Id& host);
  void on_deadline();
  std::size_t lost() const { return lost_.size(); }

 private:
  struct Lost {
    ContactRef contact;       // under churn every host remembers kLostMax: whole contacts would be 4 KiB
    std::uint32_t key_start;  // so that few are looked up in the book
    Instant since;
  };

  std::vector<Lost>::iterator find(const Id& host);
  void forget(std::vector<Lost>::iterator lost);
  void ping(const Contact& contact);
  void ping_some(std::size_t count);
  void wait();

  NodeContext& context_;
  Rpc& rpc_;
  ContactBook& book_;
  std::vector<Lost> lost_;  // in the order of loss
  bool waiting_ = false;    // a deadline is set
  std::size_t returned_ = 0;
  Instant suspicion_ends_{};
};

}  // namespace shoal
