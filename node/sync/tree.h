// Tree: all entries of a folder, and what they look like as a directory tree: a pure function of the entries'
// registers, so replicas that know the same show the same, whatever order they heard it in (DESIGN §9).
//
// What is shown:
// - An entry lives while it has a content that no deletion has seen, or that was moved by somebody whom no
//   deletion has seen; a directory also while something living lies in it. So an edit, a move, or a new file
//   in it beats a deletion. A content that was edited and then deleted is gone, also for a host that moved
//   what it had been before: nobody need have its bytes.
// - Its place is the winner of its place register. Moves of directories that close a cycle: the cycle is cut
//   at the move with the lowest (lamport, replica, counter), whose directory shows under the parent it had
//   before that move, or the root when that does not help (after Kleppmann et al. 2021).
// - An entry whose parent is unknown (it comes later) is not shown. One whose parent is a file shows in the
//   directory of that file.
// - Entries with the same parent and the same name, after case folding and NFC (fold_name): directories are
//   one, under the id that is lowest, and their children are its children; files, or links, of the same
//   bytes are one, under the lowest id. All others stay beside each other: the directory, else the entry
//   whose content has the highest (lamport, dot), keeps the name, and the others are shown under a
//   conflict_name.
// - A file with several concurrent contents shows the winner's; each other one (of other bytes) is shown
//   beside it as a conflict copy, under conflict_id of its dot and a conflict_name. What a person then does
//   to the copy makes an entry of it (see local_changes.h).
//
// Cost: joining an entry takes O(depth log n), whatever lies below it (view.h). Memory: about 1.2 kB an
// entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/base/result.h"
#include "node/sync/entry.h"

namespace shoal::sync {

// One thing of the folder, as it should be on the disk.
struct Shown {
  NodeId id;      // of the entry, or of a conflict copy
  NodeId parent;  // as shown: an id that is shown, or kRoot
  std::string name;
  Content content;
  Dot content_dot;  // of the write that `content` is
  Metadata metadata;
  bool is_conflict_copy = false;
  friend bool operator==(const Shown&, const Shown&) = default;
};

// Something shown that had to give way to another of its name.
struct Conflict {
  NodeId id;
  NodeId winner;
  friend bool operator==(const Conflict&, const Conflict&) = default;
};

// Of the entries that one thing shown stands for (those of unified directories or files), all.
using Members = std::vector<NodeId>;

struct ChangesPage {
  std::vector<Entry> entries;
  // With more to come: what to ask for the next page with. Else what whoever had asked knows, once it has
  // joined this page and those before.
  Knowledge knowledge;
  bool more = false;
};

// Of the entries whose ids come before `hi`, from where the range before it ends.
struct RangeSummary {
  NodeId hi;
  Id fingerprint;
  std::uint64_t count = 0;
  friend bool operator==(const RangeSummary&, const RangeSummary&) = default;
};

class Tree {
 public:
  Tree();
  ~Tree();
  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;

  const Entry* find(const NodeId& id) const;
  std::size_t size() const;
  // The highest there is.
  std::uint64_t lamport() const;

  // True when the entry told something new.
  bool join(const Entry& entry);

  // What is shown under this id; nothing when it is dead, unknown or unified with another.
  std::optional<Shown> shown(const NodeId& id) const;
  // In the order of names. `directory` is an id that is shown, or kRoot.
  std::vector<Shown> children(const NodeId& directory) const;
  // What is shown there under this very name.
  std::optional<Shown> child(const NodeId& directory, const std::string& name) const;
  // The ids of all conflict copies that are no entries yet and are shown, in order.
  std::vector<NodeId> conflict_copies() const;
  // The id under which this entry is shown: its own, or that of the entry it is unified with; nothing when it
  // is not shown.
  std::optional<NodeId> shown_as(const NodeId& id) const;
  // The entries that the shown id stands for, itself first; for a conflict copy that is no entry yet, none.
  Members members(const NodeId& shown) const;
  // For a conflict copy that is no entry yet: the entry of which it is a losing content.
  std::optional<NodeId> conflict_origin(const NodeId& id) const;

  // Conflict copies, and entries that others of their name have ousted: in the order of their ids.
  std::vector<Conflict> conflicts() const;

  // The ids whose `shown` may be another than when last taken (or that were never taken), in order. Includes
  // conflict copies, and everything below a directory that has come to life or died; not what lies in a
  // directory that has only moved.
  std::vector<NodeId> take_changed();

  // The entries that somebody with this knowledge lacks, about `bytes_max` bytes of them (entry_bytes), in
  // the order of (replica, counter); `mine` is what this tree is known to be complete up to.
  ChangesPage changes_since(const Knowledge& known, const Knowledge& mine, std::size_t bytes_max) const;

  // Independent of order: the sum, modulo 2^256, of SHA-256(entry bytes) over all entries; kept up to date by
  // join (SYNC-17). Of a range of ids: lo <= id < hi.
  Id fingerprint() const;
  Id range_fingerprint(const NodeId& lo, const NodeId& hi) const;
  // The range in 1 to `ranges_max` parts of about as many entries each, in order; the last ends at `hi`.
  // O(entries in the range).
  std::vector<RangeSummary> divide(const NodeId& lo, const NodeId& hi, std::size_t ranges_max) const;
  // The first entries of the range, in the order of ids, about `bytes_max` bytes of them (entry_bytes), at
  // least one. Says nothing of knowledge.
  ChangesPage entries_in(const NodeId& lo, const NodeId& hi, std::size_t bytes_max) const;

  // In the order of ids.
  std::vector<NodeId> ids() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Canonical: equal entries have equal bytes, whatever the order in which they were joined. For the index and
// the fingerprint. Decoding checks every bound and rule of entry.h; error kMalformed.
Bytes encode_entry(const Entry& entry);
Result<Entry> decode_entry(ByteView bytes);
Bytes encode_knowledge(const Knowledge& knowledge);
Result<Knowledge> decode_knowledge(ByteView bytes);

// Entries of one message: a table of replicas, then entries that name them by index, so that an entry costs
// about 60 bytes and its name (SYNC-20). decode_entries refuses more than `entries_max`.
Bytes encode_entries(const std::vector<Entry>& entries);
Result<std::vector<Entry>> decode_entries(ByteView bytes, std::size_t entries_max);
// What an entry adds to such a message, at most.
std::size_t entry_bytes(const Entry& entry);

// Equal for names that a person, or another system, takes for the same: full case folding and NFC of UTF-8;
// bytes that are no UTF-8 stay as they are.
std::string fold_name(std::string_view name);
// "report (restored).txt": `name` with the mark before its extension, cut to kNameBytesMax at the boundary of
// a character. Precondition: the mark is short.
std::string marked_name(std::string_view name, std::string_view mark);
// "report (conflict 1f2e3d4c-17).txt": marked with the dot's short replica and counter. Where a name is taken
// another attempt, from 1 on, has its number behind the counter.
std::string conflict_name(std::string_view name, const Dot& dot, std::size_t attempt = 0);

}  // namespace shoal::sync
