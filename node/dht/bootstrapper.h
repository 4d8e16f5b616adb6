// Bootstrapper: gets a host into the network and back into it. Works from endpoints of the configuration,
// whose keys it asks for (Rpc::send_hello), and from known hosts of earlier runs.
//
//   idle ─(no contact)─► asking ─(a contact)─► idle: join by a lookup of our own id
//                          ▲  └─(nobody answered)─► waiting, with backoff ─┐
//                          └───────────────────────────────────────────────┘
#pragma once

#include <cstddef>
#include <vector>

#include "node/dht/own_addresses.h"
#include "node/jobs/node_context.h"
#include "node/ports/host_store.h"
#include "node/rpc/rpc.h"

namespace shoal {

class Bootstrapper {
 public:
  // Known hosts asked in one round, and endpoints asked at its beginning. The other endpoints follow within
  // seconds: a hello is one datagram.
  static constexpr std::size_t kHostsPerRound = 8;
  static constexpr std::size_t kHellosPerStep = 32;
  static constexpr Duration kHelloPause = std::chrono::milliseconds(200);

  Bootstrapper(NodeContext& context, Rpc& rpc, const HostStore& hosts, const OwnAddresses& own);

  // The endpoints of the configuration are others: a search that is under way asks them at once.
  void set_endpoints(std::vector<Endpoint> endpoints);
  // There is no contact: begins, unless it is already at it.
  void begin();
  void on_deadline(bool connected);
  // The first contact is there. True when that ends a search.
  bool on_connected();
  void on_hello(const Contact& contact);
  // The endpoints of the configuration, when a round has ended and nobody has answered since; else none.
  std::vector<Endpoint> unanswered() const;

 private:
  enum class Phase : std::uint8_t { kIdle, kAsking, kWaiting };

  void ask();
  void say_hello(std::size_t hosts_max);
  void wait_for_answers();
  void arm(Duration delay);

  NodeContext& context_;
  Rpc& rpc_;
  const HostStore& hosts_;
  const OwnAddresses& own_;
  Phase phase_ = Phase::kIdle;
  bool has_failed_ = false;  // a round of this search
  Duration backoff_{};
  Instant due_{};            // of the deadline that counts
  std::size_t unasked_ = 0;  // endpoints at the end of the list, in this round
  std::size_t next_host_ = 0;
};

}  // namespace shoal
