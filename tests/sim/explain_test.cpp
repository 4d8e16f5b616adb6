// run_scenario explain, and the examples that a run leaves for its report: what they say of one stormy run,
// held against its database.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sim/process.h"

namespace shoal::sim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// Hosts that come and go, a cut and a kill: enough for lookups to fail and items to be lost.
constexpr const char* kStormy = R"(name: stormy
duration: 11min
network: {fidelity: message, loss: 2%}
crypto: modelled
population: {size: 40, arrival: {over: 10s}}
churn: {session: {exponential: {mean: 2min}}, absence: {exponential: {mean: 2min}}, identity: {keep: 30%}}
faults:
  - {at: 2min, for: 1min, partition: {groups: [50%, 50%]}}
  - {at: 6min, for: 1min, kill: {share: 80%}}
  - {at: 9min, for: 5min, kill: {share: 100%, spare_bootstrap: false}}
workload:
  lookups: {every: 10s}
  items: {count: 20, size: [100B, 1KiB], put_over: 20s, get_every: 10s}
expect:
  - lookup.success_ratio >= 1
  - lookup.latency_ms.p99 <= 1
  - item.get_success_ratio >= 1
  - traffic.bytes_per_node_per_s <= 1
  - oracle.violations == 0
)";

std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

class Explain : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory = fs::temp_directory_path() / fmt::format("shoal_explain_{}", getpid());
    fs::create_directories(directory);
    std::ofstream(directory / "stormy.yaml") << kStormy;
    EXPECT_EQ(run("stormy.yaml --no-report --quiet --out .").status, 1) << "no expectation can be met";
  }
  static void TearDownTestSuite() { fs::remove_all(directory); }

  struct Outcome {
    int status = 0;
    std::string out, err;
  };
  static Outcome run(const std::string& arguments) {
    const std::string command = fmt::format("cd {} && {} {} > stdout.txt 2> stderr.txt", directory.string(),
                                            SHOAL_RUN_SCENARIO, arguments);
    const std::vector<std::string> argv = {"/bin/sh", "-c", command};
    Outcome outcome;
    outcome.status = run_program(argv);
    outcome.out = contents(directory / "stdout.txt");
    outcome.err = contents(directory / "stderr.txt");
    return outcome;
  }
  static Outcome explain(const std::string& subject) { return run("explain stormy-seed1 " + subject); }
  static fs::path database() { return directory / "stormy-seed1" / "run.sqlite"; }
  // The first column of the first row.
  static std::string query(const std::string& sql) {
    SQLite::Database opened(database().string());
    SQLite::Statement rows(opened, sql);
    return rows.executeStep() ? rows.getColumn(0).getString() : "";
  }

  static inline fs::path directory;
};

TEST_F(Explain, TellsWhoWasAskedAndWhyALookupFailed) {
  const std::string lookup = query("SELECT lookup FROM lookups WHERE outcome = 'failure' AND messages > 10");
  ASSERT_NE(lookup, "");
  const Outcome told = explain("lookup " + lookup);
  EXPECT_EQ(told.status, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("Lookup " + lookup + " of "));
  EXPECT_THAT(told.out, HasSubstr(": failure"));
  EXPECT_THAT(told.out, HasSubstr("Why it failed"));
  const std::string truth =
      query("SELECT name FROM sessions s JOIN lookups l ON s.host = l.truth WHERE lookup = " + lookup +
            " AND begin_s <= started_s ORDER BY begin_s DESC");
  EXPECT_THAT(told.out, HasSubstr("The closest host was " + truth));
  const std::string steps = query("SELECT count(*) FROM lookup_steps WHERE lookup = " + lookup);
  std::size_t hops = 0;
  for (std::size_t at = 0; (at = told.out.find(", hop ", at)) != std::string::npos; ++at) ++hops;
  EXPECT_EQ(std::to_string(hops), steps) << told.out;
}

TEST_F(Explain, SaysWhatWasTrueOfALookupThatSucceeded) {
  const std::string lookup = query("SELECT lookup FROM lookups WHERE outcome = 'success' AND started_s > 60");
  const Outcome told = explain("lookup " + lookup);
  EXPECT_EQ(told.status, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("The closest host answered after"));
  EXPECT_THAT(told.out, HasSubstr("[the closest"));
  EXPECT_THAT(told.out, Not(HasSubstr("Why it failed")));
}

