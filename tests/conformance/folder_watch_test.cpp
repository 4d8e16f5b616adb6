// What a folder tells of changes.
#include <functional>
#include <string>
#include <utility>

#include "tests/conformance/folder_suite.h"

namespace shoal::conformance {
namespace {

TEST_P(FolderConformance, TellsOfEachKindOfChange) {
  harness_->write("folder/d/f", "f");
  harness_->write("folder/d/gone", "g");
  harness_->write("outside/f", "o");
  ASSERT_EQ(list_code("d", ListMode::kWatched), ErrorCode::kNone);
  const std::pair<const char*, std::function<void()>> changes[] = {
      {"write a new file", [&] { harness_->write("folder/d/new", "n"); }},
      {"write an old file", [&] { harness_->write("folder/d/f", "ff"); }},
      {"make a directory", [&] { harness_->make_directory("folder/d/e"); }},
      {"make a link", [&] { harness_->make_link("folder/d/l", "f"); }},
      {"remove", [&] { harness_->remove_tree("folder/d/gone"); }},
      {"move in", [&] { harness_->rename("outside/f", "folder/d/in"); }},
      {"move out", [&] { harness_->rename("folder/d/in", "outside/f"); }},
      {"rename", [&] { harness_->rename("folder/d/f", "folder/d/g"); }},
      {"change the mode",
       [&] {
         (void)change(SetMetadata{"d/g", 0604, {}});
       }},
      {"change the time",
       [&] {
         (void)change(SetMetadata{"d/g", {}, 7});
       }},
  };
  for (const auto& [what, make] : changes) {
    make();
    EXPECT_TRUE(hears_of("d")) << what;
  }
}

TEST_P(FolderConformance, TellsOfWritesToAFileThatStaysOpen) {
  harness_->write("folder/f", "f");
  ASSERT_EQ(list_code("", ListMode::kWatched), ErrorCode::kNone);
  const auto file = folder_->open("f", OpenMode::kWrite);
  ASSERT_TRUE(file);
  settle();
  ASSERT_TRUE((*file)->write(0, view("g")));
  EXPECT_TRUE(hears_of(""));
}

TEST_P(FolderConformance, TellsNothingOfWhatIsNotWatched) {
  harness_->make_directory("folder/d/e");
  harness_->make_directory("folder/other");
  ASSERT_EQ(list_code("d", ListMode::kWatched), ErrorCode::kNone);
  ASSERT_EQ(list_code("other"), ErrorCode::kNone);
  harness_->write("folder/d/e/f", "deeper");
  harness_->write("folder/f", "above");
  harness_->write("folder/other/f", "listed once");
  harness_->write("outside/f", "outside");
  harness_->run_until([] { return false; }, harness_->settle_time());
  for (const FolderEvent& event : events_) ADD_FAILURE() << "changed: '" << event.path << "'";
}

TEST_P(FolderConformance, TellsOfTheNewPathOnceAMovedDirectoryIsListed) {
  harness_->make_directory("folder/a/sub");
  for (const std::string path : {"", "a", "a/sub"})
    ASSERT_EQ(list_code(path, ListMode::kWatched), ErrorCode::kNone);
  harness_->rename("folder/a", "folder/b");
  EXPECT_TRUE(hears_of(""));
  EXPECT_EQ(list_code("b", ListMode::kWatched), ErrorCode::kNone);
  EXPECT_EQ(list_code("b/sub", ListMode::kWatched), ErrorCode::kNone);
  harness_->write("folder/b/f", "f");
  EXPECT_TRUE(hears_of("b"));
  harness_->write("folder/b/sub/f", "f");
  EXPECT_TRUE(hears_of("b/sub"));
}

TEST_P(FolderConformance, WatchesAnotherDirectoryOfTheSamePath) {
  harness_->make_directory("folder/a");
  ASSERT_EQ(list_code("a", ListMode::kWatched), ErrorCode::kNone);
  harness_->rename("folder/a", "outside/a");
  harness_->make_directory("folder/a");
  ASSERT_EQ(list_code("a", ListMode::kWatched), ErrorCode::kNone);
  settle();
  harness_->write("outside/a/f", "f");
  harness_->run_until([] { return false; }, harness_->settle_time());
  EXPECT_TRUE(events_.empty());
  harness_->write("folder/a/f", "f");
  EXPECT_TRUE(hears_of("a"));
}

TEST_P(FolderConformance, ForgetsADirectoryThatIsListedInVain) {
  harness_->make_directory("folder/a");
  ASSERT_EQ(list_code("a", ListMode::kWatched), ErrorCode::kNone);
  harness_->rename("folder/a", "outside/a");
  EXPECT_EQ(list_code("a", ListMode::kWatched), ErrorCode::kNotFound);
  settle();
  harness_->write("outside/a/f", "f");
  harness_->run_until([] { return false; }, harness_->settle_time());
  EXPECT_TRUE(events_.empty());
}

TEST_P(FolderConformance, TellsThatEventsWereLost) {
  harness_->make_directory("folder/d");
  ASSERT_EQ(list_code("d", ListMode::kWatched), ErrorCode::kNone);
  harness_->overflow("folder/d");
  EXPECT_TRUE(hears(FolderEvent::Kind::kOverflow));
}

TEST_P(FolderConformance, TellsThatItsRootIsGone) {
  for (const bool removed : {true, false}) {
    ASSERT_EQ(list_code("", ListMode::kWatched), ErrorCode::kNone);
    if (removed) {
      harness_->remove_tree("folder");
    } else {
      harness_->rename("folder", "elsewhere");
    }
    EXPECT_TRUE(hears(FolderEvent::Kind::kGone)) << removed;
    folder_.reset();
    harness_->make_directory("folder");
    folder_ = open("folder");
  }
}

TEST_P(FolderConformance, IsQuietBesideOthersAndWhenItIsClosed) {
  harness_->make_directory("folder/inner");
  std::shared_ptr<Folder> inner = open("folder/inner", 2);
  ASSERT_TRUE(inner->list("", ListMode::kWatched));
  ASSERT_EQ(list_code("inner", ListMode::kWatched), ErrorCode::kNone);
  harness_->write("folder/inner/f", "f");
  const auto both = [&] {
    bool outer_heard = false;
    bool inner_heard = false;
    for (const FolderEvent& event : events_) {
      outer_heard = outer_heard || (event.group == group(1) && event.path == "inner");
      inner_heard = inner_heard || (event.group == group(2) && event.path.empty());
    }
    return outer_heard && inner_heard;
  };
  EXPECT_TRUE(harness_->run_until(both, 10s));
  settle();
  inner.reset();
  harness_->write("folder/inner/g", "g");
  EXPECT_TRUE(hears_of("inner"));
  folder_.reset();
  harness_->write("folder/inner/h", "h");
  harness_->run_until([] { return false; }, harness_->settle_time());
  EXPECT_TRUE(events_.empty());
}

}  // namespace
}  // namespace shoal::conformance
