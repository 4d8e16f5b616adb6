// GetTree: writes a directory tree of the DHT (sync/stored_tree.h) into a directory. Blocks; where it reads
// and writes is given to it.
//
// Each file is written in .shoal/get, and has its name only when it is whole. Nothing that is there is
// overwritten: a file of the same bytes is kept, so a get that was interrupted is taken up by running it
// again; whatever else is in the way is told by in_the_way(). Memory: one listing for each directory on the
// way to the file that is being written, and kAskedMax values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "node/os/put_tree.h"
#include "node/os/values.h"
#include "node/ports/folder.h"
#include "node/sync/stored_tree.h"

namespace shoal {

class GetTree {
 public:
  // The values of so many steps are asked for ahead. What comes of the first step, as parts do of a page,
  // goes before those that are asked for already; so they can become more, and are not to be more than
  // kAskedMax.
  static constexpr std::size_t kStepsAhead = 32;
  static constexpr std::size_t kAskedMax = 256;

  GetTree(std::shared_ptr<Folder> folder, Values& values, sync::TreeLink link, OnTreeProgress on_progress);
  // What is staged and not whole is removed.
  ~GetTree();
  GetTree(const GetTree&) = delete;
  GetTree& operator=(const GetTree&) = delete;

  // Once. Errors: kMalformed, what is stored is no tree, or not of this link; those of `values`, and of the
  // folder. What was written until then stays.
  Result<void> run();
  const TreeProgress& progress() const { return progress_; }
  // Sentences that begin with the path of what was there already, and stays as it was.
  const std::vector<std::string>& in_the_way() const { return in_the_way_; }

 private:
  // A content on its way: of a file, or the listing of a directory.
  struct Target {
    std::string path;
    sync::StoredEntry entry;
    sync::ItemCipher cipher;
    std::unique_ptr<FolderFile> file;  // of a file, when its first part is there
    Bytes listing;                     // of a directory
  };
  // A part or a page of it.
  struct Item {
    std::shared_ptr<Target> target;
    Id location;
    std::uint8_t depth = 0;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::optional<Values::Ticket> ticket;
  };
  // A directory that is there, and what of it is still to be got.
  struct Directory {
    std::string path;
    std::uint32_t mode = 0;
    sync::StoredListing listing;
    std::size_t next = 0;
  };
  using Step = std::variant<Item, Directory>;

  static Item whole(const std::shared_ptr<Target>& target);
  Result<void> begin();
  Result<void> ask_ahead();
  Result<std::optional<Step>> begin_entry(const std::string& directory, const sync::StoredEntry& entry);
  Result<void> begin_directory(const std::string& path, const sync::StoredEntry& entry);
  Result<bool> is_there(const std::string& path, const sync::StoredEntry& entry);
  Result<void> place_link(const std::string& path, const std::string& target);
  Result<void> take_first();
  Result<void> on_page(const Item& item, ByteView page);
  Result<void> on_part(const Item& item, ByteView part);
  Result<void> finish(Target& target);
  Result<void> place_file(Target& target);
  Result<void> end_directory(const Directory& directory);
  Result<void> budget(const std::string& path, const sync::StoredEntry& entry);
  void entry_done();
  void leave(const std::string& path, const std::string& why);

  std::shared_ptr<Folder> folder_;
  Values& values_;
  sync::TreeLink link_;
  OnTreeProgress on_progress_;
  std::deque<Step> steps_;  // in the order of the tree; all that is being waited for is among the first
  std::size_t asked_ = 0;   // and not taken
  bool has_root_ = false;
  bool made_private_ = false;  // the directory .shoal
  std::uint64_t entries_begun_ = 0;
  std::uint64_t bytes_begun_ = 0;
  TreeProgress progress_;
  std::vector<std::string> in_the_way_;
};

}  // namespace shoal
