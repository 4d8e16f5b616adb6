// Token buckets: one for the whole node, and one for each source of datagrams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/rng.h"

namespace shoal {

// Lets `per_second` pass in the long run, and a second's worth at once.
class RateLimiter {
 public:
  explicit RateLimiter(std::size_t per_second)
      : per_second_(static_cast<double>(per_second)), level_(per_second_) {}
  bool allow(Instant now);

 private:
  double per_second_;
  double level_;
  Instant last_{};
};

// The same for each source, in constant memory: sources share kBuckets buckets by a hash under a secret of
// this node, so nobody can choose whose bucket to drain. Strangers are told apart by their address, before it
// costs anything to read them; of a local address, where one machine may run many hosts, by address and port.
// Whoever has forged addresses enough drains all of these buckets. So hosts have others, by their keys, which
// only what was opened may draw from.
class SourceLimiter {
 public:
  SourceLimiter(std::size_t per_second, Rng& rng);
  bool allow(const Endpoint& from, Instant now);
  bool allow_host(const Id& key, Instant now);

 private:
  static constexpr std::size_t kBuckets = 256;
  struct Bucket {
    float level;
    std::uint32_t last_ms;
  };
  using Buckets = std::vector<Bucket>;  // empty until they are needed
  bool draw(Buckets& buckets, ByteView source, Instant now);

  float per_second_;
  std::uint64_t secret_;
  Buckets strangers_;
  Buckets hosts_;
};

}  // namespace shoal
