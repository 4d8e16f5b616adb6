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
  std::map<NodeId, Entry> entries;
  std::map<NodeId, Id> hashes;
  std::map<Dot, NodeId> log;  // current dots, and the entry that each is in
  std::uint64_t lamport = 0;
  Id fingerprint;
  // Reckoned when it is asked for, after joins.
  mutable View view;
  mutable bool is_view_old = false;
  std::map<NodeId, Shown> taken;  // as last taken

  const View& current_view() const {
    if (is_view_old) view = view_of(entries);
    is_view_old = false;
    return view;
  }
};

Tree::Tree() : impl_(std::make_unique<Impl>()) {}
Tree::~Tree() = default;
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;

const Entry* Tree::find(const NodeId& id) const {
  const auto found = impl_->entries.find(id);
  return found == impl_->entries.end() ? nullptr : &found->second;
}

std::size_t Tree::size() const {
  return impl_->entries.size();
}

std::uint64_t Tree::lamport() const {
  return impl_->lamport;
}

bool Tree::join(const Entry& entry) {
  auto [found, is_new] = impl_->entries.try_emplace(entry.id);
  Entry& joined = found->second;
  if (is_new) {
    joined.id = entry.id;
  } else {
    for (const Dot& dot : joined.dots()) impl_->log.erase(dot);
  }
  const bool changed = joined.join(entry);
  for (const Dot& dot : joined.dots()) impl_->log[dot] = entry.id;
  if (!changed) return false;
  Id& hash = impl_->hashes[entry.id];
  if (!is_new) subtract(impl_->fingerprint, hash);
  hash = sha256(encode_entry(joined));
  add(impl_->fingerprint, hash);
  impl_->lamport = std::max(impl_->lamport, lamport_of(joined));
  impl_->is_view_old = true;
  return true;
}

std::optional<Shown> Tree::shown(const NodeId& id) const {
  const View& view = impl_->current_view();
  const auto found = view.shown.find(id);
  if (found == view.shown.end()) return std::nullopt;
  return found->second;
}

std::vector<Shown> Tree::children(const NodeId& directory) const {
  const View& view = impl_->current_view();
  std::vector<Shown> children;
  const auto names = view.children.find(directory);
  if (names == view.children.end()) return children;
  for (const auto& [name, id] : names->second) children.push_back(view.shown.at(id));
  return children;
}

std::optional<Shown> Tree::child(const NodeId& directory, const std::string& name) const {
  const View& view = impl_->current_view();
  const auto names = view.children.find(directory);
  if (names == view.children.end()) return std::nullopt;
  const auto found = names->second.find(name);
  if (found == names->second.end()) return std::nullopt;
  return view.shown.at(found->second);
}

std::vector<NodeId> Tree::conflict_copies() const {
  std::vector<NodeId> ids;
  for (const auto& [id, origin] : impl_->current_view().conflict_origin) ids.push_back(id);
  return ids;
}

std::optional<NodeId> Tree::shown_as(const NodeId& id) const {
  const View& view = impl_->current_view();
  const auto found = view.shown_as.find(id);
  if (found == view.shown_as.end()) return std::nullopt;
  return found->second;
}

Members Tree::members(const NodeId& shown) const {
  const View& view = impl_->current_view();
  const auto found = view.members.find(shown);
  return found == view.members.end() ? Members{} : found->second;
}

std::optional<NodeId> Tree::conflict_origin(const NodeId& id) const {
  const View& view = impl_->current_view();
  const auto found = view.conflict_origin.find(id);
  if (found == view.conflict_origin.end()) return std::nullopt;
  return found->second;
}

std::vector<NodeId> Tree::take_changed() {
  const std::map<NodeId, Shown>& now = impl_->current_view().shown;
  std::vector<NodeId> changed;
  auto before = impl_->taken.begin();
  for (const auto& [id, shown] : now) {
    while (before != impl_->taken.end() && before->first < id) changed.push_back((before++)->first);
    const bool was_there = before != impl_->taken.end() && before->first == id;
    if (!was_there || before->second != shown) changed.push_back(id);
    if (was_there) ++before;
  }
  while (before != impl_->taken.end()) changed.push_back((before++)->first);
  if (!changed.empty()) impl_->taken = now;
  return changed;
}

ChangesPage Tree::changes_since(const Knowledge& known, const Knowledge& mine, std::size_t bytes_max) const {
  ChangesPage page;
  page.knowledge = known;
  std::set<NodeId> sent;
  std::size_t bytes = 0;
  for (const auto& [replica, complete] : mine.counters()) {
    const std::uint64_t since = known.of(replica);
    if (since >= complete) continue;
    const auto begin = impl_->log.upper_bound(Dot{replica, since});
    const auto end = impl_->log.upper_bound(Dot{replica, complete});
    for (auto dot = begin; dot != end; ++dot) {
      if (sent.contains(dot->second)) continue;
      const Entry& entry = impl_->entries.at(dot->second);
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
  const auto end = impl_->hashes.lower_bound(hi);
  for (auto hash = impl_->hashes.lower_bound(lo); hash != end; ++hash) add(sum, hash->second);
  return sum;
}

std::vector<NodeId> Tree::ids() const {
  std::vector<NodeId> ids;
  for (const auto& [id, entry] : impl_->entries) ids.push_back(id);
  for (const auto& [id, origin] : impl_->current_view().conflict_origin) ids.push_back(id);
  return ids;
}

}  // namespace shoal::sync
