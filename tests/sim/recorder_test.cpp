#include "sim/recorder.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "node/secure/keys.h"
#include "sim/recorder_state.h"

namespace shoal::sim {
namespace {

Instant at(double seconds) {
  return Instant{} + from_seconds(seconds);
}

double number(const Summary& summary, const std::string& name) {
  const auto found = summary.find(name);
  if (found == summary.end()) {
    ADD_FAILURE() << name << " is absent";
    return -1;
  }
  if (const auto* count = std::get_if<std::uint64_t>(&found->second)) return static_cast<double>(*count);
  return std::get<double>(found->second);
}

RunInfo run_info() {
  RunInfo info;
  info.scenario = "test";
  info.commit = "abc";
  info.seed = 7;
  info.warm_up = 100s;
  info.population = 20;
  info.expectations = {*parse_expectation("lookup.success_ratio >= 0.5"),
                       *parse_expectation("item.get_success_ratio >= 0.5")};
  return info;
}

// Twenty hosts, online since time 0; the warm-up ends at 100 s.
class RecorderTest : public testing::Test {
 protected:
  RecorderTest() : recorder(run_info(), oracle) {
    init_crypto();
    for (HostIndex host = 0; host < 20; ++host) recorder.host_online(host, id(host), false, at(0));
  }

  static Id id(HostIndex host) { return Rng::keyed(host, "test", "host").id(); }
  static std::vector<Contact> contacts(const std::vector<Id>& ids) {
    std::vector<Contact> contacts;
    for (const Id& id : ids) contacts.push_back({.key = id, .endpoint = {}});
    return contacts;
  }
  static Id target(std::uint64_t i) { return Rng::keyed(i, "test", "target").id(); }

  // What a lookup that finds the true k closest reports; the nearest answers after `latency`.
  LookupReport right_report(const Id& wanted, HostIndex origin, double start, Duration latency,
                            std::uint8_t hops) {
    LookupReport report;
    report.target = wanted;
    for (const Oracle::TrueHost& host : oracle.closest(wanted, 20, origin, at(start))) {
      const Contact contact{.key = host.id, .endpoint = {}};
      report.closest.push_back({.contact = contact, .hops = hops, .answered_after = latency});
      report.steps.push_back({.asked = contact,
                              .told_by = id(origin),
                              .hops = hops,
                              .sent_after = 1ms,
                              .ended_after = latency,
                              .outcome = LookupReport::Outcome::kAnswered});
    }
    report.requests = static_cast<std::uint32_t>(report.steps.size()) + 2;
    return report;
  }
  void good_lookup(std::uint64_t i, double start, Duration latency, std::uint8_t hops = 1,
                   HostIndex origin = 0) {
    const OperationId lookup = recorder.lookup_started(origin, target(i), at(start));
    recorder.lookup_ended(lookup, right_report(target(i), origin, start, latency, hops), at(start + 1));
  }
  void bad_lookup(std::uint64_t i, double start, HostIndex origin = 0) {
    const OperationId lookup = recorder.lookup_started(origin, target(i), at(start));
    LookupReport report = right_report(target(i), origin, start, 5ms, 1);
    report.closest.erase(report.closest.begin());
    recorder.lookup_ended(lookup, report, at(start + 1));
  }
  void sample(double seconds, const NodeCounters& each, HostIndex hosts = 20) {
    recorder.begin_sample(at(seconds));
    for (HostIndex host = 0; host < hosts; ++host) recorder.sample_host(host, {.counters = &each});
    recorder.end_sample();
  }
  const Summary& finish(double seconds) {
    return recorder.finish(at(seconds), {.wall_s = 2, .events = 1000, .rss_bytes = 2000, .trace_hash = 0xabc})
        .summary;
  }

