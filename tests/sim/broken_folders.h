// Folders that a test puts between a node and its disk, to see whether the oracle finds what they break.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "node/ports/folder.h"

namespace shoal::sim {

enum class FolderBug : std::uint8_t {
  kNone,        // what lies between breaks nothing
  kNoFsync,     // nothing is ever flushed
  kHalfWrites,  // a write keeps its first half, and is acknowledged
  kNoRename,    // each fifth rename does not happen, and is acknowledged
  kNoWatch,     // nobody is told of changes
  kMixedUp,     // a copy takes its bytes from one byte further on
};

class BrokenFile final : public FolderFile {
 public:
  BrokenFile(std::unique_ptr<FolderFile> inner, FolderBug bug) : inner_(std::move(inner)), bug_(bug) {}
  Result<FileStat> stat() const override { return inner_->stat(); }
  Result<std::size_t> read(std::uint64_t offset, MutableByteView out) override {
    return inner_->read(offset, out);
  }
  Result<void> write(std::uint64_t offset, ByteView bytes) override {
    if (bug_ != FolderBug::kHalfWrites) return inner_->write(offset, bytes);
    return inner_->write(offset, bytes.first((bytes.size() + 1) / 2));
  }
  Result<void> copy(FolderFile& from, std::uint64_t from_offset, std::uint64_t offset,
                    std::uint64_t bytes) override {
    const std::uint64_t shift = bug_ == FolderBug::kMixedUp && bytes > 1 ? 1 : 0;
    return inner_->copy(*static_cast<BrokenFile&>(from).inner_, from_offset + shift, offset, bytes - shift);
  }
  Result<void> sync() override {
    if (bug_ == FolderBug::kNoFsync) return {};
    return inner_->sync();
  }

 private:
  std::unique_ptr<FolderFile> inner_;
  FolderBug bug_;
};

class BrokenFolder final : public Folder {
 public:
  BrokenFolder(std::shared_ptr<Folder> inner, FolderBug bug) : inner_(std::move(inner)), bug_(bug) {}
  Result<std::vector<DirectoryEntry>> list(const std::string& path, ListMode mode) override {
    return inner_->list(path, bug_ == FolderBug::kNoWatch ? ListMode::kOnce : mode);
  }
  Result<FileStat> stat(const std::string& path) override { return inner_->stat(path); }
  Result<std::unique_ptr<FolderFile>> open(const std::string& path, OpenMode mode) override {
    auto file = inner_->open(path, mode);
    if (!file) return tl::unexpected(file.error());
    return std::make_unique<BrokenFile>(std::move(*file), bug_);
  }
  Result<void> change(const FolderChange& change) override {
    const bool syncs =
        std::holds_alternative<SyncDirectory>(change) || std::holds_alternative<SyncAll>(change);
    if (bug_ == FolderBug::kNoFsync && syncs) return {};
    if (bug_ == FolderBug::kNoRename && std::holds_alternative<Rename>(change) && ++renames_ % 5 == 0)
      return {};
    return inner_->change(change);
  }
  Result<DiskSpace> space() override { return inner_->space(); }

 private:
  std::shared_ptr<Folder> inner_;
  FolderBug bug_;
  std::uint64_t renames_ = 0;
};

class BrokenFolders final : public Folders {
 public:
  BrokenFolders(Folders& inner, FolderBug bug) : inner_(inner), bug_(bug) {}
  Result<std::shared_ptr<Folder>> open(const Id& group, const std::string& root) override {
    auto folder = inner_.open(group, root);
    if (!folder) return tl::unexpected(folder.error());
    return std::make_shared<BrokenFolder>(std::move(*folder), bug_);
  }

 private:
  Folders& inner_;
  FolderBug bug_;
};

}  // namespace shoal::sim
