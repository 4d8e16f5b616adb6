#include "node/sync/stored_tree.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <limits>

#include "node/base/check.h"
#include "node/base/relative_path.h"
#include "node/secure/bech32m.h"
#include "node/secure/keys.h"
#include "node/sync/reader.h"

namespace shoal::sync {
namespace {

constexpr std::uint8_t kListingVersion = 1;
constexpr std::uint8_t kLinkVersion = 0;
constexpr const char* kEncryptedPrefix = "shoalt";
constexpr const char* kPublicPrefix = "shoalp";
constexpr std::size_t kSecretBytes = std::tuple_size_v<Secret::Array>;
constexpr std::size_t kContentBytes = kIdBytes + 1 + 8 + kIdBytes;
constexpr std::uint32_t kModeMax = 0777;

void append_id(const Id& id, Bytes& out) {
  out.insert(out.end(), id.bytes.begin(), id.bytes.end());
}

void append_content(const StoredContent& content, Bytes& out) {
  append_id(content.name.root, out);
  out.push_back(content.name.depth);
  append_u64(content.name.size, out);
  append_id(content.plain_root, out);
}

StoredContent read_content(Reader& reader) {
  StoredContent content;
  content.name.root = reader.id();
  content.name.depth = reader.u8();
  content.name.size = reader.u64();
  content.plain_root = reader.id();
  return content;
}

void append_entry(const StoredEntry& entry, Bytes& out) {
  out.push_back(static_cast<std::uint8_t>(entry.kind));
  append_text(entry.name, out);
  if (entry.kind == NodeKind::kLink) {
    append_text(entry.target, out);
    return;
  }
  append_u32(entry.mode, out);
  if (entry.kind == NodeKind::kFile) append_u64(static_cast<std::uint64_t>(entry.mtime_ns), out);
  append_content(entry.content, out);
}

StoredEntry read_entry(Reader& reader) {
  StoredEntry entry;
  entry.kind = static_cast<NodeKind>(reader.u8());
  entry.name = reader.text(kNameBytesMax);
  if (entry.kind == NodeKind::kLink) {
    entry.target = reader.text(kLinkBytesMax);
    return entry;
  }
  entry.mode = reader.u32();
  if (entry.kind == NodeKind::kFile) entry.mtime_ns = static_cast<std::int64_t>(reader.u64());
  entry.content = read_content(reader);
  return entry;
}

// What is wrong with it; nothing if all is well. `before` is the name of the entry before it.
const char* fault_of(const StoredEntry& entry, const std::string& before) {
  const bool is_file = entry.kind == NodeKind::kFile;
  if (!is_file && entry.kind != NodeKind::kDirectory && entry.kind != NodeKind::kLink) {
    return "is of no known kind";
  }
  if (!is_valid_name(entry.name)) return "has a name that no file may have";
  if (entry.name <= before) return "does not come after the one before it";
  if (entry.kind == NodeKind::kLink) {
    return is_link_target(entry.target) ? nullptr : "is a link with a target that none may have";
  }
  if (entry.mode > kModeMax) return "has a mode over 0777";
  if (!is_plausible(entry.content.name)) return "has a content of a size and depth that do not fit";
  if (!is_file && entry.content.name.size > kListingBytesMax) return "has too large a listing";
  return nullptr;
}

tl::unexpected<Error> malformed(std::string message) {
  return fail(ErrorCode::kMalformed, std::move(message));
}

tl::unexpected<Error> bad_link(std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("not a link to a tree of Shoal: {}", why));
}

void xor_stream(const Secret& key, std::uint32_t depth, std::uint64_t offset, MutableByteView bytes) {
  Bytes nonce;
  append_u32(depth, nonce);
  append_u64(offset, nonce);
  static_assert(crypto_stream_chacha20_ietf_NONCEBYTES == 12 &&
                crypto_stream_chacha20_ietf_KEYBYTES == kSecretBytes);
  crypto_stream_chacha20_ietf_xor(bytes.data(), bytes.data(), bytes.size(), nonce.data(), key.bytes().data());
}

Secret::Array head_tag(const Secret& key, ByteView content) {
  return mac(derive(key, "stored head tag"), {content});
}

Secret head_key(const Secret& key, ByteView tag) {
  return derive(key, "stored head", tag);
}

}  // namespace

Bytes encode_listing(const StoredListing& listing) {
  Bytes out = {kListingVersion};
  append_u64(listing.entries_below, out);
  append_u64(listing.bytes_below, out);
  for (const StoredEntry& entry : listing.entries) append_entry(entry, out);
  return out;
}

