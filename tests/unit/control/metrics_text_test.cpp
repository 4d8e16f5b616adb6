// The text that Prometheus reads: its form, and that no counter is left out.
#include "node/control/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "node/counters.h"

namespace shoal {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

MetricsInput input() {
  MetricsInput in;
  in.version = "1.2.3";
  in.status.reachability = "reachable";
  in.status.counters = named_counters(NodeCounters{});
  // Values by which each counter is found again.
  std::uint64_t value = 1000;
  for (auto& [name, count] : in.status.counters) count = ++value;
  return in;
}

TEST(MetricsText, ShowsHowFullEachPartIs) {
  MetricsInput in = input();
  in.loads = {{"tokens", 12, 512}, {"sessions", 3, 256}};
  const std::string text = metrics_text(in);
  EXPECT_THAT(text, HasSubstr("\nshoal_load{part=\"tokens\"} 12\nshoal_load{part=\"sessions\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_load_max{part=\"tokens\"} 512\n"));
}

TEST(MetricsText, TellsOfEachFolderHowFarItIs) {
  MetricsInput in = input();
  FolderStatus photos;
  photos.name = "photos";
  photos.state = FolderStatus::State::kSyncing;
  photos.files_needed = 7;
  photos.last_scan = WallTime(std::chrono::seconds(90));
  FolderStatus other = photos;  // of the same name
  other.group.bytes[0] = 0xab;
  other.state = FolderStatus::State::kInSync;
  in.folders = {photos, other};
  const std::string text = metrics_text(in);
  const std::string of_photos = "{folder=\"photos\",group=\"" + photos.group.hex() + "\"";
  const std::string of_other = "{folder=\"photos\",group=\"" + other.group.hex() + "\"";
  EXPECT_THAT(text, HasSubstr("\nshoal_folder_files_needed" + of_photos + "} 7\n"));
  EXPECT_THAT(text, HasSubstr("\n# TYPE shoal_folder_damage_found_total counter\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_folder_damage_found_total" + of_photos + "} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_folder_last_scan_seconds" + of_photos + "} 90\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_folder_state" + of_photos + ",state=\"syncing\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_folder_state" + of_other + ",state=\"syncing\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_folder_state" + of_other + ",state=\"in_sync\"} 1\n"));
}

TEST(MetricsText, ShowsEveryCounterOnceAndExplained) {
  const MetricsInput in = input();
  const std::string text = metrics_text(in);
  for (const auto& [name, value] : in.status.counters) {
    const std::string sample = " " + std::to_string(value) + "\n";
    const std::size_t found = text.find(sample);
    ASSERT_NE(found, std::string::npos) << name;
    EXPECT_EQ(text.find(sample, found + 1), std::string::npos) << name;
  }
  // A counter that kFamilies does not know has this text: give it a family.
  EXPECT_THAT(text, Not(HasSubstr("As shoal status shows it.")));
}

TEST(MetricsText, HasHelpAndTypeBeforeTheSamplesOfEachFamilyAndNoFamilyTwice) {
  std::set<std::string> families;
  std::string family;
  for (const std::string& line : lines_of(metrics_text(input()))) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << line;
      EXPECT_GT(line.size(), 7 + family.size() + 5) << line;
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + family + " ")) << line;
      EXPECT_EQ(line.ends_with(" counter"), family.ends_with("_total")) << line;
    } else {
      EXPECT_EQ(line.substr(0, line.find_first_of(" {")), family) << line;
    }
  }
}

TEST(MetricsText, LabelsWhatIsCountedByKind) {
  MetricsInput in;
  in.version = "a\"b\\c\nd";
  in.status.reachability = "reachable";
  in.status.counters = {
      {"dropped_malformed", 7}, {"ping.requests_sent", 8}, {"purpose_bytes.lookup", 9}, {"new.one", 3}};
  in.process.cpu_s = 0.25;
  const std::string text = metrics_text(in);
  EXPECT_THAT(text, HasSubstr("\nshoal_dropped_total{reason=\"malformed\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_requests_sent_total{kind=\"ping\"} 8\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_purpose_bytes_total{purpose=\"lookup\"} 9\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_new_one_total 3\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_reachability{state=\"reachable\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nshoal_reachability{state=\"unknown\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("{version=\"a\\\"b\\\\c\\nd\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nprocess_cpu_seconds_total 0.25\n"));
}

}  // namespace
}  // namespace shoal
