// Rng: the only source of randomness in the core; a ChaCha20 keystream, so that nonces and request ids are
// unpredictable and a simulation is a function of its seed. A value type seeded once by the host: from the
// operating system's entropy pool, or from the scenario's seed keyed by node name and purpose.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/instant.h"

namespace shoal {

class Rng {
 public:
  using Seed = std::array<std::uint8_t, 32>;

  explicit Rng(const Seed& seed) : key_(seed) {}
  // Independent streams of one run: BLAKE2b-256 over (seed, name, purpose), each with its length.
  static Rng keyed(std::uint64_t seed, std::string_view name, std::string_view purpose);
  // An independent stream drawn from this one.
  Rng fork();

  void fill(MutableByteView out);
  std::uint64_t next();
  // Uniform in [0, bound); bound > 0. Unbiased.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1), 53 bits.
  double unit();
  Id id();
  Seed seed();
  // d scaled by a factor uniform in [1 - share, 1 + share].
  Duration jittered(Duration d, double share);

 private:
  void refill();

  Seed key_;
  std::uint64_t block_ = 0;
  std::array<std::uint8_t, 64> buffer_{};
  std::uint8_t used_ = 64;
};

}  // namespace shoal
