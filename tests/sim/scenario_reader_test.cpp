// The scenario language: what is read, what is refused and with which words, and that scenarios/schema.json
// agrees.
#include "sim/scenario_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "sim/units.h"

namespace shoal::sim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kProject = SHOAL_PROJECT_DIR;
const std::string kLeast = "name: x\nduration: 10min\npopulation: {size: 10}\n";

Scenario must_parse(const std::string& text, std::vector<Setting> settings = {}) {
  ScenarioOrErrors read = parse_scenario(text, "x.yaml", settings);
  for (const ScenarioError& error : read.errors) ADD_FAILURE() << error.to_string();
  return std::move(read.scenario);
}

std::vector<std::string> errors_of(const std::string& text, std::vector<Setting> settings = {}) {
  std::vector<std::string> lines;
  for (const ScenarioError& error : parse_scenario(text, "x.yaml", settings).errors) {
    lines.push_back(error.to_string());
  }
  return lines;
}

std::vector<fs::path> shipped_scenarios() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kProject / "scenarios")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The lines that schema_check.py prints, one a file.
std::vector<std::string> schema_verdicts(const std::vector<fs::path>& files) {
  std::string command = "/usr/bin/python3 " + (kProject / "tests/sim/schema_check.py").string() + " " +
                        (kProject / "scenarios/schema.json").string();
  for (const fs::path& file : files) command += " " + file.string();
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::vector<std::string> lines;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) lines.emplace_back(line.data());
  return lines;
}

TEST(ScenarioReader, NeedsOnlyNameDurationAndSize) {
  const Scenario s = must_parse(kLeast);
  EXPECT_EQ(s.name, "x");
  EXPECT_EQ(s.duration, 10min);
  EXPECT_EQ(s.warm_up, 0s);
  EXPECT_EQ(s.seed, 1u);
  EXPECT_EQ(s.population.size, 10u);
  EXPECT_EQ(s.population.bootstrap_hosts, 3u);
  EXPECT_EQ(s.network.fidelity, Fidelity::kMessage);
  EXPECT_EQ(s.crypto, CipherKind::kReal);
  EXPECT_FALSE(s.churn);
  EXPECT_FALSE(s.workload.lookups || s.workload.items || s.workload.publish);
}

