// LocalChanges: makes entries of what a person did on this replica's disk. Each function returns the new
// states of the entries that are to be joined, with the given dot on every register that was written; several
// entries of one change get consecutive dots, from `stamp` on, which is advanced.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "node/sync/tree.h"

namespace shoal::sync {

// The next dot of this replica, and when the change was made.
//
// A write's Lamport time is that of the change, in ms since the Unix epoch, so of writes made apart the
// newest has the highest (entry.h). A content has its mtime, unless that lies before 1970-01-01 00:00:01
// (none was set) or in the future; then, as all else, it has the time at which the file's inode changed, and
// none is later than this host's clock. A write over one that it has seen replaces it whatever the times are,
// and takes no time from it: one from a wrong clock does not outlive it.
struct Stamp {
  ReplicaId replica;
  std::uint64_t counter = 1;
  std::uint64_t lamport = 1;     // of the next change while now_ms is 0
  std::uint64_t now_ms = 0;      // this host's clock; 0: there is none
  std::uint64_t changed_ms = 0;  // at most now_ms
  Dot take() { return {replica, counter++}; }
};

// All ids are ids that `tree` shows (or kRoot for parents).
Entry created(Stamp& stamp, const NodeId& parent, std::string name, Content content, Metadata metadata);
// New bytes, a new time, or a new target, over those that the write `base` had given: what the disk held
// until then. Only that write is replaced; when the tree has another by now, of which the person had not seen
// anything, the two are concurrent. Of unified files the one that is shown gets the content, and the others
// are deleted. Of a conflict copy an entry is made (its id stays), and the origin no longer has it.
std::vector<Entry> edited(const Tree& tree, Stamp& stamp, const NodeId& id, const Dot& base, Content content);
// New bytes over all contents of an entry that the tree does not show.
Entry written_again(Stamp& stamp, Entry entry, Content content);
std::vector<Entry> mode_changed(const Tree& tree, Stamp& stamp, const NodeId& id, Metadata metadata);
// All members move together. `content` is the write that the disk held.
std::vector<Entry> moved(const Tree& tree, Stamp& stamp, const NodeId& id, const Dot& content,
                         const NodeId& parent, std::string name);
// Deletes this id and its members; not what lies in it, which has ids of its own. The deletion has seen of
// content and place the writes that the disk reflected, and those that they had replaced: what came later
// survives it.
// A member that `has_own_file` on this disk stays: it became one with the other after the person last saw it.
std::vector<Entry> deleted(const Tree& tree, Stamp& stamp, const NodeId& id, const Dot& content,
                           const Dot& place, const std::function<bool(const NodeId&)>& has_own_file);

}  // namespace shoal::sync
