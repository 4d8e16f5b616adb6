#include "sim/scenario_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "sim/scenario_sections.h"

namespace shoal::sim {
namespace {

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

void read_figure(Section& root, std::string& out) {
  // As reports/figures.py names them.
  const std::initializer_list<std::string_view> names = {"online",  "success", "latency", "hops",
                                                         "traffic", "tables",  "groups"};
  if (const auto figure = root.choice("figure", names)) out = names.begin()[*figure];
}

void read_root(Section root, Scenario& out) {
  read_name(root, out.name);
  root.text("description", out.description);
  root.text("source", out.source);
  read_figure(root, out.figure);
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
  if (out.population.bootstrap_hosts == 0 && out.network.topology.kind != TopologySpec::Kind::kLan) {
    root.section("population")
        .error("bootstrap_hosts",
               "0 was given, but only in the topology lan hosts find each other without, "
               "expected at least 1");
  }
  check_fit(root, out.network, out.population.size);
  out.network.nat.public_hosts = out.population.bootstrap_hosts;  // an address behind a NAT helps nobody
  if (root.has("churn")) read_churn(root.section("churn"), out.population, out.churn.emplace());
  read_faults(root, within, out.faults);
  read_workload(root.section("workload"), within, out.workload);
  check_groups(root, out);
  check_targets(root, out);
  read_expectations(root, out.expect);
  root.not_yet("adversaries");
  root.finish();
}

std::optional<std::string> content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad() || !stream.is_open() || std::filesystem::is_directory(file)) return std::nullopt;
  return content;
}

}  // namespace

std::string text_with_settings(std::string_view text, std::span<const Setting> settings) {
  std::string out(text);
  for (const Setting& setting : settings) out += fmt::format("\n# --set {}={}", setting.path, setting.value);
  return out;
}

ScenarioOrErrors parse_scenario(std::string_view text, const std::string& name,
                                std::span<const Setting> settings, FileReader read_file) {
  if (!read_file) {
    read_file = [](const std::string& file) -> Result<std::string> {
      return fail(ErrorCode::kNotFound, fmt::format("'{}' is not there: the scenario has no folder", file));
    };
  }
  ScenarioOrErrors out;
  Document document(text, name, settings, std::move(read_file));
  if (document.root().IsMap()) {
    read_root(Section(document, document.root(), "", YAML::Mark()), out.scenario);
  }
  out.errors = document.take_errors();
  out.scenario.files = document.take_files();
  out.scenario.text = text_with_settings(text, settings);
  out.scenario.settings.assign(settings.begin(), settings.end());
  return out;
}

ScenarioOrErrors read_scenario(const std::filesystem::path& file, std::span<const Setting> settings) {
  const auto text = content_of(file);
  if (!text) return {{}, {{file.string(), "cannot be read, expected a scenario file"}}};
  return parse_scenario(*text, file.string(), settings, [&](const std::string& name) -> Result<std::string> {
    const std::filesystem::path path = file.parent_path() / name;
    if (auto content = content_of(path)) return *std::move(content);
    return fail(ErrorCode::kNotFound, fmt::format("{} cannot be read, expected a file", path.string()));
  });
}

std::optional<Setting> parse_setting(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) return std::nullopt;
  return Setting{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace shoal::sim