TEST_F(Explain, NamesTheFaultThatWasInForce) {
  const std::string lookup = query(
      "SELECT lookup FROM lookups WHERE started_s BETWEEN 130 AND 170 AND duration_ms IS NOT NULL LIMIT 1");
  EXPECT_THAT(explain("lookup " + lookup).out, HasSubstr("partition 50 / 50 %, from 120.0 s to 180.0 s"));
}

TEST_F(Explain, TellsAnItemByTheBeginningOfItsKey) {
  const std::string key = query(
      "SELECT location FROM items JOIN item_last_holders USING (item) GROUP BY location ORDER BY count(*) "
      "DESC");
  ASSERT_NE(key, "") << "no item has vanished";
  const Outcome told = explain("item " + key.substr(0, 12));
  EXPECT_EQ(told.status, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("Item " + key + ", a hash item"));
  EXPECT_THAT(told.out, HasSubstr("Puts\n  put "));
  EXPECT_THAT(told.out, HasSubstr("0 online, "));
  EXPECT_THAT(told.out, HasSubstr("Held until then by host-"));
  EXPECT_THAT(told.out, HasSubstr("Gets\n"));
}

TEST_F(Explain, TellsANodeWithItsSessionsFaultsAndCounters) {
  const std::string host = query("SELECT host FROM fault_hosts WHERE fault = 2");
  ASSERT_NE(host, "");
  const Outcome told = explain("node host-" + host);
  EXPECT_EQ(told.status, 0) << told.err;
  EXPECT_THAT(told.out,
              HasSubstr("host-" + host + ", at " + query("SELECT address FROM hosts WHERE host = " + host)));
  EXPECT_THAT(told.out, HasSubstr("Sessions\n  host-" + host));
  EXPECT_THAT(told.out, HasSubstr("(killed)"));
  EXPECT_THAT(told.out, HasSubstr("120.0 s to 180.0 s: partition 50 / 50 %, in part "));
  EXPECT_THAT(told.out, HasSubstr("360.0 s to 420.0 s: 80 % of hosts killed"));
  EXPECT_THAT(told.out, HasSubstr("datagrams_sent"));
  EXPECT_EQ(explain("node " + host).out, told.out);
}

TEST_F(Explain, TellsOfANatAndOfAHostThatDidNotKnowItsOwn) {
  SQLite::Database opened(database().string(), SQLite::OPEN_READWRITE);
  opened.exec("UPDATE hosts SET nat = 'symmetric' WHERE host = 7");
  opened.exec("UPDATE sessions SET client = 1, mistaken_samples = 2 WHERE host = 7");
  const Outcome told = explain("node 7");
  opened.exec("UPDATE hosts SET nat = 'none' WHERE host = 7");
  opened.exec("UPDATE sessions SET client = 0, mistaken_samples = 0 WHERE host = 7");
  EXPECT_THAT(told.out, HasSubstr(", behind a NAT (symmetric)\n"));
  EXPECT_THAT(told.out, HasSubstr(", a client, mistook itself in 2 samples\n"));
}

TEST_F(Explain, TellsAViolationAndWhatSurroundsIt) {
  SQLite::Database opened(database().string(), SQLite::OPEN_READWRITE);
  opened.exec(
      "INSERT INTO violations VALUES (1, 'forged_value', 3, 361.5, 'handle_response', 'get', 12, "
      "'0000000100000002', 'item 5c0ffee1: 3 bytes that nobody put')");
  const Outcome told = explain("violation 1");
  opened.exec("DELETE FROM violations");
  EXPECT_EQ(told.status, 0) << told.err;
  for (const char* const part :
       {"forged_value on host-3", "3 bytes that nobody put", "a value got is one that was put",
        "its last job was handle_response", "In get 12, guid 0000000100000002",
        "80 % of hosts killed, from 360.0 s to 420.0 s", "(killed)", " more\n"}) {
    EXPECT_THAT(told.out, HasSubstr(part));
  }
}

