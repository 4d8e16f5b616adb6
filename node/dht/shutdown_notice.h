// The signed notice of shutdown_host: "I leave", good for one boot of a host and for kNoticeAgeMax.
//
//   signed part: host key 32 | boot number u64 | time ms u64, big endian; signed under "shoal shutdown 1"
#pragma once

#include <cstdint>

#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/result.h"
#include "node/secure/keys.h"
#include "node/wire/messages.h"

namespace shoal {

inline constexpr Duration kNoticeAgeMax = std::chrono::minutes(10);

struct ShutdownNotice {
  Id host;
  std::uint64_t boot_number = 0;
  WallTime time{};
};

wire::ShutdownHost make_shutdown_notice(const KeyPair& keys, std::uint64_t boot_number, WallTime now);

// Errors: kMalformed, kBadSignature, kExpired (older than kNoticeAgeMax, or as far ahead).
Result<ShutdownNotice> read_shutdown_notice(const wire::ShutdownHost& message, WallTime now);

}  // namespace shoal
