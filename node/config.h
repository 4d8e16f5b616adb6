// NodeConfig: every number of a node that a person or a scenario may set, with its default. Names in files
// and on the command line are those of the members ("request_timeout_max").
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/contact.h"
#include "node/base/instant.h"
#include "node/base/result.h"

namespace shoal {

struct NodeConfig {
  // Routing table and lookups
  std::size_t k = 20;
  std::size_t alpha = 4;
  std::vector<std::size_t> first_buckets = {128, 64, 32};  // sizes of the farthest buckets; then k
  std::size_t replacements_max = 8;
  std::size_t per_subnet_max = 2;  // 0: off
  bool client = false;             // cannot be reached by strangers
  std::size_t lookups_in_flight_max = 64;

  // Requests
  Duration request_timeout_min = 100ms;
  Duration request_timeout_first = 1s;  // before a contact's RTT is known
  Duration request_timeout_max = 4s;
  std::uint8_t request_attempts = 2;  // sendings before a request counts as unanswered
  std::size_t requests_in_flight_max = 1024;
  std::size_t requests_per_source_per_s = 1000;  // taken of one host; no host is sent more
  std::size_t strangers_per_s = 2000;            // datagrams that need a key agreement
  std::size_t cached_pairs_max = 1024;
  std::size_t tokens_max = 512;  // address tokens of other hosts that are kept
  std::size_t jobs_max = 8192;

  // Identity
  Duration host_key_lifetime = 24h * 7;  // then the host takes another key (node_host_key.cpp); 0: never

  // Maintenance. The periods are the longest ones: where contacts are seen to stay for a shorter time, things
  // are done so many times per mean lifetime of a contact; 0: not adapted.
  std::uint8_t table_checks_per_lifetime = 2;
  std::uint8_t neighbour_checks_per_lifetime = 8;  // of the k contacts closest to us
  std::uint8_t refreshes_per_lifetime = 1;         // of neighbours, buckets, and our connection item
  std::uint8_t renewals_per_lifetime = 2;          // of items
  Duration table_check_period = 30min;             // every contact is heard of this often, or pinged
  Duration lost_check_interval = 30s;              // one contact that was lost is pinged again
  Duration bucket_refresh_interval = 15min;
  Duration neighbour_refresh_interval = 15min;  // a lookup of our own id
  Duration reach_test_interval = 10min;         // can strangers reach us? 0: they can, and it is not tested
  Duration bootstrap_backoff_min = 2s;
  Duration bootstrap_backoff_max = 30s;

  // Items
  std::size_t replication = 8;
  Duration item_lifetime = 24h;
  Duration republish_interval = 1h;
  Duration connection_item_lifetime = 2h;  // refreshed at half of it; 0: none is published
  std::uint64_t item_count_max = 100'000;
  std::uint64_t item_bytes_max = 1ull << 30;

  // Sessions
  std::size_t sessions_max = 256;
  Duration session_idle_timeout = 60s;
  Duration handshake_timeout = 10s;
  Duration session_keep_alive = 20s;  // between peers; silence of three of them ends the session
  Duration session_rekey_interval = 1h;
  std::size_t half_open_max = 64;  // handshakes that others have begun
  std::size_t half_open_per_source_max = 8;
  std::size_t sessions_per_source_max = 16;  // that strangers have begun: those that share no group with us

  // Groups
  std::size_t peers_wanted = 8;  // sessions in each group
  Duration primary_lease = 60s;  // a primary that is silent for so long is replaced
  Duration peer_backoff_min = 2s;
  Duration peer_backoff_max = 1min;
  Duration rendezvous_lifetime = 2h;          // of what tells the group where we are; renewed at half of it
  Duration rendezvous_read_interval = 15min;  // while we have a peer; without one more often

  // Folders
  Duration folder_settle = 20ms;           // a directory is scanned so long after the first hint of a change
  Duration folder_rescan_interval = 1h;    // of everything, though all of it is watched
  Duration folder_poll_interval = 1min;    // the same, where the host has no watches left
  Duration folder_check_interval = 5min;   // peers compare what they know, though nobody told of a change
  Duration folder_deletion_grace = 500ms;  // what is missing for so long was deleted, and has not moved
  std::size_t folder_free_floor = 64 << 20;  // bytes; of a small disk at most a sixteenth
  // Files are compared with what was written, all once in so long; 0: only when a person asks for it.
  Duration folder_verify_interval = 24h * 30;
  std::size_t folder_verify_rate = 8 << 20;   // bytes per second, then
  Duration folder_trash_lifetime = 24h * 30;  // of what was deleted or overwritten by a peer; 0: none is kept
  bool folder_fsync = true;                   // a file is on the disk before it takes its place

  std::vector<Endpoint> bootstrap;
  Duration lan_ping_interval = 30s;  // by multicast on each interface; 0: neither sent nor heard

  // Sets one key from its text ("20", "250ms", "128,64", "true"). Errors kInvalidArgument: the key is
  // unknown, or the text is not of its type or range; the message says which and what was expected.
  Result<void> set(std::string_view key, std::string_view value);
  // All keys that set() takes, sorted, each with its value's text, what set() would take, and one sentence.
  struct Key {
    std::string name;
    std::string value;
    std::string expected;
    std::string what;
  };
  std::vector<Key> values() const;
  static std::vector<Key> keys() { return NodeConfig{}.values(); }  // with the defaults
  // Do the values agree with each other, which set() cannot see? Error kInvalidArgument, naming the keys that
  // contradict each other.
  Result<void> validate() const;
};

// "250ms", "30s", "10min", "2h", "7d"; a unit is required.
Result<Duration> parse_duration(std::string_view text);

}  // namespace shoal
