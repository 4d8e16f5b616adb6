// The suite of folders: what node/ports/folder.h promises, on every kind of disk.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/conformance/folder_harness.h"

namespace shoal::conformance {

inline void PrintTo(const FolderHarnessKind& kind, std::ostream* out) {
  *out << kind.name;
}

// The folder is the person's "folder"; beside it lies "outside".
class FolderConformance : public testing::TestWithParam<FolderHarnessKind> {
 protected:
  FolderConformance();
  ~FolderConformance() override;

  // Opens another folder of the person's, or this one again.
  std::shared_ptr<Folder> open(const std::string& path, std::uint8_t group = 1);
  static Id group(std::uint8_t number);

  ErrorCode change(const FolderChange& change);
  ErrorCode open_code(const std::string& path, OpenMode mode);
  ErrorCode list_code(const std::string& path, ListMode mode = ListMode::kOnce);
  ErrorCode stat_code(const std::string& path);
  // The names in a directory, or the error as a name.
  std::vector<std::string> names(const std::string& path, ListMode mode = ListMode::kOnce);
  // Writes a new file by the folder.
  void create(const std::string& path, const std::string& text);
  std::string read(const std::string& path);

  // Whether an event of that kind arrives that was not awaited before; of kChanged, for this directory.
  bool hears(FolderEvent::Kind kind, const std::string& path = {});
  bool hears_of(const std::string& path) { return hears(FolderEvent::Kind::kChanged, path); }
  // Forgets all events up to now, and those on their way.
  void settle();

  std::unique_ptr<FolderHarness> harness_;
  std::shared_ptr<Folder> folder_;
  std::vector<FolderEvent> events_;
};

// At the end of a harness's file, inside namespace shoal::conformance.
#define SHOAL_CONFORM_FOLDERS(Name, make)                                                            \
  INSTANTIATE_TEST_SUITE_P(Name, FolderConformance, testing::Values(FolderHarnessKind{#Name, make}), \
                           [](const testing::TestParamInfo<FolderHarnessKind>&) { return "disk"; })

}  // namespace shoal::conformance
