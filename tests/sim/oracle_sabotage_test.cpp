// The oracle sees what goes wrong: which rules fire when a test breaks a run on purpose (sabotaged_run.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/plain_node.h"
#include "tests/sim/sabotaged_run.h"

namespace shoal::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Hosts that join within seconds and are asked nothing.
constexpr const char* kQuiet = R"(name: x
duration: 3min
network: {fidelity: message}
crypto: modelled
population: {size: 12, arrival: {over: 2s}}
)";

// One hash item and one record, each on eight of twelve disks; censuses are at 0, 5, 10 and 11 minutes.
constexpr const char* kItems = R"(name: x
duration: 11min
network: {fidelity: message}
crypto: modelled
population: {size: 12, arrival: {over: 2s}}
workload:
  items: {count: 1, size: [100B, 200B], put_over: 10s, get_every: 2s}
  publish: {count: 1, update_every: 20h, get_every: 1s}
)";

Plan quiet() {
  Plan plan;
  plan.scenario = kQuiet;
  return plan;
}

// --- nothing broken

TEST(OracleSabotage, AHealthyRunFiresNothingThoughEveryRuleIsChecked) {
  Plan plan = quiet();
  plan.scenario = R"(name: x
duration: 16min
network: {fidelity: message, loss: 1%, jitter: 5ms}
population: {size: 60, arrival: {over: 10s}, node: {session_keep_alive: 2s, primary_lease: 6s}}
churn: {session: {exponential: {mean: 5min}}, absence: {exponential: {mean: 1min}}, leave: {crash: 50%, clean: 50%}, identity: {keep: 60%}}
faults:
  - {at: 2min, for: 2min, partition: {groups: [50%, 50%]}}
  - {at: 6min, for: 1min, loss: 20%}
  - {at: 8min, for: 1min, kill: {share: 30%}}
workload:
  lookups: {every: 20s}
  items: {count: 20, size: [100B, 10KiB], put_over: 20s, get_every: 10s}
  publish: {count: 5, update_every: 30s, get_every: 10s}
  groups: {count: 6, hosts_per_group: 4, broadcast_every: 10s}
)";
  const Seen seen = perform(plan);
  EXPECT_THAT(seen.fired(), IsEmpty());
  // Those of folders have a healthy run of their own (oracle_folder_sabotage_test.cpp).
  const auto is_of_folders = [](Rule rule) {
    return rule >= Rule::kFolderDiverged && rule <= Rule::kScanUnpaired;
  };
  for (std::size_t i = 0; i < kRules; ++i) {
    if (is_of_folders(static_cast<Rule>(i))) continue;
    EXPECT_TRUE(seen.checks.contains(std::string(to_string(static_cast<Rule>(i)))))
        << to_string(static_cast<Rule>(i)) << " was never checked";
  }
}

TEST(OracleSabotage, TheQuietRunsOfTheseTestsFireNothing) {
  EXPECT_THAT(perform(quiet()).fired(), IsEmpty());
  Plan plan = quiet();
  plan.scenario = kItems;
  EXPECT_THAT(perform(plan).fired(), IsEmpty());
}

// --- lookups and tables

void join_a_stranger(Stage& stage) {
  stage.props =
      std::make_shared<Stranger>(stage.network, stage.scenario.population.node, stage.network.endpoint(0));
}

// What it sends is nobody's either.
TEST(OracleSabotage, SeesAHostThatNeverLivedInTablesAndInAnswers) {
  Plan plan = quiet();
  plan.sabotage = join_a_stranger;
  EXPECT_THAT(perform(plan).fired(), ElementsAre("table_phantom", "unaccounted_traffic"));
  plan.scenario = std::string(kQuiet) + "workload: {lookups: {every: 5s}}\n";
  EXPECT_THAT(perform(plan).fired(), ElementsAre("phantom_answer", "table_phantom", "unaccounted_traffic"));
}

TEST(OracleSabotage, SeesAClientThatSaysItIsNoneStayInTables) {
  Plan plan = quiet();
  plan.config = [](OracleConfig& config) { config.gone_contact_max = 1min; };
  plan.sabotage = [](Stage& stage) {
    join_a_stranger(stage);
    const auto& stranger = *std::static_pointer_cast<Stranger>(stage.props);
    stage.recorder.host_online(stranger.host(), stranger.id(), true, stage.network.now());
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("table_client", "unaccounted_traffic"));
}

