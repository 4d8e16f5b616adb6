#include "node/sync/content_tree.h"

#include <algorithm>
#include <string>
#include <utility>

#include "node/base/big_endian.h"
#include "node/secure/keys.h"
#include "node/sync/chunker.h"

namespace shoal::sync {
namespace {

// A page ends behind a row whose hash ends so, once it has kRowsMin rows: 64 + 128 rows on average, 7.5 KiB.
constexpr std::uint8_t kRowMask = 0x7f;

std::size_t next_page_cut(std::span<const PartRef> rows) {
  const std::size_t end = std::min(rows.size(), kRowsMax);
  for (std::size_t i = std::min(kRowsMin, end); i < end; ++i) {
    if ((rows[i - 1].hash.bytes.back() & kRowMask) == 0) return i;
  }
  return end;
}

Bytes page_of(std::span<const PartRef> rows) {
  Bytes page;
  page.reserve(rows.size() * kRowBytes);
  for (const PartRef& row : rows) {
    page.insert(page.end(), row.hash.bytes.begin(), row.hash.bytes.end());
    append_u64(row.bytes, page);
  }
  return page;
}

// Bytes of the file that lie at least below one row of a page of this depth, unless they are the file's last.
std::uint64_t bytes_below_min(std::uint8_t depth) {
  std::uint64_t bytes = kPartBytesMin;
  for (std::uint8_t level = 1; level < depth; ++level) bytes *= kRowsMin;
  return bytes;
}

// Bytes of the file that can lie below one row of a page of this depth.
std::uint64_t bytes_below_max(std::uint8_t depth) {
  std::uint64_t bytes = kPartBytesMax;
  for (std::uint8_t level = 1; level < depth; ++level) {
    if (bytes > kFileBytesMax / kRowsMax) return kFileBytesMax;
    bytes *= kRowsMax;
  }
  return bytes;
}

}  // namespace

ContentName build_tree(std::span<const PartRef> parts, const PageNamer& name_page) {
  ContentName name;
  for (const PartRef& part : parts) name.size += part.bytes;
  if (parts.size() <= 1) {
    name.root = parts.empty() ? sha256({}) : parts.front().hash;
    return name;
  }
  std::vector<PartRef> rows(parts.begin(), parts.end());
  while (rows.size() > 1) {
    ++name.depth;
    std::vector<PartRef> above;
    std::uint64_t offset = 0;
    for (std::span<const PartRef> rest(rows); !rest.empty();) {
      const std::size_t count = next_page_cut(rest);
      PartRef row;
      for (const PartRef& below : rest.first(count)) row.bytes += below.bytes;
      row.hash = name_page(page_of(rest.first(count)), name.depth, offset);
      offset += row.bytes;
      above.push_back(row);
      rest = rest.subspan(count);
    }
    rows = std::move(above);
  }
  name.root = rows.front().hash;
  return name;
}

ContentName build_tree(std::span<const PartRef> parts, std::vector<Bytes>* pages) {
  return build_tree(parts, [pages](Bytes page, std::uint8_t, std::uint64_t) {
    const Id hash = sha256(page);
    if (pages != nullptr) pages->push_back(std::move(page));
    return hash;
  });
}

Result<std::vector<PartRef>> read_page(ByteView page, std::uint8_t depth, std::uint64_t bytes) {
  if (page.empty() || page.size() % kRowBytes != 0 || page.size() > kRowsMax * kRowBytes) {
    return fail(ErrorCode::kMalformed,
                "a page of " + std::to_string(page.size()) + " bytes: expected 1 to 1,600 rows of 40 bytes");
  }
  if (depth == 0 || depth > kDepthMax) {
    return fail(ErrorCode::kMalformed, "a page of depth " + std::to_string(depth) + ": expected 1 to 6");
  }
  const std::uint64_t below_min = bytes_below_min(depth);
  const std::uint64_t below_max = bytes_below_max(depth);
  std::vector<PartRef> rows;
  rows.reserve(page.size() / kRowBytes);
  std::uint64_t sum = 0;
  for (ByteView rest = page; !rest.empty(); rest = rest.subspan(kRowBytes)) {
    const PartRef row{Id::from_bytes(rest.first(kIdBytes)), read_u64(rest.subspan(kIdBytes))};
    const std::uint64_t least = rest.size() == kRowBytes ? 1 : below_min;
    if (row.bytes < least || row.bytes > below_max || row.bytes > kFileBytesMax - sum) {
      return fail(ErrorCode::kMalformed, "a row of " + std::to_string(row.bytes) + " bytes: expected " +
                                             std::to_string(least) + " to " + std::to_string(below_max));
    }
    sum += row.bytes;
    rows.push_back(row);
  }
  if (sum != bytes) {
    return fail(ErrorCode::kMalformed, "the rows of a page have " + std::to_string(sum) +
                                           " bytes together: expected " + std::to_string(bytes));
  }
  if (next_page_cut(rows) != rows.size()) {
    return fail(ErrorCode::kMalformed, "a page goes on behind a row that ends it");
  }
  return rows;
}

bool is_plausible(const ContentName& name) {
  if (name.depth > kDepthMax || name.size > kFileBytesMax) return false;
  if (name.depth == 0) return name.size <= kPartBytesMax;
  return name.size > bytes_below_min(name.depth) &&
         name.size <= bytes_below_max(static_cast<std::uint8_t>(name.depth + 1));
}

void ContentHasher::add(ByteView bytes) {
  if (rest_.empty()) {
    cut(bytes, false);
    return;
  }
  // What was left over, and as much as it takes to cut it off.
  while (!rest_.empty() && !bytes.empty()) {
    const std::size_t before = rest_.size();
    const std::size_t taken = std::min(bytes.size(), kPartBytesMax - before);
    rest_.insert(rest_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    const std::size_t length = next_cut(rest_, false);
    if (length == 0) return;
    add_part(ByteView(rest_).first(length));
    if (length >= before) {
      rest_.clear();
      bytes = bytes.subspan(length - before);
    } else {
      rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(length));
      rest_.resize(before - length);
    }
  }
  if (rest_.empty()) cut(bytes, false);
}

void ContentHasher::end() {
  const Bytes rest = std::exchange(rest_, {});
  cut(rest, true);
}

ContentName ContentHasher::finish() {
  end();
  return build_tree(parts_, nullptr);
}

void ContentHasher::add_part(ByteView bytes) {
  parts_.push_back({sha256(bytes), bytes.size()});
  bytes_cut_ += bytes.size();
}

void ContentHasher::cut(ByteView bytes, bool is_end) {
  while (!bytes.empty()) {
    const std::size_t length = next_cut(bytes, is_end);
    if (length == 0) break;
    add_part(bytes.first(length));
    bytes = bytes.subspan(length);
  }
  rest_.assign(bytes.begin(), bytes.end());
}

// What follows a cut depends on nothing before it: so from a cut on that both have, both go on alike.
Result<std::vector<PartRef>> join_stretches(std::vector<Stretch> stretches, const ReadAt& read) {
  std::vector<PartRef> parts;
  std::uint64_t position = 0;
  Bytes buffer(kPartBytesMax);
  for (Stretch& stretch : stretches) {
    auto next = stretch.parts.begin();
    std::uint64_t cut = stretch.begin;
    for (;;) {
      while (cut < position && next != stretch.parts.end()) cut += next++->bytes;
      if (cut <= position) break;
      const Result<std::size_t> count = read(position, buffer);
      if (!count) return tl::unexpected(count.error());
      if (*count == 0) return parts;
      const ByteView there = ByteView(buffer).first(*count);
      const std::size_t length = next_cut(there, *count < buffer.size());
      parts.push_back({sha256(there.first(length)), length});
      position += length;
    }
    for (; next != stretch.parts.end(); ++next) {
      parts.push_back(*next);
      position += next->bytes;
    }
  }
  return parts;
}

}  // namespace shoal::sync
