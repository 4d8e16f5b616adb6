#include "node/os/entropy.h"

#include <sodium.h>

#include "node/base/check.h"

namespace shoal {

Rng os_seeded_rng() {
  check(sodium_init() >= 0, "libsodium has no source of entropy");
  Rng::Seed seed;
  randombytes_buf(seed.data(), seed.size());
  return Rng(seed);
}

}  // namespace shoal
