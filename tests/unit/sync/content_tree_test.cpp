#include "node/sync/content_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <string>

#include "node/base/big_endian.h"
#include "node/base/rng.h"
#include "node/secure/keys.h"
#include "node/sync/chunker.h"

namespace shoal::sync {
namespace {

Bytes random_bytes(std::size_t count, std::string_view name) {
  Bytes bytes(count);
  Rng rng = Rng::keyed(1, "test", name);
  rng.fill(bytes);
  return bytes;
}

struct Hashed {
  ContentName name;
  std::vector<PartRef> parts;
};

Hashed hash_in_pieces(ByteView bytes, const std::function<std::size_t()>& next_piece) {
  ContentHasher hasher;
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), next_piece());
    hasher.add(bytes.first(piece));
    bytes = bytes.subspan(piece);
  }
  const ContentName name = hasher.finish();
  return {name, hasher.parts()};
}

Hashed hash(ByteView bytes) {
  return hash_in_pieces(bytes, [] { return std::size_t{16} << 20; });
}

// Parts as a file of that many would have them, without the file.
std::vector<PartRef> made_up_parts(std::size_t count) {
  Rng rng = Rng::keyed(1, "test", "parts");
  std::vector<PartRef> parts(count);
  for (PartRef& part : parts) {
    part.hash = rng.id();
    part.bytes = kPartBytesMin + 1 + rng.below(kPartBytesMax - kPartBytesMin);
  }
  return parts;
}

Bytes page_of(const std::vector<PartRef>& rows) {
  Bytes page;
  for (const PartRef& row : rows) {
    page.insert(page.end(), row.hash.bytes.begin(), row.hash.bytes.end());
    append_u64(row.bytes, page);
  }
  return page;
}

std::uint64_t sum_of(const std::vector<PartRef>& rows) {
  std::uint64_t sum = 0;
  for (const PartRef& row : rows) sum += row.bytes;
  return sum;
}

// A row of a hash that does not end a page.
PartRef row(std::uint64_t bytes) {
  PartRef made;
  made.hash.bytes.back() = 1;
  made.bytes = bytes;
  return made;
}

ErrorCode refusal(const std::vector<PartRef>& rows, std::uint8_t depth, std::uint64_t bytes) {
  const auto read = read_page(page_of(rows), depth, bytes);
  return read ? ErrorCode::kNone : read.error().code;
}

// The parts below a name, read from the root down as a peer does that has only pages by their hashes.
std::vector<PartRef> read_down(const ContentName& name, const std::vector<Bytes>& pages) {
  std::vector<PartRef> rows = {{name.root, name.size}};
  for (std::uint8_t depth = name.depth; depth > 0; --depth) {
    std::vector<PartRef> below;
    for (const PartRef& above : rows) {
      const auto page = std::find_if(pages.begin(), pages.end(),
                                     [&](const Bytes& candidate) { return sha256(candidate) == above.hash; });
      if (page == pages.end()) {
        ADD_FAILURE() << "no page for a row of depth " << int{depth};
        return {};
      }
      const auto read = read_page(*page, depth, above.bytes);
      if (!read) {
        ADD_FAILURE() << read.error().message;
        return {};
      }
      below.insert(below.end(), read->begin(), read->end());
    }
    rows = std::move(below);
  }
  return rows;
}

