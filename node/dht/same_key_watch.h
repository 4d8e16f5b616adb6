// SameKeyWatch: does another host run with our host key? A clone of this machine does, or a copy of its data
// directory; the sessions of the two replace each other at every peer.
//
//   told of our key at an endpoint that is not ours ─► session there, find_host with a secret target
//     ─┬─► no answer
//      ├─► the target comes back to us in a request under our key: it is we, at an address not yet known, or
//      │   through somebody who passes streams on
//      └─► answered: another host
//
// Only a holder of the key can end the handshake of that session, on either side. So a host that is asked
// knows as well, and what strangers say costs one session in kPause.
#pragma once

#include <optional>

#include "node/dht/own_addresses.h"
#include "node/jobs/node_context.h"
#include "node/rpc/rpc.h"

namespace shoal {

class SameKeyWatch {
 public:
  static constexpr Duration kPause = std::chrono::seconds(10);

  SameKeyWatch(NodeContext& context, Rpc& rpc, const OwnAddresses& own, const Id& self)
      : context_(context), rpc_(rpc), own_(own), self_(self) {}

  // Somebody says that this host is there. Nothing comes of it unless the key is ours.
  void heard_of(const Contact& contact);
  // A find_host has come in a session with a host of our key. True: it is another host.
  bool on_request(const Id& target);
  // The end of our own find_host, whose owner is kSameKey. True: another host has answered.
  bool on_answer(const Answer& answer);

 private:
  NodeContext& context_;
  Rpc& rpc_;
  const OwnAddresses& own_;
  const Id self_;
  std::optional<Id> asked_;  // the target, while a request is under way
  bool is_us_ = false;
  Instant ask_after_{};
};

}  // namespace shoal
