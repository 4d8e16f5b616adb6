// Endpoints and contacts as fixed bytes: packed in messages, in items and in stores.
#pragma once

#include <cstdint>
#include <cstring>

#include "node/base/big_endian.h"
#include "node/base/bytes.h"
#include "node/base/check.h"
#include "node/base/contact.h"
#include "node/wire/messages.h"

namespace shoal::wire {

// Precondition: out has room for kEndpointBytes / kContactBytes.
inline void write_endpoint(const Endpoint& endpoint, std::uint8_t* out) {
  std::memcpy(out, endpoint.address.data(), endpoint.address.size());
  out[16] = static_cast<std::uint8_t>(endpoint.port >> 8);
  out[17] = static_cast<std::uint8_t>(endpoint.port);
}

inline void write_contact(const Contact& contact, std::uint8_t* out) {
  std::memcpy(out, contact.key.bytes.data(), kIdBytes);
  write_endpoint(contact.endpoint, out + kIdBytes);
}

inline void append_endpoint(const Endpoint& endpoint, Bytes& out) {
  out.resize(out.size() + kEndpointBytes);
  write_endpoint(endpoint, out.data() + out.size() - kEndpointBytes);
}

inline void append_contact(const Contact& contact, Bytes& out) {
  out.resize(out.size() + kContactBytes);
  write_contact(contact, out.data() + out.size() - kContactBytes);
}

// Precondition: bytes.size() == kEndpointBytes / kContactBytes. In place, for the sake of responses with 20.
inline void read_endpoint(ByteView bytes, Endpoint& endpoint) {
  check(bytes.size() == kEndpointBytes);
  std::memcpy(endpoint.address.data(), bytes.data(), endpoint.address.size());
  endpoint.port = static_cast<std::uint16_t>(bytes[16] << 8 | bytes[17]);
  endpoint.interface = 0;
}

inline void read_contact(ByteView bytes, Contact& contact) {
  check(bytes.size() == kContactBytes);
  std::memcpy(contact.key.bytes.data(), bytes.data(), kIdBytes);
  read_endpoint(bytes.subspan(kIdBytes), contact.endpoint);
}

inline Endpoint read_endpoint(ByteView bytes) {
  Endpoint endpoint;
  read_endpoint(bytes, endpoint);
  return endpoint;
}

inline Contact read_contact(ByteView bytes) {
  Contact contact;
  read_contact(bytes, contact);
  return contact;
}

// Can a datagram be sent there at all: port not 0, address neither unspecified, multicast nor broadcast. By
// words, since a response holds 20 of them.
inline bool is_unicast(const Endpoint& endpoint) {
  constexpr std::uint64_t kV4Prefix = 0xffff;
  const std::uint64_t high = read_u64(endpoint.address);
  const std::uint64_t low = read_u64(ByteView(endpoint.address).subspan(8));
  if (endpoint.port == 0) return false;
  if (high != 0) return high >> 56 != 0xff;
  if (low >> 32 != kV4Prefix) return low != 0;
  const auto v4 = static_cast<std::uint32_t>(low);
  return v4 != 0 && v4 >> 28 != 0xe && v4 != 0xffffffff;
}

}  // namespace shoal::wire
