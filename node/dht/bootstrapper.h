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
  // Hosts asked in one round, of each kind.
  static constexpr std::size_t kHostsPerRound = 8;

  Bootstrapper(NodeContext& context, Rpc& rpc, const HostStore& hosts, const OwnAddresses& own);

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

  NodeContext& context_;
  Rpc& rpc_;
  const HostStore& hosts_;
  const OwnAddresses& own_;
  Phase phase_ = Phase::kIdle;
  bool has_failed_ = false;  // a round of this search
  Duration backoff_{};
  std::size_t next_endpoint_ = 0;
  std::size_t next_host_ = 0;
};

}  // namespace shoal
