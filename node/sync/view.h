// View: what the entries of a Tree look like as a directory tree (the rules stand in tree.h). A pure function
// of the entries, brought up to date by what has changed in them:
//
//   entry --(winner of place, cycles cut)--> parent --(never a file)--> container --(unified)--> head
//
// What lives lies in the slot (container, name). A slot that changes is looked at again: which of its
// directories are one (all slots of these then change too), and which things have to give way. What a slot
// with several ids or contents shows is kept (Crowd); what any other shows is made when somebody asks.
//
// Cost: changes of k entries are O((k + depth + c) log n), where c counts the entries and contents in the
// slots that they change, whatever lies below them; unless what lies there comes in sight, goes out of sight,
// or gets another parent because directories become one or part. While moves close cycles (never for long), a
// change of place costs O(n log n).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/sync/tree.h"

namespace shoal::sync {

// The contents of an entry that no deletion has seen, and those that somebody moved unseen; the winner first.
// Others may be nowhere any longer.
using Contents = std::vector<const Version<Content>*>;
Contents contents_left(const Entry& entry);

struct HashedEntry {
  Entry entry;
  Id hash;  // SHA-256 of encode_entry
};
using Entries = std::map<NodeId, HashedEntry>;

class View {
 public:
  // `entries` must outlive this.
  explicit View(const Entries& entries) : entries_(entries) {}
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  // The entry is new, or something in it is.
  void touch(const NodeId& id) { touched_.insert(id); }

  // As those of Tree. They look first at what was touched.
  std::optional<Shown> shown(const NodeId& id);
  std::vector<Shown> children(const NodeId& directory);
  std::optional<Shown> child(const NodeId& directory, const std::string& name);
  std::vector<NodeId> conflict_copies();
  std::optional<NodeId> shown_as(const NodeId& id);
  Members members(const NodeId& id);
  std::optional<NodeId> conflict_origin(const NodeId& id);
  std::uint64_t time_to_win(const NodeId& id);
  std::vector<Conflict> conflicts();
  std::vector<NodeId> take_changed();

 private:
  // Of an entry, as it was when last looked at.
  struct Node {
    Dot place_dot;
    NodeId pointer;    // the parent that the winner of its place names
    NodeId parent;     // once cycles are cut
    NodeId container;  // once nothing lies in files
    std::string name;  // slots_ point at it: assigned only while this is in no slot
    bool is_usable =
        false;  // else it lacks a register: only a peer that breaks the rules makes such an entry
    bool is_directory = false;
    bool lives_itself = false;
    bool is_attached = false;    // lies in its slot: it lives, itself or by what lies in it
    bool is_in_sight = false;    // and all directories from the root to it are known
    std::vector<NodeId> copies;  // conflict ids of all its contents, when it has several
  };
  // What lies in a container: the names (those of the nodes), and the ids of each in order.
  using Slots = std::set<std::pair<std::string_view, NodeId>>;
  using Slot = std::pair<NodeId, std::string>;
  // One thing that wants the name of its slot.
  struct Thing {
    NodeId id;
    const Entry* entry = nullptr;  // gives name and metadata
    const Version<Content>* content = nullptr;
    Members members;  // none: a conflict copy
    NodeId origin;    // of a conflict copy
    bool keeps_name = false;
    std::pair<std::uint64_t, Dot> newest;  // of the writes of its content, by (lamport, dot)
  };
  // All that is shown for a slot with several ids or contents.
  struct Crowd {
    std::vector<Thing> things;
    std::map<NodeId, std::size_t> by_id;  // things, and their members
    std::size_t keeper = 0;               // of the name
  };
  // A thing that is shown, and where.
  struct Found {
    NodeId directory;
    const Crowd* crowd = nullptr;
    std::size_t at = 0;  // in it
    Thing lone;          // without a crowd
    const Thing& thing() const { return crowd != nullptr ? crowd->things[at] : lone; }
  };
  // The names of those in a directory that had to give way.
  struct Renames {
    std::map<NodeId, std::string> names;
    std::map<std::string, NodeId> ids;
  };

  Node* node(const NodeId& id);
  bool lives(const NodeId& id, const Node& node) const;
  void settle();

  // Places (view_places.cpp)
  bool read(const NodeId& id, std::set<NodeId>& kind_changed);
  void read_contents(const NodeId& id, const Entry& entry, Node& node);
  bool close_cycle(const std::set<NodeId>& moved) const;
  void point(const std::set<NodeId>& moved, std::set<NodeId>& to_place);
  void set_parent(const NodeId& id, const NodeId& parent, std::set<NodeId>& to_place);
  std::map<NodeId, NodeId> cut_cycles();
  void place(std::set<NodeId> to_place, const std::set<NodeId>& kind_changed);
  void attach(NodeId id);
  void detach(NodeId id);
  void look_for_sight();
  void set_sight(const NodeId& id, bool is_in_sight);

  // Slots (view.cpp)
  NodeId head(const NodeId& directory) const;
  const Slots* slots_of(const NodeId& head) const;
  std::vector<NodeId> ids_in(const NodeId& head, std::string_view name) const;
  bool is_taken(const NodeId& head, std::string_view name) const;
  void part(const NodeId& directory);
  void unify(const std::vector<NodeId>& directories);
  void soil_all(const NodeId& directory);
  void soil(const Node& node) { dirty_.emplace(node.container, node.name); }
  void look_at_slots();
  void look_at(const NodeId& head, const std::string& name);
  void rename(const NodeId& head);
  Renames renames_of(const NodeId& head) const;
  void forget_renames(const NodeId& head);
  void mark(const NodeId& id, const Node& node);

  Thing thing_of(const NodeId& id) const;
  Crowd crowd_of(const std::vector<NodeId>& ids) const;
  void add_copies(std::size_t of, std::vector<Thing>& things) const;
  bool is_copy(const NodeId& id, const NodeId& origin) const;
  const Crowd* crowd_at(const NodeId& head, const std::string& name) const;
  bool is_open(const NodeId& directory);
  std::optional<Found> find(const NodeId& id);
  Shown show(const NodeId& directory, const Thing& thing) const;

  const Entries& entries_;
  std::set<NodeId> touched_;
  std::set<NodeId> changed_;

  std::map<NodeId, Node> nodes_;                 // of entries that have a place
  std::map<NodeId, std::set<NodeId>> pointing_;  // by Node::parent
  bool has_cuts_ = false;
  std::map<NodeId, Slots> slots_;               // by container
  std::map<NodeId, std::size_t> living_below_;  // by container; none is 0
  std::map<NodeId, std::set<NodeId>> origins_;  // by Node::copies
  std::set<NodeId> stirred_;                    // attached or detached, not yet looked at for sight
  std::set<Slot> dirty_;

  std::map<NodeId, NodeId> heads_;     // of directories shown under another id
  std::map<NodeId, Members> unified_;  // by head, itself first; of those that are more than one
  std::map<NodeId, Slots> merged_;     // by head, of the same: the slots of all
  std::map<NodeId, std::map<std::string, Crowd>> crowds_;  // by head and name
  std::map<NodeId, Renames> renames_;                      // by head
  std::set<NodeId> to_rename_;                             // heads
};

}  // namespace shoal::sync
