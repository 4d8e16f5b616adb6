// Token buckets: of what comes, one for the whole node and one for each source; of what we send, one for each
// host.
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

// Lets `per_second` pass in the long run, and a second's worth at once, or `at_once`.
class RateLimiter {
 public:
  explicit RateLimiter(std::size_t per_second) : RateLimiter(per_second, static_cast<double>(per_second)) {}
  RateLimiter(std::size_t per_second, double at_once)
      : per_second_(static_cast<double>(per_second)), depth_(at_once), level_(at_once) {}
  bool allow(Instant now);

 private:
  double per_second_;
  double depth_;
  double level_;
  Instant last_{};
};

// Buckets that sources share by a hash under a secret of this node, so that nobody can choose whose to drain.
// Constant memory, and none before the first is drawn from.
class SharedBuckets {
 public:
  SharedBuckets(float per_second, float at_once, std::uint64_t secret)
      : per_second_(per_second), depth_(at_once), secret_(secret) {}
  // One for this source. False when there is none.
  bool draw(ByteView source, Instant now);
  // One for this source, though there be none: how long until there is.
  Duration owe(ByteView source, Instant now);

 private:
  static constexpr std::size_t kBuckets = 256;
  struct Bucket {
    float level;
    std::uint32_t last_ms;
  };
  Bucket& fill(ByteView source, Instant now);

  float per_second_;
  float depth_;
  std::uint64_t secret_;
  std::vector<Bucket> buckets_;
};

// What comes, by source. Strangers are told apart by their address, before it costs anything to read them; of
// a local address, where one machine may run many hosts, by address and port. Whoever has forged addresses
// enough drains all of these buckets. So hosts have others, by their keys, which only what was opened may
// draw from.
class SourceLimiter {
 public:
  SourceLimiter(std::size_t per_second, Rng& rng);
  bool allow(const Endpoint& from, Instant now);
  bool allow_host(const Id& key, Instant now);
  // May the key of a stranger from there enter the cipher's cache? By network (voice_of). Others are served
  // as well, at the price of a key agreement for each datagram.
  bool admit(const Endpoint& from, Instant now);

 private:
  SourceLimiter(std::size_t per_second, std::uint64_t secret);

  SharedBuckets strangers_;
  SharedBuckets hosts_;
  SharedBuckets admissions_;
};

// What we send: no host more than it takes of one source, `per_second`, if it is set up as we are. What is
// more waits its turn instead of being dropped there. A node that sends less in all keeps no account of
// hosts.
class SendPacer {
 public:
  SendPacer(std::size_t per_second, Rng& rng);
  // Of a request that is to be sent to this host: how long it has to wait.
  Duration wait(const Id& host, Instant now);

 private:
  RateLimiter in_all_;
  Instant counts_until_{};  // what each host is sent
  SharedBuckets hosts_;
};

}  // namespace shoal
