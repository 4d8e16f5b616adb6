#include "node/sync/disk_state.h"

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "node/sync/reader.h"

namespace shoal::sync {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

// ---- Rows

namespace {

constexpr std::uint8_t kRowVersion = 2;
constexpr std::uint8_t kRowVersionWithoutBirth = 1;
constexpr std::size_t kEncodedBytes = 224;  // and its name and target; a little more than it has
constexpr std::uint8_t kRehash = 1;
constexpr std::uint8_t kDamaged = 2;

}  // namespace

Bytes encode_disk_entry(const DiskEntry& entry) {
  Bytes out;
  out.reserve(kEncodedBytes + entry.name.size() + entry.content.target.size());
  out.push_back(kRowVersion);
  append_dot(entry.parent, out);
  append_text(entry.name, out);
  out.push_back(static_cast<std::uint8_t>(entry.content.kind));
  out.insert(out.end(), entry.content.root.bytes.begin(), entry.content.root.bytes.end());
  out.push_back(entry.content.depth);
  append_u64(entry.content.size, out);
  append_u64(static_cast<std::uint64_t>(entry.content.mtime_ns), out);
  append_text(entry.content.target, out);
  append_dot(entry.content_dot, out);
  append_dot(entry.place_dot, out);
  append_u32(entry.stat.mode, out);
  append_u64(entry.stat.size, out);
  append_u64(static_cast<std::uint64_t>(entry.stat.mtime_ns), out);
  append_u64(static_cast<std::uint64_t>(entry.stat.ctime_ns), out);
  append_u64(entry.stat.inode, out);
  append_u64(static_cast<std::uint64_t>(entry.stat.birth_ns), out);
  out.push_back(
      static_cast<std::uint8_t>((entry.rehash ? kRehash : 0) | (entry.damage.has_value() ? kDamaged : 0)));
  if (entry.damage) out.insert(out.end(), entry.damage->bytes.begin(), entry.damage->bytes.end());
  return out;
}

Result<DiskEntry> decode_disk_entry(const NodeId& id, ByteView bytes) {
  Reader reader(bytes);
  const std::uint8_t version = reader.u8();
  if (version != kRowVersion && version != kRowVersionWithoutBirth)
    return fail(ErrorCode::kMalformed, "a row of another version");
  DiskEntry entry;
  entry.id = id;
  entry.parent = reader.dot();
  entry.name = reader.text(kNameBytesMax);
  entry.content.kind = static_cast<NodeKind>(reader.u8());
  entry.content.root = reader.id();
  entry.content.depth = reader.u8();
  entry.content.size = reader.u64();
  entry.content.mtime_ns = static_cast<std::int64_t>(reader.u64());
  entry.content.target = reader.text(kLinkBytesMax);
  entry.content_dot = reader.dot();
  entry.place_dot = reader.dot();
  entry.stat.mode = reader.u32();
  entry.stat.size = reader.u64();
  entry.stat.mtime_ns = static_cast<std::int64_t>(reader.u64());
  entry.stat.ctime_ns = static_cast<std::int64_t>(reader.u64());
  entry.stat.inode = reader.u64();
  if (version != kRowVersionWithoutBirth) entry.stat.birth_ns = static_cast<std::int64_t>(reader.u64());
  const std::uint8_t flags = reader.u8();
  entry.rehash = (flags & kRehash) != 0;
  if ((flags & kDamaged) != 0) entry.damage = reader.id();
  switch (entry.content.kind) {
    case NodeKind::kDirectory:
      entry.stat.kind = FileKind::kDirectory;
      break;
    case NodeKind::kFile:
      entry.stat.kind = FileKind::kFile;
      break;
    case NodeKind::kLink:
      entry.stat.kind = FileKind::kLink;
      entry.stat.link_target = entry.content.target;
      break;
    default:
      return fail(ErrorCode::kMalformed, "an entry of no kind");
  }
  if (!reader.at_end() || !is_valid_name(entry.name)) return fail(ErrorCode::kMalformed, "a damaged row");
  return entry;
}

// ---- DiskState

const DiskEntry* DiskState::find(const NodeId& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

const DiskEntry* DiskState::child(const NodeId& parent, std::string_view name) const {
  const auto names = children_.find(parent);
  if (names == children_.end()) return nullptr;
  const auto found = names->second.find(name);
  return found == names->second.end() ? nullptr : *found;
}

std::vector<const DiskEntry*> DiskState::children(const NodeId& parent) const {
  const auto names = children_.find(parent);
  if (names == children_.end()) return {};
  return {names->second.begin(), names->second.end()};
}

std::optional<std::string> DiskState::path(const NodeId& id) const {
  if (id == kRoot) return std::string();
  const DiskEntry* entry = find(id);
  if (entry == nullptr) return std::nullopt;
  std::string path = entry->name;
  while (entry->parent != kRoot) {
    entry = find(entry->parent);
    if (entry == nullptr) return std::nullopt;
    path = entry->name + "/" + path;
  }
  return path;
}

std::optional<NodeId> DiskState::at(std::string_view path) const {
  NodeId id = kRoot;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const DiskEntry* next = child(id, path.substr(0, slash));
    if (next == nullptr) return std::nullopt;
    id = next->id;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return id;
}

bool DiskState::is_directory(const NodeId& id) const {
  if (id == kRoot) return true;
  const DiskEntry* entry = find(id);
  return entry != nullptr && entry->content.kind == NodeKind::kDirectory;
}

std::vector<NodeId> DiskState::with_content(const ContentName& content) const {
  std::vector<NodeId> ids;
  const auto [begin, end] = by_content_.equal_range(content);
  for (auto entry = begin; entry != end; ++entry) {
    if (!(*entry)->damage) ids.push_back((*entry)->id);
  }
  return ids;
}

std::optional<NodeId> DiskState::damaged_with_content(const ContentName& content) const {
  const auto [begin, end] = by_content_.equal_range(content);
  const auto found =
      std::find_if(begin, end, [](const DiskEntry* entry) { return entry->damage.has_value(); });
  if (found == end) return std::nullopt;
  return (*found)->id;
}

const DiskEntry* DiskState::after(const NodeId& id) const {
  const auto next = entries_.upper_bound(id);
  return next == entries_.end() ? nullptr : &next->second;
}

std::optional<NodeId> DiskState::with_inode(std::uint64_t inode) const {
  const auto found = by_inode_.find(inode);
  if (found == by_inode_.end()) return std::nullopt;
  return found->second->id;
}

std::vector<NodeId> DiskState::ids() const {
  std::vector<NodeId> ids;
  ids.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) ids.push_back(id);
  return ids;
}

void DiskState::put(DiskEntry entry) {
  if (const DiskEntry* before = find(entry.id)) unlink(*before);
  const NodeId id = entry.id;
  link(entries_.insert_or_assign(id, std::move(entry)).first->second);
  dirty_.insert(id);
}

void DiskState::erase(const NodeId& of) {
  const NodeId id = of;  // `of` may be the entry's own
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  unlink(found->second);
  entries_.erase(found);
  dirty_.insert(id);
}

void DiskState::erase_tree(const NodeId& id) {
  std::vector<NodeId> below;
  for (const DiskEntry* child : children(id)) below.push_back(child->id);
  for (const NodeId& child : below) erase_tree(child);
  erase(id);
}

bool DiskState::ByContent::operator()(const DiskEntry* a, const DiskEntry* b) const {
  const auto order = name_of(a->content) <=> name_of(b->content);
  return order != 0 ? order < 0 : a->id < b->id;
}

void DiskState::link(const DiskEntry& entry) {
  const bool is_free = children_[entry.parent].insert(&entry).second;
  check(is_free, "two entries at one place of the disk");
  by_inode_[entry.stat.inode] = &entry;
  if (entry.damage) damaged_.insert(entry.id);
  if (entry.content.kind != NodeKind::kFile) return;
  by_content_.insert(&entry);
  released_.erase(name_of(entry.content));
  ++files_;
  bytes_ += entry.content.size;
}

void DiskState::unlink(const DiskEntry& entry) {
  const auto names = children_.find(entry.parent);
  names->second.erase(&entry);
  if (names->second.empty()) children_.erase(names);
  if (const auto inode = by_inode_.find(entry.stat.inode);
      inode != by_inode_.end() && inode->second == &entry) {
    by_inode_.erase(inode);
  }
  damaged_.erase(entry.id);
  if (entry.content.kind != NodeKind::kFile) return;
  --files_;
  bytes_ -= entry.content.size;
  by_content_.erase(&entry);
  const ContentName content = name_of(entry.content);
  if (!by_content_.contains(content)) released_.insert(content);
}

std::vector<NodeId> DiskState::take_dirty() {
  std::vector<NodeId> taken(dirty_.begin(), dirty_.end());
  dirty_.clear();
  return taken;
}

std::vector<ContentName> DiskState::take_released() {
  std::vector<ContentName> taken(released_.begin(), released_.end());
  released_.clear();
  return taken;
}

}  // namespace shoal::sync
