#include "sim/scenario_sections.h"

#include <fmt/format.h>
#include <cstdlib>

namespace shoal::sim {
namespace {

// A parameter of a law; when it is missing or wrong, an error and a number that every law takes.
double law_number(Section& law, std::string_view key, double above, double max) {
  static constexpr double kStandIn = 2;
  law.require(key);
  const auto node = law.value(key);
  if (!node) return kStandIn;
  const std::string text = node->IsScalar() ? node->Scalar() : "";
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (*end == '\0' && value > above && value <= max) return value;
  law.error(key,
            fmt::format("'{}' was given, expected a number above {:g} and up to {:g}", text, above, max));
  return kStandIn;
}

double law_seconds(Section& law, std::string_view key) {
  Duration value = 1s;
  law.require(key);
  law.duration(key, value, 1us, kDurationMax);
  return to_seconds(value);
}

}  // namespace

// `outer.key`: a bare duration, or {law: its parameters}. Durations in seconds.
std::optional<Distribution> read_law(Section& outer, std::string_view key) {
  const auto node = outer.value(key);
  if (!node) return std::nullopt;
  Duration fixed{};
  if (node->IsScalar()) {
    outer.duration(key, fixed, Duration::zero(), kDurationMax);
    return Distribution::fixed(to_seconds(fixed));
  }
  Section section = outer.section(key);
  if (!node->IsMap()) return std::nullopt;
  std::optional<Distribution> law;
  if (section.has("fixed")) {
    section.duration("fixed", fixed, Duration::zero(), kDurationMax);
    law = Distribution::fixed(to_seconds(fixed));
  }
  if (section.has("uniform")) {
    Duration low{}, high{};
    section.duration_range("uniform", low, high, kDurationMax);
    law = Distribution::uniform(to_seconds(low), to_seconds(high));
  }
  const auto with_parameters = [&](std::string_view name, auto&& read) {
    if (!section.has(name)) return;
    Section parameters = section.section(name);
    law = read(parameters);
    parameters.finish();
  };
  with_parameters("exponential",
                  [](Section& s) { return Distribution::exponential(law_seconds(s, "mean")); });
  with_parameters("weibull", [](Section& s) {
    const double shape = law_number(s, "shape", 0.05, 100);
    return Distribution::weibull(shape, law_seconds(s, "mean"));
  });
  with_parameters("pareto", [](Section& s) {
    const double shape = law_number(s, "shape", 1, 100);
    return Distribution::pareto(shape, law_seconds(s, "mean"));
  });
  with_parameters("lognormal", [](Section& s) {
    const double median = law_seconds(s, "median");
    return Distribution::lognormal(median, law_number(s, "sigma", 0, 10));
  });
  section.not_yet("trace");
  section.finish();
  if (node->size() == 1) return law;
  outer.error(key, "expected one law, such as {exponential: {mean: 10min}}");
  return std::nullopt;
}

}  // namespace shoal::sim
