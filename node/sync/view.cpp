#include "node/sync/view.h"

#include <algorithm>
#include <tuple>

namespace shoal::sync {
namespace {

// Equal for contents of the same bytes.
auto bytes_key(const Content& content) {
  return std::tuple(content.kind, content.root, content.depth, content.size,
                    std::string_view(content.target));
}
using BytesKey = decltype(bytes_key(std::declval<const Content&>()));

}  // namespace

// ---- Slots: which directories are one, and what gives way

NodeId View::head(const NodeId& directory) const {
  const auto found = heads_.find(directory);
  return found == heads_.end() ? directory : found->second;
}

// Of a directory and all that are one with it; nothing lies in them: nullptr.
const View::Slots* View::slots_of(const NodeId& of) const {
  if (const auto merged = merged_.find(of); merged != merged_.end()) return &merged->second;
  const auto slots = slots_.find(of);
  return slots == slots_.end() ? nullptr : &slots->second;
}

// In order.
std::vector<NodeId> View::ids_in(const NodeId& of, std::string_view name) const {
  std::vector<NodeId> ids;
  const Slots* slots = slots_of(of);
  if (slots == nullptr) return ids;
  for (auto slot = slots->lower_bound({name, kRoot}); slot != slots->end() && slot->first == name; ++slot) {
    ids.push_back(slot->second);
  }
  return ids;
}

bool View::is_taken(const NodeId& of, std::string_view name) const {
  const Slots* slots = slots_of(of);
  if (slots == nullptr) return false;
  const auto slot = slots->lower_bound({name, kRoot});
  return slot != slots->end() && slot->first == name;
}

void View::mark(const NodeId& id, const Node& of) {
  changed_.insert(id);
  changed_.insert(of.copies.begin(), of.copies.end());
}

void View::soil_all(const NodeId& directory) {
  const auto slots = slots_.find(directory);
  if (slots == slots_.end()) return;
  for (const auto& [name, id] : slots->second) dirty_.emplace(directory, name);
}

void View::forget_renames(const NodeId& of) {
  crowds_.erase(of);
  const auto renames = renames_.find(of);
  if (renames == renames_.end()) return;
  for (const auto& [id, name] : renames->second.names) changed_.insert(id);
  renames_.erase(renames);
}

// The directory and those that are one with it stand alone, until their slot is looked at.
void View::part(const NodeId& directory) {
  const auto found = unified_.find(head(directory));
  if (found == unified_.end()) return;
  const Members members = std::move(found->second);
  unified_.erase(found);
  merged_.erase(members.front());
  forget_renames(members.front());
  for (const NodeId& member : members) {
    heads_.erase(member);
    mark(member, nodes_.at(member));
    soil_all(member);
  }
}

void View::unify(const std::vector<NodeId>& directories) {
  if (directories.size() < 2) return;
  Slots merged;
  for (const NodeId& directory : directories) {
    if (directory != directories.front()) heads_[directory] = directories.front();
    forget_renames(directory);
    soil_all(directory);
    if (const auto slots = slots_.find(directory); slots != slots_.end()) {
      merged.insert(slots->second.begin(), slots->second.end());
    }
  }
  unified_[directories.front()] = directories;
  merged_[directories.front()] = std::move(merged);
}

// Directories that become one, or part, soil what lies in them: from the top down it ends. A slot that
// several unified directories have is looked at once.
void View::look_at_slots() {
  while (!dirty_.empty()) {
    std::set<Slot> of_heads;
    for (const auto& [directory, name] : std::exchange(dirty_, {})) of_heads.emplace(head(directory), name);
    for (const auto& [directory, name] : of_heads) {
      // Else it has become one with another since, and its slots are soiled again.
      if (head(directory) == directory) look_at(directory, name);
    }
  }
  for (const NodeId& of : std::exchange(to_rename_, {})) rename(of);
}

void View::look_at(const NodeId& of, const std::string& name) {
  const std::vector<NodeId> ids = ids_in(of, name);
  std::vector<NodeId> directories;
  bool is_crowd = ids.size() > 1;
  for (const NodeId& id : ids) {
    const Node& lying = nodes_.at(id);
    mark(id, lying);
    if (lying.is_directory) directories.push_back(id);
    is_crowd |= !lying.copies.empty();
  }
  if (!directories.empty()) {
    const auto group = unified_.find(head(directories.front()));
    const bool are_one = group == unified_.end() ? directories.size() == 1 : group->second == directories;
    if (!are_one) {
      for (const NodeId& id : directories) part(id);
      unify(directories);
    }
  }
  if (is_crowd) {
    crowds_[of][name] = crowd_of(ids);
  } else if (const auto crowds = crowds_.find(of); crowds != crowds_.end()) {
    crowds->second.erase(name);
    if (crowds->second.empty()) crowds_.erase(crowds);
  }
  to_rename_.insert(of);
}

// All names of the directory that give way: one may be what another wants.
View::Renames View::renames_of(const NodeId& of) const {
  std::vector<const Thing*> renamed;
  for (const auto& [slot, crowd] : crowds_.at(of)) {
    for (const Thing& thing : crowd.things) {
      if (!thing.keeps_name) renamed.push_back(&thing);
    }
  }
  std::ranges::sort(renamed, {}, &Thing::id);
  Renames renames;
  // Those that are equal at the first attempt are so at each: the next one that may be free.
  std::map<std::string, std::size_t> attempts;
  for (const Thing* thing : renamed) {
    const std::string& wanted = thing->entry->place.winner().value.name;
    std::string name = conflict_name(wanted, thing->content->dot);
    std::size_t& attempt = attempts[name];
    if (attempt > 0) name = conflict_name(wanted, thing->content->dot, attempt);
    while (is_taken(of, name) || renames.ids.contains(name)) {
      name = conflict_name(wanted, thing->content->dot, ++attempt);
    }
    ++attempt;
    renames.ids.emplace(name, thing->id);
    renames.names.emplace(thing->id, std::move(name));
  }
  return renames;
}

void View::rename(const NodeId& of) {
  if (!crowds_.contains(of)) return forget_renames(of);
  Renames renames = renames_of(of);
  Renames& before = renames_[of];
  for (const auto& [id, name] : before.names) {
    const auto now = renames.names.find(id);
    if (now == renames.names.end() || now->second != name) changed_.insert(id);
  }
  for (const auto& [id, name] : renames.names) {
    if (!before.names.contains(id)) changed_.insert(id);
  }
  before = std::move(renames);
}

// ---- What is shown

bool View::is_copy(const NodeId& id, const NodeId& origin) const {
  const auto origins = origins_.find(id);
  return origins != origins_.end() && *origins->second.begin() == origin && !entries_.contains(id);
}

// The entry as it is alone in its slot.
View::Thing View::thing_of(const NodeId& id) const {
  const Entry& entry = entries_.at(id).entry;
  const Contents left = contents_left(entry);
  // None of a directory that only lives for what lies in it.
  const Version<Content>* content = left.empty() ? &entry.content.winner() : left.front();
  return {id, &entry, content, {id}, {}, true, {content->lamport, content->dot}};
}

// What keeps its name, and what gives way.
View::Crowd View::crowd_of(const std::vector<NodeId>& ids) const {
  Crowd crowd;
  std::vector<Thing>& things = crowd.things;
  std::map<BytesKey, std::size_t> by_bytes;
  for (const NodeId& id : ids) {
    Thing thing = thing_of(id);
    thing.keeps_name = false;
    const auto [same, is_first] = by_bytes.emplace(bytes_key(thing.content->value), things.size());
    if (is_first) {
      things.push_back(std::move(thing));
    } else {
      things[same->second].members.push_back(id);
      things[same->second].newest = std::max(things[same->second].newest, thing.newest);
    }
  }
  const auto rank = [](const Thing& thing) {
    return std::pair(thing.content->value.kind == NodeKind::kDirectory, thing.newest);
  };
  const auto keeper = std::ranges::max_element(things, {}, rank);
  keeper->keeps_name = true;
  crowd.keeper = static_cast<std::size_t>(keeper - things.begin());
  const std::size_t count = things.size();
  for (std::size_t i = 0; i < count; ++i) add_copies(i, things);
  for (std::size_t i = 0; i < things.size(); ++i) {
    crowd.by_id.emplace(things[i].id, i);
    for (const NodeId& member : things[i].members) crowd.by_id.emplace(member, i);
  }
  return crowd;
}

// Of each content that lost, unless its bytes are shown already.
void View::add_copies(std::size_t of, std::vector<Thing>& things) const {
  const Entry* entry = things[of].entry;
  std::set<BytesKey> kept = {bytes_key(things[of].content->value)};
  const Members members = things[of].members;
  for (const NodeId& member : members) {
    if (nodes_.at(member).copies.empty()) continue;
    for (const Version<Content>* losing : contents_left(entries_.at(member).entry)) {
      const NodeId id = conflict_id(losing->dot);
      if (losing->value.kind == NodeKind::kDirectory || kept.contains(bytes_key(losing->value))) continue;
      if (!is_copy(id, member)) continue;
      kept.insert(bytes_key(losing->value));
      things.push_back({id, entry, losing, {}, member, false, {losing->lamport, losing->dot}});
    }
  }
}

const View::Crowd* View::crowd_at(const NodeId& of, const std::string& name) const {
  const auto crowds = crowds_.find(of);
  if (crowds == crowds_.end()) return nullptr;
  const auto crowd = crowds->second.find(name);
  return crowd == crowds->second.end() ? nullptr : &crowd->second;
}

// The thing that an entry is part of, or a conflict copy is, and its directory.
std::optional<View::Found> View::find(const NodeId& id) {
  settle();
  const Node* of = node(id);
  if (of == nullptr) {
    const auto origins = origins_.find(id);
    if (origins == origins_.end()) return std::nullopt;
    of = node(*origins->second.begin());
  }
  if (!of->is_in_sight || !of->is_attached) return std::nullopt;
  Found found;
  found.directory = head(of->container);
  found.crowd = crowd_at(found.directory, of->name);
  if (found.crowd != nullptr) {
    const auto at = found.crowd->by_id.find(id);
    if (at == found.crowd->by_id.end()) return std::nullopt;
    found.at = at->second;
  } else {
    if (!nodes_.contains(id)) return std::nullopt;
    found.lone = thing_of(id);
  }
  return found;
}

Shown View::show(const NodeId& directory, const Thing& thing) const {
  Shown shown;
  shown.id = thing.id;
  shown.parent = directory;
  shown.name =
      thing.keeps_name ? thing.entry->place.winner().value.name : renames_.at(directory).names.at(thing.id);
  shown.content = thing.content->value;
  shown.content_dot = thing.content->dot;
  if (!thing.entry->metadata.empty()) shown.metadata = thing.entry->metadata.winner().value;
  shown.is_conflict_copy = thing.members.empty();
  return shown;
}

std::optional<Shown> View::shown(const NodeId& id) {
  const auto found = find(id);
  if (!found || found->thing().id != id) return std::nullopt;
  return show(found->directory, found->thing());
}

// Is it shown, under this id?
bool View::is_open(const NodeId& directory) {
  settle();
  const Node* of = node(directory);
  const bool is_in_sight = directory == kRoot || (of != nullptr && of->is_in_sight);
  return is_in_sight && head(directory) == directory;
}

std::vector<Shown> View::children(const NodeId& directory) {
  std::vector<Shown> children;
  const Slots* slots = is_open(directory) ? slots_of(directory) : nullptr;
  if (slots == nullptr) return children;
  for (auto slot = slots->begin(); slot != slots->end();) {
    const std::string name(slot->first);
    if (const Crowd* crowd = crowd_at(directory, name)) {
      for (const Thing& thing : crowd->things) children.push_back(show(directory, thing));
    } else {
      children.push_back(show(directory, thing_of(slot->second)));
    }
    while (slot != slots->end() && slot->first == name) ++slot;
  }
  std::ranges::sort(children, {}, &Shown::name);
  return children;
}

std::optional<Shown> View::child(const NodeId& directory, const std::string& name) {
  if (!is_open(directory)) return std::nullopt;
  if (const auto renames = renames_.find(directory); renames != renames_.end()) {
    const auto found = renames->second.ids.find(name);
    if (found != renames->second.ids.end()) return shown(found->second);
  }
  if (const Crowd* crowd = crowd_at(directory, name)) return show(directory, crowd->things[crowd->keeper]);
  const std::vector<NodeId> ids = ids_in(directory, name);
  if (ids.empty()) return std::nullopt;
  return show(directory, thing_of(ids.front()));
}

std::vector<NodeId> View::conflict_copies() {
  settle();
  std::vector<NodeId> ids;
  for (const auto& [id, origins] : origins_) {
    if (conflict_origin(id)) ids.push_back(id);
  }
  return ids;
}

std::optional<NodeId> View::shown_as(const NodeId& id) {
  const auto found = find(id);
  if (!found || found->thing().members.empty()) return std::nullopt;
  return found->thing().id;
}

Members View::members(const NodeId& id) {
  const auto found = find(id);
  if (!found || found->thing().id != id) return {};
  return found->thing().members;
}

std::optional<NodeId> View::conflict_origin(const NodeId& id) {
  const auto found = find(id);
  if (!found || !found->thing().members.empty()) return std::nullopt;
  return found->thing().origin;
}

std::uint64_t View::time_to_win(const NodeId& id) {
  const auto found = find(id);
  if (!found || found->crowd == nullptr || found->thing().id != id || !found->thing().keeps_name) return 0;
  std::uint64_t highest = 0;
  for (const Thing& thing : found->crowd->things) {
    if (!thing.keeps_name) highest = std::max(highest, thing.newest.first);
  }
  return std::min(highest + 1, kCounterMax);
}

std::vector<Conflict> View::conflicts() {
  settle();
  std::vector<Conflict> conflicts;
  for (const auto& [directory, renames] : renames_) {
    for (const auto& [id, name] : renames.names) {
      const auto found = find(id);
      if (found && found->crowd != nullptr) {
        conflicts.push_back({id, found->crowd->things[found->crowd->keeper].id});
      }
    }
  }
  std::ranges::sort(conflicts, {}, &Conflict::id);
  return conflicts;
}

std::vector<NodeId> View::take_changed() {
  settle();
  std::vector<NodeId> changed(changed_.begin(), changed_.end());
  changed_.clear();
  return changed;
}

}  // namespace shoal::sync
