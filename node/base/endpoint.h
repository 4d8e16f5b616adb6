// Endpoint: where a datagram or stream goes to or comes from. 18 bytes on the wire: address (IPv4 as
// ::ffff:a.b.c.d, RFC 4291 §2.5.5.2) and port, both in network order.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "node/base/bytes.h"
#include "node/base/result.h"

namespace shoal {

using Address = std::array<std::uint8_t, 16>;

struct Endpoint {
  Address address{};
  std::uint16_t port = 0;
  // The local interface that a link-local or multicast address belongs to, 0 for none. Never on the wire.
  std::uint32_t interface = 0;

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  explicit operator bool() const { return port != 0; }
  // Equal but for the interface, which only its own host knows.
  bool same_place(const Endpoint& other) const { return address == other.address && port == other.port; }

  bool is_v4() const;
  bool is_loopback() const;
  // Loopback, RFC 1918 private, RFC 6598 shared, link-local or unique-local: means nothing to a host
  // elsewhere.
  bool is_local() const;
  bool is_unspecified() const;
  // An IPv6 address that means something on one link only, whose interface it needs (RFC 4007).
  bool is_v6_link_local() const { return address[0] == 0xfe && (address[1] & 0xc0) == 0x80; }

  static Endpoint v4(std::uint32_t address, std::uint16_t port);
  // The IPv4 address in host order. Precondition: is_v4().
  std::uint32_t v4_address() const;

  // "192.0.2.1:4000" or "[2001:db8::1]:4000". Names are not resolved here (HostName).
  static Result<Endpoint> parse(std::string_view text);
  std::string to_string() const;
};

// The diversity unit of an address: its /24 for IPv4, its /48 for IPv6.
std::uint64_t subnet_of(const Address& address);

// Who counts once where strangers have a say (votes, shares): the subnet of a global address. Hosts of a LAN
// are told apart by address, and those of one machine by port: a stranger elsewhere cannot answer from there.
std::uint64_t voice_of(const Endpoint& endpoint);

}  // namespace shoal

template <>
struct std::hash<shoal::Endpoint> {
  std::size_t operator()(const shoal::Endpoint& endpoint) const noexcept;
};
