// FolderPicture: what a person sees who looks into a folder of a simulated host, and what the oracle is told
// of it. Contents go by a hash of their bytes: nobody in a simulation tries to forge one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/ports/folder.h"
#include "sim/host_index.h"

namespace shoal::sim {

using ContentKey = std::uint64_t;
ContentKey content_key(ByteView bytes);

// Every content that a person writes begins with a mark, so that a part of one is known for what it is.
inline constexpr std::size_t kContentMarkBytes = 8;
bool begins_with_mark(ByteView bytes);

struct FolderThing {
  FileKind kind = FileKind::kFile;
  ContentKey content = 0;  // of files
  bool marked = false;     // of files: begins_with_mark()
  friend bool operator==(const FolderThing&, const FolderThing&) = default;
};

// By path, without the folder's own directory.
using FolderPicture = std::map<std::string, FolderThing>;

// A person has written a content.
struct FolderWrite {
  std::uint32_t folder = 0;  // in the order of the workload
  HostIndex host = 0;
  std::string path;
  ContentKey content = 0;
  std::uint64_t bytes = 0;
};

// A member's disk, whether the member is online or not.
struct FolderMember {
  HostIndex host = 0;
  FolderPicture picture;
  std::optional<std::set<ContentKey>> trash;  // nothing: not looked into
  // Of a member that is online
  struct Running {
    Instant since{};
    std::optional<Id> fingerprint;  // of its tree; nothing: it has no folder yet
    std::uint64_t scans_started = 0, scans_ended = 0;
    std::string state;  // what its node says of it, in words; empty: it was not asked
  };
  std::optional<Running> running;
};

}  // namespace shoal::sim
