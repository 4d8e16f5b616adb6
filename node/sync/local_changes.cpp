#include "node/sync/local_changes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "node/base/check.h"

namespace shoal::sync {
namespace {

template <class V>
Version<V> version_of(Stamp& stamp, const Dot& dot, V value) {
  return {dot, stamp.lamport++, std::move(value)};
}

// Of a conflict copy that is no entry: the entry that has it as a losing content, without it. The write of
// the metadata, which are as they were, is what tells the others.
Entry without_copy(const Tree& tree, Stamp& stamp, const NodeId& copy, const NodeId& origin) {
  Entry entry = *tree.find(origin);
  entry.content.drop(Dot{copy.replica, copy.counter & ~kConflictBit});
  const Metadata metadata = entry.metadata.winner().value;
  entry.metadata.write(version_of(stamp, stamp.take(), metadata));
  return entry;
}

// The entry that a conflict copy becomes.
Entry entry_of_copy(Stamp& stamp, const Shown& shown, Content content) {
  Entry entry;
  entry.id = shown.id;
  const Dot dot = stamp.take();
  entry.place.write(version_of(stamp, dot, Place{shown.parent, shown.name, shown.parent}));
  entry.content.write(version_of(stamp, dot, std::move(content)));
  entry.metadata.write(version_of(stamp, dot, shown.metadata));
  return entry;
}

// Of the writes of a register those that somebody has seen who knows of `seen` and not of what came later.
template <class V>
Knowledge seen_of(const Register<V>& reg, const Dot& seen) {
  Knowledge known;
  for (const auto& [replica, counter] : reg.context().counters()) {
    std::uint64_t limit = counter;
    for (const Version<V>& version : reg.versions()) {
      if (version.dot.replica == replica && version.dot != seen)
        limit = std::min(limit, version.dot.counter - 1);
    }
    known.add(replica, limit);
  }
  return known;
}

Entry deleted_entry(const Entry& before, Stamp& stamp, const Dot& content, const Dot& place) {
  Entry entry = before;
  Deletion deletion;
  for (const Version<Deletion>& earlier : before.deletion.versions()) deletion.seen.add(earlier.value.seen);
  deletion.seen.add(seen_of(before.content, content));
  deletion.seen.add(seen_of(before.place, place));
  entry.deletion.write(version_of(stamp, stamp.take(), std::move(deletion)));
  return entry;
}

Entry deleted_as_it_is(const Entry& before, Stamp& stamp) {
  return deleted_entry(before, stamp, before.content.winner().dot, before.place.winner().dot);
}

}  // namespace

Entry created(Stamp& stamp, const NodeId& parent, std::string name, Content content, Metadata metadata) {
  Entry entry;
  const Dot dot = stamp.take();
  entry.id = dot;
  entry.place.write(version_of(stamp, dot, Place{parent, std::move(name), parent}));
  entry.content.write(version_of(stamp, dot, std::move(content)));
  entry.metadata.write(version_of(stamp, dot, metadata));
  return entry;
}

std::vector<Entry> edited(const Tree& tree, Stamp& stamp, const NodeId& id, const Dot& base,
                          Content content) {
  if (const auto origin = tree.conflict_origin(id)) {
    std::vector<Entry> entries = {entry_of_copy(stamp, *tree.shown(id), std::move(content))};
    entries.push_back(without_copy(tree, stamp, id, *origin));
    return entries;
  }
  const Entry* before = tree.find(id);
  check(before != nullptr, "what is edited is an entry");
  Entry entry = *before;
  entry.content.write(version_of(stamp, stamp.take(), std::move(content)), base);
  std::vector<Entry> entries = {std::move(entry)};
  for (const NodeId& member : tree.members(id)) {
    if (member != id) entries.push_back(deleted_as_it_is(*tree.find(member), stamp));
  }
  return entries;
}

std::vector<Entry> mode_changed(const Tree& tree, Stamp& stamp, const NodeId& id, Metadata metadata) {
  if (const auto origin = tree.conflict_origin(id)) {
    Shown shown = *tree.shown(id);
    shown.metadata = metadata;
    std::vector<Entry> entries = {entry_of_copy(stamp, shown, shown.content)};
    entries.push_back(without_copy(tree, stamp, id, *origin));
    return entries;
  }
  std::vector<Entry> entries;
  for (const NodeId& member : tree.members(id)) {
    Entry entry = *tree.find(member);
    entry.metadata.write(version_of(stamp, stamp.take(), metadata));
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<Entry> moved(const Tree& tree, Stamp& stamp, const NodeId& id, const NodeId& parent,
                         std::string name) {
  if (const auto origin = tree.conflict_origin(id)) {
    Shown shown = *tree.shown(id);
    shown.parent = parent;
    shown.name = std::move(name);
    std::vector<Entry> entries = {entry_of_copy(stamp, shown, shown.content)};
    entries.push_back(without_copy(tree, stamp, id, *origin));
    return entries;
  }
  std::vector<Entry> entries;
  for (const NodeId& member : tree.members(id)) {
    Entry entry = *tree.find(member);
    const NodeId previous = entry.place.winner().value.parent;
    entry.place.write(version_of(stamp, stamp.take(), Place{parent, name, previous}));
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<Entry> deleted(const Tree& tree, Stamp& stamp, const NodeId& id, const Dot& content,
                           const Dot& place) {
  if (const auto origin = tree.conflict_origin(id)) return {without_copy(tree, stamp, id, *origin)};
  std::vector<Entry> entries;
  for (const NodeId& member : tree.members(id)) {
    const Entry& before = *tree.find(member);
    entries.push_back(member == id ? deleted_entry(before, stamp, content, place)
                                   : deleted_as_it_is(before, stamp));
  }
  return entries;
}

}  // namespace shoal::sync
