// Quantities as scenarios write them: a number and its unit. Durations are node/config.h's parse_duration.
// Every error is kInvalidArgument and says what was given and what was expected.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "node/base/instant.h"
#include "node/base/result.h"

namespace shoal::sim {

// "0.5%" is 0.005; 0 % to 100 %.
Result<double> parse_share(std::string_view text);
// "10Mbit/s" (bit/s, kbit/s, Mbit/s, Gbit/s; powers of 1000), in bits per second.
Result<std::uint64_t> parse_bit_rate(std::string_view text);
// "100B", "64KiB", "1MiB", "1GiB", "1kB", "1MB", "1GB", in bytes.
Result<std::uint64_t> parse_bytes(std::string_view text);
// The mean time between two events: "60s", or as a rate, "0.1/s" (s, min, h).
Result<Duration> parse_interval(std::string_view text);

// "200ppm", "-50ppm", in billionths; up to 100000ppm either way.
Result<std::int64_t> parse_drift(std::string_view text);

// The shortest of "250ms", "1.5s", "10min", "2h" that reads well.
std::string print_duration(Duration d);

}  // namespace shoal::sim
