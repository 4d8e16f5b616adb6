#include "tests/unit/sync/reference_view.h"

#include <algorithm>
#include <set>
#include <utility>

namespace shoal::sync {
namespace {

class Builder {
 public:
  explicit Builder(const std::map<NodeId, Entry>& entries) : entries_(entries) {}

  ReferenceView build() {
    find_parents();
    cut_cycles();
    find_living();
    show_below(kRoot, {kRoot});
    while (!queue_.empty()) {
      const auto [directory, members] = std::move(queue_.back());
      queue_.pop_back();
      show_below(directory, members);
    }
    return std::move(view_);
  }

 private:
  // One thing that wants a name in a directory.
  struct Candidate {
    Shown shown;
    std::pair<std::uint64_t, Dot> newest;  // by (lamport, dot) of its content's writes
    Members members;
  };

  static bool is_directory(const Entry& entry) {
    return !entry.content.empty() && entry.content.winner().value.kind == NodeKind::kDirectory;
  }
  // Nothing, too, of an entry that lacks a register: only a peer that breaks the rules makes one.
  const Entry* find(const NodeId& id) const {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return nullptr;
    const Entry& entry = found->second;
    return entry.place.empty() || entry.metadata.empty() ? nullptr : &entry;
  }

  void find_parents() {
    for (const auto& [id, entry] : entries_) {
      if (find(id) != nullptr) parent_[id] = entry.place.winner().value.parent;
    }
  }

  // Each round cuts every cycle that there is at one place; an entry is moved twice at most, to its previous
  // parent and to the root, so it ends.
  void cut_cycles() {
    std::map<NodeId, int> times_cut;
    for (bool found = true; found;) {
      found = false;
      std::set<NodeId> seen;
      for (const auto& [id, entry] : entries_) {
        if (seen.contains(id)) continue;
        std::vector<NodeId> way;
        std::set<NodeId> on_way;
        NodeId at = id;
        while (at != kRoot && parent_.contains(at) && !seen.contains(at) && on_way.insert(at).second) {
          way.push_back(at);
          at = parent_[at];
        }
        seen.insert(way.begin(), way.end());
        if (!on_way.contains(at)) continue;
        const auto begin = std::find(way.begin(), way.end(), at);
        const NodeId lowest = *std::min_element(begin, way.end(), [&](const NodeId& a, const NodeId& b) {
          const Version<Place>& x = find(a)->place.winner();
          const Version<Place>& y = find(b)->place.winner();
          return std::pair(x.lamport, x.dot) < std::pair(y.lamport, y.dot);
        });
        const bool again = times_cut[lowest]++ > 0;
        parent_[lowest] = again ? kRoot : find(lowest)->place.winner().value.previous_parent;
        found = true;
      }
    }
    // Nothing lies in a file.
    for (auto& [id, parent] : parent_) {
      for (std::size_t steps = 0; steps <= entries_.size() && parent != kRoot; ++steps) {
        const Entry* entry = find(parent);
        if (entry == nullptr || is_directory(*entry)) break;
        parent = parent_[parent];
      }
    }
  }

  static Knowledge seen_by_deletions(const Entry& entry) {
    Knowledge seen;
    for (const Version<Deletion>& deletion : entry.deletion.versions()) seen.add(deletion.value.seen);
    return seen;
  }

  // The contents that no deletion has seen, and those that somebody moved unseen; the winner first. Others
  // may be nowhere any longer.
  static std::vector<Version<Content>> contents_left(const Entry& entry) {
    const Knowledge seen = seen_by_deletions(entry);
    const auto& places = entry.place.versions();
    std::vector<Version<Content>> left = entry.content.versions();
    std::erase_if(left, [&](const Version<Content>& version) {
      return seen.covers(version.dot) && std::ranges::none_of(places, [&](const Version<Place>& place) {
               return !seen.covers(place.dot) && place.value.content == version.dot;
             });
    });
    return left;
  }

  void find_living() {
    for (const auto& [id, entry] : entries_) {
      if (!parent_.contains(id) || contents_left(entry).empty()) continue;
      below_[parent_[id]].push_back(id);
      living_.insert(id);
    }
    // Directories that were deleted around something that lives.
    for (const NodeId& id : std::vector<NodeId>(living_.begin(), living_.end())) {
      for (NodeId at = parent_[id]; at != kRoot && find(at) != nullptr && living_.insert(at).second;
           at = parent_[at]) {
        below_[parent_[at]].push_back(at);
      }
    }
  }

