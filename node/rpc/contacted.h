// Contacted: which addresses this host has sent something to lately. A NAT that keeps strangers out lets in
// whoever was sent something before, so only who was not can show that strangers reach us.
//
// Two Bloom filters (Bloom 1970), of this period and the one before, in 256 bytes: what was sent to within
// kContactedPeriod is remembered for certain, for twice as long at most; and some others seem to be (every
// third among 400), which only means that they prove nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "node/base/endpoint.h"
#include "node/base/instant.h"

namespace shoal {

// Longer than NATs commonly let answers in (RFC 4787 REQ-5: at least 2 minutes, 5 recommended).
inline constexpr Duration kContactedPeriod = std::chrono::minutes(10);

class Contacted {
 public:
  void add(const Endpoint& to, Instant now) {
    begin_period(now);
    const Place place = place_of(to);
    current_[place.first / kWordBits] |= bit(place.first);
    current_[place.second / kWordBits] |= bit(place.second);
  }

  bool contains(const Endpoint& from, Instant now) const {
    const Duration age = now - began_;
    const Place place = place_of(from);
    if (age < kContactedPeriod) return has(current_, place) || has(previous_, place);
    return age < 2 * kContactedPeriod && has(current_, place);
  }

 private:
  static constexpr std::size_t kWordBits = 64;
  static constexpr std::size_t kWords = 16;
  using Bits = std::array<std::uint64_t, kWords>;
  struct Place {
    std::size_t first, second;
  };

  static std::uint64_t bit(std::size_t place) { return std::uint64_t{1} << (place % kWordBits); }
  static bool has(const Bits& bits, Place place) {
    return (bits[place.first / kWordBits] & bit(place.first)) != 0 &&
           (bits[place.second / kWordBits] & bit(place.second)) != 0;
  }

  // By address: many NATs filter by it alone. Of local addresses the port counts too, since a loopback
  // address is shared by all hosts of a machine.
  static Place place_of(const Endpoint& endpoint) {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), endpoint.address.data(), endpoint.address.size());
    const std::uint64_t port = endpoint.is_local() ? endpoint.port : 0;
    const std::uint64_t hash = mixed(mixed(mixed(words[0]) ^ words[1]) ^ port);
    constexpr std::size_t kBits = kWords * kWordBits;
    return {hash % kBits, (hash >> 32) % kBits};
  }
  // MurmurHash3's finalizer (Appleby): each bit of the result depends on each bit of `x`.
  static std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ x >> 33) * 0xff51afd7ed558ccd;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53;
    return x ^ x >> 33;
  }

  void begin_period(Instant now) {
    const Duration age = now - began_;
    if (age < kContactedPeriod) return;
    previous_ = age < 2 * kContactedPeriod ? current_ : Bits{};
    current_ = {};
    began_ = now;
  }

  Bits current_{}, previous_{};
  Instant began_{};
};

}  // namespace shoal