TEST(OracleSabotage, SeesContactsThatAreNeverForgotten) {
  Plan plan = quiet();
  plan.scenario =
      with_node(kQuiet,
                "table_check_period: 1d, table_checks_per_lifetime: 0, neighbour_checks_per_lifetime: 0, "
                "bucket_refresh_interval: 1d, neighbour_refresh_interval: 1d, refreshes_per_lifetime: 0, "
                "connection_item_lifetime: 0s") +
      "faults: [{at: 30s, kill: {share: 30%}}]\n";
  plan.config = [](OracleConfig& config) { config.gone_contact_max = 1min; };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("table_gone"));
}

TEST(OracleSabotage, SeesATableThatIsLargerThanItMayBe) {
  Plan plan = quiet();
  plan.scenario = with_node(kQuiet, "k: 20, first_buckets: []");
  plan.config = [](OracleConfig& config) { config.bucket_sizes = {3}; };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("bucket_bound"));
}

TEST(OracleSabotage, SeesATableFullOfOneSubnet) {
  Plan plan = quiet();
  plan.scenario = with_node(kQuiet, "per_subnet_max: 0");
  plan.config = [](OracleConfig& config) { config.per_subnet_max = 1; };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("subnet_bound"));
}

// Nodes that forget what a cut hides from them, and never ask again for those they lost.
TEST(OracleSabotage, SeesTablesThatDoNotHeal) {
  Plan plan = quiet();
  plan.scenario = R"(name: x
duration: 8min
network: {fidelity: message}
crypto: modelled
population: {size: 100, arrival: {over: 2s}, node: {table_check_period: 20s, lost_check_interval: 1d}}
faults: [{at: 1min, for: 4min, partition: {groups: [50%, 50%]}}]
)";
  EXPECT_THAT(perform(plan).fired(), ElementsAre("table_unhealed"));
}

// --- items

TEST(OracleSabotage, SeesAStoreThatForgetsWhatItHasAcknowledged) {
  Plan plan = quiet();
  plan.scenario = kItems;
  plan.sabotage = [](Stage& stage) {
    for (Duration when = 2s; when < 70s; when += 5ms) {
      stage.at(when, [&stage] {
        stage.on_disks([](HostIndex, ItemStore& store) {
          for (const ItemHeader& header : store.list(nullptr, 100)) {
            if (header.name.kind != ItemKind::kConnection)
              store.commit({.puts = {}, .erases = {header.name}});
          }
        });
      });
    }
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("acknowledged_unheld"));
}

