#include "sim/oracle.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "node/secure/keys.h"

namespace shoal::sim {
namespace {

Instant at(double seconds) {
  return Instant{} + from_seconds(seconds);
}

WallTime wall(int seconds) {
  return WallTime{} + std::chrono::seconds(seconds);
}

Id random_id(std::uint64_t number) {
  return Rng::keyed(number, "test", "id").id();
}

LookupReport report_of(const Id& target, const std::vector<Id>& hosts) {
  LookupReport report;
  report.target = target;
  for (const Id& id : hosts) report.closest.push_back({.contact = {.key = id, .endpoint = {}}, .hops = 1});
  return report;
}

ItemName publish_name() {
  return {.location = random_id(900), .kind = ItemKind::kPublish, .salt = {1, 2}};
}

ItemHeader held(const ItemName& name, std::uint64_t sequence, WallTime expires) {
  return {.name = name, .sequence = sequence, .expires = expires};
}

Oracle::Command command_of(HostIndex host, Instant started) {
  return {.operation = {7, OperationKind::kLookup}, .guid = {1, 2}, .host = host, .started = started};
}

HostSample queues(std::size_t jobs, std::size_t jobs_max, std::size_t requests, std::size_t requests_max) {
  return {.jobs_queued = jobs,
          .jobs_max = jobs_max,
          .requests_in_flight = requests,
          .requests_in_flight_max = requests_max};
}

std::vector<Contact> contacts_of(const std::vector<Id>& ids) {
  std::vector<Contact> contacts;
  for (const Id& id : ids)
    contacts.push_back(
        {.key = id,
         .endpoint = Endpoint::v4(0x01000000u + 256 * static_cast<std::uint32_t>(contacts.size()), 1)});
  return contacts;
}

// Ten hosts, online since time 0.
class OracleTest : public testing::Test {
 protected:
  OracleTest() : oracle({.k = 3}) {
    init_crypto();
    for (HostIndex host = 0; host < 10; ++host) oracle.host_online(host, id(host), false, at(0));
  }

  static Id id(HostIndex host) { return random_id(host + 1); }
  std::vector<Id> true_ids(const Id& wanted, std::size_t n, HostIndex origin, double start) const {
    std::vector<Id> ids;
    for (const Oracle::TrueHost& host : oracle.closest(wanted, n, origin, at(start))) ids.push_back(host.id);
    return ids;
  }
  Oracle::Judgement judge(HostIndex origin, const LookupReport& report, Instant start, Instant end) {
    return oracle.judge_lookup(command_of(origin, start), report, end);
  }
  bool got(HostIndex reader, const ItemName& name, std::uint64_t sequence, ByteView value, Instant when) {
    const auto since_start = std::chrono::duration_cast<std::chrono::milliseconds>(when - Instant{});
    return oracle.value_got(command_of(reader, when), name, sequence, value, WallTime{} + since_start, when);
  }
  void expect_only(std::string_view rule) const {
    ASSERT_EQ(oracle.violations(), 1u);
    EXPECT_EQ(to_string(oracle.kept_violations()[0].rule), rule);
    EXPECT_FALSE(oracle.kept_violations()[0].text.empty());
  }
  void census(double seconds, const std::vector<std::pair<HostIndex, ItemHeader>>& holders) {
    oracle.begin_census(at(seconds), wall(static_cast<int>(seconds)));
    for (const auto& [host, header] : holders) oracle.count_holder(host, header);
    oracle.end_census();
  }

