#include "node/sync/view.h"

#include <algorithm>

namespace shoal::sync {

// ---- Slots: which directories are one, and which names give way

NodeId View::head(const NodeId& directory) const {
  const auto found = heads_.find(directory);
  return found == heads_.end() ? directory : found->second;
}

Members View::unified(const NodeId& of) const {
  const auto found = unified_.find(of);
  return found == unified_.end() ? Members{of} : found->second;
}

// Of a directory and all that are one with it.
std::vector<NodeId> View::ids_in(const NodeId& directory, std::string_view folded) const {
  std::vector<NodeId> ids;
  for (const NodeId& member : unified(directory)) {
    const auto slots = slots_.find(member);
    if (slots == slots_.end()) continue;
    for (auto slot = slots->second.lower_bound({folded, kRoot});
         slot != slots->second.end() && slot->first == folded; ++slot) {
      ids.push_back(slot->second);
    }
  }
  std::ranges::sort(ids);
  return ids;
}

bool View::is_taken(const NodeId& directory, std::string_view folded) const {
  return !ids_in(directory, folded).empty();
}

void View::mark(const NodeId& id, const Node& of) {
  changed_.insert(id);
  changed_.insert(of.copies.begin(), of.copies.end());
}

void View::soil_all(const NodeId& directory) {
  const auto slots = slots_.find(directory);
  if (slots == slots_.end()) return;
  for (const auto& [folded, id] : slots->second) dirty_.emplace(directory, folded);
}

void View::forget_renames(const NodeId& directory) {
  crowded_.erase(directory);
  const auto renames = renames_.find(directory);
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
  forget_renames(members.front());
  for (const NodeId& member : members) {
    heads_.erase(member);
    mark(member, nodes_.at(member));
    soil_all(member);
  }
}

void View::unify(const std::vector<NodeId>& directories) {
  if (directories.size() < 2) return;
  for (const NodeId& directory : directories) {
    if (directory != directories.front()) heads_[directory] = directories.front();
    forget_renames(directory);
    soil_all(directory);
  }
  unified_[directories.front()] = directories;
}

// Directories that become one, or part, soil what lies in them: from the top down it ends.
void View::look_at_slots() {
  while (!dirty_.empty()) {
    for (const auto& [directory, folded] : std::exchange(dirty_, {})) look_at(head(directory), folded);
  }
  for (const NodeId& directory : std::exchange(to_rename_, {})) rename(directory);
}

void View::look_at(const NodeId& directory, const std::string& folded) {
  const std::vector<NodeId> ids = ids_in(directory, folded);
  std::vector<NodeId> directories;
  bool may_be_crowded = ids.size() > 1;
  for (const NodeId& id : ids) {
    const Node& of = nodes_.at(id);
    mark(id, of);
    if (of.is_directory) directories.push_back(id);
    may_be_crowded |= !of.copies.empty();
  }
  bool are_one = true;
  for (const NodeId& id : directories) {
    if (unified(head(id)) == directories) continue;
    part(id);
    are_one = false;
  }
  if (!are_one) unify(directories);
  const bool is_crowded = may_be_crowded && things(directory, folded).size() > 1;
  if (is_crowded) {
    crowded_[directory].insert(folded);
  } else if (const auto crowded = crowded_.find(directory); crowded != crowded_.end()) {
    crowded->second.erase(folded);
    if (crowded->second.empty()) crowded_.erase(crowded);
  }
  to_rename_.insert(directory);
}

// All names of the directory that give way: one may be what another wants.
void View::rename(const NodeId& directory) {
  const auto crowded = crowded_.find(directory);
  if (crowded == crowded_.end()) return forget_renames(directory);
  std::vector<Thing> renamed;
  for (const std::string& folded : crowded->second) {
    for (Thing& thing : things(directory, folded)) {
      if (!thing.keeps_name) renamed.push_back(std::move(thing));
    }
  }
  std::ranges::sort(renamed, {}, &Thing::id);
  Renames renames;
  std::set<std::string> given;
  for (const Thing& thing : renamed) {
    const std::string& wanted = thing.entry->place.winner().value.name;
    std::string name = conflict_name(wanted, thing.content->dot);
    std::string folded = fold_name(name);
    for (std::size_t attempt = 1; is_taken(directory, folded) || given.contains(folded); ++attempt) {
      name = conflict_name(wanted, thing.content->dot, attempt);
      folded = fold_name(name);
    }
    given.insert(std::move(folded));
    renames.ids.emplace(name, thing.id);
    renames.names.emplace(thing.id, std::move(name));
  }
  Renames& before = renames_[directory];
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

// All that is shown for a slot: what keeps its name, and what gives way.
std::vector<View::Thing> View::things(const NodeId& directory, const std::string& folded) const {
  std::vector<Thing> things;
  for (const NodeId& id : ids_in(directory, folded)) {
    const Entry& entry = entries_.at(id).entry;
    const Contents left = contents_left(entry);
    // None of a directory that only lives for what lies in it.
    const Version<Content>& content = left.empty() ? entry.content.winner() : *left.front();
    const auto same = std::ranges::find_if(
        things, [&](const Thing& thing) { return thing.content->value.same_bytes(content.value); });
    if (same != things.end()) {
      same->members.push_back(id);
    } else {
      things.push_back({id, &entry, &content, {id}, {}, false});
    }
  }
  if (things.empty()) return things;
  const auto rank = [](const Thing& thing) {
    return std::tuple(thing.content->value.kind == NodeKind::kDirectory, thing.content->lamport,
                      thing.content->dot);
  };
  std::ranges::max_element(things, {}, rank)->keeps_name = true;
  const std::size_t count = things.size();
  for (std::size_t i = 0; i < count; ++i) add_copies(Thing(things[i]), things);
  return things;
}

// Of each content that lost, unless its bytes are shown already.
void View::add_copies(const Thing& thing, std::vector<Thing>& things) const {
  std::vector<const Content*> kept = {&thing.content->value};
  for (const NodeId& member : thing.members) {
    for (const Version<Content>* losing : contents_left(entries_.at(member).entry)) {
      const NodeId id = conflict_id(losing->dot);
      const bool is_kept = std::ranges::any_of(
          kept, [&](const Content* content) { return content->same_bytes(losing->value); });
      if (is_kept || losing->value.kind == NodeKind::kDirectory || !is_copy(id, member)) continue;
      kept.push_back(&losing->value);
      things.push_back({id, thing.entry, losing, {}, member, false});
    }
  }
}

// The thing that an entry is part of, or a conflict copy is, and its directory.
std::optional<std::pair<NodeId, View::Thing>> View::find(const NodeId& id) {
  settle();
  const Node* of = node(id);
  if (of == nullptr) {
    const auto origins = origins_.find(id);
    if (origins == origins_.end()) return std::nullopt;
    of = node(*origins->second.begin());
  }
  if (!of->is_in_sight) return std::nullopt;
  const NodeId directory = head(of->container);
  for (Thing& thing : things(directory, of->folded)) {
    if (thing.id == id || std::ranges::count(thing.members, id) > 0)
      return std::pair(directory, std::move(thing));
  }
  return std::nullopt;
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
  if (!found || found->second.id != id) return std::nullopt;
  return show(found->first, found->second);
}

std::vector<Shown> View::children(const NodeId& directory) {
  settle();
  std::vector<Shown> children;
  const Node* of = node(directory);
  const bool is_in_sight = directory == kRoot || (of != nullptr && of->is_in_sight);
  if (!is_in_sight || head(directory) != directory) return children;
  std::set<std::string> names;
  for (const NodeId& member : unified(directory)) {
    const auto slots = slots_.find(member);
    if (slots == slots_.end()) continue;
    for (const auto& [folded, id] : slots->second) names.emplace(folded);
  }
  for (const std::string& folded : names) {
    for (const Thing& thing : things(directory, folded)) children.push_back(show(directory, thing));
  }
  std::ranges::sort(children, {}, &Shown::name);
  return children;
}

std::optional<Shown> View::child(const NodeId& directory, const std::string& name) {
  settle();
  if (const auto renames = renames_.find(directory); renames != renames_.end()) {
    const auto found = renames->second.ids.find(name);
    if (found != renames->second.ids.end()) return shown(found->second);
  }
  const Node* of = node(directory);
  const bool is_in_sight = directory == kRoot || (of != nullptr && of->is_in_sight);
  if (!is_in_sight || head(directory) != directory) return std::nullopt;
  for (const Thing& thing : things(directory, fold_name(name))) {
    if (thing.keeps_name && thing.entry->place.winner().value.name == name) return show(directory, thing);
  }
  return std::nullopt;
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
  if (!found || found->second.members.empty()) return std::nullopt;
  return found->second.id;
}

Members View::members(const NodeId& id) {
  auto found = find(id);
  if (!found || found->second.id != id) return {};
  return std::move(found->second.members);
}

std::optional<NodeId> View::conflict_origin(const NodeId& id) {
  const auto found = find(id);
  if (!found || !found->second.members.empty()) return std::nullopt;
  return found->second.origin;
}

std::vector<Conflict> View::conflicts() {
  settle();
  std::vector<Conflict> conflicts;
  for (const auto& [directory, renames] : renames_) {
    for (const auto& [id, name] : renames.names) {
      const auto found = find(id);
      if (!found) continue;
      const Node& of = nodes_.at(found->second.members.empty() ? found->second.origin : id);
      const std::vector<Thing> rivals = things(directory, of.folded);
      const auto winner = std::ranges::find(rivals, true, &Thing::keeps_name);
      if (winner != rivals.end()) conflicts.push_back({id, winner->id});
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