  // A publish item, put by host 0 and acknowledged with `sequence`.
  static ItemName name() { return {.location = target(900), .kind = ItemKind::kPublish, .salt = {}}; }
  void put(std::string_view value, std::uint64_t sequence, double start, WallTime expires = kFarAhead) {
    const OperationId operation = recorder.put_started(0, name(), view(value), at(start));
    StoreResult result;
    result.sequence = sequence;
    result.holders.resize(3);
    recorder.put_ended(operation, result, expires, at(start + 1));
  }
  void get(std::string_view value, std::uint64_t sequence, double start, Duration took) {
    const OperationId operation = recorder.get_started(1, name(), at(start));
    recorder.get_ended(operation, view(value), sequence, at(start) + took);
  }
  static constexpr WallTime kFarAhead = WallTime::max();

  Oracle oracle{{.per_subnet_max = 0}};  // contacts of tests have no addresses
  Recorder recorder;
};

TEST_F(RecorderTest, RatiosAreOverLookupsStartedAfterTheWarmUp) {
  bad_lookup(1, 99);
  good_lookup(2, 100, 10ms);
  good_lookup(3, 110, 10ms);
  good_lookup(4, 120, 10ms);
  bad_lookup(5, 130);
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "lookup.count"), 4);
  EXPECT_EQ(number(summary, "lookup.success_ratio"), 0.75);
  EXPECT_EQ(number(summary, "lookup.exact_ratio"), 0.75);
  EXPECT_EQ(number(summary, "lookup.messages.mean"), 19 + 2 + 19);
}

TEST_F(RecorderTest, FailuresEnterNoLatency) {
  good_lookup(1, 110, 10ms, 2);
  good_lookup(2, 111, 30ms, 4);
  for (std::uint64_t i = 3; i < 10; ++i) bad_lookup(i, 112);
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "lookup.latency_ms.mean"), 20);
  EXPECT_EQ(number(summary, "lookup.latency_ms.p50"), 10);
  EXPECT_EQ(number(summary, "lookup.latency_ms.p99"), 30);
  EXPECT_EQ(number(summary, "lookup.hops.mean"), 3);
  EXPECT_EQ(number(summary, "lookup.hops.p90"), 4);
  EXPECT_EQ(number(summary, "lookup.duration_ms.p50"), 1000);
}

TEST_F(RecorderTest, ALookupWithoutAnyResultFailed) {
  recorder.lookup_failed(recorder.lookup_started(0, target(1), at(110)), ErrorCode::kNotConnected, at(111));
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "lookup.count"), 1);
  EXPECT_EQ(number(summary, "lookup.success_ratio"), 0);
  EXPECT_FALSE(summary.contains("lookup.latency_ms.p50"));
}

TEST_F(RecorderTest, ALookupWhoseOriginLeftIsNeitherSuccessNorFailure) {
  recorder.lookup_started(5, target(1), at(110));
  recorder.host_offline(5, Departure::kCrash, {}, at(110.5));
  recorder.host_online(5, id(5), false, at(111));
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "lookup.count"), 0);
  EXPECT_FALSE(summary.contains("lookup.success_ratio"));
}

TEST_F(RecorderTest, ALookupThatNeverEndsFailed) {
  recorder.lookup_started(0, target(1), at(110));
  recorder.lookup_started(0, target(2), at(199));
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "lookup.count"), 1) << "the other one is too young to say";
  EXPECT_EQ(number(summary, "lookup.success_ratio"), 0);
}

TEST_F(RecorderTest, ProgressCountsFromTheWarmUp) {
  good_lookup(1, 50, 10ms);
  recorder.begin_sample(at(60));
  recorder.end_sample();
  EXPECT_EQ(recorder.progress().lookups, 1u);
  EXPECT_EQ(recorder.progress().online, 20u);
  sample(101, {});
  EXPECT_EQ(recorder.progress().lookups, 0u);
  bad_lookup(2, 110);
  EXPECT_EQ(recorder.progress().lookups, 1u);
  EXPECT_EQ(recorder.progress().lookups_succeeded, 0u);
}