Result<StoredListing> decode_listing(ByteView bytes) {
  Reader reader(bytes);
  const std::uint8_t version = reader.u8();
  StoredListing listing;
  listing.entries_below = reader.u64();
  listing.bytes_below = reader.u64();
  if (reader.overrun()) return malformed("a listing is cut off in its head");
  if (version != kListingVersion) {
    return malformed(
        fmt::format("a listing of version {}: this program reads version {}", version, kListingVersion));
  }
  std::uint64_t file_bytes = 0;
  std::string before;
  while (!reader.at_end()) {
    StoredEntry entry = read_entry(reader);
    const std::size_t number = listing.entries.size() + 1;
    if (reader.overrun()) return malformed(fmt::format("entry {} of a listing is cut off", number));
    if (const char* fault = fault_of(entry, before)) {
      return malformed(fmt::format("entry {} of a listing {}", number, fault));
    }
    before = entry.name;
    if (entry.kind == NodeKind::kFile) file_bytes += entry.content.name.size;
    listing.entries.push_back(std::move(entry));
    if (listing.entries.size() > listing.entries_below || file_bytes > listing.bytes_below) {
      return malformed("a listing has more in it than it says");
    }
  }
  return listing;
}

bool TreeLink::is_meant(std::string_view text) {
  return text.starts_with("shoalt") || text.starts_with("shoalp") || text.starts_with("SHOALT") ||
         text.starts_with("SHOALP");
}

Result<TreeLink> TreeLink::parse(std::string_view text) {
  const Result<bech32m::Word> word = bech32m::decode(text);
  if (!word) return bad_link(word.error().message);
  const bool is_public = word->prefix == kPublicPrefix;
  if (!is_public && word->prefix != kEncryptedPrefix) {
    return bad_link(fmt::format("it begins with '{}1', expected {}1 or {}1", word->prefix, kEncryptedPrefix,
                                kPublicPrefix));
  }
  if (word->version != kLinkVersion) {
    return bad_link(
        fmt::format("it is of version {}, this program reads version {}", word->version, kLinkVersion));
  }
  const std::size_t expected = kIdBytes + (is_public ? 0 : kSecretBytes);
  if (word->data.size() != expected) {
    return bad_link(fmt::format("it carries {} bytes, expected {}", word->data.size(), expected));
  }
  TreeLink link{Id::from_bytes(ByteView(word->data).first(kIdBytes)), {}};
  if (is_public) return link;
  link.key = Secret::from_bytes(ByteView(word->data).subspan(kIdBytes));
  return link;
}

std::string TreeLink::to_string() const {
  bech32m::Word word{key ? kEncryptedPrefix : kPublicPrefix, kLinkVersion, {}};
  append_id(head, word.data);
  if (key) word.data.insert(word.data.end(), key->bytes().begin(), key->bytes().end());
  return bech32m::encode(word);
}

ItemCipher::ItemCipher(const std::optional<Secret>& key, const Id& plain_root) {
  if (key) key_ = derive(*key, "stored content", plain_root.bytes);
}

void ItemCipher::apply(std::uint8_t depth, std::uint64_t offset, MutableByteView item) const {
  if (key_) xor_stream(*key_, depth, offset, item);
}

Bytes seal_head(const std::optional<Secret>& key, const StoredContent& root) {
  Bytes content;
  append_content(root, content);
  if (!key) return content;
  const Secret::Array tag = head_tag(*key, content);
  xor_stream(head_key(*key, tag), 0, 0, content);
  content.insert(content.begin(), tag.begin(), tag.end());
  return content;
}

Result<StoredContent> open_head(const std::optional<Secret>& key, ByteView head) {
  const std::size_t expected = kContentBytes + (key ? kSecretBytes : 0);
  if (head.size() != expected) {
    return malformed(fmt::format("the head of the tree has {} bytes: expected {}", head.size(), expected));
  }
  Bytes content(head.end() - kContentBytes, head.end());
  if (key) {
    const ByteView tag = head.first(kSecretBytes);
    xor_stream(head_key(*key, tag), 0, 0, content);
    if (!(Secret(head_tag(*key, content)) == Secret::from_bytes(tag))) {
      return malformed("the head of the tree was not encrypted under the link's key");
    }
  }
  Reader reader(content);
  const StoredContent root = read_content(reader);
  if (!is_plausible(root.name) || root.name.size > kListingBytesMax) {
    return malformed("the head of the tree names a content of a size and depth that cannot be");
  }
  return root;
}

}  // namespace shoal::sync
