// Commands: what a person, a control socket or a scenario's workload asks of a node, and what it answers. One
// answer for each command, through NodeListener, after the entry point that completed it has ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "node/base/contact.h"
#include "node/base/instant.h"
#include "node/base/result.h"
#include "node/base/rng.h"
#include "node/control/folder_command.h"
#include "node/dht/item.h"
#include "node/secure/group_key.h"

namespace shoal {

struct CommandId {
  std::uint64_t value = 0;
  friend auto operator<=>(const CommandId&, const CommandId&) = default;
};

// The k hosts closest to a target: of the network, each verified by its own answer; of our routing table; or
// of the hosts that are remembered for the next start. The latter two ask nobody.
struct FindCommand {
  enum class Where : std::uint8_t { kDht, kTable, kStore };
  Id target;
  Where where = Where::kDht;
};

// Offers a contact to a host, or to our own node, which verifies it by a ping before it enters anything.
struct StoreHostCommand {
  Contact contact;
  std::optional<Contact> to;
};

// One step of `next`: from our own table, or asked of another host by get_next_connection.
struct NextCommand {
  Id target;
  std::optional<Contact> ask;
};

// Is a host there? By key (found by a lookup if it is not in the table), or by endpoint and key.
struct PingCommand {
  Id host;
  std::optional<Endpoint> endpoint;
};

// Stores a hash item on the k closest. At most wire::kValueBytesMax bytes.
struct PutCommand {
  Bytes value;
};

struct GetCommand {
  Id key;
};

// Stores a publish item signed by the key pair of `secret`. The sequence number is one above the highest
// found, unless given; with `expected_sequence` it is compare-and-swap.
struct PublishCommand {
  Rng::Seed secret{};
  Bytes salt;
  Bytes value;
  std::optional<std::uint64_t> sequence;
  std::optional<std::uint64_t> expected_sequence;
  std::optional<Duration> lifetime;
};

// The newest record of (public key, salt); all records of the key with `all`.
struct LookupCommand {
  Id public_key;
  Bytes salt;
  bool all = false;
};

// The endpoints in a host's connection item.
struct ResolveCommand {
  Id host;
};

struct StatusCommand {};
struct TableCommand {};  // every contact of the table
struct PeersCommand {};  // the groups of this host, and their peers
// Tells the peers of a group that something has happened.
struct BroadcastCommand {
  Id group;
  Bytes event;  // at most wire::kFsEventBytesMax
};
// The key files of the host have changed.
struct ReloadKeysCommand {};
struct StopCommand {};  // leaves: shutdown_host to the nearest contacts, then NodeListener::on_stopped
// Of the program around the node, which answers it itself; nodes keep no log (kUnsupported).
struct LogLevelCommand {
  std::string level;  // to be logged from now on (DaemonConfig); empty: as before
};

using Command = std::variant<FindCommand, NextCommand, PingCommand, PutCommand, GetCommand, PublishCommand,
                             LookupCommand, ResolveCommand, StatusCommand, TableCommand, PeersCommand,
                             BroadcastCommand, ReloadKeysCommand, StoreHostCommand, StopCommand,
                             LogLevelCommand, AddFolderCommand, FolderCommand>;

// The story of one iterative lookup.
struct LookupReport {
  struct Host {
    Contact contact;
    std::uint8_t hops =
        0;  // steps along the shortest chain of who told of whom; 1: it stood in our own table
    Duration answered_after{};
  };
  enum class Outcome : std::uint8_t { kAnswered, kTimedOut, kRefused, kUnasked };
  struct Step {  // one request, in the order of sending
    Contact asked;
    Id told_by;  // our own id for what stood in our table
    std::uint8_t hops = 0;
    Duration sent_after{};
    Duration ended_after{};
    Outcome outcome = Outcome::kUnasked;
  };
  Id target;
  std::vector<Host> closest;  // nearest first; all have answered
  std::vector<Step> steps;
  std::uint32_t requests = 0;  // sent, repeats included
  Duration duration{};
};

const char* to_string(LookupReport::Outcome outcome);  // "answered", "timed_out", …

struct FindResult {
  LookupReport lookup;
};
struct NextResult {
  std::optional<Contact> contact;  // nothing: the host asked is itself the next connection
};
struct StoreHostResult {
  Contact told;  // who has taken the offer; for our own node the contact itself, which has answered
};
struct PingResult {
  Contact contact;
  Duration rtt{};
};
// What became of a store, holder by holder.
struct StoreResult {
  struct Holder {
    Contact contact;
    ErrorCode refusal = ErrorCode::kNone;  // kNone: stored, durably; kTimeout: silent
    std::uint64_t held_sequence = 0;       // with the sequence refusals
  };
  Id key;  // location for hash items, public key for publish items
  std::uint64_t sequence = 0;
  std::vector<Holder> holders;
  LookupReport lookup;
  std::size_t stored_count() const {
    std::size_t n = 0;
    for (const Holder& holder : holders) n += holder.refusal == ErrorCode::kNone ? 1 : 0;
    return n;
  }
};
struct GetResult {
  Bytes value;
  LookupReport lookup;
};
struct PublishedResult {
  std::vector<PublishRecord> records;
  LookupReport lookup;
};
struct ResolveResult {
  ConnectionRecord record;
  LookupReport lookup;
};
struct StatusResult {
  Id host;
  std::vector<Endpoint> endpoints;  // where others see us
  // Can strangers reach it? "unknown", "reachable" or "unreachable"; a client is asked by nobody.
  std::string_view reachability = "unknown";
  bool client = false;
  std::uint64_t boot_number = 0;
  std::size_t contacts = 0;
  std::size_t replacements = 0;
  std::uint64_t items = 0;
  std::uint64_t item_bytes = 0;
  std::size_t sessions = 0;
  struct Lan {
    std::size_t links = 0;  // an interface on which multicast is sent counts for IPv4 and for IPv6
    std::size_t hosts = 0;  // heard within the last minutes
    std::size_t confirmed = 0;
  };
  Lan lan;
  struct Groups {
    std::size_t count = 0;
    std::size_t peers = 0;  // known; one that shares two groups counts twice
    std::size_t connected = 0;
    // Our clock is so far ahead of that of peers that they and we refuse each other; 0: it is not.
    Duration clock_ahead{};
  };
  Groups groups;
  struct Folders {
    std::size_t count = 0;
    std::size_t in_sync = 0;
    std::uint64_t bytes_needed = 0;
  };
  Folders folders;
  // Our wall clock is so far ahead of the one that most of the networks that answered agree on; 0: close
  // enough, or none has answered. Of few networks it may be theirs that is wrong (base/network_time.h says
  // from when on this host goes by theirs).
  Duration clock_ahead{};
  // There is no contact, and these were asked in vain.
  std::vector<Endpoint> bootstrap_unanswered{};
  // Where another host has answered with our host key since the start, a copy of this one.
  std::optional<Endpoint> same_key;
  Duration uptime{};
  std::vector<std::pair<std::string, std::uint64_t>> counters;  // name, value; sorted by name
};
struct GroupStatus {
  struct Peer {
    Id host;
    std::vector<Endpoint> endpoints;  // heard of last first
    bool connected = false;
    Duration since_heard{};
    std::uint32_t attempts = 0;  // to reach it, failed since it was heard of
  };
  Id id;
  KeyLevel level = KeyLevel::kLocate;
  std::size_t records = 0;              // of peers, found in the DHT at the last reading
  std::optional<WallTime> published{};  // where we are; last
  std::optional<WallTime> read{};       // where the others are; last
  std::optional<Id> primary{};          // who speaks for the group; nothing while that is open
  std::uint64_t epoch = 0;
  std::vector<Peer> peers;
};
struct PeersResult {
  std::vector<GroupStatus> groups;
};
struct BroadcastResult {
  std::size_t peers = 0;  // that it went to at once
};
struct ReloadKeysResult {
  std::size_t groups = 0;
};
struct TableResult {
  struct Row {
    Contact contact;
    Duration rtt{};
    Duration since_seen{};
    int bucket = 0;
  };
  std::vector<Row> rows;
  std::vector<Endpoint> bootstrap_unanswered{};  // as in StatusResult
};
struct StopResult {};
struct LogLevelResult {
  std::string level;  // in force
};

using CommandResult =
    Result<std::variant<FindResult, NextResult, PingResult, StoreResult, GetResult, PublishedResult,
                        ResolveResult, StatusResult, TableResult, PeersResult, BroadcastResult,
                        ReloadKeysResult, StoreHostResult, StopResult, LogLevelResult, AddFolderResult,
                        FoldersResult, FolderStatusResult, FolderConflictsResult, FolderTrashResult,
                        RestoreResult, FolderIgnoreResult, FolderVerifyResult, FolderDoneResult>>;

}  // namespace shoal
