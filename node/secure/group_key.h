// GroupKey: what a host knows of a group's secret, and what follows from it (DESIGN §1):
//
//   sync key ─┬─► write key, Ed25519: signs changes                                   level write
//             └─► read key: content ──► locate key: tags, psk, LAN, rendezvous        levels read, locate
//
// Each arrow is a one-way function. A key string carries a level and all below it: "shoalw1…" the sync key,
// "shoalr1…" the read key and "shoall1…" the locate key, these two with the public write key, so that whoever
// may only read, or only hold ciphertext, can tell who wrote. Whoever has the locate key is a peer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/base/id.h"
#include "node/base/result.h"
#include "node/secure/keys.h"
#include "node/secure/secret.h"

namespace shoal {

enum class KeyLevel : std::uint8_t { kLocate, kRead, kWrite };
const char* to_string(KeyLevel level);

class GroupKey {
 public:
  static GroupKey from_sync_key(const Secret& sync_key);
  // Takes white space around the string, and capitals (a QR code is smaller with them). Error
  // kInvalidArgument: what is wrong with it, never the string itself.
  static Result<GroupKey> parse(std::string_view text);
  // Precondition: `level` is ours or below. 66 characters for write, 117 for the others.
  std::string to_string(KeyLevel level) const;

  KeyLevel level() const { return level_; }
  // Names the group to its own hosts, in logs and on the command line: no secret, and the same at each level.
  const Id& id() const { return id_; }
  const Id& write_public_key() const { return write_public_key_; }
  const Secret& locate_key() const { return locate_key_; }
  // Precondition: level() is at least read.
  const Secret& read_key() const;
  // Precondition: level() is write. 15 us.
  KeyPair write_key() const;

  // Equal keys of one level.
  friend bool operator==(const GroupKey& a, const GroupKey& b) {
    return a.level_ == b.level_ && a.id_ == b.id_ && a.write_public_key_ == b.write_public_key_;
  }

 private:
  GroupKey(KeyLevel level, const Id& write_public_key);
  void set_read_key(const Secret& read_key);
  void set_locate_key(const Secret& locate_key);

  KeyLevel level_;
  std::optional<Secret> sync_key_;
  std::optional<Secret> read_key_;
  Secret locate_key_;
  Id write_public_key_;
  Id id_;
};

}  // namespace shoal
