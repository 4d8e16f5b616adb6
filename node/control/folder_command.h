// What can be asked of the folders that a node keeps in sync, and what it answers: plain values, and the
// rules of the texts in them. Paths are bytes, as the file system has them, with '/' between names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/result.h"

namespace shoal {

inline constexpr std::size_t kGroupNameBytesMax = 64;
inline constexpr std::size_t kFolderPathBytesMax = 4096;  // PATH_MAX
// Digits of a group's id that name its folder.
inline constexpr std::size_t kFolderIdDigitsMin = 8;
// Of one FolderCommand.
inline constexpr std::size_t kIgnorePatternsMax = 64;
inline constexpr std::size_t kIgnorePatternBytesMax = 1024;
// Rows of an answer, and the bytes of all paths in them: so it fits a line (protocol.h).
inline constexpr std::size_t kFolderRowsMax = 1000;
inline constexpr std::size_t kFolderRowBytesMax = 1024 * 1024;

// Keeps a directory in sync with the peers of a group, from now on and at each start.
struct AddFolderCommand {
  Id group;          // whose key the host has
  std::string root;  // absolute
  std::string name;  // is_group_name(); empty: the first 8 digits of the group's id
};

struct FolderCommand {
  enum class Verb : std::uint8_t {
    kList,       // FoldersResult
    kStatus,     // FolderStatusResult of `folder`, or of `path` and what lies beneath; without: FoldersResult
    kPause,      // FolderDoneResult, as the next three
    kResume,     // after a pause, be it the user's or the folder's own
    kRemove,     // from sync; the files stay
    kRescan,     // at once; `path` and what lies beneath, or all
    kConflicts,  // FolderConflictsResult
    kRestore,    // RestoreResult: `path` as it was at `at`, or as it was last
    kTrash,      // FolderTrashResult
    kIgnore,     // FolderIgnoreResult, after `patterns` have been added
    kVerify,     // FolderVerifyResult: compares `path` and what lies beneath, or all, with what was written
  };
  Verb verb = Verb::kList;
  std::string folder;     // its name, or the first digits of its group's id; see find_folder()
  std::string directory;  // or its root, absolute: what was typed, taken as a path
  std::string path;       // folder_path(); empty: all
  std::optional<WallTime> at;
  std::vector<std::string> patterns;  // lines of the local ignore file, without newlines
  std::uint64_t pass = 0;             // kVerify: how far this one is; 0: one is begun
};

// A pass over the files and the index of a folder that looks for silent damage.
struct FolderVerification {
  std::uint64_t number = 0;  // of the passes since the node's start
  std::string path;          // of a person's: this and what lies beneath; empty: all
  WallTime began{};
  std::optional<WallTime> ended;
  std::uint64_t files = 0;  // that there are, and their bytes, when it began
  std::uint64_t bytes = 0;
  std::uint64_t files_checked = 0;
  std::uint64_t bytes_checked = 0;
  std::uint64_t files_damaged = 0;
  std::uint64_t files_repaired = 0;    // of the damaged
  std::uint64_t files_unreadable = 0;  // that could not be opened
  std::uint64_t rows_repaired = 0;     // of the index, from memory or from peers
  std::uint64_t peers_equal = 0;       // that hold the same, by their sums
  std::uint64_t peers_at_odds = 0;
};
// 0 to 100; 100 only when it has ended.
double percent_done(const FolderVerification& pass);
// Something is damaged still, could not be read, or differs from a peer.
bool has_found_trouble(const FolderVerification& pass);

struct FolderStatus {
  enum class State : std::uint8_t { kScanning, kSyncing, kInSync, kPaused, kWaiting, kStopped };
  Id group;
  std::string name;
  std::string root;
  State state = State::kStopped;
  std::string reason;     // for programs, in snake_case: "root_missing"; empty: none
  std::string next_step;  // for people: one sentence; empty: nothing is to be done
  std::uint64_t entries = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t files_needed = 0;
  std::uint64_t bytes_needed = 0;
  std::uint64_t bytes_done = 0;  // of the present round; bytes_needed are left
  std::optional<Duration> eta;
  std::size_t peers_connected = 0;
  bool watching = false;  // else changes are found by scans only
  std::uint64_t conflicts = 0;
  // Hosts of the folder that were cloned, or rolled back to a snapshot, and wrote on beside what they had
  // written before.
  std::uint64_t forked_replicas = 0;
  std::optional<WallTime> last_scan;
  std::uint64_t files_damaged = 0;  // now
  std::optional<FolderVerification> verifying;
  std::optional<FolderVerification> verified;  // last
  std::uint64_t damage_found = 0;              // files, since the node's start
  std::uint64_t damage_repaired = 0;
};
const char* to_string(FolderStatus::State state);  // "scanning", "in_sync", …
const char* to_string(FolderCommand::Verb verb);   // "list", "status", …

// A folder that has stopped, by itself or by its user, or that holds files back ("disk_full") or has damaged
// ones ("damaged"): as in FolderStatus.
struct FolderStop {
  Id group;
  std::string name;
  std::string root;
  std::string reason;
  std::string next_step;
};

// A path that is not in sync.
struct FolderPathStatus {
  std::string path;
  std::string cause;           // one word, in snake_case: "no_peer_has_it"
  std::string next_step;       // as above
  std::vector<Id> who_has_it;  // hosts; some of them, when they are many
};

struct AddFolderResult {
  FolderStatus folder;
};
struct FoldersResult {
  std::vector<FolderStatus> folders;
};
struct FolderStatusResult {
  FolderStatus folder;
  std::vector<FolderPathStatus> paths;
  bool more = false;  // there are more of them; as in the results below
};
struct FolderConflictsResult {
  struct Conflict {
    std::string path;     // of the conflict copy
    std::string of_path;  // of the version that won
    std::string replica;  // the first 8 digits of whose version the copy is
    std::optional<WallTime> when;
  };
  std::vector<Conflict> conflicts;
  bool more = false;
};
struct FolderTrashResult {
  struct Deleted {
    std::string path;
    WallTime deleted_at{};  // or overwritten
    std::uint64_t bytes = 0;
  };
  std::vector<Deleted> deleted;
  bool more = false;
};
struct RestoreResult {
  std::string path;         // of the file, or of the directory
  std::uint64_t files = 0;  // that came back
};
struct FolderIgnoreResult {
  std::vector<std::string> lines;  // all of the local ignore file
};
struct FolderVerifyResult {
  FolderVerification pass;
  std::vector<FolderPathStatus> damaged;  // found by it, and damaged still
  bool more = false;
};
struct FolderDoneResult {
  FolderStatus folder;  // after it; remove: before it
};

// 1 to kGroupNameBytesMax of a-z A-Z 0-9 . _ -, not beginning with a dot.
bool is_group_name(std::string_view name);

// The path as commands carry it: without "./" before and '/' after it. Error kInvalidArgument: it is
// absolute, has a name that is empty, ".", "..", over 255 bytes or holds NUL, or is over kFolderPathBytesMax.
Result<std::string> folder_path(std::string_view typed);

// A line for the ignore file: 1 to kIgnorePatternBytesMax bytes of clean text.
bool is_ignore_pattern(std::string_view pattern);

// Which of them a command means: by name, else by its root, else by the group's id. The place in `folders`.
// Errors kNotFound, kInvalidArgument (the digits fit several), with a sentence that says what there is.
Result<std::size_t> find_folder(std::span<const FolderStatus> folders, const FolderCommand& command);

// "2026-11-28T09:30:00Z", "2026-11-28T09:30Z", or "2026-11-28" for its first moment. Error kInvalidArgument.
Result<WallTime> parse_utc_time(std::string_view text);

// True for UTF-8 (RFC 3629) without control characters and those that turn the writing direction.
bool is_clean_text(std::string_view bytes);
// For a person's eye, and to be typed again in a shell: clean text as it is, else $'…' with \xNN for each
// byte that is not (bash, "ANSI-C Quoting").
std::string shown(std::string_view bytes);

}  // namespace shoal
