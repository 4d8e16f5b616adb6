// Bounds on what one member of a folder can cause on the hosts of the others (DESIGN §12). They are checked
// before anything is joined, at a write as at a receipt. Nothing is dropped to stay within them: what passes
// a bound is left out whole, is told (folder status, counters), and stops the sync of nothing else.
//
// - A longer name, or target of a link: the page that has it is refused as malformed. A page, or a pull, of
//   too many entries: likewise (ClientFileStateSync).
// - An entry that would become longer than kReceivedEntryBytesMax stays as it is: "too_many_versions".
// - A change of this host's own that has no room in kEntryBytesMax is not told: "too_many_versions".
// - More replicas than kReplicasMax: what the others write is joined, but does not count as known, so it is
//   fetched again with each pull: "too_many_replicas".
// - Entries of one name, versions of one entry, depth: none. The work for n of them is O(n log n) (view.h).
#pragma once

#include <cstddef>

namespace shoal::sync {

inline constexpr std::size_t kNameBytesMax = 255;
inline constexpr std::size_t kLinkBytesMax = 4095;  // of a symbolic link's target

// Hosts of a folder, and their replicas of earlier times. What two hosts know together fits a message.
inline constexpr std::size_t kReplicasMax = 700;
// Of encoded knowledge, for each replica: its id, its index of at most 2 bytes, its counter of at most 9.
inline constexpr std::size_t kKnownReplicaBytesMax = 16 + 2 + 9;
inline constexpr std::size_t kKnownBytesMax = kReplicasMax * kKnownReplicaBytesMax + 8;

// An encoded entry fits one message, together with knowledge. A version of a file's content by a replica of
// its own takes about 75 bytes: so about 500 hosts may edit one file apart.
inline constexpr std::size_t kEntryBytesMax = 44'000;
// The rest is for this host, so that a person can always settle a conflict.
inline constexpr std::size_t kReceivedEntryBytesMax = 38'000;

}  // namespace shoal::sync
