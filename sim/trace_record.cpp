#include "sim/trace_record.h"

#include <limits>

#include "node/base/check.h"

namespace shoal::sim {
namespace {

void put(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

// Reads what put() wrote; once something was wrong it stays so, and every number is 0.
class Unpacker {
 public:
  explicit Unpacker(ByteView bytes) : rest_(bytes) {}

  std::uint64_t number(std::uint64_t max) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = next();
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) break;
    }
    good_ = good_ && value <= max;
    return good_ ? value : 0;
  }
  std::uint32_t digest() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) value |= std::uint32_t{next()} << shift;
    return value;
  }
  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::uint8_t next() {
    if (rest_.empty()) {
      good_ = false;
      return 0;
    }
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }

  ByteView rest_;
  bool good_ = true;
};

// The times of jobs are their hosts' own, and clocks differ: steps go back as well. Small ones of either sign
// take few bytes (the ZigZag code of Protocol Buffers).
std::uint64_t to_unsigned(std::int64_t step) {
  return (static_cast<std::uint64_t>(step) << 1) ^ static_cast<std::uint64_t>(step >> 63);
}
std::int64_t to_signed(std::uint64_t code) {
  return static_cast<std::int64_t>(code >> 1) ^ -static_cast<std::int64_t>(code & 1);
}

}  // namespace

void TraceChunk::append(const TraceEvent& event) {
  if (jobs == 0) {
    first_job = event.job;
    when = last_ = event.when;
  }
  check(event.job == first_job + jobs && jobs < kJobsMax, "a trace is whole, in order");
  put(events, to_unsigned((event.when - last_).count()));
  put(events, event.host);
  put(events, static_cast<std::uint64_t>(event.kind));
  put(events, event.guid.slot);
  put(events, event.guid.generation);
  put(events, event.bytes);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    events.push_back(static_cast<std::uint8_t>(event.hash >> shift));
  }
  last_ = event.when;
  ++jobs;
}

std::optional<std::vector<TraceEvent>> TraceChunk::unpack() const {
  if (jobs > kJobsMax) return std::nullopt;
  constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();
  std::vector<TraceEvent> out(jobs);
  Unpacker in(events);
  Instant time = when;
  for (std::uint32_t i = 0; i < jobs; ++i) {
    TraceEvent& event = out[i];
    event.job = first_job + i;
    time += Duration(to_signed(in.number(std::uint64_t{1} << 61)));
    event.when = time;
    event.host = static_cast<HostIndex>(in.number(kMax32));
    event.kind = static_cast<JobKind>(in.number(kJobKinds - 1));
    event.guid.slot = static_cast<std::uint32_t>(in.number(kMax32));
    event.guid.generation = static_cast<std::uint32_t>(in.number(kMax32));
    event.bytes = static_cast<std::uint32_t>(in.number(kMax32));
    event.hash = in.digest();
    if (!in.good()) return std::nullopt;
  }
  return in.at_end() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace shoal::sim
