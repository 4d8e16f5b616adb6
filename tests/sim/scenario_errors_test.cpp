// The scenario language: what is refused, with which words, and that scenarios/schema.json refuses it too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/sim/scenario_texts.h"
#include "tests/sim/schema_verdicts.h"

namespace shoal::sim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

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
     "kill, change_address, slow, clock, store, bit_rot"},
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
     "x.yaml:5:30: faults.0.kill.where: 'south' was given, expected one of random, region, primary"},
    {"faults:\n  - {at: 1min, kill: {where: primary}}\n",
     "x.yaml:5:5: faults.0.kill.where: there are none, expected workload.groups", false},
    {"faults:\n  - {at: 1min, change_address: {where: {group: 1}}}\nworkload: {groups: {}}\n",
     "x.yaml:5:5: faults.0.change_address.where: group 1 was given, but workload.groups has 1", false},
    {"faults:\n  - {at: 1min, for: 1min, change_address: {count: 1}}\n",
     "x.yaml:5:21: faults.0.for: an address changes at once and for good, expected no `for`", false},
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
    {"workload: {groups: {hosts_per_group: 1}}\n",
     "x.yaml:4:38: workload.groups.hosts_per_group: '1' was given, expected a whole number from 2 to 256"},
    {"workload: {groups: {hosts_per_group: 8}}\n",
     "x.yaml:4:38: workload.groups.hosts_per_group: 8 were given, but besides bootstrap hosts there are 7",
     false},
    {"workload: {groups: {hosts_per_group: 3, same_region: 4}}\n",
     "x.yaml:4:54: workload.groups.same_region: '4' was given, expected a whole number from 1 to 3", false},
    {"workload: {groups: {broadcast_every: 30}}\n",
     "x.yaml:4:38: workload.groups.broadcast_every: '30' was given, expected a time between events such as "
     "60s, or a "
     "rate such as 0.1/s"},
    {"workload: {folders: {hosts_per_group: 8}}\n",
     "x.yaml:4:39: workload.folders.hosts_per_group: 8 were given, but besides bootstrap hosts there are 7",
     false},
    {"workload: {folders: {files: -1}}\n",
     "x.yaml:4:29: workload.folders.files: '-1' was given, expected a whole number from 0 to 100000"},
    {"workload: {folders: {edits_every: 30}}\n",
     "x.yaml:4:35: workload.folders.edits_every: '30' was given, expected a time between events such as "
     "60s, or a "
     "rate such as 0.1/s"},
    {"workload: {folders: {size: [64KiB, 100B]}}\n",
     "x.yaml:4:28: workload.folders.size: the first of the two is greater, expected [low, high]", false},
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

TEST(ScenarioReader, RefusesHostsWithoutABootstrapAddressWhereNothingElseBringsThemTogether) {
  const std::string head = kLeast.substr(0, 23) + "\npopulation: {size: 10, bootstrap_hosts: 0}\n";
  EXPECT_THAT(errors_of(head + "network: {topology: {kind: lan}}\n"), testing::IsEmpty());
  EXPECT_THAT(errors_of(head),
              testing::ElementsAre("x.yaml:3:41: population.bootstrap_hosts: 0 was given, but only in the "
                                   "topology lan hosts find each other without, expected at least 1"));
}

TEST(ScenarioReader, RefusesAnUnknownMetricAndABadNodeSetting) {
  EXPECT_THAT(errors_of(kLeast + "expect:\n  - lookup.sucess_ratio >= 1\n"),
              testing::ElementsAre(HasSubstr("x.yaml:5:5: expect: ")));
  EXPECT_THAT(errors_of(kLeast.substr(0, 23) + "\npopulation: {size: 10, node: {k: 21, kk: 3}}\n"),
              testing::ElementsAre("x.yaml:3:34: population.node.k: '21' was given, expected a whole number "
                                   "from 1 to 20",
                                   HasSubstr("x.yaml:3:38: unknown key 'kk': expected one of alpha, ")));
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

}  // namespace
}  // namespace shoal::sim