TEST_F(Explain, SaysWhatThereIsWhenThereIsNoSuchThing) {
  const auto expect_refused = [](const std::string& subject, const std::string& message) {
    const Outcome told = explain(subject);
    EXPECT_EQ(told.status, 2) << subject;
    EXPECT_EQ(told.out, "") << subject;
    EXPECT_THAT(told.err, HasSubstr(message)) << subject;
  };
  const std::string started = query("SELECT value FROM run WHERE key = 'lookups_started'");
  expect_refused("lookup 0", "lookup 0: the run has " + started + " lookups, numbered from 1");
  expect_refused("lookup 9999999", "lookup 9999999: the run has " + started + " lookups");
  expect_refused("lookup first", "lookup 'first': expected its number");
  expect_refused("item xyz", "item 'xyz': expected its key, or the beginning of it, in hexadecimal digits");
  expect_refused("item 00000000000000", "nothing was put there");
  expect_refused("node host-999",
                 "node host-999: no session of it was kept; the run's hosts are host-0 to host-39");
  expect_refused("node alice", "node 'alice': expected a host's name, such as host-17");
  expect_refused("violation 7", "violation 7: the run keeps 0 violations, numbered from 1");
  expect_refused("story 7", "'story': expected lookup, item, node or violation");
  expect_refused("", "WHAT is required");
}

TEST_F(Explain, SaysWhichKeysAnAmbiguousBeginningMayMean) {
  const std::string digit =
      query("SELECT substr(location, 1, 1) FROM items GROUP BY 1 HAVING count(DISTINCT location) > 1");
  ASSERT_NE(digit, "") << "twenty keys and sixteen digits";
  const Outcome told = explain("item " + digit);
  EXPECT_EQ(told.status, 2);
  EXPECT_THAT(told.err, HasSubstr("item " + digit + ": several begin so: " + digit));
}

TEST_F(Explain, SaysWhatIsNoRun) {
  EXPECT_THAT(run("explain nowhere lookup 1").err, HasSubstr("nowhere: no such directory"));
  EXPECT_THAT(run("explain . lookup 1").err,
              HasSubstr("run.sqlite: missing; is this the directory of a run?"));
  fs::create_directories(directory / "other");
  std::ofstream(directory / "other" / "run.sqlite") << "this is not SQLite, whatever its name says";
  EXPECT_THAT(run("explain other lookup 1").err, HasSubstr("run.sqlite: not the database of a run"));
  fs::copy_file(database(), directory / "other" / "run.sqlite", fs::copy_options::overwrite_existing);
  SQLite::Database opened((directory / "other" / "run.sqlite").string(), SQLite::OPEN_READWRITE);
  opened.exec("UPDATE run SET value = 1 WHERE key = 'schema_version'");
  const Outcome old = run("explain other lookup 1");
  EXPECT_EQ(old.status, 2);
  EXPECT_THAT(old.err, HasSubstr("written with schema version 1, this program reads version 3"));
}

TEST_F(Explain, HelpsWithAnExample) {
  const Outcome help = run("explain --help");
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, HasSubstr("run_scenario explain out/churn_500-seed1 lookup"));
  EXPECT_THAT(run("--help").out, HasSubstr("run_scenario explain"));
}

// --- examples

TEST_F(Explain, LeavesTheThreeWorstExamplesOfEachFailedExpectation) {
  EXPECT_EQ(query("SELECT count(*) FROM examples WHERE metric = 'lookup.success_ratio'"), "3");
  EXPECT_EQ(query("SELECT count(*) FROM examples WHERE metric = 'lookup.latency_ms.p99'"), "3");
  EXPECT_EQ(query("SELECT count(*) FROM examples WHERE metric = 'traffic.bytes_per_node_per_s'"), "3");
  EXPECT_EQ(query("SELECT count(*) FROM examples WHERE metric = 'oracle.violations'"), "0") << "it holds";
  EXPECT_EQ(query("SELECT subject FROM examples WHERE metric = 'lookup.latency_ms.p99' AND rank = 1"),
            query("SELECT 'lookup ' || lookup FROM lookups WHERE outcome = 'success' AND counted "
                  "ORDER BY latency_ms DESC, lookup"));
  EXPECT_EQ(query("SELECT subject FROM examples WHERE metric = 'item.get_success_ratio' AND rank = 1"),
            query("SELECT 'item ' || location FROM item_gets WHERE outcome = 'failure' AND counted "
                  "GROUP BY location ORDER BY count(*) DESC, location"));
}

TEST_F(Explain, PrintsTheStoryOfAnExampleAsTheReportShowsIt) {
  for (const char* const metric :
       {"lookup.success_ratio", "item.get_success_ratio", "traffic.bytes_per_node_per_s"}) {
    const std::string where = fmt::format(" FROM examples WHERE metric = '{}' AND rank = 1", metric);
    EXPECT_EQ(explain(query("SELECT subject" + where)).out, query("SELECT story" + where)) << metric;
  }
}

}  // namespace
}  // namespace shoal::sim
