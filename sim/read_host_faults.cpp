#include "sim/read_host_faults.h"

#include <fmt/format.h>

#include <charconv>

#include "sim/scenario_sections.h"
#include "sim/units.h"

namespace shoal::sim {
namespace {

constexpr double kCpuMin = 1e-6;
constexpr double kCpuMax = 1000;
constexpr Duration kJumpMax = 24h * 3650;

std::optional<std::string> scalar_of(Section& section, std::string_view key) {
  const auto node = section.value(key);
  if (!node) return std::nullopt;
  return node->IsScalar() ? node->Scalar() : "";
}

// The speed of a CPU.
std::optional<double> read_speed(Section& section, std::string_view key) {
  const auto text = scalar_of(section, key);
  if (!text) return std::nullopt;
  double speed = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, speed);
  if (error == std::errc{} && stop == end && speed >= kCpuMin && speed <= kCpuMax) return speed;
  section.error(
      key, fmt::format("'{}' was given, expected a speed from {:g} to {:g}, such as 0.1 for a tenth", *text,
                       kCpuMin, kCpuMax));
  return std::nullopt;
}

// A duration, or one with a minus before it.
void read_jump(Section& section, std::string_view key, Duration& out) {
  const auto text = scalar_of(section, key);
  if (!text) return;
  const bool back = text->starts_with('-');
  const Result<Duration> jump = parse_duration(std::string_view(*text).substr(back ? 1 : 0));
  if (jump && *jump <= kJumpMax) {
    out = back ? -*jump : *jump;
    return;
  }
  section.error(
      key, fmt::format("'{}' was given, expected a duration of up to ten years, such as 1h or -1h", *text));
}

void read_flag(Section& section, std::string_view key, bool& out) {
  if (const auto choice = section.choice(key, {"false", "true"})) out = *choice == 1;
}

void read_drift(Section& section, std::string_view key, std::int64_t& out) {
  const auto text = scalar_of(section, key);
  if (!text) return;
  const Result<std::int64_t> drift = parse_drift(*text);
  if (drift) {
    out = *drift;
  } else {
    section.error(key, drift.error().message);
  }
}

}  // namespace

SlowFault read_slow(Section& fault) {
  SlowFault out;
  Section slow = fault.section("slow");
  slow.share("share", out.share);
  if (const auto speed = read_speed(slow, "cpu")) out.cpu = *speed;
  slow.finish();
  return out;
}

ClockFault read_clock_fault(Section& fault) {
  ClockFault out;
  Section clock = fault.section("clock");
  clock.share("share", out.share);
  read_jump(clock, "jump", out.jump);
  read_drift(clock, "drift", out.drift);
  if (!clock.has("jump") && !clock.has("drift"))
    clock.error("", "nothing was given, expected jump, drift or both");
  clock.finish();
  return out;
}

StoreFault read_store_fault(Section& fault) {
  StoreFault out;
  Section store = fault.section("store");
  store.share("share", out.share);
  read_flag(store, "full", out.full);
  read_flag(store, "torn_writes", out.torn_writes);
  if (!store.has("full") && !store.has("torn_writes"))
    store.error("", "nothing was given, expected full: true or torn_writes: true");
  store.finish();
  return out;
}

BitRotFault read_bit_rot(Section& fault) {
  BitRotFault out;
  Section rot = fault.section("bit_rot");
  rot.share("share", out.share);
  rot.share("items", out.items);
  rot.finish();
  return out;
}

void read_machines(Section& population, PopulationSpec& out) {
  out.cpu = read_speed(population, "cpu");
  Section clock = population.section("clock");
  read_drift(clock, "drift", out.clock.drift_max);
  if (out.clock.drift_max < 0)
    clock.error("drift", "expected no minus: each host's is drawn up to it, either way");
  out.clock.offset = read_law(clock, "offset");
  clock.finish();
}

}  // namespace shoal::sim