TEST(ScenarioReader, ReadsTheFaultsOfSingleHosts) {
  const Scenario s = must_parse(kLeast + R"(faults:
  - {at: 1min, for: 2min, slow: {share: 20%, cpu: 0.05}}
  - {at: 1min, clock: {share: 5%, jump: -1h, drift: 50ppm}}
  - {at: 1min, clock: {jump: 1d}}
  - {at: 1min, for: 1min, store: {share: 30%, full: true}}
  - {at: 3min, store: {torn_writes: true}}
  - {at: 1min, bit_rot: {share: 40%, items: 2%}}
)");
  ASSERT_EQ(s.faults.size(), 6u);
  const auto& slow = std::get<SlowFault>(s.faults[0].what);
  EXPECT_DOUBLE_EQ(slow.share, 0.2);
  EXPECT_DOUBLE_EQ(slow.cpu, 0.05);
  const auto& clock = std::get<ClockFault>(s.faults[1].what);
  EXPECT_DOUBLE_EQ(clock.share, 0.05);
  EXPECT_EQ(clock.jump, -1h);
  EXPECT_EQ(clock.drift, 50'000);
  EXPECT_EQ(std::get<ClockFault>(s.faults[2].what).jump, 24h);
  EXPECT_TRUE(std::get<StoreFault>(s.faults[3].what).full);
  EXPECT_FALSE(std::get<StoreFault>(s.faults[3].what).torn_writes);
  EXPECT_TRUE(std::get<StoreFault>(s.faults[4].what).torn_writes);
  EXPECT_DOUBLE_EQ(std::get<BitRotFault>(s.faults[5].what).share, 0.4);
  EXPECT_DOUBLE_EQ(std::get<BitRotFault>(s.faults[5].what).items, 0.02);
}

TEST(ScenarioReader, ReadsWhatHostsRunOn) {
  const Scenario plain = must_parse(kLeast);
  EXPECT_FALSE(plain.population.cpu);
  EXPECT_EQ(plain.population.clock.drift_max, 0);
  EXPECT_FALSE(plain.population.clock.offset);
  const Scenario s = must_parse(R"(
name: x
duration: 10min
population: {size: 10, cpu: 0.5, clock: {drift: 200ppm, offset: {exponential: {mean: 3s}}}}
)");
  EXPECT_DOUBLE_EQ(*s.population.cpu, 0.5);
  EXPECT_EQ(s.population.clock.drift_max, 200'000);
  EXPECT_DOUBLE_EQ(s.population.clock.offset->mean(), 3);
  EXPECT_THAT(
      errors_of("name: x\nduration: 10min\npopulation: {size: 10, clock: {drift: -1ppm}}\n"),
      testing::ElementsAre("x.yaml:3:39: population.clock.drift: expected no minus: each host's is drawn "
                           "up to it, either way"));
}

TEST(ScenarioReader, ReadsEveryKey) {
  const Scenario s = must_parse(R"(
name: churn_500
description: what it shows
source: a paper
figure: hops
seed: 7
duration: 1h
warm_up: 15min
network:
  fidelity: packet
  topology: {kind: transit_stub, regions: 5, stub_delay: [3ms, 21ms], transit_delay: 40ms}
  access: {down: 60Mbit/s, up: 512kbit/s, delay: {lognormal: {median: 15ms, sigma: 0.5}}, queue: 100ms}
  loss: 0.5%
  jitter: 2ms
  nat: {none: 40%, full_cone: 10%, restricted: 15%, port_restricted: 5%, symmetric: 30%, udp_timeout: 1min}
crypto: modelled
population:
  size: 500
  bootstrap_hosts: 4
  arrival: {over: 5min}
  node: {k: 16, first_buckets: [], request_timeout_max: 3s}
churn:
  session: {weibull: {shape: 0.5, mean: 30min}}
  absence: {exponential: {mean: 10min}}
  correlation: 0.25
  diurnal: {period: 12h, amplitude: 0.1, peak: 6h, region_shift: 1h}
  leave: {crash: 70%, clean: 30%}
  identity: {keep: 80%}
faults:
  - {at: 30min, for: 5min, partition: {groups: [25%, 75%]}}
  - {at: 40min, for: 1min, loss: 20%}
  - {at: 45min, kill: {share: 30%, where: random}}
  - {at: 50min, for: 1min, kill: {where: {region: 2}, spare_bootstrap: false, return_over: 20s}}
  - {at: 55min, kill: {count: 20, where: {closest_to: item 7}}}
workload:
  lookups: {every: 60s, times: 3, targets: items}
  items:
    kind: hash
    count: 1000
    size: [100B, 64KiB]
    put_over: 10min
    put_every: 20s
    get_every: 0.1/s
    popularity: {zipf: {exponent: 0.9}}
    flash_crowd: {at: 30min, for: 1min, factor: 50, items: 2}
  publish: {count: 100, update_every: 5min, get_every: never, popularity: uniform}
expect:
  - lookup.success_ratio >= 0.995
)");
  EXPECT_EQ(s.description, "what it shows");
  EXPECT_EQ(s.source, "a paper");
  EXPECT_EQ(s.figure, "hops");
  EXPECT_EQ(s.seed, 7u);
  EXPECT_EQ(s.warm_up, 15min);
  EXPECT_EQ(s.network.fidelity, Fidelity::kPacket);
  EXPECT_EQ(s.network.topology.kind, TopologySpec::Kind::kTransitStub);
  EXPECT_EQ(s.network.topology.regions, 5u);
  EXPECT_EQ(s.network.topology.stub_delay_min, 3ms);
  EXPECT_EQ(s.network.topology.stub_delay_max, 21ms);
  EXPECT_EQ(s.network.topology.transit_delay_min, 40ms);
  EXPECT_EQ(s.network.topology.transit_delay_max, 40ms);
  EXPECT_EQ(s.network.down_bits_per_s, 60'000'000u);
  EXPECT_EQ(s.network.up_bits_per_s, 512'000u);
  EXPECT_EQ(s.network.access_delay.to_string(), "lognormal(median 0.015, sigma 0.5)");
  EXPECT_EQ(s.network.queue_delay_max, 100ms);
  EXPECT_DOUBLE_EQ(s.network.loss, 0.005);
  EXPECT_EQ(s.network.jitter, 2ms);
  EXPECT_EQ(s.network.nat.shares, (std::array{0.4, 0.1, 0.15, 0.05, 0.3}));
  EXPECT_EQ(s.network.nat.udp_timeout, 1min);
  EXPECT_EQ(s.network.nat.public_hosts, 4u);
  EXPECT_EQ(s.crypto, CipherKind::kModelled);
  EXPECT_EQ(s.population.bootstrap_hosts, 4u);
  EXPECT_EQ(s.population.arrival_over, 5min);
  EXPECT_EQ(s.population.node.k, 16u);
  EXPECT_TRUE(s.population.node.first_buckets.empty());
  EXPECT_EQ(s.population.node.request_timeout_max, 3s);
  ASSERT_TRUE(s.churn && s.churn->absence);
  EXPECT_EQ(s.churn->session.to_string(), "weibull(shape 0.5, mean 1800)");
  EXPECT_EQ(s.churn->absence->to_string(), "exponential(mean 600)");
  EXPECT_DOUBLE_EQ(s.churn->crash_share, 0.7);
  EXPECT_DOUBLE_EQ(s.churn->keep_share, 0.8);
  EXPECT_DOUBLE_EQ(s.churn->correlation, 0.25);
  ASSERT_TRUE(s.churn->diurnal);
  EXPECT_EQ(s.churn->diurnal->period, 12h);
  EXPECT_DOUBLE_EQ(s.churn->diurnal->amplitude, 0.1);
  EXPECT_EQ(s.churn->diurnal->peak, 6h);
  EXPECT_EQ(s.churn->diurnal->region_shift, 1h);
  ASSERT_EQ(s.faults.size(), 5u);
  EXPECT_EQ(s.faults[0].at, 30min);
  EXPECT_EQ(s.faults[0].lasts, 5min);
  EXPECT_EQ(std::get<PartitionFault>(s.faults[0].what).groups, (std::vector<double>{0.25, 0.75}));
  EXPECT_DOUBLE_EQ(std::get<LossFault>(s.faults[1].what).share, 0.2);
  EXPECT_DOUBLE_EQ(std::get<KillFault>(s.faults[2].what).share, 0.3);
  EXPECT_FALSE(s.faults[2].lasts);
  EXPECT_TRUE(std::get<KillFault>(s.faults[2].what).spare_bootstrap);
  const KillFault& region = std::get<KillFault>(s.faults[3].what);
  EXPECT_EQ(region.where, KillFault::Where::kRegion);
  EXPECT_EQ(region.region, 2u);
  EXPECT_DOUBLE_EQ(region.share, 1);
  EXPECT_FALSE(region.spare_bootstrap);
  EXPECT_EQ(region.return_over, 20s);
  const KillFault& closest = std::get<KillFault>(s.faults[4].what);
  EXPECT_EQ(closest.where, KillFault::Where::kClosest);
  EXPECT_EQ(closest.item, 7u);
  EXPECT_EQ(closest.count, 20u);
  ASSERT_TRUE(s.workload.lookups && s.workload.items && s.workload.publish);
  EXPECT_EQ(s.workload.lookups->every, 60s);
  EXPECT_EQ(s.workload.lookups->times, 3u);
  EXPECT_EQ(s.workload.items->count, 1000u);
  EXPECT_EQ(s.workload.items->size_min, 100u);
  EXPECT_EQ(s.workload.items->size_max, 65'536u);
  EXPECT_EQ(s.workload.items->put_over, 10min);
  EXPECT_EQ(s.workload.items->get_every, 10s);
  EXPECT_EQ(s.workload.items->put_every, 20s);
  EXPECT_DOUBLE_EQ(s.workload.items->popularity.zipf_exponent, 0.9);
  ASSERT_TRUE(s.workload.items->flash_crowd);
  EXPECT_EQ(s.workload.items->flash_crowd->at, 30min);
  EXPECT_EQ(s.workload.items->flash_crowd->lasts, 1min);
  EXPECT_DOUBLE_EQ(s.workload.items->flash_crowd->factor, 50);
  EXPECT_EQ(s.workload.items->flash_crowd->items, 2u);
  EXPECT_EQ(s.workload.lookups->targets, LookupsSpec::Targets::kItems);
  EXPECT_DOUBLE_EQ(s.workload.publish->popularity.zipf_exponent, 0);
  EXPECT_EQ(s.workload.publish->update_every, 5min);
  EXPECT_FALSE(s.workload.publish->get_every);
  ASSERT_EQ(s.expect.size(), 1u);
  EXPECT_EQ(s.expect[0].metric, "lookup.success_ratio");
}

TEST(ScenarioReader, GivesHostsThatNoShareNamesNoNat) {
  EXPECT_EQ(must_parse(kLeast).network.nat.shares, (std::array{1.0, 0.0, 0.0, 0.0, 0.0}));
  const Scenario s = must_parse(kLeast + "network: {nat: {symmetric: 25%}}\n");
  EXPECT_EQ(s.network.nat.shares, (std::array{0.75, 0.0, 0.0, 0.0, 0.25}));
  EXPECT_EQ(s.network.nat.public_hosts, 3u);
}

TEST(ScenarioReader, AppliesSettingsThroughTheSameChecks) {
  const Scenario s =
      must_parse(kLeast + "faults: [{at: 1min, loss: 1%}]\n", {{"network.loss", "2%"},
                                                               {"faults.0.at", "2min"},
                                                               {"population.node.first_buckets", "[64, 32]"},
                                                               {"seed", "9"}});
  EXPECT_DOUBLE_EQ(s.network.loss, 0.02);
  EXPECT_EQ(s.faults.at(0).at, 2min);
  EXPECT_EQ(s.population.node.first_buckets, (std::vector<std::size_t>{64, 32}));
  EXPECT_EQ(s.seed, 9u);
  EXPECT_THAT(s.text, HasSubstr("# --set network.loss=2%"));

  EXPECT_THAT(
      errors_of(kLeast, {{"network.loss", "2"}}),
      testing::ElementsAre("--set network.loss: network.loss: '2' was given, expected a share from 0% "
                           "to 100%, such as 0.5%"));
  EXPECT_THAT(
      errors_of(kLeast, {{"network.lost", "2%"}}),
      testing::ElementsAre(HasSubstr("--set network.lost: unknown key 'lost': expected one of access")));
  EXPECT_THAT(errors_of(kLeast, {{"name.x", "2%"}}),
              testing::ElementsAre(HasSubstr("--set name.x: there is no such place")));
  EXPECT_THAT(errors_of(kLeast, {{"seed", "[1,"}}),
              testing::ElementsAre(HasSubstr("--set seed: '[1,' is not YAML")));
}

TEST(ScenarioReader, TakesNullAsAbsent) {
  EXPECT_FALSE(must_parse(kLeast + "churn:\n").churn);
  EXPECT_TRUE(must_parse(kLeast + "churn: {}\n").churn);
  EXPECT_FALSE(must_parse(kLeast + "churn: {}\n", {{"churn", "null"}}).churn);
}

TEST(ScenarioReader, ReportsAllErrorsOfAFileInItsOrder) {
  const auto errors = errors_of("name: x\nduration: 10\npopulation: {size: 0}\nnetwork: {loss: 2}\nfoo: 1\n");
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_THAT(errors[0], HasSubstr("x.yaml:2:11: duration: '10' is not a duration"));
  EXPECT_THAT(errors[1], HasSubstr("x.yaml:3:20: population.size: '0' was given"));
  EXPECT_THAT(errors[2], HasSubstr("x.yaml:4:17: network.loss: '2' was given"));
  EXPECT_THAT(errors[3], HasSubstr("x.yaml:5:1: unknown key 'foo'"));
}

TEST(ScenarioReader, NamesAFileThatCannotBeRead) {
  const auto read = read_scenario("/nowhere/x.yaml");
  ASSERT_EQ(read.errors.size(), 1u);
  EXPECT_EQ(read.errors[0].to_string(), "/nowhere/x.yaml: cannot be read, expected a scenario file");
}

struct BadFile {
  std::string text;  // after kLeast, so its first line is 4
  std::string error;
  bool schema_sees_it = true;
};

// Each opens with the position of the error in kLeast + text.
const std::vector<BadFile> kBadFiles = {
    {"network: {topology: {kind: star, stub_dely: 3ms}}\n",
     "x.yaml:4:34: unknown key 'stub_dely': expected one of delay, kind"},
    {"network:\n  topology:\n    kind: transit_stub\n    stub_dely: [2ms, 20ms]\n",
     "x.yaml:7:5: unknown key 'stub_dely': expected one of kind, regions, stub_delay, transit_delay"},
    {"network: {topology: {kind: ring}}\n",
     "x.yaml:4:28: network.topology.kind: 'ring' was given, expected one of star, transit_stub, coordinates, "
     "matrix, lan, routers"},
    {"network: {topology: {kind: routers, levels: [{fan_out: 2, rate: 1Mbit/s}]}}\n",
     "x.yaml:4:59: unknown key 'rate': expected one of delay, down, fan_out, queue, up"},
    {"network: {topology: {kind: routers, levels: [2]}}\n",
     "x.yaml:4:46: network.topology.levels.0: '2' was given, expected a section of keys"},
    {"network: {topology: {kind: routers, levels: []}}\n",
     "x.yaml:4:45: network.topology.levels: 0 were given, expected 1 to 4"},
    {"network: {topology: {kind: routers, levels: [{}, {}, {}, {}, {}]}}\n",
     "x.yaml:4:45: network.topology.levels: 5 were given, expected 1 to 4"},
    {"network: {topology: {kind: routers, levels: [{fan_out: 64}, {fan_out: 17}]}}\n",
     "x.yaml:4:45: network.topology.levels: make 1088 edge routers, expected at most 1024", false},
    {"network: {topology: {kind: routers, levels: [{queue: 0ms}]}}\n",
     "x.yaml:4:54: network.topology.levels.0.queue: 0s was given, expected from 1ms to 10s", false},
    {"network: {fidelity: message, topology: {kind: routers}}\n",
     "x.yaml:4:21: network.fidelity: 'message' was given, expected packet for a topology of routers", false},
    {"network: {nat: {none: 60%, symmetric: 30%}}\n",
     "x.yaml:4:23: network.nat.none: all shares add up to 90%, expected 100%, or no `none`", false},
    {"network: {nat: {full_cone: 60%, symmetric: 50%}}\n",
     "x.yaml:4:16: network.nat: shares that add up to 110% were given, expected 100%", false},
    {"network: {nat: {cone: 10%}}\n",
     "x.yaml:4:17: unknown key 'cone': expected one of full_cone, none, port_restricted, restricted, "
     "symmetric, udp_timeout"},
    {"network: star\n", "x.yaml:4:10: network: 'star' was given, expected a section of keys"},
    {"network: {access: {up: 10}}\n",
     "x.yaml:4:24: network.access.up: '10' was given, expected a rate in bit/s, kbit/s, Mbit/s or Gbit/s, "
     "such "
     "as 10Mbit/s"},
    {"network: {access: {up: 10bit/s}}\n",
     "x.yaml:4:24: network.access.up: '10bit/s' was given, expected at least 1000bit/s", false},
    {"network: {access: {delay: {normal: {mean: 1ms}}}}\n",
     "x.yaml:4:28: unknown key 'normal': expected one of exponential, fixed, lognormal, pareto, uniform, "
     "weibull"},
    {"network: {jitter: [1ms]}\n",
     "x.yaml:4:19: network.jitter: a list was given, expected a duration such as 250ms, 30s, 10min or 2h"},
    {"crypto: none\n", "x.yaml:4:9: crypto: 'none' was given, expected one of real, modelled"},
    {"warm_up: 10min\n", "x.yaml:4:10: warm_up: leaves nothing to measure, expected less than duration",
     false},
    {"warm_up: 11min\n", "x.yaml:4:10: warm_up: 11min was given, expected from 0s to 10min", false},
    {"seed: -1\n",
     "x.yaml:4:7: seed: '-1' was given, expected a whole number from 0 to 18446744073709551615"},
    {"churn: {session: {trace: a.csv}}\n",
     "x.yaml:4:26: churn.session.trace: 'a.csv' is not there: the scenario has no folder", false},
    {"churn: {session: {trace: [a.csv]}}\n",
     "x.yaml:4:26: churn.session.trace: a list was given, expected the name of a file"},
    {"churn: {correlation: 1}\n",
     "x.yaml:4:22: churn.correlation: '1' was given, expected a number from 0 to 0.99"},
    {"churn: {diurnal: {amplitude: 0.1}}\n",
     "x.yaml:4:18: churn.diurnal: the hours of the day change absences, expected churn.absence", false},
    {"churn: {absence: {exponential: {mean: 1h}}, diurnal: {amplitude: 50%}}\n",
     "x.yaml:4:66: churn.diurnal.amplitude: '50%' was given, expected a number from 0 to 1"},
    {"churn: {absence: {exponential: {mean: 10min}}, diurnal: {amplitude: 0.5}}\n",
     "x.yaml:4:69: churn.diurnal.amplitude: 0.5 was given, but with these sessions and absences the number "
     "of hosts can swing by 0.165 at most",
     false},
    {"churn: {session: {weibull: {shape: 0.5}}}\n",
     "x.yaml:4:28: churn.session.weibull: expected one of mean, median, scale"},
    {"churn: {session: {pareto: {shape: 1, mean: 1h}}}\n",
     "x.yaml:4:35: churn.session.pareto.shape: '1' was given, expected a number from 1.01 to 100"},
    {"churn: {session: {lognormal: {sigma: 1, mean: 1h, median: 1h}}}\n",
     "x.yaml:4:30: churn.session.lognormal: expected one of median, mean"},
    {"churn: {session: {weibull: {mean: 30min}}}\n",
     "x.yaml:4:28: missing key 'churn.session.weibull.shape'"},
    {"churn: {session: {weibull: {shape: 0, mean: 30min}}}\n",
     "x.yaml:4:36: churn.session.weibull.shape: '0' was given, expected a number from 0.05 to 100"},
    {"churn: {session: {fixed: 1s, exponential: {mean: 1s}}}\n",
     "x.yaml:4:18: churn.session: expected one law, such as {exponential: {mean: 10min}}"},
    {"churn: {leave: {crash: 70%, clean: 20%}}\n",
     "x.yaml:4:36: churn.leave.clean: crash and clean add up to 90%, expected 100%", false},
    {"churn: {identity: {keep: 120%}}\n",
     "x.yaml:4:26: churn.identity.keep: '120%' was given, expected a share from 0% to 100%, such as 0.5%",
     false},
    {"faults: {at: 1min}\n", "x.yaml:4:9: faults: a section was given, expected a list"},
    {"faults:\n  - {at: 1min}\n",
     "x.yaml:5:5: faults.0: 0 faults were given, expected one of partition, loss, delay, duplicate, reorder, "
     "kill, slow, clock, store, bit_rot"},
    {"faults:\n  - {at: 1min, slow: {cpu: 0}}\n",
     "x.yaml:5:28: faults.0.slow.cpu: '0' was given, expected a speed from 1e-06 to 1000, such as 0.1 for a "
     "tenth"},
    {"faults:\n  - {at: 1min, clock: {jump: -1}}\n",
     "x.yaml:5:30: faults.0.clock.jump: '-1' was given, expected a duration of up to ten years, such as 1h "
     "or "
     "-1h"},
    {"faults:\n  - {at: 1min, clock: {drift: 200}}\n",
     "x.yaml:5:31: faults.0.clock.drift: '200' was given, expected parts per million, up to 100000, such as "
     "200ppm"},
    {"faults:\n  - {at: 1min, clock: {share: 10%}}\n",
     "x.yaml:5:23: faults.0.clock: nothing was given, expected jump, drift or both"},
    {"faults:\n  - {at: 1min, store: {full: maybe}}\n",
     "x.yaml:5:30: faults.0.store.full: 'maybe' was given, expected one of false, true"},
    {"faults:\n  - {at: 1min, store: {share: 10%}}\n",
     "x.yaml:5:23: faults.0.store: nothing was given, expected full: true or torn_writes: true"},
    {"faults:\n  - {at: 1min, bit_rot: {items: 1}}\n",
     "x.yaml:5:33: faults.0.bit_rot.items: '1' was given, expected a share from 0% to 100%, such as 0.5%"},
    {"faults:\n  - {at: 11min, loss: 1%}\n",
     "x.yaml:5:10: faults.0.at: 11min was given, expected from 0s to 10min", false},
    {"faults:\n  - {at: 1min, partition: {groups: [50%, 40%]}}\n",
     "x.yaml:5:36: faults.0.partition.groups: 2 shares that add up to 90% were given, expected 2 to 256 that "
     "add up to 100%",
     false},
    {"faults:\n  - {at: 1min, loss: 1%}\n  - {at: 2min, loss: 1%}\n",
     "x.yaml:6:5: faults.1: overlaps faults.0, expected one of a kind at a time", false},
    {"faults:\n  - {at: 1min, kill: {where: south}}\n",
     "x.yaml:5:30: faults.0.kill.where: 'south' was given, expected one of random, region"},
    {"faults:\n  - {at: 1min, kill: {where: {region: 9}}}\n",
     "x.yaml:5:5: faults.0.kill.where: region 9 was given, expected 0 to 7", false},
    {"faults:\n  - {at: 1min, kill: {where: {closest_to: item 3}}}\n",
     "x.yaml:5:5: faults.0.kill.where: item 3 was given, but workload.items has 0", false},
    {"faults:\n  - {at: 1min, kill: {where: {closest_to: abc}}}\n",
     "x.yaml:5:43: faults.0.kill.where.closest_to: 'abc' was given, expected 64 hex digits, `item N` or "
     "`random key`"},
    {"faults:\n  - {at: 1min, kill: {share: 10%, count: 3}}\n",
     "x.yaml:5:42: faults.0.kill.count: expected one of share, count", false},
    {"faults:\n  - {at: 1min, kill: {return_over: 10s}}\n",
     "x.yaml:5:36: faults.0.kill.return_over: nobody comes back, expected `for` beside `kill`", false},
    {"workload: {lookups: {targets: items}}\n",
     "x.yaml:4:31: workload.lookups.targets: there are none, expected workload.items", false},
    {"workload: {lookups: {times: 0}}\n",
     "x.yaml:4:29: workload.lookups.times: '0' was given, expected a whole number from 1 to 1000000"},
    {"workload: {items: {popularity: {zipf: {exponent: x}}}}\n",
     "x.yaml:4:50: workload.items.popularity.zipf.exponent: 'x' was given, expected a number from 0 to 10"},
    {"workload: {items: {popularity: zipf}}\n",
     "x.yaml:4:32: workload.items.popularity: 'zipf' was given, expected uniform"},
    {"workload: {items: {count: 3, flash_crowd: {at: 1min, items: 4}}}\n",
     "x.yaml:4:61: workload.items.flash_crowd.items: '4' was given, expected a whole number from 1 to 3",
     false},
    {"workload: {items: {get_every: never, flash_crowd: {at: 1min}}}\n",
     "x.yaml:4:51: workload.items.flash_crowd: multiplies how often items are got, expected a get_every",
     false},
    {"workload: {lookups: {every: 60}}\n",
     "x.yaml:4:29: workload.lookups.every: '60' was given, expected a time between events such as 60s, or a "
     "rate such as 0.1/s"},
    {"workload: {items: {size: [64KiB, 100B]}}\n",
     "x.yaml:4:26: workload.items.size: the first of the two is greater, expected [low, high]", false},
    {"workload: {items: {size: 65KiB}}\n",
     "x.yaml:4:26: workload.items.size: '65KiB' was given, expected at most 65536B", false},
    {"workload: {folders: {groups: 10}}\n", "x.yaml:4:12: not supported yet: workload.folders"},
    {"adversaries: []\n", "x.yaml:4:1: not supported yet: adversaries"},
    {"seed: 1\nseed: 2\n", "x.yaml:5:1: key 'seed' is given twice", false},
};

class EveryBadFile : public testing::TestWithParam<BadFile> {};

TEST_P(EveryBadFile, IsRefusedWithPlaceAndExpectation) {
  EXPECT_THAT(errors_of(kLeast + GetParam().text), testing::ElementsAre(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(ScenarioReader, EveryBadFile, testing::ValuesIn(kBadFiles));

TEST(ScenarioReader, RefusesWhatIsNoScenarioAtAll) {
  EXPECT_THAT(errors_of(""), testing::ElementsAre(HasSubstr("x.yaml:1:1: expected one mapping")));
  EXPECT_THAT(errors_of("- a\n- b\n"), testing::ElementsAre(HasSubstr("x.yaml:1:1: expected one mapping")));
  EXPECT_THAT(errors_of("name: x\nduration: [1\n"), testing::ElementsAre(HasSubstr(": not YAML: ")));
  EXPECT_THAT(errors_of("seed: 1\n"),
              testing::ElementsAre("x.yaml:1:1: missing key 'name'", "x.yaml:1:1: missing key 'duration'",
                                   "x.yaml:1:1: missing key 'population'"));
  EXPECT_THAT(errors_of("name: a b\nduration: 1s\npopulation: {}\n"),
              testing::ElementsAre("x.yaml:1:7: name: 'a b' was given, expected 1 to 64 letters, digits, '_' "
                                   "and '-'",
                                   "x.yaml:3:13: missing key 'population.size'"));
}

TEST(ScenarioReader, RefusesAnUnknownMetricAndABadNodeSetting) {
  EXPECT_THAT(errors_of(kLeast + "expect:\n  - lookup.sucess_ratio >= 1\n"),
              testing::ElementsAre(HasSubstr("x.yaml:5:5: expect: ")));
  EXPECT_THAT(errors_of(kLeast.substr(0, 23) + "\npopulation: {size: 10, node: {k: 21, kk: 3}}\n"),
              testing::ElementsAre("x.yaml:3:34: population.node.k: '21' was given, expected a whole number "
                                   "from 1 to 20",
                                   HasSubstr("x.yaml:3:38: unknown key 'kk': expected one of alpha, ")));
}

TEST(ScenarioReader, EveryShippedScenarioIsValidByReaderAndSchema) {
  const auto files = shipped_scenarios();
  ASSERT_GE(files.size(), 6u);
  for (const fs::path& file : files) {
    for (const ScenarioError& error : read_scenario(file).errors) ADD_FAILURE() << error.to_string();
    const auto read = read_scenario(file);
    EXPECT_EQ(read.scenario.name, file.stem().string());
    EXPECT_FALSE(read.scenario.description.empty()) << file;
    EXPECT_FALSE(read.scenario.source.empty()) << file;
    EXPECT_TRUE(read.scenario.text.starts_with("# ")) << file << " does not open with what it shows";
  }
  const auto verdicts = schema_verdicts(files);
  ASSERT_EQ(verdicts.size(), files.size());
  for (const std::string& verdict : verdicts) EXPECT_THAT(verdict, testing::StartsWith("valid "));
}

TEST(ScenarioReader, TheSchemaRefusesTheSameFiles) {
  const fs::path directory = fs::temp_directory_path() / ("shoal_schema_" + std::to_string(getpid()));
  fs::create_directories(directory);
  std::vector<fs::path> files;
  for (std::size_t i = 0; i < kBadFiles.size(); ++i) {
    if (!kBadFiles[i].schema_sees_it) continue;
    files.push_back(directory / (std::to_string(i) + ".yaml"));
    std::ofstream(files.back()) << kLeast << kBadFiles[i].text;
  }
  const auto verdicts = schema_verdicts(files);
  fs::remove_all(directory);
  ASSERT_EQ(verdicts.size(), files.size());
  for (const std::string& verdict : verdicts) EXPECT_THAT(verdict, testing::StartsWith("invalid "));
}

// A section of the language: a scenario that has an unknown key 'zz' there and nothing else wrong, and where
// the schema lists its keys.
struct SchemaSection {
  std::string text;
  std::string pointer;
};

class EverySection : public testing::TestWithParam<SchemaSection> {};

TEST_P(EverySection, HasTheSameKeysInReaderAndSchema) {
  std::ifstream file(kProject / "scenarios/schema.json");
  const auto schema = nlohmann::json::parse(file);
  std::vector<std::string> schema_keys;
  for (const auto& [key, value] : schema.at(nlohmann::json::json_pointer(GetParam().pointer)).items()) {
    schema_keys.push_back(key);
  }
  std::vector<std::string> reader_keys;
  for (const std::string& error : errors_of(kLeast, {{GetParam().text, "{}"}})) {
    std::smatch match;
    if (!std::regex_search(error, match, std::regex("unknown key 'zz': expected one of (.*)$"))) continue;
    std::istringstream keys(match[1].str());
    for (std::string key; std::getline(keys >> std::ws, key, ',');) reader_keys.push_back(key);
  }
  EXPECT_EQ(reader_keys, schema_keys);
}

INSTANTIATE_TEST_SUITE_P(
    ScenarioReader, EverySection,
    testing::Values(
        SchemaSection{"zz", "/properties"}, SchemaSection{"network.zz", "/properties/network/properties"},
        SchemaSection{"network.access.zz", "/properties/network/properties/access/properties"},
        SchemaSection{"network.topology.zz", "/definitions/topology/oneOf/0/properties"},
        SchemaSection{"population.zz", "/properties/population/properties"},
        SchemaSection{"population.arrival.zz", "/properties/population/properties/arrival/properties"},
        SchemaSection{"population.clock.zz", "/properties/population/properties/clock/properties"},
        SchemaSection{"population.node.zz", "/properties/population/properties/node/properties"},
        SchemaSection{"churn.zz", "/properties/churn/properties"},
        SchemaSection{"churn.diurnal.zz", "/properties/churn/properties/diurnal/properties"},
        SchemaSection{"churn.leave.zz", "/properties/churn/properties/leave/properties"},
        SchemaSection{"churn.identity.zz", "/properties/churn/properties/identity/properties"},
        SchemaSection{"churn.session.zz", "/definitions/law/anyOf/1/properties"},
        SchemaSection{"churn.session.exponential.zz",
                      "/definitions/law/anyOf/1/properties/exponential/properties"},
        SchemaSection{"churn.session.weibull.zz", "/definitions/law/anyOf/1/properties/weibull/properties"},
        SchemaSection{"churn.session.pareto.zz", "/definitions/law/anyOf/1/properties/pareto/properties"},
        SchemaSection{"churn.session.lognormal.zz",
                      "/definitions/law/anyOf/1/properties/lognormal/properties"},
        SchemaSection{"workload.zz", "/properties/workload/properties"},
        SchemaSection{"workload.lookups.zz", "/properties/workload/properties/lookups/properties"},
        SchemaSection{"workload.items.zz", "/properties/workload/properties/items/properties"},
        SchemaSection{"workload.items.flash_crowd.zz",
                      "/properties/workload/properties/items/properties/flash_crowd/properties"},
        SchemaSection{"workload.items.popularity.zipf.zz",
                      "/definitions/popularity/anyOf/1/properties/zipf/properties"},
        SchemaSection{"workload.publish.zz", "/properties/workload/properties/publish/properties"}));

TEST(ScenarioReader, EntriesOfListsHaveTheSameKeysInReaderAndSchema) {
  std::ifstream file(kProject / "scenarios/schema.json");
  const auto schema = nlohmann::json::parse(file);
  const auto keys_of = [&](const std::string& pointer) {
    std::string keys;
    for (const auto& [key, value] : schema.at(nlohmann::json::json_pointer(pointer)).items()) {
      keys += (keys.empty() ? "" : ", ") + key;
    }
    return "unknown key 'zz': expected one of " + keys;
  };
  const std::string fault = "/definitions/fault/properties";
  EXPECT_THAT(errors_of(kLeast + "faults: [{loss: 1%, zz: 1}]\n"),
              testing::ElementsAre(testing::EndsWith(keys_of(fault))));
  EXPECT_THAT(errors_of(kLeast + "faults: [{partition: {zz: 1}}]\n"),
              testing::ElementsAre(testing::EndsWith(keys_of(fault + "/partition/properties"))));
  EXPECT_THAT(errors_of(kLeast + "faults: [{kill: {zz: 1}}]\n"),
              testing::ElementsAre(testing::EndsWith(keys_of(fault + "/kill/properties"))));
  EXPECT_THAT(errors_of(kLeast + "network: {topology: {kind: routers, levels: [{zz: 1}]}}\n"),
              testing::ElementsAre(testing::EndsWith(keys_of("/definitions/router_level/properties"))));
}

TEST(Units, AreReadWithTheirUnitsOnly) {
  EXPECT_DOUBLE_EQ(parse_share("12.5%").value(), 0.125);
  EXPECT_FALSE(parse_share("0.125"));
  EXPECT_FALSE(parse_share("101%"));
  EXPECT_FALSE(parse_share("-1%"));
  EXPECT_FALSE(parse_share("%"));
  EXPECT_FALSE(parse_share(""));
  EXPECT_EQ(parse_bit_rate("1.5Gbit/s").value(), 1'500'000'000u);
  EXPECT_FALSE(parse_bit_rate("10MB/s"));
  EXPECT_EQ(parse_bytes("64KiB").value(), 65'536u);
  EXPECT_EQ(parse_bytes("2kB").value(), 2000u);
  EXPECT_FALSE(parse_bytes("64"));
  EXPECT_EQ(parse_interval("0.1/s").value(), 10s);
  EXPECT_EQ(parse_interval("6/min").value(), 10s);
  EXPECT_EQ(parse_interval("90s").value(), 90s);
  EXPECT_FALSE(parse_interval("0/s"));
}

TEST(Units, PrintDurationsShortly) {
  EXPECT_EQ(print_duration(0s), "0s");
  EXPECT_EQ(print_duration(250ms), "250ms");
  EXPECT_EQ(print_duration(90s), "1.5min");
  EXPECT_EQ(print_duration(2h), "2h");
  EXPECT_EQ(print_duration(1234567us), "1.23457s");
}

}  // namespace
}  // namespace shoal::sim
