// PosixFolder: a folder on a disk of this machine. Its calls name directories by paths from the root each
// time, so that one moved away meanwhile is not written to by its old path. What is open at that moment moves
// along.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/os/beneath.h"
#include "node/os/folder_watches.h"
#include "node/ports/folder.h"

namespace shoal {

class PosixFolder final : public Folder {
 public:
  // One that is not watched: it is listed with ListMode::kOnce only.
  explicit PosixFolder(Beneath beneath) : beneath_(std::move(beneath)) {}
  // Its watches go with it.
  PosixFolder(FolderWatches& watches, const Id& group, Beneath beneath, const std::string& root)
      : beneath_(std::move(beneath)),
        watches_(&watches),
        number_(watches.add(group, beneath_.root(), root)) {}
  ~PosixFolder() override {
    if (watches_ != nullptr) watches_->remove(number_);
  }
  PosixFolder(const PosixFolder&) = delete;
  PosixFolder& operator=(const PosixFolder&) = delete;

  Result<std::vector<DirectoryEntry>> list(const std::string& path, ListMode mode) override;
  Result<FileStat> stat(const std::string& path) override;
  Result<std::unique_ptr<FolderFile>> open(const std::string& path, OpenMode mode) override;
  Result<void> change(const FolderChange& change) override;
  Result<DiskSpace> space() override;

 private:
  Result<Descriptor> open_directory(const std::string& path, ListMode mode);
  Result<void> apply(const MakeDirectory& made);
  Result<void> apply(const MakeLink& made);
  Result<void> apply(const Rename& rename);
  Result<void> apply(const Remove& removed);
  Result<void> apply(const SetMetadata& set);
  Result<void> apply(const SetSize& set);
  Result<void> apply(const SyncDirectory& synced);
  Result<void> apply(const SyncAll& synced);

  Beneath beneath_;
  FolderWatches* watches_ = nullptr;
  std::uint64_t number_ = 0;
};

}  // namespace shoal
