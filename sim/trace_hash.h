// TraceHash: one running hash over every job of every node of a run. Two runs that differ in one byte of one
// job differ in it; that is how runs are compared, so it is cheap rather than collision-proof: SipHash
// (Aumasson and Bernstein 2012), about a nanosecond for a byte.
#pragma once

#include <array>
#include <cstdint>

#include "node/base/bytes.h"
#include "node/base/guid.h"
#include "node/base/instant.h"
#include "node/jobs/job_kind.h"
#include "sim/network.h"

namespace shoal::sim {

class TraceHash {
 public:
  void add(Instant when, HostIndex host, JobKind kind, Guid guid, ByteView bytes);
  std::uint64_t value() const;
  std::uint64_t jobs() const { return jobs_; }

 private:
  // The state is the key of the next step, which covers what is added: a chain.
  std::array<std::uint8_t, 16> state_{};
  std::uint64_t jobs_ = 0;
};

}  // namespace shoal::sim
