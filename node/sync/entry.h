// Entry: one file, directory or link of a folder, as replicas tell each other of it: four registers, each
// with all of its writes that no other write has replaced. Joining two states of an entry takes from both
// what the other does not know to be replaced; it is commutative, associative and idempotent, so the order in
// which replicas hear of changes does not matter (Shapiro et al. 2011).
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/base/id.h"
#include "node/sync/bounds.h"
#include "node/sync/dot.h"

namespace shoal::sync {

enum class NodeKind : std::uint8_t { kDirectory = 1, kFile = 2, kLink = 3 };

// Where an entry lies.
struct Place {
  NodeId parent;
  std::string name;        // one component: is_valid_name(); bytes, of which nothing is assumed
  NodeId previous_parent;  // before this write: where the entry shows when this write closes a cycle
  Dot content;             // the write of the content that was moved: this host had its bytes
  friend auto operator<=>(const Place&, const Place&) = default;
};

// Of a file: the root of its tree of parts (content_tree.h). Directories have none, and are never rewritten.
struct Content {
  NodeKind kind = NodeKind::kDirectory;
  Id root;                    // files
  std::uint8_t depth = 0;     // files
  std::uint64_t size = 0;     // files
  std::int64_t mtime_ns = 0;  // files; since the Unix epoch
  std::string target;         // links
  // Holds the same for whoever reads it, whenever it was written?
  bool same_bytes(const Content& other) const {
    return kind == other.kind && root == other.root && depth == other.depth && size == other.size &&
           target == other.target;
  }
  friend auto operator<=>(const Content&, const Content&) = default;
};

struct Metadata {
  std::uint32_t mode = 0;  // permission bits, 0777
  friend auto operator<=>(const Metadata&, const Metadata&) = default;
};

// The writes of place and content that a deletion has seen. What it has not seen survives it.
struct Deletion {
  Knowledge seen;
  friend auto operator<=>(const Deletion&, const Deletion&) = default;
};

// `lamport` is the time of the change where its host has a clock (Stamp), so of concurrent writes the newest
// wins. Nothing else depends on it: what a write has seen it replaces, whatever the times are.
template <class V>
struct Version {
  Dot dot;
  std::uint64_t lamport = 0;
  V value;
  friend bool operator==(const Version&, const Version&) = default;
};

template <class V>
class Register {
 public:
  // Concurrent writes, the winner first: by (lamport, replica, counter), the highest first. Empty: never
  // written.
  const std::vector<Version<V>>& versions() const { return versions_; }
  bool empty() const { return versions_.empty(); }
  // Precondition: !empty().
  const Version<V>& winner() const { return versions_.front(); }
  // The writes that are here, and all those that they replaced.
  const Knowledge& context() const { return context_; }

  // A write by somebody who has seen all that is here.
  void write(Version<V> version) {
    context_.add(version.dot);
    versions_.clear();
    versions_.push_back(std::move(version));
  }
  // A write that replaces one of the concurrent writes, if it is one of them; the others stay.
  void write(Version<V> version, const Dot& replaced);
  // One of the concurrent writes goes, and nothing takes its place.
  void drop(const Dot& dot);
  bool has(const Dot& dot) const;
  // True when this has changed. `keeps_all`: also what the other seems to have seen go.
  bool join(const Register& other, bool keeps_all = false);
  // As decoded from the wire: sorts, and drops what is there twice.
  static Register from_parts(std::vector<Version<V>> versions, Knowledge context);

  friend bool operator==(const Register&, const Register&) = default;

 private:
  static bool before(const Version<V>& a, const Version<V>& b) {
    if (a.lamport != b.lamport) return a.lamport > b.lamport;
    return a.dot > b.dot;
  }
  void sort();

  std::vector<Version<V>> versions_;
  Knowledge context_;
};

struct Entry {
  NodeId id;
  Register<Place> place;
  Register<Content> content;
  Register<Metadata> metadata;
  Register<Deletion> deletion;
  Bytes signature;  // room for keys that may only read: empty, and carried as it is

  // True when this has changed. Entries that have heard of the same writes hold the same, unless one of them
  // was damaged: then what either still holds stays, and of two values of one write the greater.
  bool join(const Entry& other);
  // Every dot that is the dot of a write here, in no order and without repeats.
  std::vector<Dot> dots() const;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// A name that may be a component of a path: 1 to kNameBytesMax bytes, no '/' and no NUL, neither "." nor
// "..", and not the folder's own directory (kPrivateDirectory).
bool is_valid_name(std::string_view name);
inline constexpr std::string_view kPrivateDirectory = ".shoal";

}  // namespace shoal::sync
