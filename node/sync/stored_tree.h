// A directory tree as hash items of the DHT (DESIGN §9): what `shoal put --tree` stores and `shoal get`
// reads.
//
//   link ─► head ─► listing of the root ─► contents of its files, listings of its directories ─► …
//
// Contents and listings are trees of parts and pages (content_tree.h); each part, each page and the head is
// a hash item, and every name in the tree is the location of one, so whoever has the link can verify all.
//
//   head      public: 73 bytes of content. Encrypted: tag 32 | the same, XORed
//   content   location of the root 32 | depth u8 | size u64 | plain root 32
//   listing   version u8 (1) | entries below u64 | bytes of files below u64 | entries in the order of names:
//             kind u8 | name, length u32 | then  directory: mode u32 | content
//                                                file: mode u32 | mtime, ns, i64 | content
//                                                link: target, length u32
//
// The plain root is that of the content before it was encrypted. Encrypted items are XORed with ChaCha20
// (RFC 8439) under a key for each content, derived from the link's key and the plain root, the nonce being
// depth u32 | offset u64 of the part or page. So no key and nonce ever serve two plain texts, and what is put
// again under the same key is the same item. The head's key is derived from its tag, a MAC of what it says,
// for the same reason (a synthetic IV, after Rogaway and Shrimpton 2006).
//
// Whoever holds an item sees its length and nothing else of it. Lengths of parts follow from content, so one
// who has a file can tell by several of them whether it is likely to be the one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/result.h"
#include "node/secure/secret.h"
#include "node/sync/content_tree.h"
#include "node/sync/entry.h"

namespace shoal::sync {

// Of one directory: some 600,000 files.
inline constexpr std::uint64_t kListingBytesMax = std::uint64_t{64} << 20;

struct StoredContent {
  ContentName name;  // root and pages name items
  Id plain_root;
  friend bool operator==(const StoredContent&, const StoredContent&) = default;
};

struct StoredEntry {
  NodeKind kind = NodeKind::kFile;
  std::string name;           // is_valid_name()
  std::uint32_t mode = 0;     // permission bits, 0777; of directories and files
  std::int64_t mtime_ns = 0;  // of files
  StoredContent content;      // of directories (their listing) and files
  std::string target;         // of links
  friend bool operator==(const StoredEntry&, const StoredEntry&) = default;
};

struct StoredListing {
  std::uint64_t entries_below = 0;  // in this directory and all below it
  std::uint64_t bytes_below = 0;    // of all files among them
  std::vector<StoredEntry> entries;
  friend bool operator==(const StoredListing&, const StoredListing&) = default;
};

Bytes encode_listing(const StoredListing& listing);
// Error kMalformed: says which entry is wrong, and what was expected.
Result<StoredListing> decode_listing(ByteView bytes);

// What people hand over: "shoalt1…", with the key, or "shoalp1…" of a public tree.
struct TreeLink {
  Id head;                    // location of the head
  std::optional<Secret> key;  // nothing: the tree is public
  friend bool operator==(const TreeLink&, const TreeLink&) = default;

  // Does this look like one, right or wrong?
  static bool is_meant(std::string_view text);
  // Takes white space around it. Error kInvalidArgument: what is wrong with it, never the string itself.
  static Result<TreeLink> parse(std::string_view text);
  std::string to_string() const;  // 117 characters; 66 of a public tree
};

// Turns items of one content into what is stored, and back: the same step.
class ItemCipher {
 public:
  // Without a key, items are stored as they are.
  ItemCipher(const std::optional<Secret>& key, const Id& plain_root);
  void apply(std::uint8_t depth, std::uint64_t offset, MutableByteView item) const;

 private:
  std::optional<Secret> key_;
};

Bytes seal_head(const std::optional<Secret>& key, const StoredContent& root);
// Error kMalformed: not a head, or not of this key.
Result<StoredContent> open_head(const std::optional<Secret>& key, ByteView head);

}  // namespace shoal::sync
