#include "tests/conformance/folder_suite.h"

#include <algorithm>
#include <utility>

namespace shoal::conformance {

FolderConformance::FolderConformance() : harness_(GetParam().make()) {
  harness_->on_event = [this](const FolderEvent& event) { events_.push_back(event); };
  harness_->make_directory("folder");
  harness_->make_directory("outside");
  folder_ = open("folder");
}

FolderConformance::~FolderConformance() {
  folder_.reset();
}

std::shared_ptr<Folder> FolderConformance::open(const std::string& path, std::uint8_t number) {
  Result<std::shared_ptr<Folder>> folder = harness_->folders().open(group(number), harness_->absolute(path));
  if (folder) return *folder;
  ADD_FAILURE() << folder.error().message;
  return nullptr;
}

Id FolderConformance::group(std::uint8_t number) {
  Id id;
  id.bytes[0] = number;
  return id;
}

template <class T>
static ErrorCode code_of(const Result<T>& result) {
  if (result) return ErrorCode::kNone;
  EXPECT_NE(result.error().message, "");
  return result.error().code;
}

ErrorCode FolderConformance::change(const FolderChange& change) {
  return code_of(folder_->change(change));
}

ErrorCode FolderConformance::open_code(const std::string& path, OpenMode mode) {
  return code_of(folder_->open(path, mode));
}

ErrorCode FolderConformance::list_code(const std::string& path, ListMode mode) {
  return code_of(folder_->list(path, mode));
}

ErrorCode FolderConformance::stat_code(const std::string& path) {
  return code_of(folder_->stat(path));
}

std::vector<std::string> FolderConformance::names(const std::string& path, ListMode mode) {
  const Result<std::vector<DirectoryEntry>> entries = folder_->list(path, mode);
  if (!entries) return {to_string(entries.error().code)};
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : *entries) names.push_back(entry.name);
  return names;
}

void FolderConformance::create(const std::string& path, const std::string& text) {
  const Result<std::unique_ptr<FolderFile>> file = folder_->open(path, OpenMode::kCreate);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE((*file)->write(0, view(text)));
}

std::string FolderConformance::read(const std::string& path) {
  const Result<std::unique_ptr<FolderFile>> file = folder_->open(path, OpenMode::kRead);
  if (!file) return to_string(file.error().code);
  Bytes bytes(1 << 20);
  const Result<std::size_t> size = (*file)->read(0, bytes);
  if (!size) return to_string(size.error().code);
  return std::string(text(ByteView(bytes).first(*size)));
}

bool FolderConformance::hears(FolderEvent::Kind kind, const std::string& path) {
  const auto heard = [&] {
    const auto found = std::find_if(events_.begin(), events_.end(), [&](const FolderEvent& event) {
      return event.kind == kind && event.path == path && event.group == group(1);
    });
    return found != events_.end();
  };
  const bool in_time = harness_->run_until(heard, 10s);
  settle();
  return in_time;
}

void FolderConformance::settle() {
  harness_->run_until([] { return false; }, harness_->settle_time());
  events_.clear();
}

}  // namespace shoal::conformance
