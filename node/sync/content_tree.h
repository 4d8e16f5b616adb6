// The content of a file as a tree of parts (DESIGN §9). A file is named by (root, depth, size):
//
//   depth 0   the file is one part (at most kPartBytesMax bytes; empty: no bytes at all), root its SHA-256
//   depth 1   root is the SHA-256 of a page, whose rows name parts
//   depth n   ... whose rows name pages of depth n - 1
//
// A page is rows of 40 bytes: SHA-256 32 | bytes of the file below it 8 (big-endian). Pages are cut by
// content too, where the last hash of a row says so (kRowsMin to kRowsMax, 8 KiB on average), so that a
// change in a file changes one page of each depth. Pages and parts are hash items of at most 64 KiB: whoever
// has the root can verify all below it. A file has one tree only: the least depth with one page at the top.
// What a reader can see of that in one page it checks (read_page); the rest shows when the whole is hashed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/result.h"

namespace shoal::sync {

inline constexpr std::size_t kRowBytes = 40;
inline constexpr std::size_t kRowsMin = 64;
inline constexpr std::size_t kRowsMax = 1600;  // 64,000 bytes
inline constexpr std::uint8_t kDepthMax = 6;   // any 512 TiB, even all in the least of parts and pages
inline constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 62;

struct PartRef {
  Id hash;
  std::uint64_t bytes = 0;  // of the file: of a part itself, or of all parts below a page
  friend bool operator==(const PartRef&, const PartRef&) = default;
};

struct ContentName {
  Id root;
  std::uint8_t depth = 0;
  std::uint64_t size = 0;
  friend auto operator<=>(const ContentName&, const ContentName&) = default;
};

// Gets a page, its depth, and where in the file begins what lies below it; gives what the row above names it
// by.
using PageNamer = std::function<Id(Bytes page, std::uint8_t depth, std::uint64_t offset)>;

// The tree above the parts of a file, in their order. `name_page` gets every page, the lowest depth first,
// each once in its order.
ContentName build_tree(std::span<const PartRef> parts, const PageNamer& name_page);
// Named by their hashes; `pages` (may be null) gets them.
ContentName build_tree(std::span<const PartRef> parts, std::vector<Bytes>* pages);

// The rows of a page. `depth` is the page's own (1: its rows are parts), `bytes` what its row, or the file's
// name, says lies below it. Error kMalformed: no whole rows, too many, a row of 0 bytes, over what its kind
// can have or, before the last, under it, a sum that is not `bytes`, or rows behind one that ends a page.
Result<std::vector<PartRef>> read_page(ByteView page, std::uint8_t depth, std::uint64_t bytes);

// Does a file with this name's size and depth exist at all? A peer says it, so it is checked before anything
// is allocated for it.
bool is_plausible(const ContentName& name);

// Takes a file's bytes in order and names them: for hashing a file that is read in pieces.
class ContentHasher {
 public:
  // At most 16 MiB at a time.
  void add(ByteView bytes);
  // The file is over. The parts are then complete.
  void end();
  ContentName finish();
  const std::vector<PartRef>& parts() const { return parts_; }
  std::vector<PartRef> take_parts() { return std::move(parts_); }
  std::uint64_t bytes_cut() const { return bytes_cut_; }  // that the parts have

 private:
  void cut(ByteView bytes, bool is_end);
  void add_part(ByteView bytes);
  Bytes rest_;  // not yet cut: less than kPartBytesMax
  std::vector<PartRef> parts_;
  std::uint64_t bytes_cut_ = 0;
};

// A stretch of a file, cut by itself as if a part began where it begins. So several can be cut at one time.
struct Stretch {
  std::uint64_t begin = 0;
  std::vector<PartRef> parts;  // the last may end where another stretch has begun, or is the file's last
};

// Fills `buffer` from an offset in the file. Fewer bytes: the file ends there.
using ReadAt = std::function<Result<std::size_t>(std::uint64_t offset, MutableByteView buffer)>;

// The parts of the whole file, of which these are all stretches, in their order, the first from 0 on. Where
// one follows another, parts are cut anew until a cut of both is found: a few, unless the file repeats
// itself. Errors are those of `read`.
Result<std::vector<PartRef>> join_stretches(std::vector<Stretch> stretches, const ReadAt& read);

}  // namespace shoal::sync