TEST_F(RecorderTest, TrafficIsOverNodeSecondsAfterTheWarmUp) {
  NodeCounters before;
  before.bytes_sent = 1'000'000;
  before.datagrams_sent = 5'000;
  before.count(Purpose::kMaintenance, 7'000);
  sample(100, before);
  NodeCounters after = before;
  after.bytes_sent += 300;
  after.session_bytes_sent += 100;
  after.datagrams_sent += 20;
  for (const std::size_t bytes : {100u, 50u}) after.count(Purpose::kMaintenance, bytes);
  after.count(Purpose::kBootstrap, 50);
  after.count(Purpose::kLookup, 1'000'000);
  // Half of the hosts leave at half time with all they have sent.
  for (HostIndex host = 10; host < 20; ++host) {
    recorder.host_offline(host, host == 10 ? Departure::kKilled : Departure::kClean, after, at(150));
  }
  sample(200, after, 10);
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "population.online.mean"), 15);
  EXPECT_NEAR(number(summary, "traffic.bytes_per_node_per_s"), 20 * 400 / 1500.0, 1e-9);
  EXPECT_NEAR(number(summary, "traffic.messages_per_node_per_s"), 20 * 20 / 1500.0, 1e-9);
  EXPECT_NEAR(number(summary, "maintenance.bytes_per_node_per_s"), 20 * 200 / 1500.0, 1e-9);
  EXPECT_NEAR(number(summary, "maintenance.messages_per_node_per_s"), 20 * 3 / 1500.0, 1e-9);
  EXPECT_EQ(number(summary, "churn.departures"), 9) << "the killed one is no churn";
}

TEST_F(RecorderTest, MemoryThatNobodyHoldsIsTheRest) {
  RunEnd end;
  end.rss_bytes = 20'000;
  end.memory.emplace();
  end.memory->nodes = 6'000;
  end.memory->tables = 4'000;
  end.memory->network = 2'000;
  const Summary& summary = recorder.finish(at(200), end).summary;
  EXPECT_EQ(number(summary, "sim.rss_bytes_per_node"), 1000);
  EXPECT_EQ(number(summary, "sim.memory.node_bytes_per_node"), 300);
  EXPECT_EQ(number(summary, "sim.memory.stores_bytes_per_node"), 0);
  EXPECT_EQ(number(summary, "sim.memory.rest_bytes_per_node"), 400);
}

TEST_F(RecorderTest, LiveContactsAreThoseOnline) {
  recorder.host_offline(3, Departure::kCrash, {}, at(90));
  recorder.begin_sample(at(95));
  recorder.sample_table(0, contacts({id(3)}));
  recorder.end_sample();
  recorder.begin_sample(at(110));
  EXPECT_TRUE(recorder.wants_table(0));
  recorder.sample_table(0, contacts({id(1), id(2), id(3)}));
  recorder.sample_table(1, contacts({id(4)}));
  recorder.end_sample();
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "table.live_contact_ratio"), 0.75);
  EXPECT_EQ(number(summary, "table.contacts.mean"), 2);
}

TEST_F(RecorderTest, CountsClientsInTablesAndHostsThatTakeThemselvesForWhatTheyAreNot) {
  recorder.host_online(20, id(20), true, at(10));
  recorder.host_online(21, id(21), true, at(10));
  recorder.host_online(22, id(22), true, at(109));  // too short a time ago to know
  const NodeCounters none;
  recorder.begin_sample(at(110));
  for (const HostIndex host : {0, 20, 21, 22}) {
    recorder.sample_host(host, {.counters = &none, .client = host == 20});
  }
  recorder.sample_table(0, contacts({id(1), id(2), id(3), id(20)}));
  recorder.end_sample();
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "table.client_ratio"), 0.25);
  EXPECT_NEAR(number(summary, "population.mistaken_ratio"), 1 / 3.0, 1e-9);
}

TEST_F(RecorderTest, LooksAtABoundedEvenChoiceOfTables) {
  for (HostIndex host = 20; host < 5000; ++host) recorder.host_online(host, id(host), false, at(1));
  std::vector<int> looks(5000);
  for (int i = 0; i < 10; ++i) {
    recorder.begin_sample(at(10 + i));
    std::size_t wanted = 0;
    for (HostIndex host = 0; host < 5000; ++host) {
      wanted += recorder.wants_table(host) ? 1 : 0;
      looks[host] += recorder.wants_table(host) ? 1 : 0;
    }
    EXPECT_EQ(wanted, Recorder::kTablesPerSample);
    recorder.end_sample();
  }
  EXPECT_TRUE(std::ranges::all_of(looks, [](int n) { return n == 1; }));
}

