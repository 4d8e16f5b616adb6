// What NodeLog says of a node, and how seldom it repeats itself.
#include "node/os/node_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class NodeLogTest : public testing::Test {
 protected:
  std::vector<std::string> take() { return std::exchange(lines_, {}); }
  void observe() {
    log_.observe({contacts_, reachability_, sessions_, clock_ahead_, bootstrap_unanswered_, folders_stopped_,
                  counters_},
                 now_);
  }

  std::size_t contacts_ = 0;
  std::string_view reachability_ = "unknown";
  std::size_t sessions_ = 0;
  Duration clock_ahead_{};
  std::vector<Endpoint> bootstrap_unanswered_;
  std::vector<FolderStop> folders_stopped_;
  NodeCounters counters_;
  Instant now_{};
  std::vector<std::string> lines_;
  NodeLog log_{[this](LogLevel level, std::string_view message, const LogFields& fields) {
    lines_.push_back(std::string(to_string(level)) + " " + std::string(message) + " " + fields.dump());
  }};
};

TEST_F(NodeLogTest, TellsChangesOnce) {
  observe();
  EXPECT_THAT(take(), IsEmpty());
  contacts_ = 2;
  reachability_ = "reachable";
  sessions_ = 1;
  observe();
  EXPECT_THAT(take(), ElementsAre(R"(info joined the network {"contacts":2})",
                                  R"(info reachability has changed {"reachability":"reachable"})",
                                  R"(debug sessions have changed {"sessions":1})"));
  contacts_ = 1;
  observe();
  EXPECT_THAT(take(), IsEmpty());
  contacts_ = 0;
  reachability_ = "unreachable";
  observe();
  EXPECT_THAT(take(), ElementsAre("warn lost the network: no contact is left {}",
                                  "info strangers cannot reach this host: it acts as a client "
                                  R"({"reachability":"unreachable"})"));
}

TEST_F(NodeLogTest, TellsOfAClockThatIsWrongAndOfItsEnd) {
  clock_ahead_ = -2h;
  observe();
  clock_ahead_ = -2h - 1s;
  observe();
  EXPECT_THAT(take(), ElementsAre("warn the clock of this machine is not that of other hosts: "
                                  R"(set the wrong one right {"ahead_s":-7200.0})"));
  clock_ahead_ = {};
  observe();
  EXPECT_THAT(take(), ElementsAre("info the clock of this machine is right again {}"));
}

TEST_F(NodeLogTest, TellsOnceThatNobodyAnswersWhereTheNetworkIsToBeJoined) {
  bootstrap_unanswered_ = {Endpoint::v4(0xc0000201, 7465)};
  observe();
  observe();
  EXPECT_THAT(take(),
              ElementsAre("warn nobody answers where the network is to be joined: check these addresses "
                          R"({"bootstrap":["192.0.2.1:7465"]})"));
  bootstrap_unanswered_.clear();
  contacts_ = 1;
  observe();
  EXPECT_THAT(take(), ElementsAre(R"(info joined the network {"contacts":1})"));
}

TEST_F(NodeLogTest, TellsWhenAFolderStopsAndWhenItGoesOn) {
  const FolderStop stop{Id{}, "photos", "/srv/photos", "disk_full", "make room on the disk"};
  const std::string begins =
      R"(warn files of a folder do not fit on its disk {"folder":"photos","root":"/srv/photos",)"
      R"("reason":"disk_full","next_step":"make room on the disk"})";
  folders_stopped_ = {stop};
  observe();
  EXPECT_THAT(take(), ElementsAre(begins));
  for (int retry = 0; retry < 10; ++retry) {  // it tries again, and stops again
    folders_stopped_.clear();
    observe();
    now_ += 1s;
    folders_stopped_ = {stop};
    observe();
    now_ += 9s;
  }
  EXPECT_THAT(take(), IsEmpty());
  folders_stopped_.clear();
  observe();
  now_ += NodeLog::kGoesOnAfter;
  observe();
  EXPECT_THAT(take(), ElementsAre(R"(info a folder goes on {"folder":"photos","reason":"disk_full"})"));
  folders_stopped_ = {stop};
  observe();
  EXPECT_THAT(take(), ElementsAre(begins));
  folders_stopped_.front().reason = "root_missing";
  observe();
  EXPECT_EQ(take().size(), 1u) << "another reason is another line";
  folders_stopped_.front().reason = "damaged";
  observe();
  EXPECT_THAT(take(), ElementsAre(testing::HasSubstr("warn the disk has damaged files of a folder")));
}

TEST_F(NodeLogTest, TellsRefusalsByKindAtMostOnceAMinute) {
  counters_.dropped_malformed = 3;
  counters_.dropped_late_response = 9;
  observe();
  EXPECT_THAT(take(), ElementsAre(R"(info refused or dropped since this was told last {"malformed":3})"));
  for (int i = 0; i < 1000; ++i) {
    ++counters_.dropped_malformed;
    counters_.stores_refused += 2;
    observe();
  }
  EXPECT_THAT(take(), IsEmpty());
  now_ += NodeLog::kRepeatAfter;
  observe();
  EXPECT_THAT(take(), ElementsAre("info refused or dropped since this was told last "
                                  R"({"malformed":1000,"stores":2000})"));
  now_ += NodeLog::kRepeatAfter;
  observe();
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(NodeLogTest, RepeatsATroubleOfTheStoreAtMostOnceAMinute) {
  for (int i = 0; i < 5; ++i) log_.commit_failed("the disk is full", now_);
  EXPECT_THAT(take(), ElementsAre("warn the disk is full {}"));
  now_ += NodeLog::kRepeatAfter;
  log_.commit_failed("the disk is full", now_);
  EXPECT_THAT(take(), ElementsAre(R"(warn the disk is full {"repeated":4})"));
  log_.commit_succeeded();
  log_.commit_succeeded();
  EXPECT_THAT(take(), ElementsAre("info the store keeps items again {}"));
  log_.commit_failed("the disk is full", now_);
  EXPECT_THAT(take(), ElementsAre("warn the disk is full {}"));
}

}  // namespace
}  // namespace shoal
