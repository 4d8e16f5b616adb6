#include "node/sync/local_changes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "node/base/check.h"
#include "node/sync/view.h"

namespace shoal::sync {
namespace {

// An mtime up to this one was not set by a clock.
constexpr std::int64_t kNoTimeNs = 1'000'000'000;

std::uint64_t time_of_change(Stamp& stamp) {
  const std::uint64_t time = stamp.now_ms != 0 ? stamp.changed_ms : stamp.lamport++;
  return std::min(time, kCounterMax);  // a peer may have told us the highest Lamport time there is
}

std::uint64_t time_of(const Content& content, Stamp& stamp) {
  const auto mtime_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(content.mtime_ns, 0) / 1'000'000);
  const bool has_time = content.kind == NodeKind::kFile && content.mtime_ns > kNoTimeNs;
  return has_time && mtime_ms <= stamp.now_ms ? mtime_ms : time_of_change(stamp);
}

template <class V>
Version<V> version_of(Stamp& stamp, const Dot& dot, V value) {
  return {dot, time_of_change(stamp), std::move(value)};
}
Version<Content> version_of(Stamp& stamp, const Dot& dot, Content content) {
  return {dot, time_of(content, stamp), std::move(content)};
}

// The author of a write over `base` has seen what it wins against: the writes behind it, and the others of
// its name. What he writes wins against them too.
std::uint64_t time_to_win(const Tree& tree, const NodeId& id, const Dot& base) {
  const auto& versions = tree.find(id)->content.versions();
  const auto at = std::ranges::find(versions, base, &Version<Content>::dot);
  if (at == versions.end()) return 0;
  const std::uint64_t behind = at + 1 == versions.end() ? 0 : (at + 1)->lamport + 1;
  const auto shown = tree.shown(id);
  const bool is_shown = shown && shown->content_dot == base;
  return std::min(std::max(behind, is_shown ? tree.time_to_win(id) : 0), kCounterMax);
}

// Writes the metadata as they were: what is dropped from a register has no dot of its own, and so the others
// are told.
void touch(Entry& entry, Stamp& stamp) {
  const Metadata metadata = entry.metadata.winner().value;
  entry.metadata.write(version_of(stamp, stamp.take(), metadata));
}

void drop_same(Register<Content>& contents, const Content& content) {
  const std::vector<Version<Content>> versions = contents.versions();
  for (const Version<Content>& version : versions) {
    if (version.value.same_bytes(content)) contents.drop(version.dot);
  }
}

// Of a conflict copy that is no entry: the entries that have it as a losing content, without it. Several
// writes of the same bytes show as one copy, and so go together.
void add_without_copy(const Tree& tree, Stamp& stamp, const NodeId& copy, const NodeId& origin,
                      std::vector<Entry>& entries) {
  const Content content = tree.shown(copy)->content;
  for (const NodeId& member : tree.members(*tree.shown_as(origin))) {
    Entry entry = *tree.find(member);
    const std::size_t before = entry.content.versions().size();
    drop_same(entry.content, content);
    if (entry.content.versions().size() == before) continue;
    touch(entry, stamp);
    entries.push_back(std::move(entry));
  }
}

// The entry that a conflict copy becomes.
Entry entry_of_copy(Stamp& stamp, const Shown& shown, Version<Content> content) {
  Entry entry;
  entry.id = shown.id;
  const Dot dot = content.dot;
  entry.place.write(version_of(stamp, dot, Place{shown.parent, shown.name, shown.parent, dot}));
  entry.content.write(std::move(content));
  entry.metadata.write(version_of(stamp, dot, shown.metadata));
  return entry;
}

// With the content that it has, which is as old as it was.
Entry entry_of_copy(const Tree& tree, Stamp& stamp, const Shown& shown, const NodeId& origin) {
  const auto& versions = tree.find(origin)->content.versions();
  const auto losing = std::ranges::find(versions, shown.content_dot, &Version<Content>::dot);
  check(losing != versions.end(), "a conflict copy is a content of its origin");
  return entry_of_copy(stamp, shown, Version<Content>{stamp.take(), losing->lamport, losing->value});
}

// Of a register's writes those that somebody has seen whose disk reflects the write `base`: all that it
// replaced, and `as_good`, the writes beside it that show as the same. What else is there came later.
template <class V, class AsGood>
Knowledge seen_of(const Register<V>& reg, const Dot& base, AsGood as_good) {
  Knowledge known;
  for (const auto& [replica, counter] : reg.context().counters()) {
    std::uint64_t limit = counter;
    for (const Version<V>& version : reg.versions()) {
      if (version.dot.replica != replica || version.dot == base || as_good(version)) continue;
      limit = std::min(limit, version.dot.counter - 1);
    }
    known.add(replica, limit);
  }
  return known;
}

// Of concurrent moves one wins, and a person sees where that has put it.
Knowledge seen_places(const Register<Place>& place, const Dot& base) {
  const bool is_winner = place.winner().dot == base;
  return seen_of(place, base, [&](const Version<Place>&) { return is_winner; });
}

// A deletion has one set for both registers, and of each replica it holds all up to a counter. So what was
// not seen of one register limits what counts as seen of the other.
template <class V>
Knowledge without_unseen(const Knowledge& all, const Register<V>& reg, const Knowledge& seen) {
  Knowledge less;
  for (const auto& [replica, counter] : all.counters()) {
    std::uint64_t limit = counter;
    for (const Version<V>& version : reg.versions()) {
      if (version.dot.replica != replica || seen.covers(version.dot)) continue;
      limit = std::min(limit, version.dot.counter - 1);
    }
    less.add(replica, limit);
  }
  return less;
}

Entry marked_deleted(const Entry& before, Stamp& stamp, const Knowledge& seen) {
  Entry entry = before;
  Deletion deletion{seen};
  for (const Version<Deletion>& earlier : before.deletion.versions()) deletion.seen.add(earlier.value.seen);
  entry.deletion.write(version_of(stamp, stamp.take(), std::move(deletion)));
  return entry;
}

// Other contents beside the one that is deleted stay, as conflict copies or because nobody has seen them yet:
// then only this one goes, and the entry lives on with the others.
Entry deleted_entry(const Entry& before, Stamp& stamp, const Dot& content, const Dot& place) {
  const auto& contents = before.content.versions();
  const auto held = std::ranges::find(contents, content, &Version<Content>::dot);
  const auto as_good = [&](const Version<Content>& version) {
    return held != contents.end() && version.value.same_bytes(held->value);
  };
  if (held != contents.end() && !std::ranges::all_of(contents, as_good)) {
    Entry entry = before;
    drop_same(entry.content, held->value);
    touch(entry, stamp);
    return entry;
  }
  const Knowledge contents_seen = seen_of(before.content, content, as_good);
  const Knowledge places_seen = seen_places(before.place, place);
  Knowledge all = contents_seen;
  all.add(places_seen);
  all = without_unseen(all, before.content, contents_seen);
  all = without_unseen(all, before.place, places_seen);
  return marked_deleted(before, stamp, all);
}

// The write of the content that an entry shows. Precondition: it is shown.
Dot shown_content(const Entry& entry) {
  const Contents left = contents_left(entry);
  return left.empty() ? entry.content.winner().dot : left.front()->dot;
}

Entry deleted_as_it_is(const Entry& before, Stamp& stamp) {
  return deleted_entry(before, stamp, shown_content(before), before.place.winner().dot);
}

}  // namespace