TEST_F(RecorderTest, PutsAndGetsOfItems) {
  get("one", 1, 101, 5ms);  // before anything is acknowledged: forged as far as anybody knows, not counted
  put("one", 1, 110);
  get("one", 1, 120, 20ms);
  put("two", 2, 130);
  get("one", 1, 140, 40ms);
  recorder.get_failed(recorder.get_started(2, name(), at(150)), ErrorCode::kNotFound, at(151));
  recorder.put_failed(recorder.put_started(2, name(), view("three"), at(160)), ErrorCode::kTimeout, at(161));
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "item.put_count"), 3);
  EXPECT_NEAR(number(summary, "item.put_success_ratio"), 2.0 / 3, 1e-9);
  EXPECT_EQ(number(summary, "item.get_count"), 3);
  EXPECT_NEAR(number(summary, "item.get_success_ratio"), 2.0 / 3, 1e-9);
  EXPECT_EQ(number(summary, "item.get_latency_ms.p50"), 20);
  EXPECT_EQ(number(summary, "item.get_latency_ms.p99"), 40);
  EXPECT_EQ(number(summary, "publish.stale_read_ratio"), 0.5);
}

TEST_F(RecorderTest, AForgedValueIsAFailedGet) {
  put("one", 1, 110);
  get("forged", 1, 120, 20ms);
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "item.get_success_ratio"), 0);
  EXPECT_EQ(number(summary, "oracle.violations"), 1);
}

TEST_F(RecorderTest, GetsOfExpiredItemsDoNotCount) {
  const WallTime start = run_info().wall_start;
  put("one", 1, 110, start + 130s);
  recorder.get_failed(recorder.get_started(2, name(), at(131)), ErrorCode::kNotFound, at(132));
  recorder.get_failed(recorder.get_started(2, name(), at(129)), ErrorCode::kNotFound, at(130));
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "item.get_count"), 0);
}

TEST_F(RecorderTest, APutThatNobodyHoldsFailed) {
  const OperationId operation = recorder.put_started(0, name(), view("value"), at(110));
  StoreResult result;
  result.holders.push_back({.contact = {}, .refusal = ErrorCode::kStoreFull});
  recorder.put_ended(operation, result, kFarAhead, at(111));
  const Summary& summary = finish(200);
  EXPECT_EQ(number(summary, "item.put_success_ratio"), 0);
  EXPECT_EQ(oracle.acknowledged_sequence(name()), std::nullopt);
}

TEST_F(RecorderTest, CountsItemsThatNobodyHoldsAtTheEnd) {
  put("one", 1, 110);
  recorder.begin_census(at(190), run_info().wall_start + 190s);
  recorder.count_holder(4, {.name = name(), .sequence = 1, .expires = kFarAhead});
  recorder.end_census();
  recorder.host_offline(4, Departure::kCrash, {}, at(195));
  recorder.begin_census(at(200), run_info().wall_start + 200s);
  recorder.end_census();
  EXPECT_EQ(number(finish(200), "item.lost_count"), 1);
}

TEST_F(RecorderTest, RecoveryIsMeasuredOverLookupsAcrossTheFormerCut) {
  std::vector<std::uint8_t> groups(20);
  for (HostIndex host = 10; host < 20; ++host) groups[host] = 1;
  recorder.fault("partition", at(110), at(120), "two halves");
  recorder.partition_healed(groups, at(120));
  // Lookups of which the truth is on the other side fail until 127 s; those on this side always succeed.
  std::uint64_t i = 0;
  for (double start = 120; start < 150; start += 0.5) {
    for (int of_each = 0; of_each < 2;) {
      const HostIndex truth = oracle.closest(target(++i), 1, 0, at(start)).front().host;
      if ((truth >= 10) != (of_each == 1)) continue;
      ++of_each;
      truth >= 10 && start <= 127 ? bad_lookup(i, start) : good_lookup(i, start, 10ms);
    }
  }
  const Summary& summary = finish(200);
  EXPECT_NEAR(number(summary, "heal.recovery_s"), 7, 0.001);
}