  Oracle oracle;
  const Id target = random_id(500);
};

TEST_F(OracleTest, ClosestAgreesWithAFullScan) {
  Oracle many({.k = 20});
  std::vector<Oracle::TrueHost> settled;
  Rng rng = Rng::keyed(7, "test", "scan");
  for (HostIndex host = 0; host < 2000; ++host) {
    const Id id = rng.id();
    const bool client = host % 10 == 0;
    const bool late = host % 7 == 0;
    many.host_online(host, id, client, late ? at(95) : at(0));
    if (!client && !late && host != 1) settled.push_back({host, id});
  }
  for (int i = 0; i < 200; ++i) {
    const Id wanted = i % 4 == 0 ? settled[rng.below(settled.size())].id : rng.id();
    std::ranges::sort(settled, [&](const auto& a, const auto& b) { return closer(wanted, a.id, b.id); });
    const std::vector<Oracle::TrueHost> found = many.closest(wanted, 20, 1, at(100));
    ASSERT_EQ(found.size(), 20u);
    for (std::size_t j = 0; j < found.size(); ++j) {
      EXPECT_EQ(found[j].id, settled[j].id);
      EXPECT_EQ(found[j].host, settled[j].host);
    }
  }
}

TEST_F(OracleTest, ClosestGivesAllWhenFewerAreThere) {
  EXPECT_EQ(true_ids(target, 20, 0, 60).size(), 9u);
  EXPECT_TRUE(true_ids(target, 20, 0, 5).empty()) << "nobody has been online for 10 s";
}

TEST_F(OracleTest, AHostCountsFrom10SecondsAfterItsStart) {
  oracle.host_online(10, target, false, at(50));
  EXPECT_NE(true_ids(target, 1, 0, 59.9).front(), target);
  EXPECT_EQ(true_ids(target, 1, 0, 60).front(), target);
}

TEST_F(OracleTest, AHostThatLeftOrCameBackDuringTheLookupIsNotTheTruth) {
  const Id nearest = true_ids(target, 1, 0, 60).front();
  const HostIndex host = *oracle.host_of(nearest);
  oracle.host_offline(host, at(61));
  EXPECT_NE(true_ids(target, 1, 0, 60).front(), nearest);
  EXPECT_FALSE(oracle.is_online(nearest));
  oracle.host_online(host, nearest, false, at(62));
  EXPECT_NE(true_ids(target, 1, 0, 60).front(), nearest);
  EXPECT_TRUE(oracle.is_online(nearest));
}

TEST_F(OracleTest, ALookupSucceedsByReturningTheClosestHost) {
  const std::vector<Id> ids = true_ids(target, 4, 0, 60);
  LookupReport report = report_of(target, {ids[0], ids[1], ids[2]});
  Oracle::Judgement judgement = judge(0, report, at(60), at(61));
  EXPECT_EQ(judgement.truth.front().id, ids[0]);
  EXPECT_EQ(judgement.found, &report.closest[0]);
  EXPECT_TRUE(judgement.exact);

  report = report_of(target, {ids[0], ids[1], ids[3]});
  judgement = judge(0, report, at(60), at(61));
  EXPECT_NE(judgement.found, nullptr);
  EXPECT_FALSE(judgement.exact);

  report = report_of(target, {ids[1], ids[2], ids[3]});
  judgement = judge(0, report, at(60), at(61));
  EXPECT_EQ(judgement.found, nullptr);
  EXPECT_FALSE(judgement.exact);
  EXPECT_EQ(oracle.violations(), 0u);
}

TEST_F(OracleTest, NewcomersInAnAnswerAreNotHeldAgainstIt) {
  oracle.host_online(10, target, false, at(59));
  const std::vector<Id> ids = true_ids(target, 3, 0, 60);
  const LookupReport report = report_of(target, {target, ids[0], ids[1]});
  const Oracle::Judgement judgement = judge(0, report, at(60), at(61));
  EXPECT_EQ(judgement.truth.front().id, ids[0]);
  EXPECT_NE(judgement.found, nullptr);
  EXPECT_TRUE(judgement.exact);
}

TEST_F(OracleTest, ALookupBeforeAnyoneIsSettledIsNotJudged) {
  const LookupReport report = report_of(target, {});
  EXPECT_TRUE(judge(0, report, at(5), at(6)).truth.empty());
}

TEST_F(OracleTest, SeesAnAnswerOutOfOrder) {
  const std::vector<Id> ids = true_ids(target, 3, 0, 60);
  judge(4, report_of(target, {ids[1], ids[0], ids[2]}), at(60), at(61));
  expect_only("answer_order");
  EXPECT_EQ(oracle.kept_violations()[0].host, 4u);
  EXPECT_EQ(oracle.kept_violations()[0].when, at(61));
}

TEST_F(OracleTest, SeesAHostNamedTwice) {
  const std::vector<Id> ids = true_ids(target, 2, 0, 60);
  judge(0, report_of(target, {ids[0], ids[0], ids[1]}), at(60), at(61));
  expect_only("answer_order");
}

TEST_F(OracleTest, SeesAnAnswerFromNobody) {
  const std::vector<Id> ids = true_ids(target, 2, 0, 60);
  Id invented = ids[1];
  invented.bytes[31] ^= 1;
  std::vector<Id> answer = {ids[0], invented};
  std::ranges::sort(answer, [&](const Id& a, const Id& b) { return closer(target, a, b); });
  judge(0, report_of(target, answer), at(60), at(61));
  expect_only("phantom_answer");
}

TEST_F(OracleTest, SeesAnAnswerFromTheDead) {
  const Id dead = true_ids(target, 1, 0, 60).front();
  oracle.host_offline(*oracle.host_of(dead), at(60.5));
  judge(0, report_of(target, {dead}), at(60), at(61));
  EXPECT_EQ(oracle.violations(), 0u) << "it was there when the lookup began";
  judge(0, report_of(target, {dead}), at(60.6), at(61));
  expect_only("phantom_answer");
}

TEST_F(OracleTest, SeesAForgedHashItem) {
  const ItemName name{.location = random_id(901), .kind = ItemKind::kHash, .salt = {}};
  oracle.value_acknowledged(oracle.value_put(name, view("value")), 0, wall(1000));
  EXPECT_TRUE(got(3, name, 0, view("value"), at(20)));
  EXPECT_EQ(oracle.violations(), 0u);
  EXPECT_FALSE(got(3, name, 0, view("other"), at(21)));
  expect_only("forged_value");
}

TEST_F(OracleTest, SeesAValueThatNobodyPut) {
  EXPECT_FALSE(got(3, publish_name(), 1, view("value"), at(20)));
  expect_only("forged_value");
}

TEST_F(OracleTest, SeesAGenuineValueUnderAnotherSequenceNumber) {
  const Oracle::ValueId value = oracle.value_put(publish_name(), view("value"));
  EXPECT_TRUE(got(3, publish_name(), 5, view("value"), at(20))) << "not acknowledged yet";
  oracle.value_acknowledged(value, 5, wall(1000));
  EXPECT_TRUE(got(3, publish_name(), 5, view("value"), at(20)));
  EXPECT_FALSE(got(4, publish_name(), 6, view("value"), at(21)));
  expect_only("forged_value");
}

TEST_F(OracleTest, SeesASequenceNumberGoBackwardsForOneReader) {
  oracle.value_acknowledged(oracle.value_put(publish_name(), view("old")), 1, wall(1000));
  oracle.value_acknowledged(oracle.value_put(publish_name(), view("new")), 2, wall(1000));
  got(3, publish_name(), 2, view("new"), at(20));
  got(4, publish_name(), 1, view("old"), at(21));
  got(3, publish_name(), 2, view("new"), at(22));
  EXPECT_EQ(oracle.violations(), 0u);
  got(3, publish_name(), 1, view("old"), at(23));
  expect_only("sequence_backwards");
}

TEST_F(OracleTest, ARestartedHostIsAnotherReader) {
  oracle.value_acknowledged(oracle.value_put(publish_name(), view("old")), 1, wall(1000));
  oracle.value_acknowledged(oracle.value_put(publish_name(), view("new")), 2, wall(1000));
  got(3, publish_name(), 2, view("new"), at(20));
  oracle.host_offline(3, at(21));
  oracle.host_online(3, id(3), false, at(22));
  got(3, publish_name(), 1, view("old"), at(23));
  EXPECT_EQ(oracle.violations(), 0u);
}

TEST_F(OracleTest, SeesAnItemVanishWhileAHolderLives) {
  oracle.value_acknowledged(oracle.value_put(publish_name(), view("value")), 1, wall(1000));
  census(10, {{2, held(publish_name(), 1, wall(1000))}, {3, held(publish_name(), 1, wall(1000))}});
  census(20, {{5, held(publish_name(), 1, wall(1000))}});
  EXPECT_EQ(oracle.violations(), 0u) << "handed over";
  census(30, {});
  expect_only("item_vanished");
  EXPECT_EQ(oracle.lost_count(), 1u);
}

TEST_F(OracleTest, AnItemMayGoWithItsLastHolder) {
  oracle.value_acknowledged(oracle.value_put(publish_name(), view("value")), 1, wall(1000));
  census(10, {{2, held(publish_name(), 1, wall(1000))}});
  oracle.host_offline(2, at(15));
  census(20, {{2, held(publish_name(), 1, wall(1000))}});
  EXPECT_EQ(oracle.lost_count(), 0u) << "its holder will return";
  census(30, {});
  EXPECT_EQ(oracle.lost_count(), 1u);
  EXPECT_EQ(oracle.violations(), 0u);
}

TEST_F(OracleTest, AnExpiredOrUnacknowledgedItemIsNotLost) {
  oracle.value_put(publish_name(), view("unacknowledged"));
  const ItemName name{.location = random_id(902), .kind = ItemKind::kHash, .salt = {}};
  oracle.value_acknowledged(oracle.value_put(name, view("value")), 0, wall(25));
  census(10, {{2, held(name, 0, wall(25))}});
  census(30, {});
  EXPECT_EQ(oracle.lost_count(), 0u);
  EXPECT_EQ(oracle.violations(), 0u);
  EXPECT_TRUE(oracle.is_acknowledged(name, wall(24)));
  EXPECT_FALSE(oracle.is_acknowledged(name, wall(25)));
  EXPECT_FALSE(oracle.is_acknowledged(publish_name(), wall(1)));
}

TEST_F(OracleTest, AnOlderSequenceNumberDoesNotKeepAnItem) {
  oracle.value_acknowledged(oracle.value_put(publish_name(), view("old")), 1, wall(1000));
  oracle.value_acknowledged(oracle.value_put(publish_name(), view("new")), 2, wall(1000));
  census(10, {{2, held(publish_name(), 1, wall(1000))}});
  EXPECT_EQ(oracle.lost_count(), 1u);
  EXPECT_EQ(oracle.acknowledged_sequence(publish_name()), 2u);
}

TEST_F(OracleTest, SeesQueuesOverTheirBounds) {
  oracle.check_host(1, at(10), queues(100, 100, 50, 50));
  EXPECT_EQ(oracle.violations(), 0u);
  EXPECT_EQ(oracle.checks(), 2u);
  oracle.check_host(1, at(11), queues(101, 100, 50, 50));
  expect_only("queue_bound");
  oracle.check_host(1, at(12), queues(100, 100, 51, 50));
  EXPECT_EQ(oracle.violations(), 2u);
}

TEST_F(OracleTest, ALookupAsksNobodyTwiceNorItself) {
  const auto step = [](HostIndex asked, HostIndex told_by, Duration sent, Duration ended) {
    return LookupReport::Step{.asked = {.key = id(asked), .endpoint = {}},
                              .told_by = id(told_by),
                              .hops = 1,
                              .sent_after = sent,
                              .ended_after = ended,
                              .outcome = LookupReport::Outcome::kAnswered};
  };
  LookupReport report = report_of(target, {});
  report.steps = {step(1, 0, 0ms, 10ms), step(2, 1, 10ms, 20ms)};
  judge(0, report, at(60), at(61));
  EXPECT_EQ(oracle.violations(), 0u);
  report.steps.push_back(step(1, 2, 20ms, 30ms));
  judge(0, report, at(60), at(61));
  expect_only("lookup_steps");
  report.steps.back() = step(0, 2, 20ms, 30ms);
  judge(0, report, at(60), at(61));
  EXPECT_EQ(oracle.violations(Rule::kLookupSteps), 2u);
  report.steps.back() = step(3, 2, 15ms, 30ms);
  judge(0, report, at(60), at(61));
  EXPECT_EQ(oracle.violations(Rule::kLookupSteps), 3u) << "2 had not answered yet";
}

TEST_F(OracleTest, SeesATableThatHoldsItsOwnHostOrAHostTwice) {
  oracle.begin_tables();
  oracle.check_table(0, at(60), contacts_of({id(1), id(2)}));
  EXPECT_EQ(oracle.violations(), 0u);
  oracle.check_table(0, at(60), contacts_of({id(1), id(0)}));
  expect_only("table_self");
  oracle.check_table(0, at(60), contacts_of({id(1), id(2), id(1)}));
  EXPECT_EQ(oracle.violations(Rule::kTableSelf), 2u);
}

TEST_F(OracleTest, KnowsInHowManyTablesAHostStands) {
  oracle.begin_tables();
  oracle.check_table(0, at(60), contacts_of({id(1), id(2)}));
  oracle.check_table(3, at(60), contacts_of({id(1)}));
  EXPECT_EQ(oracle.standing(1).tables, 2u);
  EXPECT_EQ(oracle.standing(2).tables, 1u);
  EXPECT_EQ(oracle.standing(2).of, 2u);
  oracle.begin_tables();
  EXPECT_EQ(oracle.standing(1).tables, 0u);
}

// What a violation is about beside its rule: when, whose, in which operation, and in which job.
TEST_F(OracleTest, AViolationNamesHostTimeOperationAndJob) {
  class Seen final : public Witness {
   public:
    std::optional<Job> last_job(HostIndex host) const override {
      if (host != 4) return std::nullopt;
      return Job{JobKind::kHandleResponse, {}};
    }
    bool knows(HostIndex, const Id&) const override { return false; }
    std::optional<StoredItem> held(HostIndex, const ItemName&) const override { return std::nullopt; }
    bool can_meet(HostIndex, HostIndex) const override { return true; }
  } witness;
  oracle.set_witness(&witness);
  const std::vector<Id> ids = true_ids(target, 2, 0, 60);
  judge(4, report_of(target, {ids[1], ids[0]}), at(60), at(61));
  oracle.check_host(5, at(62), queues(2, 1, 0, 1));
  ASSERT_EQ(oracle.kept_violations().size(), 2u);
  const Violation& first = oracle.kept_violations()[0];
  EXPECT_EQ(first.host, 4u);
  EXPECT_EQ(first.when, at(61));
  EXPECT_EQ(first.job, JobKind::kHandleResponse);
  EXPECT_EQ(first.operation, (OperationId{7, OperationKind::kLookup}));
  EXPECT_EQ(first.guid, (Guid{1, 2}));
  const Violation& second = oracle.kept_violations()[1];
  EXPECT_EQ(second.host, 5u);
  EXPECT_EQ(second.job, std::nullopt);
  EXPECT_FALSE(second.operation);
}

// A fault has wiped the disk of a host, or set its clock: its node is not to blame.
TEST_F(OracleTest, AHostHarmedByAFaultIsNotAskedForWhatItHeld) {
  oracle.value_acknowledged(oracle.value_put(publish_name(), view("value")), 1, wall(1000));
  census(10, {{2, held(publish_name(), 1, wall(1000))}});
  oracle.distrust(2);
  census(20, {});
  EXPECT_EQ(oracle.violations(), 0u);
  EXPECT_EQ(oracle.lost_count(), 1u);
}

TEST(OracleRules, StandInArchitectureMdAsTheyStandInTheCode) {
  std::ifstream file(SHOAL_PROJECT_DIR "/ARCHITECTURE.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t i = 0; i < kRules; ++i) {
    const RuleText& rule = text_of(static_cast<Rule>(i));
    EXPECT_NE(text.find(fmt::format("| `{}` | {} |", rule.name, rule.holds_when)), std::string::npos)
        << "no row for " << rule.name;
  }
}

// A hundred hosts in two groups: even ones in 0, odd ones in 1.
class OracleHealTest : public testing::Test {
 protected:
  OracleHealTest() {
    init_crypto();
    std::vector<std::uint8_t> groups;
    for (HostIndex host = 0; host < 100; ++host) {
      oracle.host_online(host, random_id(host), false, at(0));
      groups.push_back(host % 2);
    }
    oracle.partition_began();
    oracle.partition_healed(groups, at(100));
  }
  static std::vector<Contact> table(HostIndex first, HostIndex step, std::size_t size) {
    std::vector<Id> ids;
    for (HostIndex host = first; ids.size() < size; host += step) ids.push_back(random_id(host));
    return contacts_of(ids);
  }
  Oracle oracle;
};

TEST_F(OracleHealTest, SeesATableThatKnowsNobodyBeyondTheFormerCut) {
  oracle.check_table(2, at(159), table(6, 2, 45));
  EXPECT_EQ(oracle.violations(), 0u) << "there is still time";
  oracle.check_table(2, at(160), table(5, 1, 45));
  EXPECT_EQ(oracle.violations(), 0u) << "it knows both sides";
  oracle.check_table(4, at(160), table(6, 2, 45));
  ASSERT_EQ(oracle.violations(), 1u);
  EXPECT_EQ(oracle.kept_violations()[0].rule, Rule::kTableUnhealed);
  oracle.check_table(4, at(170), table(6, 2, 45));
  EXPECT_EQ(oracle.violations(), 1u) << "a host is judged once a heal";
}

TEST_F(OracleHealTest, SeesAnEmptyTable) {
  oracle.check_table(2, at(160), {});
  ASSERT_EQ(oracle.violations(), 1u);
  EXPECT_EQ(oracle.kept_violations()[0].rule, Rule::kTableUnhealed);
}

TEST_F(OracleHealTest, DoesNotAskForTheOtherSideOfASmallTable) {
  oracle.check_table(2, at(160), table(6, 2, 10));
  EXPECT_EQ(oracle.violations(), 0u);
}

TEST_F(OracleHealTest, DoesNotJudgeNewcomersNorFormerHeals) {
  oracle.host_offline(2, at(101));
  oracle.host_online(2, random_id(2), false, at(102));
  oracle.check_table(2, at(160), {});
  EXPECT_EQ(oracle.violations(), 0u);
  oracle.partition_began();
  oracle.check_table(4, at(160), {});
  EXPECT_EQ(oracle.violations(), 0u);
}

TEST(Oracle, KeepsABoundedNumberOfViolationsAndCountsAll) {
  Oracle oracle({.violations_kept_max = 2});
  oracle.host_online(0, Id{}, false, at(0));
  for (int i = 0; i < 5; ++i) oracle.check_host(0, at(1), queues(2, 1, 0, 1));
  EXPECT_EQ(oracle.violations(), 5u);
  EXPECT_EQ(oracle.kept_violations().size(), 2u);
}

}  // namespace
}  // namespace shoal::sim
