// Where entries lie: parents, cycles, and what lives and is in sight.
#include <algorithm>

#include "node/sync/view.h"

namespace shoal::sync {

Contents contents_left(const Entry& entry) {
  Knowledge seen;
  for (const Version<Deletion>& deletion : entry.deletion.versions()) seen.add(deletion.value.seen);
  std::set<Dot> moved;
  for (const Version<Place>& place : entry.place.versions()) {
    if (!seen.empty() && !seen.covers(place.dot)) moved.insert(place.value.content);
  }
  Contents left;
  for (const Version<Content>& version : entry.content.versions()) {
    if (!seen.covers(version.dot) || moved.contains(version.dot)) left.push_back(&version);
  }
  return left;
}

View::Node* View::node(const NodeId& id) {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : &found->second;
}

bool View::lives(const NodeId& id, const Node& of) const {
  return of.lives_itself || (of.is_usable && of.is_directory && living_below_.contains(id));
}

void View::settle() {
  if (touched_.empty()) return;
  const std::set<NodeId> touched = std::exchange(touched_, {});
  std::set<NodeId> moved;
  std::set<NodeId> kind_changed;
  for (const NodeId& id : touched) {
    if (read(id, kind_changed)) moved.insert(id);
  }
  std::set<NodeId> to_place = kind_changed;
  point(moved, to_place);
  for (const NodeId& id : touched) {
    const Node* of = node(id);
    if (of != nullptr && lives(id, *of) != of->is_attached) to_place.insert(id);
  }
  place(std::move(to_place), kind_changed);
  look_for_sight();
  look_at_slots();
}

// Takes from an entry what the view needs of it. True when it has another place.
bool View::read(const NodeId& id, std::set<NodeId>& kind_changed) {
  changed_.insert(id);
  // A conflict copy that is an entry now is no copy any longer.
  if (const auto origins = origins_.find(id); origins != origins_.end()) {
    for (const NodeId& origin : origins->second) soil(nodes_.at(origin));
  }
  const Entry& entry = entries_.at(id).entry;
  const bool is_usable = !entry.place.empty() && !entry.metadata.empty();
  if (!is_usable && !nodes_.contains(id)) return false;
  const auto [found, is_new] = nodes_.try_emplace(id);
  Node& of = found->second;
  const Version<Place> winner = is_usable ? entry.place.winner() : Version<Place>{};
  // A damaged write may come to have another value.
  const bool has_moved = is_new || of.place_dot != winner.dot || of.pointer != winner.value.parent ||
                         of.name != winner.value.name;
  if (of.name != winner.value.name) {
    detach(id);  // its slot points at the name
    of.name = winner.value.name;
  }
  of.place_dot = winner.dot;
  of.pointer = winner.value.parent;
  of.is_usable = is_usable;
  // What is unknown may be a directory.
  const bool is_directory =
      !is_usable || (!entry.content.empty() && entry.content.winner().value.kind == NodeKind::kDirectory);
  // Until it was known it was taken for a directory.
  if (is_directory != (is_new || of.is_directory)) {
    detach(id);
    kind_changed.insert(id);
  }
  of.is_directory = is_directory;
  of.lives_itself = is_usable && !contents_left(entry).empty();
  read_contents(id, entry, of);
  if (of.is_attached) soil(of);
  return has_moved;
}

void View::read_contents(const NodeId& id, const Entry& entry, Node& of) {
  std::vector<NodeId> copies;
  if (const Contents left = contents_left(entry); of.is_usable && left.size() > 1) {
    for (const Version<Content>* version : left) copies.push_back(conflict_id(version->dot));
  }
  if (copies == of.copies) return;
  mark(id, of);
  const auto soil_origins = [&](const NodeId& copy) {
    for (const NodeId& origin : origins_[copy]) soil(nodes_.at(origin));
  };
  for (const NodeId& copy : of.copies) {
    origins_[copy].erase(id);
    soil_origins(copy);
    if (origins_[copy].empty()) origins_.erase(copy);
  }
  of.copies = std::move(copies);
  for (const NodeId& copy : of.copies) {
    soil_origins(copy);
    origins_[copy].insert(id);
  }
  mark(id, of);
}

// Gives those that have another place their parents; others, too, where a cycle is cut now or no longer is.
// What has another parent goes to `to_place`.
void View::point(const std::set<NodeId>& moved, std::set<NodeId>& to_place) {
  if (moved.empty()) return;
  to_place.insert(moved.begin(), moved.end());
  if (!has_cuts_) {
    for (const NodeId& id : moved) set_parent(id, nodes_.at(id).pointer, to_place);
  }
  if (!has_cuts_ && !close_cycle(moved)) return;
  for (const auto& [id, parent] : cut_cycles()) set_parent(id, parent, to_place);
}

// Precondition: there was no cycle before these have moved. Each entry is met once.
bool View::close_cycle(const std::set<NodeId>& moved) const {
  std::set<NodeId> clear;
  for (const NodeId& id : moved) {
    if (!pointing_.contains(id)) continue;  // what nothing lies in closes no cycle
    std::set<NodeId> way;
    for (auto at = nodes_.find(id); at != nodes_.end() && !clear.contains(at->first);
         at = nodes_.find(at->second.parent)) {
      if (!way.insert(at->first).second) return true;
    }
    clear.merge(way);
  }
  return false;
}

void View::set_parent(const NodeId& id, const NodeId& parent, std::set<NodeId>& to_place) {
  Node& of = nodes_.at(id);
  std::set<NodeId>& siblings = pointing_[parent];
  if (of.parent == parent && siblings.contains(id)) return;
  if (const auto before = pointing_.find(of.parent); before != pointing_.end()) {
    before->second.erase(id);
    if (before->second.empty() && of.parent != parent) pointing_.erase(before);
  }
  of.parent = parent;
  siblings.insert(id);
  to_place.insert(id);
}

// The parents of all entries. Cycles have no entry in common, and cutting one leaves the others what they
// are: so the order in which they are found does not matter.
std::map<NodeId, NodeId> View::cut_cycles() {
  std::map<NodeId, NodeId> parents;
  for (const auto& [id, of] : nodes_) parents.emplace_hint(parents.end(), id, of.pointer);
  std::set<NodeId> was_cut;
  std::set<NodeId> seen;
  // Of a cycle on the way up from there: its lowest move.
  const auto lowest_above = [&](const NodeId& from) -> std::optional<NodeId> {
    std::vector<NodeId> way;
    std::set<NodeId> on_way;
    NodeId at = from;
    while (parents.contains(at) && !seen.contains(at) && on_way.insert(at).second) {
      way.push_back(at);
      at = parents.at(at);
    }
    seen.insert(way.begin(), way.end());
    if (!on_way.contains(at)) return std::nullopt;
    const auto age = [&](const NodeId& id) {
      const Version<Place>& move = entries_.at(id).entry.place.winner();
      return std::tuple(move.lamport, move.dot, id);
    };
    return *std::min_element(std::ranges::find(way, at), way.end(),
                             [&](const NodeId& a, const NodeId& b) { return age(a) < age(b); });
  };
  std::vector<NodeId> cut;
  for (const auto& [id, of] : nodes_) {
    if (const auto lowest = lowest_above(id)) cut.push_back(*lowest);
  }
  has_cuts_ = !cut.empty();
  while (!cut.empty()) {
    const NodeId id = cut.back();
    cut.pop_back();
    const bool is_first = was_cut.insert(id).second;
    parents[id] = is_first ? entries_.at(id).entry.place.winner().value.previous_parent : kRoot;
    seen.clear();
    // Another cycle above this one is in `cut` already, and is met again from there when it is cut.
    if (const auto lowest = lowest_above(id); lowest && !std::ranges::count(cut, *lowest)) {
      cut.push_back(*lowest);
    }
  }
  return parents;
}

// Takes entries out of their slots, and puts those that live where they belong now. All are out before the
// first is in, so no chain of directories is ever closed.
void View::place(std::set<NodeId> to_place, const std::set<NodeId>& kind_changed) {
  std::vector<NodeId> queue(to_place.begin(), to_place.end());
  while (!queue.empty()) {
    const NodeId id = queue.back();
    queue.pop_back();
    detach(id);
    // What points at a file lies where the file lies.
    const auto pointing = pointing_.find(id);
    if (pointing == pointing_.end() || (nodes_.at(id).is_directory && !kind_changed.contains(id))) continue;
    for (const NodeId& below : pointing->second) {
      if (to_place.insert(below).second) queue.push_back(below);
    }
  }
  std::map<NodeId, NodeId> around;  // files: the directory above them
  for (const NodeId& id : to_place) {
    NodeId container = nodes_.at(id).parent;
    std::vector<NodeId> files;
    for (const Node* of = node(container); of != nullptr && !of->is_directory; of = node(container)) {
      files.push_back(container);
      const auto known = around.find(container);
      container = known != around.end() ? known->second : of->parent;
    }
    for (const NodeId& file : files) around[file] = container;
    nodes_.at(id).container = container;
  }
  for (const NodeId& id : to_place) {
    const Node& of = nodes_.at(id);
    if (!of.is_attached && lives(id, of)) attach(id);
  }
}

void View::attach(NodeId id) {
  for (;;) {
    Node& of = nodes_.at(id);
    of.is_attached = true;
    slots_[of.container].emplace(of.name, id);
    if (const auto merged = merged_.find(head(of.container)); merged != merged_.end()) {
      merged->second.emplace(of.name, id);
    }
    soil(of);
    stirred_.insert(id);
    if (++living_below_[of.container] > 1) return;
    const Node* above = node(of.container);
    if (above == nullptr || above->is_attached || !lives(of.container, *above)) return;
    id = of.container;
  }
}

void View::detach(NodeId id) {
  for (;;) {
    Node& of = nodes_.at(id);
    if (!of.is_attached) return;
    part(id);
    of.is_attached = false;
    const auto slots = slots_.find(of.container);
    slots->second.erase({of.name, id});
    if (slots->second.empty()) slots_.erase(slots);
    if (const auto merged = merged_.find(head(of.container)); merged != merged_.end()) {
      merged->second.erase({of.name, id});
    }
    soil(of);
    mark(id, of);
    stirred_.insert(id);
    const auto living = living_below_.find(of.container);
    if (--living->second > 0) return;
    living_below_.erase(living);
    const Node* above = node(of.container);
    if (above == nullptr || above->lives_itself) return;
    id = of.container;
  }
}

// Each entry on the ways to the root is met once.
void View::look_for_sight() {
  std::map<NodeId, bool> in_sight;
  for (const NodeId& id : std::exchange(stirred_, {})) {
    std::vector<NodeId> way;
    bool is_in_sight = false;
    for (NodeId at = id;;) {
      if (const auto known = in_sight.find(at); known != in_sight.end()) {
        is_in_sight = known->second;
        break;
      }
      const Node* of = node(at);
      if (of == nullptr || !of->is_attached) break;
      way.push_back(at);
      is_in_sight = of->container == kRoot;
      if (is_in_sight) break;
      at = of->container;
    }
    for (const NodeId& on_way : way) in_sight.emplace(on_way, is_in_sight);
    if (nodes_.at(id).is_in_sight != is_in_sight) set_sight(id, is_in_sight);
  }
}

// Of all that lies in it, too.
void View::set_sight(const NodeId& id, bool is_in_sight) {
  std::vector<NodeId> queue = {id};
  while (!queue.empty()) {
    const NodeId at = queue.back();
    queue.pop_back();
    Node& of = nodes_.at(at);
    if (of.is_in_sight == is_in_sight) continue;
    of.is_in_sight = is_in_sight;
    mark(at, of);
    const auto slots = slots_.find(at);
    if (slots == slots_.end()) continue;
    for (const auto& [name, below] : slots->second) queue.push_back(below);
  }
}

}  // namespace shoal::sync
