// LanMessage: what a host says to its LAN. In clear and signed, for a group has no key that all hosts of a
// LAN share; what it must not tell (which groups its sender is of) stands in tags that only members can read.
//
//   version 1 | signed part | signature 64, by the host key over "shoal lan 1" | signed part
//   signed part: host key 32 | boot number u64 | counter u64 | time ms u64 | port u16 | tags u8 | tags x 16
//
// Numbers are big endian. Boot number and counter grow with each message, the copies for several interfaces
// included, so whoever has heard a message takes none again. A list of tags has one of few lengths.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/result.h"
#include "node/secure/keys.h"

namespace shoal {

inline constexpr std::size_t kLanTagBytes = 16;
using LanTag = std::array<std::uint8_t, kLanTagBytes>;

// How many tags a message may have: a size for each number of groups up to it, twice as many around midnight.
inline constexpr std::array<std::size_t, 5> kLanTagCounts = {4, 8, 16, 32, 64};
inline constexpr std::size_t kLanTagsMax = kLanTagCounts.back();

// Of the groups and the port no one else makes use, as far as the registries know (2026):
//   IPv4  of 239.192.0.0/14, the range for an organization's own use (RFC 2365 §6.2). Messages leave with TTL
//         1, so its scope is the link. 224.0.0.0/24, which no router forwards, is for the IETF to assign.
//   IPv6  of ff12::/16: link-local scope (2), not assigned by IANA but transient (the T flag, RFC 4291 §2.7),
//         with a group id of those that hosts choose themselves (RFC 3307 §4.3). No router forwards it.
inline constexpr std::uint16_t kLanPort = 27465;
inline constexpr std::uint32_t kLanGroupV4 = 0xefc07368;  // 239.192.115.104
inline constexpr Address kLanGroupV6 = {0xff, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x73, 0x68, 0x6f};

struct LanMessage {
  Id host;
  std::uint64_t boot_number = 0;
  std::uint64_t counter = 0;
  WallTime time{};
  std::uint16_t port = 0;    // of the sender's unicast endpoint; the address is the datagram's
  std::vector<LanTag> tags;  // as many as one of kLanTagCounts
};

// Precondition: message.host is the key's own, the number of tags one of kLanTagCounts.
Bytes write_lan_message(const LanMessage& message, const KeyPair& keys);

// The layout only; whether it is signed says is_signed_by_host(). Error kMalformed.
Result<LanMessage> read_lan_message(ByteView datagram);

// Precondition: read_lan_message(datagram) gave `message`. About 35 us.
bool is_signed_by_host(ByteView datagram, const LanMessage& message);

}  // namespace shoal
