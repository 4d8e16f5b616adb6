#include "node/secure/group_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "node/base/check.h"
#include "node/secure/bech32m.h"

namespace shoal {
namespace {

constexpr std::array<std::string_view, 3> kPrefixes = {"shoall", "shoalr", "shoalw"};  // by level
constexpr std::uint8_t kVersion = 0;
constexpr std::size_t kSecretBytes = sizeof(Secret::Array);

KeyPair write_key_of(const Secret& sync_key) {
  return KeyPair::from_seed(derive(sync_key, "write").bytes());
}

tl::unexpected<Error> refuse(std::string why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("not a key string of Shoal: {}", why));
}

}  // namespace

const char* to_string(KeyLevel level) {
  switch (level) {
    case KeyLevel::kLocate:
      return "locate";
    case KeyLevel::kRead:
      return "read";
    case KeyLevel::kWrite:
      return "write";
  }
  return "unknown";
}

GroupKey::GroupKey(KeyLevel level, const Id& write_public_key)
    : level_(level), write_public_key_(write_public_key) {}

GroupKey GroupKey::from_sync_key(const Secret& sync_key) {
  GroupKey key(KeyLevel::kWrite, write_key_of(sync_key).public_key());
  key.sync_key_ = sync_key;
  key.set_read_key(derive(sync_key, "read"));
  return key;
}

void GroupKey::set_read_key(const Secret& read_key) {
  read_key_ = read_key;
  set_locate_key(derive(read_key, "locate"));
}

void GroupKey::set_locate_key(const Secret& locate_key) {
  locate_key_ = locate_key;
  id_.bytes = derive(locate_key, "group id").bytes();
}

Result<GroupKey> GroupKey::parse(std::string_view text) {
  Result<bech32m::Word> word = bech32m::decode(text);
  if (!word) return refuse(word.error().message);
  const auto prefix = std::ranges::find(kPrefixes, word->prefix);
  if (prefix == kPrefixes.end()) {
    return refuse(fmt::format("it begins with '{}1', expected shoalw1, shoalr1 or shoall1", word->prefix));
  }
  if (word->version != kVersion) {
    return refuse(fmt::format("it is of version {}, this program reads version {}", word->version, kVersion));
  }
  const auto level = static_cast<KeyLevel>(prefix - kPrefixes.begin());
  const std::size_t expected = level == KeyLevel::kWrite ? kSecretBytes : kSecretBytes + kIdBytes;
  if (word->data.size() != expected) {
    return refuse(fmt::format("it carries {} bytes, expected {}", word->data.size(), expected));
  }
  const Secret secret = Secret::from_bytes(word->data);
  if (level == KeyLevel::kWrite) return from_sync_key(secret);
  GroupKey key(level, Id::from_bytes(ByteView(word->data).subspan(kSecretBytes)));
  if (level == KeyLevel::kRead) {
    key.set_read_key(secret);
  } else {
    key.set_locate_key(secret);
  }
  return key;
}

std::string GroupKey::to_string(KeyLevel level) const {
  check(level <= level_, "a key string of a level that we do not have");
  const Secret& secret = level == KeyLevel::kWrite  ? *sync_key_
                         : level == KeyLevel::kRead ? *read_key_
                                                    : locate_key_;
  bech32m::Word word{std::string(kPrefixes[static_cast<std::size_t>(level)]), kVersion,
                     Bytes(secret.view().begin(), secret.view().end())};
  if (level != KeyLevel::kWrite) {
    word.data.insert(word.data.end(), write_public_key_.bytes.begin(), write_public_key_.bytes.end());
  }
  return bech32m::encode(word);
}

const Secret& GroupKey::read_key() const {
  check(read_key_.has_value(), "a key of level locate reads nothing");
  return *read_key_;
}

KeyPair GroupKey::write_key() const {
  check(sync_key_.has_value(), "only a key of level write writes");
  return write_key_of(*sync_key_);
}

}  // namespace shoal
