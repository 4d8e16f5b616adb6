#include "sim/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include "node/config.h"

namespace shoal::sim {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr auto kBitRates =
    std::to_array<Unit>({{"bit/s", 1}, {"kbit/s", 1e3}, {"Mbit/s", 1e6}, {"Gbit/s", 1e9}});
constexpr auto kSizes = std::to_array<Unit>({{"B", 1},
                                             {"KiB", 1024},
                                             {"MiB", 1024 * 1024},
                                             {"GiB", 1024 * 1024 * 1024},
                                             {"kB", 1e3},
                                             {"MB", 1e6},
                                             {"GB", 1e9}});
constexpr auto kShares = std::to_array<Unit>({{"%", 0.01}});
constexpr auto kDrifts = std::to_array<Unit>({{"ppm", 1e3}});
constexpr auto kRates = std::to_array<Unit>({{"/s", 1}, {"/min", 1.0 / 60}, {"/h", 1.0 / 3600}});

// A number that is not negative, and one of the units right after it.
std::optional<double> parse_quantity(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || text.front() < '0' || text.front() > '9') return std::nullopt;
  const std::string_view name(stop, static_cast<std::size_t>(end - stop));
  for (const Unit& unit : units) {
    if (unit.name == name) return number * unit.factor;
  }
  return std::nullopt;
}

Result<std::uint64_t> parse_whole(std::string_view text, std::span<const Unit> units, const char* expected) {
  const auto value = parse_quantity(text, units);
  if (!value || *value > 1e15) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' was given, expected {}", text, expected));
  }
  return static_cast<std::uint64_t>(std::llround(*value));
}

}  // namespace

Result<double> parse_share(std::string_view text) {
  const auto share = parse_quantity(text, kShares);
  if (!share || *share > 1.0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' was given, expected a share from 0% to 100%, such as 0.5%", text));
  }
  return *share;
}

Result<std::uint64_t> parse_bit_rate(std::string_view text) {
  return parse_whole(text, kBitRates, "a rate in bit/s, kbit/s, Mbit/s or Gbit/s, such as 10Mbit/s");
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  return parse_whole(text, kSizes, "a size in B, KiB, MiB, GiB, kB, MB or GB, such as 64KiB");
}

Result<Duration> parse_interval(std::string_view text) {
  if (const auto rate = parse_quantity(text, kRates); rate && *rate > 1e-9) return from_seconds(1.0 / *rate);
  auto interval = parse_duration(text);
  if (interval) return interval;
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' was given, expected a time between events such as 60s, or a rate such as 0.1/s",
                  text));
}

Result<std::int64_t> parse_drift(std::string_view text) {
  const bool back = text.starts_with('-');
  const auto drift = parse_quantity(text.substr(back ? 1 : 0), kDrifts);
  if (!drift || *drift > 1e8) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' was given, expected parts per million, up to 100000, such as 200ppm", text));
  }
  return std::llround(back ? -*drift : *drift);
}

std::string print_duration(Duration d) {
  struct Scale {
    const char* name;
    Duration size;
  };
  static constexpr auto kScales =
      std::to_array<Scale>({{"h", 1h}, {"min", 1min}, {"s", 1s}, {"ms", 1ms}, {"us", 1us}, {"ns", 1ns}});
  for (const Scale& scale : kScales) {
    if (d >= scale.size && d < 10'000 * scale.size && d.count() * 10 % scale.size.count() == 0) {
      return fmt::format("{:g}{}", static_cast<double>(d.count()) / static_cast<double>(scale.size.count()),
                         scale.name);
    }
  }
  return fmt::format("{:g}s", to_seconds(d));
}

}  // namespace shoal::sim
