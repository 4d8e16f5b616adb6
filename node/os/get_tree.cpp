#include "node/os/get_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "node/base/relative_path.h"
#include "node/control/folder_command.h"
#include "node/sync/folder_work.h"

namespace shoal {

using sync::NodeKind;
using sync::StoredEntry;
using sync::StoredListing;

namespace {

const std::string kPrivate(sync::kPrivateDirectory);
const std::string kStaging = kPrivate + "/get";
const std::string kStaged = kStaging + "/file";  // one at a time
// Of a directory until all that belongs in it is there.
constexpr std::uint32_t kModeMeanwhile = 0700;

Error about(const std::string& path, const Error& error) {
  return {error.code, fmt::format("{}: {}", path.empty() ? "the tree" : shown(path), error.message)};
}

}  // namespace

GetTree::GetTree(std::shared_ptr<Folder> folder, Values& values, sync::TreeLink link,
                 OnTreeProgress on_progress)
    : folder_(std::move(folder)),
      values_(values),
      link_(std::move(link)),
      on_progress_(std::move(on_progress)) {}

GetTree::~GetTree() {
  (void)folder_->change(Remove{kStaged});
  (void)folder_->change(Remove{kStaging});
  if (made_private_) (void)folder_->change(Remove{kPrivate});
}

Result<void> GetTree::run() {
  if (Result<void> begun = begin(); !begun) return begun;
  for (;;) {
    if (Result<void> asked = ask_ahead(); !asked) return asked;
    if (steps_.empty()) break;
    if (Result<void> done = take_first(); !done) return done;
  }
  return folder_->change(SyncAll{});
}

Result<void> GetTree::begin() {
  made_private_ = folder_->change(MakeDirectory{kPrivate, 0700}).has_value();
  if (Result<void> made = sync::make_directories(*folder_, kStaging); !made) return made;
  (void)folder_->change(Remove{kStaged});  // of a get that was killed
  const Result<Bytes> head = values_.take(values_.ask(link_.head));
  if (!head) return tl::unexpected(about("", head.error()));
  const Result<sync::StoredContent> root = sync::open_head(link_.key, *head);
  if (!root) return tl::unexpected(root.error());
  StoredEntry entry;
  entry.kind = NodeKind::kDirectory;
  entry.content = *root;
  const auto target = std::make_shared<Target>(Target{"", entry, {link_.key, root->plain_root}, nullptr, {}});
  steps_.emplace_back(whole(target));
  return {};
}

GetTree::Item GetTree::whole(const std::shared_ptr<Target>& target) {
  const sync::ContentName& name = target->entry.content.name;
  return {target, name.root, name.depth, 0, name.size, {}};
}

// Asks for the first items, beginning the entries of directories that are needed for that.
Result<void> GetTree::ask_ahead() {
  for (std::size_t i = 0; i < std::min(steps_.size(), kStepsAhead); ++i) {
    while (auto* directory = std::get_if<Directory>(&steps_[i])) {
      if (directory->next == directory->listing.entries.size()) break;
      const StoredEntry entry = std::move(directory->listing.entries[directory->next++]);
      Result<std::optional<Step>> begun = begin_entry(directory->path, entry);
      if (!begun) return tl::unexpected(std::move(begun.error()));
      if (*begun) steps_.insert(steps_.begin() + static_cast<std::ptrdiff_t>(i), std::move(**begun));
    }
    auto* item = std::get_if<Item>(&steps_[i]);
    const bool may_ask = asked_ < kAskedMax || i == 0;
    if (item == nullptr || item->ticket || item->bytes == 0 || !may_ask) continue;
    item->ticket = values_.ask(item->location);
    ++asked_;
  }
  return {};
}

// Nothing to be waited for: it is done, or was there already, or something is in its way.
Result<std::optional<GetTree::Step>> GetTree::begin_entry(const std::string& directory,
                                                          const StoredEntry& entry) {
  const std::string path = join_path(directory, entry.name);
  if (Result<void> within = budget(path, entry); !within) return tl::unexpected(within.error());
  if (entry.kind == NodeKind::kLink) {
    if (Result<void> placed = place_link(path, entry.target); !placed) return tl::unexpected(placed.error());
    return std::optional<Step>();
  }
  if (entry.kind == NodeKind::kDirectory) {
    const Result<FileStat> there = folder_->stat(path);
    if (there && there->kind != FileKind::kDirectory) {
      leave(path, "something that is no directory is there already");
      return std::optional<Step>();
    }
    const Result<void> made = there ? Result<void>() : folder_->change(MakeDirectory{path, kModeMeanwhile});
    if (!made) return tl::unexpected(made.error());
  } else {
    const Result<bool> kept = is_there(path, entry);
    if (!kept) return tl::unexpected(kept.error());
    if (*kept) return std::optional<Step>();
  }
  const auto target =
      std::make_shared<Target>(Target{path, entry, {link_.key, entry.content.plain_root}, nullptr, {}});
  return std::optional<Step>(whole(target));
}

// Is the file, or anything else, there already? What is left as it is is told.
Result<bool> GetTree::is_there(const std::string& path, const StoredEntry& entry) {
  const Result<FileStat> there = folder_->stat(path);
  if (!there) {
    if (there.error().code == ErrorCode::kNotFound) return false;
    return tl::unexpected(there.error());
  }
  if (there->kind == FileKind::kFile && there->size == entry.content.name.size) {
    sync::HashWork work(folder_);
    work.files.emplace_back().path = path;
    work.run();
    const sync::HashWork::File& hashed = work.files.front();
    if (hashed.stat && hashed.content.root == entry.content.plain_root) {
      progress_.bytes += there->size;
      entry_done();
      return true;
    }
  }
  leave(path, "something else is there already");
  return true;
}

Result<void> GetTree::place_link(const std::string& path, const std::string& target) {
  Result<void> made = folder_->change(MakeLink{path, target});
  if (!made && made.error().code == ErrorCode::kExists) {
    const Result<FileStat> there = folder_->stat(path);
    if (!there || there->kind != FileKind::kLink || there->link_target != target) {
      leave(path, "something else is there already");
      return {};
    }
    made = {};
  }
  if (made) entry_done();
  return made;
}

// Waits for what comes next in the order of the tree.
Result<void> GetTree::take_first() {
  if (const auto* directory = std::get_if<Directory>(&steps_.front())) {
    const Result<void> ended = end_directory(*directory);
    steps_.pop_front();
    return ended;
  }
  const Item item = std::get<Item>(std::move(steps_.front()));
  steps_.pop_front();
  if (item.ticket) --asked_;
  Result<Bytes> bytes = item.ticket ? values_.take(*item.ticket) : Bytes{};  // an empty file has no parts
  if (!bytes) return tl::unexpected(about(item.target->path, bytes.error()));
  item.target->cipher.apply(item.depth, item.offset, *bytes);
  const Result<void> done = item.depth > 0 ? on_page(item, *bytes) : on_part(item, *bytes);
  if (!done) return tl::unexpected(about(item.target->path, done.error()));
  on_progress_(progress_);
  return {};
}

Result<void> GetTree::on_page(const Item& item, ByteView page) {
  const auto rows = sync::read_page(page, item.depth, item.bytes);
  if (!rows) return tl::unexpected(rows.error());
  std::vector<Step> below;
  std::uint64_t offset = item.offset;
  for (const sync::PartRef& row : *rows) {
    below.emplace_back(
        Item{item.target, row.hash, static_cast<std::uint8_t>(item.depth - 1), offset, row.bytes, {}});
    offset += row.bytes;
  }
  steps_.insert(steps_.begin(), std::make_move_iterator(below.begin()), std::make_move_iterator(below.end()));
  return {};
}

Result<void> GetTree::on_part(const Item& item, ByteView part) {
  if (part.size() != item.bytes) {
    return fail(ErrorCode::kMalformed,
                fmt::format("a part of {} bytes: expected {}", part.size(), item.bytes));
  }
  Target& target = *item.target;
  if (target.entry.kind == NodeKind::kDirectory) {
    target.listing.insert(target.listing.end(), part.begin(), part.end());
  } else {
    if (target.file == nullptr) {
      auto file = folder_->open(kStaged, OpenMode::kCreate);
      if (!file) return tl::unexpected(std::move(file.error()));
      target.file = std::move(*file);
    }
    if (Result<void> written = target.file->write(item.offset, part); !written) return written;
    progress_.bytes += part.size();
  }
  const bool is_last = item.offset + item.bytes == target.entry.content.name.size;
  return is_last ? finish(target) : Result<void>();
}

Result<void> GetTree::finish(Target& target) {
  if (target.entry.kind == NodeKind::kFile) return place_file(target);
  Result<StoredListing> listing = sync::decode_listing(target.listing);
  if (!listing) return tl::unexpected(std::move(listing.error()));
  if (!has_root_) {
    has_root_ = true;
    progress_.entries_in_all = listing->entries_below;
    progress_.bytes_in_all = listing->bytes_below;
  }
  steps_.emplace_front(Directory{target.path, target.entry.mode, std::move(*listing)});
  return {};
}

Result<void> GetTree::place_file(Target& target) {
  target.file.reset();
  const SetMetadata metadata{kStaged, target.entry.mode, target.entry.mtime_ns};
  if (Result<void> set = folder_->change(metadata); !set) return set;
  const Result<void> placed = folder_->change(Rename{kStaged, target.path, Rename::Mode::kNoReplace});
  if (placed) {
    entry_done();
    return {};
  }
  if (placed.error().code != ErrorCode::kExists) return placed;
  leave(target.path, "something came there meanwhile");
  return folder_->change(Remove{kStaged});
}

Result<void> GetTree::end_directory(const Directory& directory) {
  if (directory.path.empty()) return {};  // which the user has made, or has had made
  entry_done();
  return folder_->change(SetMetadata{directory.path, directory.mode, {}});
}

// Listings may name one another again and again: a tree has no more in it than its root says.
Result<void> GetTree::budget(const std::string& path, const StoredEntry& entry) {
  const std::uint64_t bytes = entry.kind == NodeKind::kFile ? entry.content.name.size : 0;
  if (entries_begun_ < progress_.entries_in_all && bytes <= progress_.bytes_in_all - bytes_begun_) {
    ++entries_begun_;
    bytes_begun_ += bytes;
    return {};
  }
  return tl::unexpected(about(path, {ErrorCode::kMalformed, "the tree has more in it than its root says"}));
}

void GetTree::entry_done() {
  ++progress_.entries;
  on_progress_(progress_);
}

void GetTree::leave(const std::string& path, const std::string& why) {
  in_the_way_.push_back(fmt::format("{}: {}", shown(path), why));
}

}  // namespace shoal
