// Nat: the address translator between one host and the rest of the network. It says which port a packet
// bears outside, and which packets from outside come in. Both fidelities ask it, so a kind of NAT means the
// same in both.
//
//   kind             mapping (RFC 4787 §4.1)        filtering (§5)                 RFC 3489 §5
//   full_cone        endpoint-independent           endpoint-independent           full cone
//   restricted       endpoint-independent           address-dependent              restricted cone
//   port_restricted  endpoint-independent           address and port-dependent     port restricted cone
//   symmetric        address and port-dependent     address and port-dependent     symmetric
//
// Mappings, and what the filter lets in, live until nothing has gone out for the time-out: outbound packets
// refresh them, inbound ones do not (RFC 4787 REQ-6 asks for the former and leaves the latter open). Outside
// ports are taken one after the other, so the same packets give the same ports.
//
// Memory: 24 bytes for each live mapping and each remote that the filter lets in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/instant.h"
#include "sim/network_spec.h"

namespace shoal::sim {

class Nat {
 public:
  enum class Protocol : std::uint8_t { kUdp, kTcp };
  struct Remote {
    std::uint32_t address = 0;
    std::uint16_t port = 0;
  };
  // Mappings, or remotes let in, that it keeps at a time.
  static constexpr std::size_t kEntriesMax = 8192;
  // RFC 5382 REQ-5.
  static constexpr Duration kTcpTimeout = 124min;

  // `kind` is not kNone. `number` makes the ports of one translator differ from another's.
  Nat(NatKind kind, Duration udp_timeout, std::uint64_t number);

  // A packet goes out from the host's port to `to`: the port that it bears outside. Nothing: the table is
  // full, and the packet is dropped.
  std::optional<std::uint16_t> out(Protocol protocol, std::uint16_t inside_port, Remote to, Instant now);
  // A packet from `from` comes for an outside port: the host's port. Nothing: it is not let in.
  std::optional<std::uint16_t> in(Protocol protocol, std::uint16_t outside_port, Remote from,
                                  Instant now) const;

  NatKind kind() const { return kind_; }
  // Entries it keeps, those that have run out and are not swept yet included.
  std::size_t size() const { return mappings_.size() + permits_.size(); }

 private:
  // A mapping: the remote it is for (0: any), the host's port. A permit: the remote let in, the outside port.
  struct Entry {
    std::uint64_t remote;  // protocol, address, port
    std::uint16_t port;
    std::uint16_t outside;
    Instant expires;
  };
  using Entries = std::vector<Entry>;  // sorted by (remote, port)

  static std::uint64_t key(Protocol protocol, Remote remote);
  static Entries::iterator place(Entries& entries, std::uint64_t remote, std::uint16_t port);
  // The live entry, or the place where it belongs.
  Entry* take(Entries& entries, std::size_t& purge_at, std::uint64_t remote, std::uint16_t port, Instant now);
  Remote mapped_to(Remote remote) const;
  Remote permitted(Remote remote) const;
  std::uint16_t free_port(Protocol protocol, Instant now);

  Entries mappings_;
  Entries permits_;  // restricted and port_restricted only: otherwise the mapping says it all
  std::size_t purge_mappings_at_;
  std::size_t purge_permits_at_;
  Duration udp_timeout_;
  std::uint16_t next_port_;
  NatKind kind_;
};

}  // namespace shoal::sim
