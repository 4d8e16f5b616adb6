#include "sim/scenario_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>

#include "node/wire/messages.h"
#include "sim/units.h"

namespace shoal::sim {
namespace {

constexpr Duration kDurationMax = 24h * 365;
constexpr Duration kDelayMax = 10s;

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

void read_topology(Section& network, TopologySpec& out) {
  Section topology = network.section("topology");
  using Kind = TopologySpec::Kind;
  static constexpr Kind kKinds[] = {Kind::kStar, Kind::kTransitStub, Kind::kCoordinates};
  if (const auto kind =
          topology.choice("kind", {"star", "transit_stub", "coordinates"}, {"matrix", "lan", "routers"})) {
    out.kind = kKinds[*kind];
  }
  switch (out.kind) {
    case Kind::kStar:
      topology.duration("delay", out.star_delay, Duration::zero(), kDelayMax);
      break;
    case Kind::kTransitStub:
      topology.count("regions", out.regions, 1, 256);
      topology.duration_range("stub_delay", out.stub_delay_min, out.stub_delay_max, kDelayMax);
      topology.duration_range("transit_delay", out.transit_delay_min, out.transit_delay_max, kDelayMax);
      break;
    case Kind::kCoordinates:
      topology.count("regions", out.regions, 1, 256);
      topology.duration("scale", out.coordinates_scale, 1us, kDelayMax);
      break;
  }
  topology.finish();
}

void read_network(Section network, NetworkSpec& out) {
  if (const auto fidelity = network.choice("fidelity", {"message", "packet"})) {
    out.fidelity = *fidelity == 0 ? Fidelity::kMessage : Fidelity::kPacket;
  }
  read_topology(network, out.topology);
  Section access = network.section("access");
  access.bit_rate("down", out.down_bits_per_s, 1000);
  access.bit_rate("up", out.up_bits_per_s, 1000);
  if (const auto delay = read_law(access, "delay")) out.access_delay = *delay;
  access.duration("queue", out.queue_delay_max, 1ms, kDelayMax);
  access.finish();
  network.share("loss", out.loss);
  network.duration("jitter", out.jitter, Duration::zero(), kDelayMax);
  network.not_yet("nat");
  network.finish();
}

// A value of a node's configuration as NodeConfig::set takes it: lists with commas.
std::optional<std::string> config_text(const YAML::Node& value) {
  if (value.IsScalar()) return value.Scalar();
  if (!value.IsSequence()) return std::nullopt;
  std::vector<std::string> parts;
  for (const YAML::Node& part : value) {
    if (!part.IsScalar()) return std::nullopt;
    parts.push_back(part.Scalar());
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

void read_node_config(Section node, NodeConfig& out) {
  for (const NodeConfig::Key& key : NodeConfig::keys()) {
    if (key.name == "bootstrap") continue;  // the bootstrap hosts of the population
    const auto value = node.value(key.name);
    if (!value) continue;
    const auto text = config_text(*value);
    if (!text) {
      node.error(key.name, fmt::format("expected a value such as {}", key.value));
    } else if (const auto set = out.set(key.name, *text); !set) {
      // The message opens with the key, which error() names in full.
      const std::string& message = set.error().message;
      const std::string opening = key.name + ": ";
      node.error(key.name, message.starts_with(opening) ? message.substr(opening.size()) : message);
    }
  }
  node.finish();
}

void read_population(Section population, const Duration& duration, PopulationSpec& out) {
  population.require("size");
  population.count("size", out.size, 1, kPopulationMax);
  out.bootstrap_hosts = std::min(out.bootstrap_hosts, std::max(out.size, 1u));
  population.count("bootstrap_hosts", out.bootstrap_hosts, 1, std::max(out.size, 1u));
  Section arrival = population.section("arrival");
  arrival.duration("over", out.arrival_over, Duration::zero(), duration);
  arrival.finish();
  read_node_config(population.section("node"), out.node);
  population.finish();
}

// {a: 70%, b: 30%}: the share of the first. One of them alone leaves the rest to the other.
void read_split(Section& section, std::string_view first, std::string_view second, double& share_of_first) {
  double rest = 0;
  const bool has_first = section.has(first);
  const bool has_second = section.has(second);
  section.share(first, share_of_first);
  section.share(second, rest);
  if (has_first && has_second && std::abs(share_of_first + rest - 1) > 1e-9) {
    section.error(second, fmt::format("{} and {} add up to {:g}%, expected 100%", first, second,
                                      100 * (share_of_first + rest)));
  }
  if (has_second && !has_first) share_of_first = 1 - rest;
  section.finish();
}

void read_churn(Section outer, ChurnSpec& out) {
  if (const auto session = read_law(outer, "session")) out.session = *session;
  if (out.session.mean() < 1e-3) outer.error("session", "expected a mean of at least 1ms");
  out.absence = read_law(outer, "absence");
  Section leave = outer.section("leave");
  read_split(leave, "crash", "clean", out.crash_share);
  Section identity = outer.section("identity");
  identity.share("keep", out.keep_share);
  identity.finish();
  outer.finish();
}

void read_partition(Section partition, FaultSpec& out) {
  std::vector<double> groups;
  for (const YAML::Node& entry : partition.list("groups")) {
    const auto share = entry.IsScalar() ? parse_share(entry.Scalar()) : parse_share("");
    if (share) {
      groups.push_back(*share);
    } else {
      partition.document().error(partition.path_of("groups"), entry.Mark(),
                                 fmt::format("{}: {}", partition.path_of("groups"), share.error().message));
      return;
    }
  }
  if (partition.has("groups")) {
    const double sum = std::accumulate(groups.begin(), groups.end(), 0.0);
    if (groups.size() < 2 || groups.size() > 256 || std::abs(sum - 1) > 1e-9) {
      partition.error("groups",
                      fmt::format("{} shares that add up to {:g}% were given, expected 2 to 256 that "
                                  "add up to 100%",
                                  groups.size(), 100 * sum));
    } else {
      out.groups = std::move(groups);
    }
  }
  partition.finish();
}

void read_kill(Section kill, FaultSpec& out) {
  kill.share("share", out.share);
  kill.choice("where", {"random"}, {"region", "closest_to"});
  kill.finish();
}

FaultSpec read_fault(Section fault, const Duration& duration) {
  FaultSpec out;
  fault.duration("at", out.at, Duration::zero(), duration);
  if (fault.has("for")) {
    out.lasts = 1s;
    fault.duration("for", *out.lasts, 1ms, kDurationMax);
  }
  const int kinds = fault.has("partition") + fault.has("loss") + fault.has("kill");
  if (fault.has("partition")) read_partition(fault.section("partition"), out);
  if (fault.has("loss")) {
    out.kind = FaultSpec::Kind::kLoss;
    fault.share("loss", out.loss);
  }
  if (fault.has("kill")) {
    out.kind = FaultSpec::Kind::kKill;
    read_kill(fault.section("kill"), out);
  }
  fault.not_yet("slow");
  fault.finish();
  if (kinds != 1 && !fault.has("slow")) {
    fault.error("", fmt::format("{} faults were given, expected one of partition, loss, kill", kinds));
  }
  return out;
}

bool overlap(const FaultSpec& a, const FaultSpec& b) {
  if (a.kind != b.kind || a.kind == FaultSpec::Kind::kKill) return false;
  const FaultSpec& first = a.at <= b.at ? a : b;
  const FaultSpec& second = a.at <= b.at ? b : a;
  return !first.lasts || first.at + *first.lasts > second.at;
}

void read_faults(Section& root, const Duration& duration, std::vector<FaultSpec>& out) {
  const std::vector<YAML::Node> entries = root.list("faults");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string path = fmt::format("faults.{}", i);
    const FaultSpec fault =
        read_fault(Section(root.document(), entries[i], path, entries[i].Mark()), duration);
    for (std::size_t j = 0; j < out.size(); ++j) {
      if (!overlap(out[j], fault)) continue;
      root.document().error(path, entries[i].Mark(),
                            fmt::format("{}: overlaps faults.{}, expected one of a kind at a time", path, j));
    }
    out.push_back(fault);
  }
}

// Absent: nothing. Present, even as {}: the defaults and what it says.
template <class Spec, class Read>
void read_optional(Section& outer, std::string_view key, std::optional<Spec>& out, Read&& read) {
  if (!outer.has(key)) return;
  out.emplace();
  Section section = outer.section(key);
  read(section, *out);
  section.finish();
}

// An interval that may be absent: `never` keeps it so.
void read_every(Section& section, std::string_view key, std::optional<Duration>& out) {
  std::string text;
  if (const auto node = section.value(key); node && node->IsScalar() && node->Scalar() == "never") {
    out.reset();
    return;
  }
  Duration every = out.value_or(60s);
  section.interval(key, every, 1ms);
  out = every;
}

void read_workload(Section workload, const Duration& duration, WorkloadSpec& out) {
  read_optional(workload, "lookups", out.lookups,
                [](Section& s, LookupsSpec& lookups) { s.interval("every", lookups.every, 1ms); });
  read_optional(workload, "items", out.items, [&](Section& s, ItemsSpec& items) {
    s.choice("kind", {"hash"});
    s.count("count", items.count, 1, 10'000'000);
    s.bytes_range("size", items.size_min, items.size_max, wire::kValueBytesMax);
    s.duration("put_over", items.put_over, Duration::zero(), duration);
    read_every(s, "get_every", items.get_every);
  });
  read_optional(workload, "publish", out.publish, [](Section& s, PublishSpec& publish) {
    s.count("count", publish.count, 1, 1'000'000);
    s.interval("update_every", publish.update_every, 1ms);
    read_every(s, "get_every", publish.get_every);
  });
  workload.not_yet("folders");
  workload.finish();
}

void read_expectations(Section& root, std::vector<Expectation>& out) {
  for (const YAML::Node& entry : root.list("expect")) {
    const auto expectation = entry.IsScalar() ? parse_expectation(entry.Scalar()) : parse_expectation("");
    if (expectation) {
      out.push_back(*expectation);
    } else {
      root.document().error("expect", entry.Mark(), fmt::format("expect: {}", expectation.error().message));
    }
  }
}

void read_name(Section& root, std::string& out) {
  root.require("name");
  root.text("name", out);
  const bool plain = std::all_of(out.begin(), out.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (root.has("name") && (out.empty() || out.size() > 64 || !plain)) {
    root.error("name", fmt::format("'{}' was given, expected 1 to 64 letters, digits, '_' and '-'", out));
  }
}

void read_root(Section root, Scenario& out) {
  read_name(root, out.name);
  root.text("description", out.description);
  root.text("source", out.source);
  root.count("seed", out.seed, 0, UINT64_MAX);
  root.require("duration");
  root.duration("duration", out.duration, 1ms, kDurationMax);
  const Duration within = root.has("duration") ? out.duration : kDurationMax;
  root.duration("warm_up", out.warm_up, Duration::zero(), within);
  if (root.has("warm_up") && root.has("duration") && out.warm_up >= out.duration) {
    root.error("warm_up", "leaves nothing to measure, expected less than duration");
  }
  read_network(root.section("network"), out.network);
  if (const auto crypto = root.choice("crypto", {"real", "modelled"})) {
    out.crypto = *crypto == 0 ? CipherKind::kReal : CipherKind::kModelled;
  }
  root.require("population");
  if (root.has("population")) read_population(root.section("population"), within, out.population);
  if (root.has("churn")) read_churn(root.section("churn"), out.churn.emplace());
  read_faults(root, within, out.faults);
  read_workload(root.section("workload"), within, out.workload);
  read_expectations(root, out.expect);
  root.not_yet("adversaries");
  root.finish();
}

}  // namespace

ScenarioOrErrors parse_scenario(std::string_view text, const std::string& name,
                                std::span<const Setting> settings) {
  ScenarioOrErrors out;
  Document document(text, name, settings);
  if (document.root().IsMap()) {
    read_root(Section(document, document.root(), "", YAML::Mark()), out.scenario);
  }
  out.errors = document.take_errors();
  out.scenario.text = text;
  for (const Setting& setting : settings) {
    out.scenario.text += fmt::format("\n# --set {}={}", setting.path, setting.value);
  }
  return out;
}

ScenarioOrErrors read_scenario(const std::filesystem::path& file, std::span<const Setting> settings) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad() || !stream.is_open() || std::filesystem::is_directory(file)) {
    return {{}, {{file.string(), "cannot be read, expected a scenario file"}}};
  }
  return parse_scenario(text, file.string(), settings);
}

std::optional<Setting> parse_setting(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) return std::nullopt;
  return Setting{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace shoal::sim
