// The scenario language: what is read.
#include "sim/scenario_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/scenario_texts.h"

namespace shoal::sim {
namespace {

using testing::HasSubstr;

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
  EXPECT_FALSE(s.workload.lookups || s.workload.items || s.workload.publish || s.workload.groups ||
               s.workload.folders);
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
  EXPECT_DOUBLE_EQ(std::get<KillFault>(s.faults[2].what).whom.share, 0.3);
  EXPECT_FALSE(s.faults[2].lasts);
  EXPECT_TRUE(std::get<KillFault>(s.faults[2].what).whom.spare_bootstrap);
  const KillFault& region = std::get<KillFault>(s.faults[3].what);
  EXPECT_EQ(region.whom.where, VictimSpec::Where::kRegion);
  EXPECT_EQ(region.whom.region, 2u);
  EXPECT_DOUBLE_EQ(region.whom.share, 1);
  EXPECT_FALSE(region.whom.spare_bootstrap);
  EXPECT_EQ(region.return_over, 20s);
  const KillFault& closest = std::get<KillFault>(s.faults[4].what);
  EXPECT_EQ(closest.whom.where, VictimSpec::Where::kClosest);
  EXPECT_EQ(closest.whom.item, 7u);
  EXPECT_EQ(closest.whom.count, 20u);
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

TEST(ScenarioReader, ReadsGroups) {
  const std::string text = kLeast + "workload: {groups: {count: 4, hosts_per_group: 5, same_region: 2";
  const Scenario s = must_parse(text + ", broadcast_every: 30s}}\n");
  ASSERT_TRUE(s.workload.groups);
  EXPECT_EQ(s.workload.groups->count, 4u);
  EXPECT_EQ(s.workload.groups->hosts_per_group, 5u);
  EXPECT_EQ(s.workload.groups->same_region, 2u);
  EXPECT_EQ(s.workload.groups->broadcast_every, 30s);
  EXPECT_FALSE(must_parse(text + ", broadcast_every: never}}\n").workload.groups->broadcast_every);
  const Scenario plain = must_parse(kLeast + "workload: {groups: {}}\n");
  EXPECT_EQ(plain.workload.groups->hosts_per_group, 3u);
  EXPECT_FALSE(plain.workload.groups->same_region);
}

TEST(ScenarioReader, ReadsFolders) {
  const std::string text = kLeast + "workload: {folders: {groups: 2, hosts_per_group: 4, files: 7";
  const Scenario s = must_parse(text + ", size: [1KiB, 2KiB], edits_every: 9s, quiet: 20s}}\n");
  ASSERT_TRUE(s.workload.folders);
  EXPECT_EQ(s.workload.folders->count, 2u);
  EXPECT_EQ(s.workload.folders->hosts_per_group, 4u);
  EXPECT_EQ(s.workload.folders->files, 7u);
  EXPECT_EQ(s.workload.folders->size_min, 1024u);
  EXPECT_EQ(s.workload.folders->size_max, 2048u);
  EXPECT_EQ(s.workload.folders->edits_every, 9s);
  EXPECT_EQ(s.workload.folders->quiet, 20s);
  const Scenario plain = must_parse(text + ", edits_every: never}}\n");
  EXPECT_FALSE(plain.workload.folders->edits_every);
  EXPECT_EQ(plain.workload.folders->quiet, plain.duration / 5);
}

TEST(ScenarioReader, ReadsChangesOfAddressAndPrimariesAsVictims) {
  const Scenario s = must_parse(kLeast + R"(workload: {groups: {count: 3}}
faults:
  - {at: 1min, change_address: {where: {group: 2}, count: 1}}
  - {at: 1min, change_address: {share: 30%}}
  - {at: 2min, for: 1min, kill: {where: primary}}
)");
  ASSERT_EQ(s.faults.size(), 3u);
  const VictimSpec& member = std::get<ChangeAddressFault>(s.faults[0].what).whom;
  EXPECT_EQ(member.where, VictimSpec::Where::kGroup);
  EXPECT_EQ(member.group, 2u);
  EXPECT_EQ(member.count, 1u);
  EXPECT_DOUBLE_EQ(std::get<ChangeAddressFault>(s.faults[1].what).whom.share, 0.3);
  const VictimSpec& primary = std::get<KillFault>(s.faults[2].what).whom;
  EXPECT_EQ(primary.where, VictimSpec::Where::kPrimary);
  EXPECT_DOUBLE_EQ(primary.share, 1) << "all of them";
}

}  // namespace
}  // namespace shoal::sim