Entry created(Stamp& stamp, const NodeId& parent, std::string name, Content content, Metadata metadata) {
  Entry entry;
  const Dot dot = stamp.take();
  entry.id = dot;
  entry.place.write(version_of(stamp, dot, Place{parent, std::move(name), parent, dot}));
  entry.content.write(version_of(stamp, dot, std::move(content)));
  entry.metadata.write(version_of(stamp, dot, metadata));
  return entry;
}

std::vector<Entry> edited(const Tree& tree, Stamp& stamp, const NodeId& id, const Dot& base,
                          Content content) {
  if (const auto origin = tree.conflict_origin(id)) {
    const Dot dot = stamp.take();
    std::vector<Entry> entries = {
        entry_of_copy(stamp, *tree.shown(id), version_of(stamp, dot, std::move(content)))};
    add_without_copy(tree, stamp, id, *origin, entries);
    return entries;
  }
  const Entry* before = tree.find(id);
  check(before != nullptr, "what is edited is an entry");
  Entry entry = *before;
  Version<Content> version = version_of(stamp, stamp.take(), std::move(content));
  version.lamport = std::max(version.lamport, time_to_win(tree, id, base));
  entry.content.write(std::move(version), base);
  std::vector<Entry> entries = {std::move(entry)};
  for (const NodeId& member : tree.members(id)) {
    if (member != id) entries.push_back(deleted_as_it_is(*tree.find(member), stamp));
  }
  return entries;
}

Entry written_again(Stamp& stamp, Entry entry, Content content) {
  entry.content.write(version_of(stamp, stamp.take(), std::move(content)));
  return entry;
}

std::vector<Entry> mode_changed(const Tree& tree, Stamp& stamp, const NodeId& id, Metadata metadata) {
  if (const auto origin = tree.conflict_origin(id)) {
    Shown shown = *tree.shown(id);
    shown.metadata = metadata;
    std::vector<Entry> entries = {entry_of_copy(tree, stamp, shown, *origin)};
    add_without_copy(tree, stamp, id, *origin, entries);
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

std::vector<Entry> moved(const Tree& tree, Stamp& stamp, const NodeId& id, const Dot& content,
                         const NodeId& parent, std::string name) {
  if (const auto origin = tree.conflict_origin(id)) {
    Shown shown = *tree.shown(id);
    shown.parent = parent;
    shown.name = std::move(name);
    std::vector<Entry> entries = {entry_of_copy(tree, stamp, shown, *origin)};
    add_without_copy(tree, stamp, id, *origin, entries);
    return entries;
  }
  std::vector<Entry> entries;
  for (const NodeId& member : tree.members(id)) {
    Entry entry = *tree.find(member);
    const NodeId previous = entry.place.winner().value.parent;
    const Dot held = member == id ? content : shown_content(entry);
    entry.place.write(version_of(stamp, stamp.take(), Place{parent, name, previous, held}));
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<Entry> deleted(const Tree& tree, Stamp& stamp, const NodeId& id, const Dot& content,
                           const Dot& place, const std::function<bool(const NodeId&)>& has_own_file) {
  std::vector<Entry> entries;
  if (const auto origin = tree.conflict_origin(id)) {
    add_without_copy(tree, stamp, id, *origin, entries);
    return entries;
  }
  for (const NodeId& member : tree.members(id)) {
    if (member != id && has_own_file(member)) continue;
    const Entry& before = *tree.find(member);
    entries.push_back(member == id ? deleted_entry(before, stamp, content, place)
                                   : deleted_as_it_is(before, stamp));
  }
  return entries;
}

}  // namespace shoal::sync
