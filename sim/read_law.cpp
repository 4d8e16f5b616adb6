#include "sim/scenario_sections.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>

namespace shoal::sim {
namespace {

// The shape of a law; when it is missing or wrong, an error and a number that every law takes.
double law_shape(Section& law, std::string_view key, double above, double max) {
  double value = 2;
  law.require(key);
  law.number(key, value, above, max);
  return value;
}

// The one parameter in seconds, by one of several names; which of them, and its value.
struct Placed {
  std::size_t name;
  double seconds;
};
Placed law_place(Section& law, std::initializer_list<std::string_view> names) {
  Placed placed{0, 1};
  std::size_t given = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view key = names.begin()[i];
    if (!law.has(key)) continue;
    Duration value = 1s;
    law.duration(key, value, 1us, kDurationMax);
    placed = {i, to_seconds(value)};
    ++given;
  }
  if (given != 1) law.error("", fmt::format("expected one of {}", fmt::join(names, ", ")));
  return placed;
}

Distribution read_exponential(Section& law) {
  const Placed placed = law_place(law, {"mean", "median"});
  return placed.name == 0 ? Distribution::exponential(placed.seconds)
                          : Distribution::exponential_by_median(placed.seconds);
}

Distribution read_weibull(Section& law) {
  const double shape = law_shape(law, "shape", 0.05, 100);
  const Placed placed = law_place(law, {"mean", "median", "scale"});
  if (placed.name == 0) return Distribution::weibull(shape, placed.seconds);
  return placed.name == 1 ? Distribution::weibull_by_median(shape, placed.seconds)
                          : Distribution::weibull_by_scale(shape, placed.seconds);
}

Distribution read_pareto(Section& law) {
  const double shape = law_shape(law, "shape", 1.01, 100);
  const Placed placed = law_place(law, {"mean", "median", "minimum"});
  if (placed.name == 0) return Distribution::pareto(shape, placed.seconds);
  return placed.name == 1 ? Distribution::pareto_by_median(shape, placed.seconds)
                          : Distribution::pareto_by_minimum(shape, placed.seconds);
}

Distribution read_lognormal(Section& law) {
  const double sigma = law_shape(law, "sigma", 0.001, 10);
  const Placed placed = law_place(law, {"median", "mean"});
  return placed.name == 0 ? Distribution::lognormal(placed.seconds, sigma)
                          : Distribution::lognormal_by_mean(placed.seconds, sigma);
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
  const auto with_parameters = [&](std::string_view name, Distribution (*read)(Section&)) {
    if (!section.has(name)) return;
    Section parameters = section.section(name);
    law = read(parameters);
    parameters.finish();
  };
  with_parameters("exponential", read_exponential);
  with_parameters("weibull", read_weibull);
  with_parameters("pareto", read_pareto);
  with_parameters("lognormal", read_lognormal);
  section.finish();
  if (node->size() == 1) return law;
  outer.error(key, "expected one law, such as {exponential: {mean: 10min}}");
  return std::nullopt;
}

}  // namespace shoal::sim