  void show_below(const NodeId& directory, const Members& members) {
    std::map<std::string, std::vector<NodeId>> slots;
    for (const NodeId& member : members) {
      const auto found = below_.find(member);
      if (found == below_.end()) continue;
      for (const NodeId& id : found->second) {
        slots[find(id)->place.winner().value.name].push_back(id);
      }
    }
    std::vector<Candidate> renamed;
    std::set<std::string> taken;
    for (auto& [name, ids] : slots) {
      std::sort(ids.begin(), ids.end());
      taken.insert(name);
      show_slot(directory, ids, renamed);
    }
    std::sort(renamed.begin(), renamed.end(),
              [](const Candidate& a, const Candidate& b) { return a.shown.id < b.shown.id; });
    for (Candidate& candidate : renamed) {
      const std::string name = candidate.shown.name;
      std::size_t attempt = 0;
      do {
        candidate.shown.name = conflict_name(name, candidate.shown.content_dot, attempt++);
      } while (!taken.insert(candidate.shown.name).second);
      show(std::move(candidate));
    }
  }

  // One of the entries with this name keeps it.
  void show_slot(const NodeId& directory, const std::vector<NodeId>& ids, std::vector<Candidate>& renamed) {
    std::vector<Candidate> candidates;
    for (const NodeId& id : ids) unify(candidates, candidate_of(directory, id));
    const auto keeper =
        std::max_element(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
          const bool a_directory = a.shown.content.kind == NodeKind::kDirectory;
          const bool b_directory = b.shown.content.kind == NodeKind::kDirectory;
          if (a_directory != b_directory) return b_directory;
          return a.newest < b.newest;
        });
    for (Candidate& candidate : candidates) add_conflict_copies(candidate, renamed);
    for (auto candidate = candidates.begin(); candidate != candidates.end(); ++candidate) {
      if (candidate == keeper) {
        show(std::move(*candidate));
      } else {
        renamed.push_back(std::move(*candidate));
      }
    }
  }

  Candidate candidate_of(const NodeId& directory, const NodeId& id) const {
    const Entry& entry = *find(id);
    const std::vector<Version<Content>> left = contents_left(entry);
    // None of a directory that only lives for what lies in it.
    const Version<Content> content = left.empty() ? entry.content.winner() : left.front();
    Candidate candidate;
    candidate.shown.id = id;
    candidate.shown.parent = directory;
    candidate.shown.name = entry.place.winner().value.name;
    candidate.shown.content = content.value;
    candidate.shown.content_dot = content.dot;
    candidate.shown.metadata = entry.metadata.winner().value;
    candidate.newest = {content.lamport, content.dot};
    candidate.members = {id};
    return candidate;
  }

  // Candidates come in the order of their ids, so the lowest of those that are one is there first.
  static void unify(std::vector<Candidate>& candidates, Candidate candidate) {
    for (Candidate& other : candidates) {
      if (!other.shown.content.same_bytes(candidate.shown.content)) continue;
      other.members.push_back(candidate.shown.id);
      other.newest = std::max(other.newest, candidate.newest);
      return;
    }
    candidates.push_back(std::move(candidate));
  }

  void add_conflict_copies(const Candidate& candidate, std::vector<Candidate>& renamed) {
    std::vector<Content> kept = {candidate.shown.content};
    for (const NodeId& member : candidate.members) {
      for (const Version<Content>& losing : contents_left(*find(member))) {
        const bool is_kept = std::any_of(kept.begin(), kept.end(), [&](const Content& content) {
          return content.same_bytes(losing.value);
        });
        const NodeId id = conflict_id(losing.dot);
        if (is_kept || losing.value.kind == NodeKind::kDirectory || entries_.contains(id)) continue;
        kept.push_back(losing.value);
        Candidate copy = candidate;
        copy.shown.id = id;
        copy.shown.content = losing.value;
        copy.shown.content_dot = losing.dot;
        copy.shown.is_conflict_copy = true;
        copy.members.clear();
        view_.conflict_origin.emplace(id, member);
        renamed.push_back(std::move(copy));
      }
    }
  }

  void show(Candidate candidate) {
    const NodeId id = candidate.shown.id;
    for (const NodeId& member : candidate.members) view_.shown_as.emplace(member, id);
    view_.children[candidate.shown.parent].emplace(candidate.shown.name, id);
    if (candidate.shown.content.kind == NodeKind::kDirectory) queue_.emplace_back(id, candidate.members);
    if (!candidate.members.empty()) view_.members.emplace(id, std::move(candidate.members));
    view_.shown.emplace(id, std::move(candidate.shown));
  }

  const std::map<NodeId, Entry>& entries_;
  std::map<NodeId, NodeId> parent_;
  std::set<NodeId> living_;
  std::map<NodeId, std::vector<NodeId>> below_;  // what lives, by its parent
  std::vector<std::pair<NodeId, Members>> queue_;
  ReferenceView view_;
};

}  // namespace

ReferenceView reference_view_of(const std::map<NodeId, Entry>& entries) {
  return Builder(entries).build();
}

}  // namespace shoal::sync
