// DiskState: whatever is put and erased, its indexes find what a look at every entry finds.
#include "node/sync/disk_state.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/sync/folder_replica.h"

namespace shoal::sync {
namespace {

NodeId id_of(std::uint64_t number) {
  return number == 0 ? kRoot : NodeId{replica_id(1), number};
}

std::string name_of_number(std::uint64_t number) {
  return "a name that is long, number " + std::to_string(number);
}

constexpr std::uint64_t kIds = 8;
constexpr std::uint64_t kNames = 4;
constexpr std::uint64_t kContents = 3;
constexpr std::uint64_t kInodes = 4;

Id id_of_damage() {
  Id id;
  id.bytes.fill(7);
  return id;
}

DiskEntry any_entry() {
  const auto below = [](std::uint64_t limit) { return *rc::gen::inRange<std::uint64_t>(0, limit); };
  DiskEntry entry;
  entry.id = id_of(1 + below(kIds));
  entry.parent = id_of(below(kIds + 1));
  entry.name = name_of_number(below(kNames));
  const std::uint64_t content = below(kContents + 1);
  entry.content = content == kContents ? directory() : file_of(content);
  entry.stat.inode = below(kInodes);
  if (below(4) == 0) entry.damage = id_of_damage();
  return entry;
}

// What DiskState should say, from a list of all entries.
class Model {
 public:
  bool has_room_for(const DiskEntry& entry) const {
    return std::ranges::none_of(entries_, [&](const auto& other) {
      return other.first != entry.id && other.second.parent == entry.parent &&
             other.second.name == entry.name;
    });
  }
  void put(const DiskEntry& entry) {
    erase(entry.id);
    entries_[entry.id] = entry;
    if (entry.content.kind == NodeKind::kFile) seen_.insert(name_of(entry.content));
  }
  void erase(const NodeId& id) { entries_.erase(id); }

  void compare(const DiskState& state) const {
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    for (const auto& [id, entry] : entries_) {
      RC_ASSERT(state.find(id) != nullptr);
      RC_ASSERT(*state.find(id) == entry);
      RC_ASSERT(state.child(entry.parent, entry.name) == state.find(id));
      if (entry.content.kind != NodeKind::kFile) continue;
      ++files;
      bytes += entry.content.size;
    }
    RC_ASSERT(state.size() == entries_.size());
    std::set<NodeId> damaged;
    NodeId last = kRoot;
    for (const auto& [id, entry] : entries_) {
      if (entry.damage) damaged.insert(id);
      RC_ASSERT(state.after(last) == state.find(id));
      last = id;
    }
    RC_ASSERT(state.after(last) == nullptr);
    RC_ASSERT(state.damaged() == damaged);
    RC_ASSERT(state.files() == files);
    RC_ASSERT(state.bytes() == bytes);
    for (std::uint64_t parent = 0; parent <= kIds; ++parent) {
      std::map<std::string, NodeId> expected;
      for (const auto& [id, entry] : entries_) {
        if (entry.parent == id_of(parent)) expected[entry.name] = id;
      }
      std::vector<NodeId> ids;
      std::ranges::transform(expected, std::back_inserter(ids),
                             &std::pair<const std::string, NodeId>::second);
      std::vector<NodeId> found;
      for (const DiskEntry* entry : state.children(id_of(parent))) found.push_back(entry->id);
      RC_ASSERT(found == ids);
      for (std::uint64_t name = 0; name < kNames; ++name) {
        const bool is_there = state.child(id_of(parent), name_of_number(name)) != nullptr;
        RC_ASSERT(is_there == expected.contains(name_of_number(name)));
      }
    }
    for (std::uint64_t content = 0; content < kContents; ++content) {
      const ContentName name = name_of(file_of(content));
      std::vector<NodeId> intact = with_content(name);
      const auto is_damaged = [&](const NodeId& id) { return entries_.at(id).damage.has_value(); };
      const std::size_t gone = std::erase_if(intact, is_damaged);
      RC_ASSERT(state.with_content(name) == intact);
      RC_ASSERT(state.damaged_with_content(name).has_value() == (gone > 0));
    }
    for (std::uint64_t inode = 0; inode < kInodes; ++inode) {
      if (const auto id = state.with_inode(inode)) RC_ASSERT(entries_.at(*id).stat.inode == inode);
    }
  }

