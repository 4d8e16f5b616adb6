#include "node/os/put_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/base/relative_path.h"
#include "node/control/folder_command.h"
#include "node/secure/keys.h"
#include "node/sync/folder_work.h"

namespace shoal {

using sync::NodeKind;
using sync::PartRef;
using sync::StoredContent;
using sync::StoredEntry;
using sync::StoredListing;

namespace {

// A file that is being written to is read again from its beginning, so often in all.
constexpr int kReadingsMax = 3;

Error changed() {
  return {ErrorCode::kBusy, "it was written to while it was read"};
}

// Of this folder, or of one that is shared within it.
bool is_own(const DirectoryEntry& entry) {
  return entry.name == sync::kPrivateDirectory;
}

}  // namespace

PutTree::PutTree(std::shared_ptr<Folder> folder, Values& values, std::optional<Secret> key,
                 OnTreeProgress on_progress)
    : folder_(std::move(folder)),
      values_(values),
      key_(std::move(key)),
      on_progress_(std::move(on_progress)) {}

Result<sync::TreeLink> PutTree::run() {
  count("", 0);
  StoredListing whole;
  const Result<StoredContent> root = put_directory("", 0, whole);
  if (!root) return tl::unexpected(root.error());
  const sync::TreeLink link{put_item(seal_head(key_, *root)), key_};
  if (Result<void> stored = values_.flush(); !stored) return tl::unexpected(std::move(stored.error()));
  return link;
}

// How much there is to do, for the progress. What cannot be listed is told later.
void PutTree::count(const std::string& path, std::size_t depth) {
  const auto entries = folder_->list(path, ListMode::kOnce);
  if (!entries || depth > kDirectoriesDeepMax) return;
  for (const DirectoryEntry& entry : *entries) {
    if (is_own(entry)) continue;
    ++progress_.entries_in_all;
    if (entry.stat.kind == FileKind::kFile) progress_.bytes_in_all += entry.stat.size;
    if (entry.stat.kind == FileKind::kDirectory) count(join_path(path, entry.name), depth + 1);
  }
}

Result<StoredListing> PutTree::list(const std::string& path, std::size_t depth) {
  const auto entries = folder_->list(path, ListMode::kOnce);
  if (!entries) return tl::unexpected(entries.error());
  StoredListing listing;
  for (const DirectoryEntry& found : *entries) {
    if (is_own(found)) continue;
    const std::string below = join_path(path, found.name);
    StoredEntry entry{NodeKind::kFile, found.name, found.stat.mode & 0777u, found.stat.mtime_ns, {}, {}};
    Result<StoredContent> content;
    switch (found.stat.kind) {
      case FileKind::kFile:
        content = put_file(below);
        break;
      case FileKind::kDirectory:
        entry.kind = NodeKind::kDirectory;
        entry.mtime_ns = 0;
        content = put_directory(below, depth + 1, listing);
        break;
      case FileKind::kLink:
        entry = {NodeKind::kLink, found.name, 0, 0, {}, found.stat.link_target};
        break;
      case FileKind::kOther:
      case FileKind::kMount:
        content = fail(ErrorCode::kInvalidArgument, "it is no file, directory or link");
        break;
      case FileKind::kNodeData:
        content = fail(ErrorCode::kInvalidArgument, "a node keeps its keys in it");
        break;
    }
    if (Result<void> sound = values_.failure(); !sound) return tl::unexpected(sound.error());
    ++progress_.entries;
    on_progress_(progress_);
    if (!content) {
      const bool is_never_stored = found.stat.kind == FileKind::kOther ||
                                   found.stat.kind == FileKind::kMount ||
                                   found.stat.kind == FileKind::kNodeData;
      has_failed_ = has_failed_ || !is_never_stored;
      leave_out(below, content.error().message);
      continue;
    }
    entry.content = *content;
    ++listing.entries_below;
    if (entry.kind == NodeKind::kFile) listing.bytes_below += entry.content.name.size;
    listing.entries.push_back(std::move(entry));
  }
  return listing;
}

Result<StoredContent> PutTree::put_directory(const std::string& path, std::size_t depth,
                                             StoredListing& above) {
  if (depth > kDirectoriesDeepMax) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("it lies more than {} directories deep", kDirectoriesDeepMax));
  }
  const Result<StoredListing> listing = list(path, depth);
  if (!listing) return tl::unexpected(listing.error());
  above.entries_below += listing->entries_below;
  above.bytes_below += listing->bytes_below;
  return put_listing(*listing);
}

