// PutTree: stores a directory tree in the DHT (sync/stored_tree.h). Blocks; what it reads and where it puts
// it is given to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "node/os/values.h"
#include "node/ports/folder.h"
#include "node/sync/stored_tree.h"

namespace shoal {

// Of files, directories and links together, and the bytes of files.
struct TreeProgress {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t entries_in_all = 0;
  std::uint64_t bytes_in_all = 0;
};

// Called after each value and each entry.
using OnTreeProgress = std::function<void(const TreeProgress&)>;

class PutTree {
 public:
  static constexpr std::size_t kDirectoriesDeepMax = 1000;

  // Without a key the tree is public. The folder is listed with ListMode::kOnce.
  PutTree(std::shared_ptr<Folder> folder, Values& values, std::optional<Secret> key,
          OnTreeProgress on_progress);

  // Once. Errors: of the folder, if its root cannot be read; kTooLarge, a directory of more entries than a
  // listing takes; of `values`. What lies below the root and cannot be read is left out, and told by
  // left_out().
  Result<sync::TreeLink> run();
  const TreeProgress& progress() const { return progress_; }
  // Why something is not in the tree: sentences that begin with its path.
  const std::vector<std::string>& left_out() const { return left_out_; }
  // Something of it would have been stored, but could not be read.
  bool has_failed() const { return has_failed_; }

 private:
  // Reads a range of what is put.
  using ReadRange = std::function<Result<void>(std::uint64_t offset, MutableByteView out)>;

  void count(const std::string& path, std::size_t depth);
  Result<sync::StoredListing> list(const std::string& path, std::size_t depth);
  Result<sync::StoredContent> put_directory(const std::string& path, std::size_t depth,
                                            sync::StoredListing& above);
  Result<sync::StoredContent> put_listing(const sync::StoredListing& listing);
  Result<sync::StoredContent> put_file(const std::string& path);
  Result<sync::StoredContent> put_file_once(const std::string& path);
  Result<sync::StoredContent> put_parts(const Id& plain_root, std::span<const sync::PartRef> parts,
                                        const ReadRange& read);
  Id put_item(Bytes item);
  void leave_out(const std::string& path, const std::string& why);

  std::shared_ptr<Folder> folder_;
  Values& values_;
  std::optional<Secret> key_;
  OnTreeProgress on_progress_;
  TreeProgress progress_;
  std::vector<std::string> left_out_;
  bool has_failed_ = false;
};

}  // namespace shoal