  // Contents that were there since last asked, and are not any longer.
  std::vector<ContentName> take_released() {
    std::vector<ContentName> released;
    std::set<ContentName> left;
    for (const ContentName& content : seen_) {
      if (with_content(content).empty()) {
        released.push_back(content);
      } else {
        left.insert(content);
      }
    }
    seen_ = left;
    return released;
  }

 private:
  std::vector<NodeId> with_content(const ContentName& content) const {
    std::vector<NodeId> ids;
    for (const auto& [id, entry] : entries_) {
      if (entry.content.kind == NodeKind::kFile && name_of(entry.content) == content) ids.push_back(id);
    }
    return ids;
  }

  std::map<NodeId, DiskEntry> entries_;
  std::set<ContentName> seen_;
};

RC_GTEST_PROP(DiskState, ItsIndexesFindWhatIsThere, ()) {
  DiskState state;
  Model model;
  const int steps = *rc::gen::inRange(0, 60);
  for (int step = 0; step < steps; ++step) {
    const DiskEntry entry = any_entry();
    if (*rc::gen::inRange(0, 4) == 0) {
      state.erase(entry.id);
      model.erase(entry.id);
    } else if (model.has_room_for(entry)) {
      state.put(entry);
      model.put(entry);
      RC_ASSERT(state.with_inode(entry.stat.inode) == entry.id);
    }
    model.compare(state);
    if (*rc::gen::inRange(0, 8) == 0) RC_ASSERT(state.take_released() == model.take_released());
  }
  RC_ASSERT(state.take_released() == model.take_released());
}

DiskEntry an_entry() {
  DiskEntry entry;
  entry.id = id_of(3);
  entry.parent = id_of(2);
  entry.name = "name";
  entry.content = file_of(5);
  entry.content_dot = id_of(4);
  entry.place_dot = id_of(5);
  entry.stat = {FileKind::kFile, 0644, 7, 11, 13, 17, 19, {}};
  entry.rehash = true;
  return entry;
}

TEST(DiskEntryRow, IsReadAsItWasWritten) {
  const DiskEntry entry = an_entry();
  EXPECT_EQ(decode_disk_entry(entry.id, encode_disk_entry(entry)).value(), entry);
}

// Version 1 had no birth time.
TEST(DiskEntryRow, OfVersionOneIsReadWithAnUnknownBirthTime) {
  DiskEntry entry = an_entry();
  Bytes row = encode_disk_entry(entry);
  ASSERT_EQ(row.front(), 2);
  row.front() = 1;
  row.erase(row.end() - 9, row.end() - 1);
  entry.stat.birth_ns = 0;
  EXPECT_EQ(decode_disk_entry(entry.id, row).value(), entry);
  row.front() = 3;
  EXPECT_FALSE(decode_disk_entry(entry.id, row));
}

TEST(DiskState, ItsRowsKeepDamageAndThoseOfBeforeHaveNone) {
  DiskEntry entry;
  entry.id = id_of(1);
  entry.name = "a";
  entry.content = file_of(1);
  entry.stat.kind = FileKind::kFile;
  entry.rehash = true;
  const Bytes before = encode_disk_entry(entry);
  EXPECT_EQ(before.back(), 1);
  EXPECT_EQ(decode_disk_entry(entry.id, before).value(), entry);
  entry.damage = id_of_damage();
  EXPECT_EQ(decode_disk_entry(entry.id, encode_disk_entry(entry)).value(), entry);
  Bytes cut = encode_disk_entry(entry);
  cut.pop_back();
  EXPECT_FALSE(decode_disk_entry(entry.id, cut));
}

}  // namespace
}  // namespace shoal::sync
