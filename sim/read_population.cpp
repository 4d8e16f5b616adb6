#include "sim/scenario_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "node/control/config_yaml.h"
#include "sim/diurnal_wave.h"

#include "sim/read_host_faults.h"

namespace shoal::sim {
namespace {

void read_node_config(Section node, NodeConfig& out) {
  for (const NodeConfig::Key& key : NodeConfig::keys()) {
    if (key.name == "bootstrap") continue;          // the bootstrap hosts of the population
    if (key.name == "host_key_lifetime") continue;  // a host of a scenario has one key for life
    const auto value = node.value(key.name);
    if (!value) continue;
    const auto text = config_value_text(*value);
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

bool names_a_trace(Section& churn) {
  const auto session = churn.value("session");
  return session && session->IsMap() && (*session)["trace"];
}

void read_trace(Section& churn, const PopulationSpec& population, ChurnSpec& out) {
  Section session = churn.section("session");
  const auto file = session.file("trace");
  session.finish();
  for (const std::string_view key : {"absence", "correlation", "diurnal"}) {
    if (churn.has(key)) churn.error(key, "the trace says it already, expected one of the two");
  }
  if (!file) return;
  SessionTraceOrErrors read = parse_session_trace(file->content, file->name);
  for (const ScenarioError& error : read.errors) session.error("trace", error.to_string());
  const std::size_t hosts = read.trace.hosts.size();
  if (hosts + population.bootstrap_hosts > population.size) {
    session.error("trace", fmt::format("{} hosts and {} bootstrap hosts were given, expected at most "
                                       "population.size = {}",
                                       hosts, population.bootstrap_hosts, population.size));
  }
  out.trace = std::make_shared<const SessionTrace>(std::move(read.trace));
}

void read_diurnal(Section diurnal, const Section& churn, ChurnSpec& out) {
  DiurnalSpec& wave = out.diurnal.emplace();
  diurnal.duration("period", wave.period, 1s, kDurationMax);
  diurnal.number("amplitude", wave.amplitude, 0, 1);
  diurnal.duration("peak", wave.peak, Duration::zero(), kDurationMax);
  diurnal.duration("region_shift", wave.region_shift, Duration::zero(), kDurationMax);
  diurnal.finish();
  if (!out.absence || out.absence->mean() <= 0) {
    diurnal.error("",
                  fmt::format("the hours of the day change absences, expected {}", churn.path_of("absence")));
    return;
  }
  const double max = DiurnalWave::amplitude_max(wave, SessionLaw(out.session), out.absence->mean());
  if (wave.amplitude <= max) return;
  diurnal.error("amplitude", fmt::format("{:g} was given, but with these sessions and absences the number of "
                                         "hosts can swing by {:.3g} at most",
                                         wave.amplitude, max));
}

void read_laws(Section& churn, ChurnSpec& out) {
  if (const auto session = read_law(churn, "session")) out.session = *session;
  const bool long_enough = out.session.mean() >= 1e-3;
  if (!long_enough) churn.error("session", "expected a mean of at least 1ms");
  out.absence = read_law(churn, "absence");
  churn.number("correlation", out.correlation, 0, 0.99);
  if (churn.has("diurnal") && long_enough) read_diurnal(churn.section("diurnal"), churn, out);
}

}  // namespace

void read_population(Section population, const Duration& duration, PopulationSpec& out) {
  population.require("size");
  population.count("size", out.size, 1, kPopulationMax);
  out.bootstrap_hosts = std::min(out.bootstrap_hosts, std::max(out.size, 1u));
  population.count("bootstrap_hosts", out.bootstrap_hosts, 0, std::max(out.size, 1u));
  Section arrival = population.section("arrival");
  arrival.duration("over", out.arrival_over, Duration::zero(), duration);
  arrival.finish();
  read_machines(population, out);
  read_node_config(population.section("node"), out.node);
  population.finish();
}

void read_churn(Section outer, const PopulationSpec& population, ChurnSpec& out) {
  if (names_a_trace(outer)) {
    read_trace(outer, population, out);
  } else {
    read_laws(outer, out);
  }
  Section leave = outer.section("leave");
  read_split(leave, "crash", "clean", out.crash_share);
  Section identity = outer.section("identity");
  identity.share("keep", out.keep_share);
  identity.finish();
  outer.finish();
}

}  // namespace shoal::sim
