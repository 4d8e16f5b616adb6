#include "node/sync/stored_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "node/base/big_endian.h"
#include "node/base/rng.h"
#include "node/secure/bech32m.h"
#include "node/secure/keys.h"

namespace shoal::sync {
namespace {

using testing::HasSubstr;

Id id_of(std::uint8_t first) {
  Id id;
  id.bytes[0] = first;
  return id;
}

Secret key_of(std::uint8_t first) {
  Secret::Array bytes{};
  bytes[0] = first;
  return Secret(bytes);
}

StoredContent content_of(std::uint64_t size) {
  return {{id_of(1), 0, size}, id_of(2)};
}

StoredListing some_listing() {
  StoredListing listing{7, 5000, {}};
  listing.entries.push_back({NodeKind::kDirectory, "a", 0755, 0, content_of(100), {}});
  listing.entries.push_back({NodeKind::kFile, "b", 0644, -1, content_of(3000), {}});
  listing.entries.push_back({NodeKind::kLink, "c", 0, 0, {}, "../b"});
  listing.entries.push_back({NodeKind::kFile, "d\xff", 0, 1'700'000'000'123'456'789, content_of(0), {}});
  return listing;
}

std::string why_not(const StoredListing& listing) {
  const auto decoded = decode_listing(encode_listing(listing));
  return decoded ? "" : decoded.error().message;
}

TEST(StoredListing, SurvivesEncoding) {
  const auto decoded = decode_listing(encode_listing(some_listing()));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, some_listing());
  EXPECT_EQ(decode_listing(encode_listing({}))->entries.size(), 0u);
}

TEST(StoredListing, IsRefusedWhenCutOffAnywhere) {
  const StoredListing listing = some_listing();
  const Bytes whole = encode_listing(listing);
  std::set<std::size_t> ends;  // of its head and of each entry
  StoredListing part = listing;
  part.entries.clear();
  ends.insert(encode_listing(part).size());
  for (const StoredEntry& entry : listing.entries) {
    part.entries.push_back(entry);
    ends.insert(encode_listing(part).size());
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto decoded = decode_listing(ByteView(whole).first(size));
    EXPECT_EQ(decoded.has_value(), ends.contains(size)) << size;
  }
}

TEST(StoredListing, SaysWhichEntryIsWrongAndWhy) {
  using Change = std::function<void(StoredEntry&)>;
  const auto with = [](const Change& change) {
    StoredListing listing = some_listing();
    change(listing.entries[1]);
    return why_not(listing);
  };
  EXPECT_EQ(with([](StoredEntry&) {}), "");
  for (const char* name : {"", ".", "..", "a/b", "/b"}) {
    EXPECT_EQ(with([&](StoredEntry& entry) { entry.name = name; }),
              "entry 2 of a listing has a name that no file may have")
        << name;
  }
  EXPECT_THAT(with([](StoredEntry& entry) { entry.name = std::string("b\0c", 3); }), HasSubstr("a name"));
  EXPECT_THAT(with([](StoredEntry& entry) { entry.name = "a"; }), HasSubstr("does not come after"));
  EXPECT_THAT(with([](StoredEntry& entry) { entry.name = "A"; }), HasSubstr("does not come after"));
  EXPECT_THAT(with([](StoredEntry& entry) { entry.mode = 04755; }), HasSubstr("a mode over 0777"));
  EXPECT_THAT(with([](StoredEntry& entry) { entry.content.name.depth = 9; }), HasSubstr("do not fit"));
  EXPECT_THAT(with([](StoredEntry& entry) { entry.content.name.size = 70'000; }), HasSubstr("do not fit"));
  EXPECT_THAT(with([](StoredEntry& entry) { entry.kind = static_cast<NodeKind>(9); }),
              HasSubstr("of no known kind"));
  EXPECT_THAT(with([](StoredEntry& entry) {
                entry.kind = NodeKind::kDirectory;
                entry.content.name = {id_of(1), 2, kListingBytesMax + 1};
              }),
              HasSubstr("too large a listing"));
  StoredListing listing = some_listing();
  listing.entries[2].target = "";
  EXPECT_THAT(why_not(listing), HasSubstr("entry 3 of a listing is a link with a target"));
}

TEST(StoredListing, HasNoMoreInItThanItSays) {
  StoredListing listing = some_listing();
  listing.entries_below = 3;
  EXPECT_THAT(why_not(listing), HasSubstr("more in it than it says"));
  listing = some_listing();
  listing.bytes_below = 2999;
  EXPECT_THAT(why_not(listing), HasSubstr("more in it than it says"));
}

TEST(StoredListing, OfAnotherVersionIsNamedSo) {
  Bytes bytes = encode_listing(some_listing());
  bytes[0] = 2;
  const auto decoded = decode_listing(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message, "a listing of version 2: this program reads version 1");
}

TEST(TreeLink, SurvivesAsText) {
  const TreeLink with_key{id_of(7), key_of(9)};
  const TreeLink open{id_of(7), {}};
  EXPECT_EQ(with_key.to_string().size(), 117u);
  EXPECT_EQ(open.to_string().size(), 66u);
  for (const TreeLink& link : {with_key, open}) {
    EXPECT_TRUE(TreeLink::is_meant(link.to_string()));
    const auto parsed = TreeLink::parse(" " + link.to_string() + "\n");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(*parsed, link);
  }
}

TEST(TreeLink, IsRefusedWithAReasonThatDoesNotShowIt) {
  const std::string text = TreeLink{id_of(7), key_of(9)}.to_string();
  const auto why = [](const std::string& link) { return TreeLink::parse(link).error().message; };
  std::string typo = text;
  typo[50] = typo[50] == 'q' ? 'p' : 'q';
  EXPECT_THAT(why(typo), HasSubstr("not a link to a tree of Shoal"));
  EXPECT_THAT(why(typo), testing::Not(HasSubstr(typo.substr(10, 20))));
  EXPECT_THAT(why(""), HasSubstr("it is empty"));
  EXPECT_THAT(why(text.substr(0, 60)), HasSubstr("not a link"));
  EXPECT_THAT(why(bech32m::encode({"shoalt", 0, Bytes(32)})), HasSubstr("carries 32 bytes, expected 64"));
  EXPECT_THAT(why(bech32m::encode({"shoalp", 0, Bytes(64)})), HasSubstr("carries 64 bytes, expected 32"));
  EXPECT_THAT(why(bech32m::encode({"shoalt", 1, Bytes(64)})), HasSubstr("version 1"));
  EXPECT_THAT(why(bech32m::encode({"shoalx", 0, Bytes(64)})), HasSubstr("expected shoalt1 or shoalp1"));
}

TEST(ItemCipher, IsItsOwnInverseAndDiffersByPlace) {
  const Bytes zeros(100);
  const auto sealed = [&](int key, int content, int depth, int offset) {
    Bytes item = zeros;
    const ItemCipher cipher(key_of(static_cast<std::uint8_t>(key)),
                            id_of(static_cast<std::uint8_t>(content)));
    cipher.apply(static_cast<std::uint8_t>(depth), static_cast<std::uint64_t>(offset), item);
    return item;
  };
  std::set<Bytes> streams;
  for (int key : {1, 2}) {
    for (int content : {1, 2}) {
      for (int depth : {0, 1}) {
        for (int offset : {0, 1, 4096}) {
          streams.insert(sealed(key, content, depth, offset));
        }
      }
    }
  }
  EXPECT_EQ(streams.size(), 24u) << "no two have a byte of key stream in common";
  Bytes item = sealed(1, 1, 0, 0);
  ItemCipher(key_of(1), id_of(1)).apply(0, 0, item);
  EXPECT_EQ(item, zeros);
  ItemCipher({}, id_of(1)).apply(0, 0, item);
  EXPECT_EQ(item, zeros) << "of a public tree it is stored as it is";
}

TEST(StoredHead, OpensUnderItsKeyOnly) {
  const StoredContent root = content_of(100);
  for (const std::optional<Secret>& key : {std::optional<Secret>(), std::optional(key_of(1))}) {
    const Bytes head = seal_head(key, root);
    ASSERT_TRUE(open_head(key, head));
    EXPECT_EQ(*open_head(key, head), root);
    EXPECT_EQ(seal_head(key, root), head) << "put again, it is the same item";
    EXPECT_FALSE(open_head(key, ByteView(head).first(head.size() - 1)));
    EXPECT_FALSE(open_head(key, {}));
  }
  const Bytes head = seal_head(key_of(1), root);
  EXPECT_THAT(open_head(key_of(2), head).error().message, HasSubstr("not encrypted under the link's key"));
  EXPECT_THAT(open_head({}, head).error().message, HasSubstr("has 105 bytes: expected 73"));
  for (std::size_t i = 0; i < head.size(); ++i) {
    Bytes damaged = head;
    damaged[i] ^= 1;
    EXPECT_FALSE(open_head(key_of(1), damaged)) << i;
  }
  EXPECT_THAT(open_head({}, seal_head({}, content_of(100'000))).error().message, HasSubstr("cannot be"));
}

}  // namespace
}  // namespace shoal::sync
