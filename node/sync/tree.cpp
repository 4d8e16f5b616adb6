#include "node/sync/tree.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "node/base/check.h"
#include "node/secure/keys.h"
#include "node/sync/view.h"

namespace shoal::sync {
namespace {

// Sums of 256-bit numbers, most significant byte first.
void add(Id& sum, const Id& value) {
  unsigned carry = 0;
  for (std::size_t i = kIdBytes; i-- > 0;) {
    carry += unsigned{sum.bytes[i]} + value.bytes[i];
    sum.bytes[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
}

void subtract(Id& sum, const Id& value) {
  int borrow = 0;
  for (std::size_t i = kIdBytes; i-- > 0;) {
    const int left = int{sum.bytes[i]} - value.bytes[i] - borrow;
    sum.bytes[i] = static_cast<std::uint8_t>(left);
    borrow = left < 0 ? 1 : 0;
  }
}

std::uint64_t lamport_of(const Entry& entry) {
  std::uint64_t lamport = 0;
  const auto look_at = [&](const auto& reg) {
    for (const auto& version : reg.versions()) lamport = std::max(lamport, version.lamport);
  };
  look_at(entry.place);
  look_at(entry.content);
  look_at(entry.metadata);
  look_at(entry.deletion);
  return lamport;
}

}  // namespace

struct Tree::Impl {
  Entries entries;
  // Current dots, and the entry that each is in: one, unless a replica has named two of its changes alike.
  std::set<std::pair<Dot, NodeId>> log;
  std::uint64_t lamport = 0;
  Id fingerprint;
  // Looks at what has changed when it is asked.
  mutable View view{entries};
};

Tree::Tree() : impl_(std::make_unique<Impl>()) {}
Tree::~Tree() = default;
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;

const Entry* Tree::find(const NodeId& id) const {
  const auto found = impl_->entries.find(id);
  return found == impl_->entries.end() ? nullptr : &found->second.entry;
}

std::size_t Tree::size() const {
  return impl_->entries.size();
}

std::uint64_t Tree::lamport() const {
  return impl_->lamport;
}

bool Tree::join(const Entry& entry) {
  check(entry.id != kRoot, "the root is no entry");
  auto [found, is_new] = impl_->entries.try_emplace(entry.id);
  auto& [joined, hash] = found->second;
  joined.id = entry.id;
  const std::vector<Dot> dots_before = joined.dots();
  if (!joined.join(entry) && !is_new) return false;
  for (const Dot& dot : dots_before) impl_->log.erase({dot, entry.id});
  for (const Dot& dot : joined.dots()) impl_->log.insert({dot, entry.id});
  if (!is_new) subtract(impl_->fingerprint, hash);
  hash = sha256(encode_entry(joined));
  add(impl_->fingerprint, hash);
  impl_->lamport = std::max(impl_->lamport, lamport_of(joined));
  impl_->view.touch(entry.id);
  return true;
}

std::optional<Shown> Tree::shown(const NodeId& id) const {
  return impl_->view.shown(id);
}

std::vector<Shown> Tree::children(const NodeId& directory) const {
  return impl_->view.children(directory);
}

std::optional<Shown> Tree::child(const NodeId& directory, const std::string& name) const {
  return impl_->view.child(directory, name);
}

std::vector<NodeId> Tree::conflict_copies() const {
  return impl_->view.conflict_copies();
}

std::optional<NodeId> Tree::shown_as(const NodeId& id) const {
  return impl_->view.shown_as(id);
}

Members Tree::members(const NodeId& shown) const {
  return impl_->view.members(shown);
}

std::optional<NodeId> Tree::conflict_origin(const NodeId& id) const {
  return impl_->view.conflict_origin(id);
}

std::uint64_t Tree::time_to_win(const NodeId& id) const {
  return impl_->view.time_to_win(id);
}

std::vector<Conflict> Tree::conflicts() const {
  return impl_->view.conflicts();
}

std::vector<NodeId> Tree::take_changed() {
  return impl_->view.take_changed();
}

ChangesPage Tree::changes_since(const Knowledge& known, const Knowledge& mine, std::size_t bytes_max) const {
  ChangesPage page;
  for (const auto& [replica, complete] : mine.counters()) page.knowledge.add(replica, known.of(replica));
  std::set<NodeId> sent;
  std::size_t bytes = 0;
  for (const auto& [replica, complete] : mine.counters()) {
    const std::uint64_t since = known.of(replica);
    if (since >= complete) continue;
    const auto begin = impl_->log.lower_bound({Dot{replica, since + 1}, kRoot});
    const auto end = impl_->log.lower_bound({Dot{replica, complete + 1}, kRoot});
    for (auto dot = begin; dot != end; ++dot) {
      if (sent.contains(dot->second)) continue;
      const Entry& entry = impl_->entries.at(dot->second).entry;
      const std::size_t cost = entry_bytes(entry);
      if (!page.entries.empty() && bytes + cost > bytes_max) {
        // Complete up to the dot before this one.
        page.knowledge.add(replica, dot->first.counter - 1);
        page.more = true;
        return page;
      }
      bytes += cost;
      sent.insert(dot->second);
      page.entries.push_back(entry);
    }
    page.knowledge.add(replica, complete);
  }
  return page;
}

Id Tree::fingerprint() const {
  return impl_->fingerprint;
}

Id Tree::range_fingerprint(const NodeId& lo, const NodeId& hi) const {
  Id sum;
  const auto end = impl_->entries.lower_bound(hi);
  for (auto entry = impl_->entries.lower_bound(lo); entry != end; ++entry) add(sum, entry->second.hash);
  return sum;
}

std::vector<RangeSummary> Tree::divide(const NodeId& lo, const NodeId& hi, std::size_t ranges_max) const {
  const auto begin = impl_->entries.lower_bound(lo);
  const auto end = impl_->entries.lower_bound(hi);
  const auto count = static_cast<std::size_t>(std::distance(begin, end));
  const std::size_t share = std::max<std::size_t>(1, (count + ranges_max - 1) / ranges_max);
  std::vector<RangeSummary> ranges(1);
  for (auto entry = begin; entry != end; ++entry) {
    if (ranges.back().count == share) {
      ranges.back().hi = entry->first;
      ranges.emplace_back();
    }
    add(ranges.back().fingerprint, entry->second.hash);
    ++ranges.back().count;
  }
  ranges.back().hi = hi;
  return ranges;
}

ChangesPage Tree::entries_in(const NodeId& lo, const NodeId& hi, std::size_t bytes_max) const {
  ChangesPage page;
  std::size_t bytes = 0;
  const auto end = impl_->entries.lower_bound(hi);
  for (auto entry = impl_->entries.lower_bound(lo); entry != end; ++entry) {
    bytes += entry_bytes(entry->second.entry);
    if (!page.entries.empty() && bytes > bytes_max) {
      page.more = true;
      return page;
    }
    page.entries.push_back(entry->second.entry);
  }
  return page;
}

std::vector<NodeId> Tree::ids() const {
  std::vector<NodeId> ids;
  for (const auto& [id, entry] : impl_->entries) ids.push_back(id);
  const std::size_t entries = ids.size();
  for (const NodeId& id : impl_->view.conflict_copies()) ids.push_back(id);
  std::inplace_merge(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(entries), ids.end());
  return ids;
}

}  // namespace shoal::sync
