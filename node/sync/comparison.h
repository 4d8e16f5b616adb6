// Comparison: what a listing of a directory says that the DiskState does not: the half of the merge that asks
// what a person has done. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "node/ports/folder.h"
#include "node/sync/disk_state.h"

namespace shoal::sync {

struct Listing {
  NodeId directory;
  std::vector<DirectoryEntry> entries;
};

struct Difference {
  enum class Kind : std::uint8_t {
    kNew,         // something is there that was not
    kTouched,     // a file's stat is another: its bytes may be, and must be hashed
    kMode,        // only the permission bits are others, or the inode of a link
    kRemade,      // the directory of this name is another one: made again, copied, or moved here
    kTarget,      // a link leads elsewhere
    kCovered,     // a mount, device, socket or FIFO is in its place; nobody can see what lies under it
    kVanished,    // something is not there any longer
    kForgotten,   // the same of an ignored name: nobody deleted it from the folder
    kUnsyncable,  // a mount, device, socket or FIFO, or a name that no folder may have
  };
  Kind kind = Kind::kNew;
  NodeId id;         // of what was there; kNew, kUnsyncable: of the directory
  std::string name;  // kNew, kUnsyncable
  FileStat stat;     // as it is now
};

// Is this name of the directory to be passed over?
using IsIgnored = std::function<bool(const std::string& name, bool is_directory)>;

// In the order of names. What was known and has become something of another kind has vanished, and is new.
// Ignored names are not new.
std::vector<Difference> compare(const DiskState& disk, const Listing& listing, const IsIgnored& is_ignored);

}  // namespace shoal::sync