TEST_F(RecorderTest, ARecoveryThatDoesNotComeIsNever) {
  std::vector<std::uint8_t> groups(20);
  for (HostIndex host = 1; host < 20; ++host) groups[host] = 1;
  recorder.fault("partition", at(110), at(120), "one against all");
  recorder.partition_healed(groups, at(120));
  for (std::uint64_t i = 1; i < 30; ++i) bad_lookup(i, 120 + static_cast<double>(i));
  EXPECT_EQ(finish(200).at("heal.recovery_s"), MetricValue("never"));
}

TEST(Recovery, BeginsWithTheFirstGoodWindow) {
  Heal heal;
  heal.when = at(100);
  EXPECT_EQ(recovery(heal), std::nullopt) << "nothing was tried";
  for (int i = 0; i < 400; ++i) heal.crossings.push_back({at(100 + i * 0.1), true});
  EXPECT_EQ(recovery(heal), Duration{});
  heal.crossings[50].success = false;  // 1 of the 100 of the first window
  EXPECT_EQ(recovery(heal), Duration{});
  heal.crossings[60].success = false;
  EXPECT_NEAR(to_seconds(*recovery(heal)), 5, 0.001) << "after the first of the two";
  std::ranges::reverse(heal.crossings);
  EXPECT_NEAR(to_seconds(*recovery(heal)), 5, 0.001) << "lookups end in any order";
}

// --- the database

class RecorderDatabaseTest : public RecorderTest {
 protected:
  RecorderDatabaseTest() : directory(testing::TempDir() + "recorder_" + test_name()) {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
  }
  ~RecorderDatabaseTest() override { std::filesystem::remove_all(directory); }
  static std::string test_name() { return testing::UnitTest::GetInstance()->current_test_info()->name(); }

  std::string ask(const std::string& query) const {
    SQLite::Database database((directory / "run.sqlite").string());
    SQLite::Statement statement(database, query);
    std::string text;
    while (statement.executeStep()) {
      for (int i = 0; i < statement.getColumnCount(); ++i) {
        text +=
            (i > 0 ? "|" : "") + (statement.isColumnNull(i) ? "NULL" : statement.getColumn(i).getString());
      }
      text += "\n";
    }
    return text;
  }

  const std::filesystem::path directory;
};

TEST_F(RecorderDatabaseTest, TellsTheStoryOfALookup) {
  bad_lookup(1, 90);
  good_lookup(2, 110, 250ms, 3);
  finish(200);
  ASSERT_TRUE(recorder.write(directory));
  EXPECT_EQ(ask("SELECT lookup, outcome, counted, exact, hops, latency_ms, messages FROM lookups"),
            "1|failure|0|0|NULL|NULL|40\n2|success|1|1|3|250.0|40\n");
  EXPECT_EQ(ask("SELECT count(*), min(told_by), max(sent_ms), max(ended_ms), min(outcome) FROM lookup_steps "
                "WHERE lookup = 2"),
            "19|0|1.0|250.0|answered\n");
}

TEST_F(RecorderDatabaseTest, HoldsWhatTheSummaryHolds) {
  good_lookup(2, 110, 250ms, 3);
  finish(200);
  ASSERT_TRUE(recorder.write(directory));
  std::ifstream file(directory / "summary.json");
  const auto summary = nlohmann::json::parse(file);
  EXPECT_EQ(summary["lookup.success_ratio"], 1.0);
  EXPECT_EQ(summary["run.trace_hash"], "0000000000000abc");
  EXPECT_EQ(summary["sim.events_per_s"], 500.0);
  EXPECT_EQ(summary["sim.rss_bytes_per_node"], 100.0);
  EXPECT_EQ(summary["run.expectations_failed"], 1);
  EXPECT_EQ(ask("SELECT value FROM run WHERE key = 'lookup.success_ratio'"), "1.0\n");
  EXPECT_EQ(ask("SELECT count(*) FROM run"), std::to_string(summary.size() + 10) + "\n");
  EXPECT_EQ(ask("SELECT text, value, met FROM expectations"),
            "lookup.success_ratio >= 0.5|1.0|1\nitem.get_success_ratio >= 0.5|NULL|0\n");
}