TEST(OracleSabotage, SeesAnItemVanishFromDisksThatStay) {
  Plan plan = quiet();
  plan.scenario = kItems;
  plan.sabotage = [](Stage& stage) {
    stage.at(7min, [&stage] {
      stage.on_disks([](HostIndex, ItemStore& store) {
        for (const ItemHeader& header : store.list(nullptr, 100)) {
          if (header.name.kind == ItemKind::kHash) store.commit({.puts = {}, .erases = {header.name}});
        }
      });
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("item_vanished"));
}

TEST(OracleSabotage, SeesWhatIsHeldUnderAWrongName) {
  Plan plan = quiet();
  plan.scenario = kItems;
  const std::string gets = "put_over: 10s, get_every: 2s";
  plan.scenario.replace(plan.scenario.find(gets), gets.size(), "put_over: 10s, get_every: 20h");
  plan.sabotage = [](Stage& stage) {
    stage.at(4min, [&stage] {
      stage.on_disks([](HostIndex host, ItemStore& store) {
        if (host % 2 == 1) return;  // a node drops what it sees is damaged; one copy must remain
        for (const ItemHeader& header : store.list(nullptr, 100)) {
          if (header.name.kind != ItemKind::kHash) continue;
          StoredItem item = *store.find(header.name);
          Bytes body = *item.body;
          body.back() ^= 1;
          item.body = std::make_shared<const Bytes>(std::move(body));
          store.commit({.puts = {item}, .erases = {}});
        }
      });
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("forged_held"));
}

// Copies of disks: of one kind of item, as it was at one time, to be put back later.
struct Backup {
  std::vector<std::pair<HostIndex, StoredItem>> items;

  void take(Stage& stage, ItemKind kind) {
    stage.on_disks([&](HostIndex host, ItemStore& store) {
      for (const ItemHeader& header : store.list(nullptr, 100)) {
        if (header.name.kind == kind) items.emplace_back(host, *store.find(header.name));
      }
    });
  }
  void overwrite(Stage& stage) const {
    for (const auto& [host, item] : items) {
      stage.simulation.population().store(host)->commit({.puts = {item}, .erases = {}});
    }
  }
  // While the host is down: a node that runs knows what it has stored.
  void restore(Stage& stage) const {
    for (const auto& [host, item] : items) put_back(stage, host, item);
  }
  // The first one, on every disk; those hosts that go on hold nothing, and read it.
  void spread(Stage& stage) const {
    const StoredItem& item = items.front().second;
    stage.on_disks([&](HostIndex host, ItemStore& store) {
      if (host < stage.scenario.population.bootstrap_hosts) {
        store.commit({.puts = {}, .erases = {item.header.name}});
      } else {
        put_back(stage, host, item);
      }
    });
  }

 private:
  static void put_back(Stage& stage, HostIndex host, const StoredItem& item) {
    stage.simulation.population().kill(host, 1s);
    stage.simulation.population().store(host)->commit({.puts = {item}, .erases = {}});
  }
};

TEST(OracleSabotage, SeesAValueServedAfterItHasExpired) {
  Plan plan = quiet();
  plan.scenario = with_node(kItems, "item_lifetime: 4min");
  plan.sabotage = [](Stage& stage) {
    const auto backup = std::make_shared<Backup>();
    stage.at(3min, [&stage, backup] {
      backup->take(stage, ItemKind::kHash);
      for (auto& entry : backup->items) entry.second.header.expires += std::chrono::hours(10);
    });
    stage.at(7min, [&stage, backup] { backup->restore(stage); });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("expired_served"));
}

TEST(OracleSabotage, SeesAnOldRecordComeBackOnADiskAndInWhatReadersSee) {
  Plan plan = quiet();
  plan.scenario = kItems;
  const std::string updates = "update_every: 20h";
  plan.scenario.replace(plan.scenario.find(updates), updates.size(), "update_every: 100s");
  const auto brought_back = [](Duration when, void (Backup::*how)(Stage&) const) {
    return [when, how](Stage& stage) {
      const auto backup = std::make_shared<Backup>();
      stage.at(90s, [&stage, backup] {
        backup->take(stage, ItemKind::kPublish);
        backup->items.resize(1);
      });
      stage.at(when, [&stage, backup, how] { (*backup.*how)(stage); });
    };
  };
  plan.sabotage = brought_back(10min - 1ms, &Backup::overwrite);  // before the node sees it, at a census
  EXPECT_THAT(perform(plan).fired(), ElementsAre("record_downgraded"));
  plan.sabotage = brought_back(9min, &Backup::spread);
  EXPECT_THAT(perform(plan).fired(), ElementsAre("sequence_backwards"));
}

TEST(OracleSabotage, SeesAnItemOnMoreHostsThanItShould) {
  Plan plan = quiet();
  plan.scenario = kItems;
  plan.config = [](OracleConfig& config) { config.copies_max = 4; };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("over_replicated"));
}

TEST(OracleSabotage, SeesAStoreOverItsBound) {
  Plan plan = quiet();
  plan.scenario = with_node(kItems, "item_count_max: 20");
  plan.sabotage = [](Stage& stage) {
    stage.at(4min, [&stage] {
      for (std::uint8_t i = 0; i < 21; ++i) {
        StoredItem item;
        item.body = std::make_shared<const Bytes>(Bytes{i});
        item.header = {
            .name = {.location = hash_item_location(*item.body), .kind = ItemKind::kHash, .salt = {}},
            .sequence = 0,
            .expires = stage.network.wall_time() + std::chrono::hours(1),
            .body_bytes = 1};
        stage.simulation.population().store(2)->commit({.puts = {item}, .erases = {}});
      }
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("store_bound"));
}

// --- nodes

TEST(OracleSabotage, SeesACommandThatNeverGetsItsResult) {
  Plan plan = quiet();
  plan.scenario = std::string(kQuiet) + "workload: {lookups: {every: 10s}}\n";
  plan.silence = Silence{.host = 5, .from = 40s, .sends = false};
  plan.config = [](OracleConfig& config) { config.answer_max = 1min; };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("unanswered"));
}

TEST(OracleSabotage, SeesANodeThatIsNeverWoken) {
  Plan plan = quiet();
  plan.scenario = with_node(
      kQuiet, "table_check_period: 20s, bucket_refresh_interval: 10s, neighbour_refresh_interval: 10s");
  plan.silence = Silence{.host = 5, .from = 40s, .sends = true};
  plan.config = [](OracleConfig& config) { config.silence_max = 1min; };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("asleep"));
}

TEST(OracleSabotage, SeesADatagramThatNobodySent) {
  Plan plan = quiet();
  plan.sabotage = [](Stage& stage) {
    const auto ghost = std::make_shared<PlainNode>(stage.network);
    stage.props = ghost;
    // Its few datagrams would hide behind those that nodes count and the network never got.
    ghost->act([&stage, ghost] {
      for (int i = 0; i < 100; ++i) ghost->port().datagrams.send(stage.network.endpoint(1), Bytes(60));
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("unaccounted_traffic"));
}

}  // namespace
}  // namespace shoal::sim