Result<StoredContent> PutTree::put_listing(const StoredListing& listing) {
  const Bytes bytes = encode_listing(listing);
  if (bytes.size() > sync::kListingBytesMax) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("a directory of {} entries has a listing of {} bytes: at most {} are possible",
                            listing.entries.size(), bytes.size(), sync::kListingBytesMax));
  }
  sync::ContentHasher hasher;
  hasher.add(bytes);
  const sync::ContentName plain = hasher.finish();
  return put_parts(plain.root, hasher.parts(),
                   [&](std::uint64_t offset, MutableByteView out) -> Result<void> {
                     std::ranges::copy(ByteView(bytes).subspan(offset, out.size()), out.begin());
                     return {};
                   });
}

Result<StoredContent> PutTree::put_file(const std::string& path) {
  for (int reading = 1;; ++reading) {
    const TreeProgress before = progress_;
    Result<StoredContent> content = put_file_once(path);
    if (content || content.error().code != ErrorCode::kBusy || reading == kReadingsMax) return content;
    progress_ = before;
  }
}

// Once to name it, and once to put it: the key of its items follows from its name.
Result<StoredContent> PutTree::put_file_once(const std::string& path) {
  sync::HashWork work(folder_);
  work.files.emplace_back().path = path;
  work.run();
  const sync::HashWork::File& hashed = work.files.front();
  if (!hashed.stat) return tl::unexpected(hashed.stat.error());
  std::vector<PartRef> parts = hashed.parts;
  if (hashed.content.depth == 0 && hashed.content.size > 0)
    parts = {{hashed.content.root, hashed.content.size}};
  const auto file = folder_->open(path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  return put_parts(hashed.content.root, parts,
                   [&](std::uint64_t offset, MutableByteView out) -> Result<void> {
                     const Result<std::size_t> count = (*file)->read(offset, out);
                     if (!count) return tl::unexpected(count.error());
                     if (*count != out.size()) return tl::unexpected(changed());
                     progress_.bytes += *count;
                     on_progress_(progress_);
                     return {};
                   });
}

Result<StoredContent> PutTree::put_parts(const Id& plain_root, std::span<const PartRef> parts,
                                         const ReadRange& read) {
  const sync::ItemCipher cipher(key_, plain_root);
  const auto put = [&](Bytes item, std::uint8_t depth, std::uint64_t offset) {
    cipher.apply(depth, offset, item);
    return put_item(std::move(item));
  };
  std::vector<PartRef> rows;
  rows.reserve(parts.size());
  std::uint64_t offset = 0;
  for (const PartRef& part : parts) {
    Bytes bytes(part.bytes);
    if (Result<void> done = read(offset, bytes); !done) return tl::unexpected(done.error());
    // Other bytes must never be encrypted under this name's key.
    if (sha256(bytes) != part.hash) return tl::unexpected(changed());
    rows.push_back({put(std::move(bytes), 0, offset), part.bytes});
    offset += part.bytes;
    if (Result<void> sound = values_.failure(); !sound) return tl::unexpected(sound.error());
  }
  return StoredContent{build_tree(rows, put), plain_root};
}

Id PutTree::put_item(Bytes item) {
  const Id location = sha256(item);
  values_.put(std::move(item));
  return location;
}

void PutTree::leave_out(const std::string& path, const std::string& why) {
  left_out_.push_back(fmt::format("{}: {}", shown(path), why));
}

}  // namespace shoal