TEST(ContentTree, NamesAFileAsItAlwaysDid) {
  const Hashed small = hash(view("Shoal\n"));
  EXPECT_EQ(small.name.root.hex(), "e6ae206be7acd6b7ec22d479dec54a39a408799b3edeb432bc849e8551ec1e35");
  const Hashed large = hash(random_bytes(8 << 20, "golden"));
  EXPECT_EQ(large.name.root.hex(), "fff9b826c95a92a8901f5b2c7c14fcf1a6b23035880e23ffc696eb7991d292ea");
  EXPECT_EQ(large.name.depth, 2);
  EXPECT_EQ(large.parts.size(), 263u);
  const ContentName deep = build_tree(made_up_parts(40'000), nullptr);
  EXPECT_EQ(deep.root.hex(), "a204bec7a0e5e4cda8cd03f54adc8f0d49dc2a2ac892405a40706bf60fa5c717");
  EXPECT_EQ(deep.depth, 3);
  EXPECT_EQ(deep.size, 1'471'116'944u);
}

TEST(ContentTree, EmptyFileHasNoParts) {
  const Hashed empty = hash({});
  EXPECT_EQ(empty.name.root.hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(empty.name.depth, 0);
  EXPECT_EQ(empty.name.size, 0u);
  EXPECT_TRUE(empty.parts.empty());
  EXPECT_TRUE(is_plausible(empty.name));
}

TEST(ContentTree, FileOfOnePartIsItsHash) {
  const Bytes bytes = random_bytes(kPartBytesMin, "one part");
  const Hashed hashed = hash(bytes);
  EXPECT_EQ(hashed.name, (ContentName{sha256(bytes), 0, kPartBytesMin}));
  EXPECT_EQ(hashed.parts, std::vector<PartRef>({{sha256(bytes), kPartBytesMin}}));
}

TEST(ContentTree, PartsAreThoseOfTheChunkerAtAnySize) {
  const Bytes all = random_bytes(3 * kPartBytesMax + 2, "sizes");
  std::vector<std::size_t> sizes = {0, 1, 2};
  for (const std::size_t bound : {kPartBytesMin, kPartBytesMean, kPartBytesMax, 2 * kPartBytesMax}) {
    for (const std::size_t size : {bound - 1, bound, bound + 1}) sizes.push_back(size);
  }
  // A file that ends where a part does, or next to it.
  std::size_t cut = 0;
  for (int i = 0; i < 3; ++i) {
    cut += next_cut(ByteView(all).subspan(cut), true);
    for (const std::size_t size : {cut - 1, cut, cut + 1}) sizes.push_back(size);
  }
  for (const std::size_t size : sizes) {
    const ByteView bytes = ByteView(all).first(size);
    const Hashed hashed = hash(bytes);
    std::vector<PartRef> expected;
    for (ByteView rest = bytes; !rest.empty();) {
      const std::size_t length = next_cut(rest, true);
      expected.push_back({sha256(rest.first(length)), length});
      rest = rest.subspan(length);
    }
    EXPECT_EQ(hashed.parts, expected) << size << " bytes";
    EXPECT_EQ(hashed.name.size, size);
    EXPECT_EQ(hashed.name.depth, expected.size() > 1 ? 1 : 0) << size << " bytes";
    EXPECT_TRUE(is_plausible(hashed.name)) << size << " bytes";
  }
}

TEST(ContentTree, NameDoesNotDependOnHowTheBytesCome) {
  for (const Bytes& bytes : {random_bytes(1 << 20, "pieces"), Bytes(300'000, 0)}) {
    const Hashed whole = hash(bytes);
    Rng rng = Rng::keyed(1, "test", "pieces");
    for (const std::uint64_t most : {std::uint64_t{64}, std::uint64_t{kPartBytesMin},
                                     std::uint64_t{kPartBytesMax}, std::uint64_t{200'000}}) {
      const Hashed pieces = hash_in_pieces(bytes, [&] { return 1 + rng.below(most); });
      EXPECT_EQ(pieces.name, whole.name) << "at most " << most << " bytes at a time";
      EXPECT_EQ(pieces.parts, whole.parts) << "at most " << most << " bytes at a time";
    }
  }
  const Bytes few = random_bytes(kPartBytesMax + 10, "one by one");
  EXPECT_EQ(hash_in_pieces(few, [] { return std::size_t{1}; }).name, hash(few).name);
}

// The parts of a file that is cut by stretches, each by itself, and how many bytes had to be read again.
struct Joined {
  std::vector<PartRef> parts;
  std::uint64_t bytes_read = 0;
};

Joined hash_by_stretches(ByteView bytes, std::uint64_t stretch_bytes) {
  std::vector<Stretch> stretches;
  for (std::uint64_t begin = 0; begin == 0 || begin < bytes.size(); begin += stretch_bytes) {
    Stretch stretch{begin, {}};
    for (std::uint64_t at = begin; at < std::min<std::uint64_t>(begin + stretch_bytes, bytes.size());) {
      const std::size_t length = next_cut(bytes.subspan(at), true);
      stretch.parts.push_back({sha256(bytes.subspan(at, length)), length});
      at += length;
    }
    stretches.push_back(std::move(stretch));
  }
  Joined joined;
  const auto parts = join_stretches(stretches, [&](std::uint64_t offset, MutableByteView buffer) {
    const ByteView rest = bytes.subspan(std::min<std::uint64_t>(offset, bytes.size()));
    const std::size_t count = std::min(rest.size(), buffer.size());
    std::copy_n(rest.begin(), count, buffer.begin());
    joined.bytes_read += count;
    return Result<std::size_t>(count);
  });
  joined.parts = parts.value();
  return joined;
}

TEST(ContentTree, StretchesThatAreCutByThemselvesJoinToThePartsOfTheWhole) {
  const Bytes random = random_bytes(3'000'000, "stretches");
  Bytes repeating(2'000'000);
  for (std::size_t i = 0; i < repeating.size(); ++i) repeating[i] = static_cast<std::uint8_t>(i % 1000 * 7);
  Bytes mixed = random;
  std::fill(mixed.begin() + 700'000, mixed.begin() + 1'900'000, std::uint8_t{0});
  for (const Bytes& bytes : {Bytes(), Bytes(1), random, repeating, mixed, Bytes(1'000'000)}) {
    const std::vector<PartRef> whole = hash(bytes).parts;
    // Of less than a part, of about one, and of many.
    for (const std::uint64_t stretch_bytes : {5'000, 65'536, 70'001, 400'000, 999'999}) {
      EXPECT_EQ(hash_by_stretches(bytes, stretch_bytes).parts, whole)
          << bytes.size() << " bytes by " << stretch_bytes;
    }
  }
}

TEST(ContentTree, StretchesMeetAfterAFewParts) {
  const Bytes bytes = random_bytes(16 << 20, "meet");
  const Joined joined = hash_by_stretches(bytes, 1 << 20);
  EXPECT_EQ(joined.parts, hash(bytes).parts);
  EXPECT_LE(joined.bytes_read, 15 * 8 * kPartBytesMax) << "at each of 15 seams";
  EXPECT_GT(joined.bytes_read, 0u);
}

TEST(ContentTree, WhatCannotBeReadAtASeamIsTold) {
  std::vector<Stretch> stretches{{0, {{Id{}, 10'000}}}, {5'000, {{Id{}, 9'000}}}};
  const auto parts = join_stretches(stretches, [](std::uint64_t, MutableByteView) -> Result<std::size_t> {
    return fail(ErrorCode::kIo, "no");
  });
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().message, "no");
}

TEST(ContentTree, AnEmptyPieceChangesNothing) {
  const Bytes bytes = random_bytes(200'000, "empty piece");
  ContentHasher hasher;
  hasher.add({});
  hasher.add(ByteView(bytes).first(70'000));
  hasher.add({});
  hasher.add(ByteView(bytes).subspan(70'000));
  hasher.add({});
  EXPECT_EQ(hasher.finish(), hash(bytes).name);
}

TEST(ContentTree, AnInsertionChangesAFewPartsAndAPageOfEachDepth) {
  Bytes bytes = random_bytes(8 << 20, "golden");
  const Hashed before = hash(bytes);
  std::vector<Bytes> pages_before;
  build_tree(before.parts, &pages_before);
  const Bytes inserted = random_bytes(1 << 10, "inserted");
  bytes.insert(bytes.begin() + (3 << 20), inserted.begin(), inserted.end());
  const Hashed after = hash(bytes);
  std::vector<Bytes> pages_after;
  build_tree(after.parts, &pages_after);

  std::set<Id> known;
  for (const PartRef& part : before.parts) known.insert(part.hash);
  const auto is_new = [&](const PartRef& part) { return !known.contains(part.hash); };
  const auto new_parts = std::count_if(after.parts.begin(), after.parts.end(), is_new);
  EXPECT_GE(new_parts, 1);
  EXPECT_LE(new_parts, 4) << "of " << after.parts.size();

  ASSERT_EQ(after.name.depth, 2);
  ASSERT_GT(pages_after.size(), 2u);
  const std::set<Bytes> known_pages(pages_before.begin(), pages_before.end());
  const auto new_pages = std::count_if(pages_after.begin(), pages_after.end(),
                                       [&](const Bytes& page) { return !known_pages.contains(page); });
  EXPECT_EQ(new_pages, after.name.depth);
}

TEST(ContentTree, EveryPartIsFoundAgainFromTheRoot) {
  // 1 part, 1 page, and on both sides of where a page may end and must.
  for (const std::size_t count : {1, 2, 63, 64, 65, 66, 128, 129, 1'600, 1'601, 20'000, 60'000}) {
    const std::vector<PartRef> parts = made_up_parts(count);
    std::vector<Bytes> pages;
    const ContentName name = build_tree(parts, &pages);
    EXPECT_EQ(name.size, sum_of(parts));
    EXPECT_TRUE(is_plausible(name)) << count << " parts";
    EXPECT_EQ(read_down(name, pages), parts) << count << " parts";
  }
}

TEST(ContentTree, PagesKeepToTheirBounds) {
  std::vector<Bytes> pages;
  const ContentName name = build_tree(made_up_parts(60'000), &pages);
  EXPECT_EQ(name.depth, 3);
  std::size_t bytes = 0;
  std::size_t below_min = 0;
  for (const Bytes& page : pages) {
    EXPECT_LE(page.size(), kRowsMax * kRowBytes);
    below_min += page.size() < kRowsMin * kRowBytes ? 1 : 0;
    bytes += page.size();
  }
  EXPECT_LE(below_min, name.depth) << "only the last of each depth";
  EXPECT_NEAR(static_cast<double>(bytes) / static_cast<double>(pages.size()), 7.5 * 1024, 1024);
}

TEST(ContentTree, DepthGrowsByOneWhereAPageNoLongerHoldsAll) {
  // Rows that never end a page: it ends at the most it can hold.
  const auto depth_of = [](std::size_t count) {
    return build_tree(std::vector<PartRef>(count, row(kPartBytesMax)), nullptr).depth;
  };
  EXPECT_EQ(depth_of(1), 0);
  EXPECT_EQ(depth_of(2), 1);
  EXPECT_EQ(depth_of(kRowsMax), 1);
  EXPECT_EQ(depth_of(kRowsMax + 1), 2);
  // Rows that always do: it ends as soon as it may.
  const auto least_depth_of = [](std::size_t count) {
    PartRef ends = row(kPartBytesMin);
    ends.hash.bytes.back() = 0;
    return build_tree(std::vector<PartRef>(count, ends), nullptr).depth;
  };
  EXPECT_EQ(least_depth_of(kRowsMin), 1);
  EXPECT_EQ(least_depth_of(kRowsMin + 1), 2);
}

TEST(ContentTree, SameHashesAreSharedByPagesThatAreEqual) {
  std::vector<Bytes> pages;
  build_tree(std::vector<PartRef>(3 * kRowsMax, row(kPartBytesMax)), &pages);
  ASSERT_EQ(pages.size(), 4u);
  EXPECT_EQ(pages[0], pages[1]);
  EXPECT_EQ(pages[1], pages[2]);
}

TEST(ContentTree, RefusesPagesOfNoWholeRows) {
  const Bytes page = page_of({row(9'000), row(9'000)});
  const ByteView all = page;
  EXPECT_TRUE(read_page(all, 1, 18'000));
  EXPECT_EQ(read_page({}, 1, 0).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(read_page(all.first(kRowBytes - 1), 1, 9'000).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(read_page(all.first(kRowBytes + 1), 1, 9'000).error().code, ErrorCode::kMalformed);
}

TEST(ContentTree, RefusesPagesOfTooManyRows) {
  EXPECT_EQ(refusal(std::vector<PartRef>(kRowsMax, row(9'000)), 1, kRowsMax * 9'000), ErrorCode::kNone);
  EXPECT_EQ(refusal(std::vector<PartRef>(kRowsMax + 1, row(9'000)), 1, (kRowsMax + 1) * 9'000),
            ErrorCode::kMalformed);
}

TEST(ContentTree, RefusesRowsOfSizesThatPartsDoNotHave) {
  EXPECT_EQ(refusal({row(kPartBytesMax), row(1)}, 1, kPartBytesMax + 1), ErrorCode::kNone);
  EXPECT_EQ(refusal({row(kPartBytesMax), row(0)}, 1, kPartBytesMax), ErrorCode::kMalformed);
  EXPECT_EQ(refusal({row(kPartBytesMax + 1), row(1)}, 1, kPartBytesMax + 2), ErrorCode::kMalformed);
  EXPECT_EQ(refusal({row(9'000), row(kPartBytesMax + 1)}, 1, 9'000 + kPartBytesMax + 1),
            ErrorCode::kMalformed);
  // Only the last part of a file is short.
  EXPECT_EQ(refusal({row(kPartBytesMin - 1), row(9'000)}, 1, kPartBytesMin + 8'999), ErrorCode::kMalformed);
}

TEST(ContentTree, RefusesRowsOfSizesThatPagesDoNotHave) {
  const std::uint64_t least = kRowsMin * kPartBytesMin;
  const std::uint64_t most = kRowsMax * kPartBytesMax;
  EXPECT_EQ(refusal({row(least), row(1)}, 2, least + 1), ErrorCode::kNone);
  EXPECT_EQ(refusal({row(most), row(most)}, 2, 2 * most), ErrorCode::kNone);
  EXPECT_EQ(refusal({row(least - 1), row(1)}, 2, least), ErrorCode::kMalformed);
  EXPECT_EQ(refusal({row(most), row(most + 1)}, 2, 2 * most + 1), ErrorCode::kMalformed);
}

TEST(ContentTree, RefusesSizesThatOverflow) {
  const std::uint64_t half = std::uint64_t{1} << 63;
  EXPECT_EQ(refusal({row(half), row(half)}, kDepthMax, 0), ErrorCode::kMalformed);
  EXPECT_EQ(refusal({row(std::numeric_limits<std::uint64_t>::max()), row(1)}, kDepthMax, 0),
            ErrorCode::kMalformed);
  EXPECT_EQ(refusal({row(kFileBytesMax)}, kDepthMax, kFileBytesMax), ErrorCode::kNone);
  EXPECT_EQ(refusal({row(kFileBytesMax), row(1)}, kDepthMax, kFileBytesMax + 1), ErrorCode::kMalformed);
  // Together they wrap around to what was announced.
  EXPECT_EQ(
      refusal({row(kFileBytesMax), row(kFileBytesMax), row(kFileBytesMax), row(kFileBytesMax)}, kDepthMax, 0),
      ErrorCode::kMalformed);
}

TEST(ContentTree, RefusesASumOtherThanAnnounced) {
  EXPECT_EQ(refusal({row(9'000), row(9'000)}, 1, 17'999), ErrorCode::kMalformed);
  EXPECT_EQ(refusal({row(9'000), row(9'000)}, 1, 18'001), ErrorCode::kMalformed);
}

TEST(ContentTree, RefusesDepthsThatNoFileHas) {
  EXPECT_EQ(refusal({row(9'000)}, 0, 9'000), ErrorCode::kMalformed);
  EXPECT_EQ(refusal({row(9'000)}, kDepthMax + 1, 9'000), ErrorCode::kMalformed);
  EXPECT_EQ(refusal({row(9'000)}, 255, 9'000), ErrorCode::kMalformed);
}

TEST(ContentTree, RefusesAPageThatGoesOnBehindItsEnd) {
  std::vector<PartRef> rows(kRowsMin, row(9'000));
  rows.back().hash.bytes.back() = 0x80;
  EXPECT_EQ(refusal(rows, 1, sum_of(rows)), ErrorCode::kNone);
  rows.push_back(row(1));
  EXPECT_EQ(refusal(rows, 1, sum_of(rows)), ErrorCode::kMalformed);
  // Too early to end a page.
  std::vector<PartRef> early(kRowsMin, row(9'000));
  early[kRowsMin - 2].hash.bytes.back() = 0x80;
  EXPECT_EQ(refusal(early, 1, sum_of(early)), ErrorCode::kNone);
}

TEST(ContentTree, BytesThatNobodyMadeNeverReadAsMoreThanTheyAre) {
  Rng rng = Rng::keyed(1, "test", "noise");
  const std::vector<PartRef> good(100, row(9'000));
  for (int i = 0; i < 2'000; ++i) {
    Bytes page = page_of(good);
    const std::uint64_t at = rng.below(page.size());
    page[at] = static_cast<std::uint8_t>(page[at] ^ (1 + rng.below(255)));
    const auto read = read_page(page, 1, sum_of(good));
    // A changed size breaks the sum; a changed hash is what the hash above it is for.
    if (at % kRowBytes >= kIdBytes) {
      EXPECT_FALSE(read);
    } else if (read) {
      EXPECT_EQ(page_of(*read), page);
    }
  }
}

TEST(ContentTree, NamesOfSizesThatTheirDepthCannotHaveAreNotPlausible) {
  const auto plausible = [](std::uint64_t size, std::uint8_t depth) {
    return is_plausible({Id{}, depth, size});
  };
  EXPECT_TRUE(plausible(0, 0));
  EXPECT_TRUE(plausible(kPartBytesMax, 0));
  EXPECT_FALSE(plausible(kPartBytesMax + 1, 0));
  EXPECT_FALSE(plausible(kPartBytesMin, 1));
  EXPECT_TRUE(plausible(kPartBytesMin + 1, 1));
  EXPECT_TRUE(plausible(kRowsMax * kPartBytesMax, 1));
  EXPECT_FALSE(plausible(kRowsMax * kPartBytesMax + 1, 1));
  EXPECT_FALSE(plausible(kRowsMin * kPartBytesMin, 2));
  EXPECT_TRUE(plausible(kRowsMin * kPartBytesMin + 1, 2));
  EXPECT_TRUE(plausible(kFileBytesMax, kDepthMax));
  EXPECT_FALSE(plausible(kFileBytesMax + 1, kDepthMax));
  EXPECT_FALSE(plausible(kFileBytesMax, kDepthMax + 1));
  EXPECT_FALSE(plausible(std::numeric_limits<std::uint64_t>::max(), kDepthMax));
}

}  // namespace
}  // namespace shoal::sync
