// Metrics: the flat result of a run (summary.json), the names it may hold, and the `expect` expressions that
// decide a run's exit status. Every name and its definition stands in metrics.cpp, in one table.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "node/base/result.h"

namespace shoal::sim {

// A metric that has no value in a run (no lookup was started, say) is absent.
using MetricValue = std::variant<double, std::uint64_t, std::string>;
using Summary = std::map<std::string, MetricValue, std::less<>>;

// May an expectation name it? All metrics of summary.json that are numbers.
bool known_metric(std::string_view name);

// Every metric, sorted by name, with its definition in one sentence.
struct MetricName {
  std::string_view name;
  std::string_view what;
  bool number = true;
};
std::span<const MetricName> metric_names();

enum class Comparison : std::uint8_t { kAtLeast, kAtMost, kEqual, kAbove, kBelow };

// "lookup.success_ratio >= 0.995"
struct Expectation {
  std::string text;  // as written
  std::string metric;
  Comparison comparison = Comparison::kEqual;
  double number = 0;
};

// Error kInvalidArgument: not `metric op number` with op one of >= <= == > <, or an unknown metric (the
// message names the nearest known one).
Result<Expectation> parse_expectation(std::string_view text);

struct Verdict {
  Expectation expectation;
  std::optional<double> value;  // nothing: the run has no such value, and the expectation is not met
  bool met = false;
};
Verdict evaluate(const Expectation& expectation, const Summary& summary);

// The nearest-rank percentile: the ceil(p / 100 * n)-th smallest of n. Preconditions: `sorted` is sorted and
// not empty, 0 < p <= 100.
double percentile(std::span<const double> sorted, double p);

// One object, keys sorted, two spaces of indent; numbers as short as they read back exactly.
std::string to_json(const Summary& summary);

}  // namespace shoal::sim