TEST_F(RecorderDatabaseTest, HoldsSeriesItemsSessionsAndFaults) {
  NodeCounters counters;
  sample(100, counters);
  put("one", 1, 101);
  get("one", 1, 105, 20ms);
  recorder.fault("loss", at(106), at(108), "20 % loss");
  good_lookup(1, 107, 10ms);
  bad_lookup(2, 107);
  recorder.host_offline(5, Departure::kClean, counters, at(109));
  counters.kinds[0].requests_sent = 10;
  counters.kinds[0].request_bytes_sent = 1000;
  counters.session_bytes_sent = 400;  // of these
  sample(110, counters, 19);
  finish(110);
  ASSERT_TRUE(recorder.write(directory));
  EXPECT_EQ(ask("SELECT t_s, value FROM series WHERE metric = 'online'"), "100.0|20.0\n110.0|19.0\n");
  EXPECT_EQ(ask("SELECT value FROM series WHERE metric = 'lookups.success_ratio'"), "0.5\n");
  EXPECT_EQ(ask("SELECT value FROM series WHERE metric = 'traffic.bytes_per_s.ping'"), "1900.0\n");
  EXPECT_EQ(ask("SELECT sum(value) FROM series WHERE metric LIKE 'traffic.bytes_per_s.%'"), "1900.0\n")
      << "a stack of all kinds counts no byte twice";
  EXPECT_EQ(ask("SELECT value FROM series WHERE metric = 'traffic.by_session_bytes_per_s'"), "760.0\n");
  EXPECT_EQ(ask("SELECT requests, request_bytes FROM traffic WHERE kind = 'ping'"), "190|19000\n");
  EXPECT_EQ(ask("SELECT kind, bytes, outcome, holders, sequence FROM items"), "publish|3|success|3|1\n");
  EXPECT_EQ(ask("SELECT outcome, latency_ms, counted, stale FROM item_gets"), "success|20.0|1|0\n");
  EXPECT_EQ(ask("SELECT begin_s, end_s, left_by FROM sessions WHERE host IN (4, 5)"),
            "0.0|NULL|NULL\n0.0|109.0|clean\n");
  EXPECT_EQ(ask("SELECT * FROM faults"), "1|loss|106.0|108.0|20 % loss|NULL\n");
  EXPECT_EQ(ask("SELECT count FROM histograms WHERE name = 'lookup.hops' AND low = 1 AND high = 2"), "1\n");
}

TEST_F(RecorderDatabaseTest, KeepsABoundedNumberOfStoriesAndCountsAll) {
  for (std::uint64_t i = 0; i < 3 * kStoriesMax; ++i) good_lookup(1, 110, 10ms);
  EXPECT_EQ(number(finish(200), "lookup.count"), 3 * kStoriesMax);
  ASSERT_TRUE(recorder.write(directory));
  const int kept = std::stoi(ask("SELECT count(*) FROM lookups"));
  EXPECT_LE(kept, static_cast<int>(kStoriesMax));
  EXPECT_GT(kept, static_cast<int>(kStoriesMax) / 3);
  EXPECT_EQ(ask("SELECT sum(count) FROM histograms WHERE name = 'lookup.hops'"), "15000\n");
}

TEST_F(RecorderDatabaseTest, ReplacesAFormerRun) {
  std::ofstream(directory / "run.sqlite") << "no database at all";
  finish(200);
  ASSERT_TRUE(recorder.write(directory));
  EXPECT_EQ(ask("SELECT value FROM run WHERE key = 'run.seed'"), "7\n");
}

TEST_F(RecorderDatabaseTest, SaysWhereItCouldNotWrite) {
  finish(200);
  const Result<void> written = recorder.write(directory / "nowhere");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kIo);
  EXPECT_NE(written.error().message.find("nowhere/summary.json"), std::string::npos);
}

}  // namespace
}  // namespace shoal::sim
