// Values of items for tests: random bytes, the same for the same seed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "node/base/bytes.h"
#include "node/base/rng.h"

namespace shoal {

inline Bytes value_of(std::size_t size, std::uint64_t seed) {
  Bytes value(size);
  Rng::keyed(seed, "test", "value").fill(value);
  return value;
}

}  // namespace shoal
