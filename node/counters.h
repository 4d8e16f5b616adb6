// NodeCounters: what a node has sent, received, dropped and refused since its start, by kind and by purpose.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "node/wire/messages.h"

namespace shoal {

// Why a request was sent; both its bytes and those of its response count for it.
enum class Purpose : std::uint8_t { kLookup, kItems, kMaintenance, kBootstrap, kCommand, kSync };
inline constexpr std::size_t kPurposes = 6;
const char* to_string(Purpose purpose);

struct NodeCounters {
  struct Kind {
    std::uint64_t requests_sent = 0, requests_received = 0, responses_sent = 0, responses_received = 0;
    std::uint64_t request_bytes_sent = 0, response_bytes_sent = 0;  // sealed bytes
  };
  std::array<Kind, wire::kRequestKinds> kinds{};
  std::array<std::uint64_t, kPurposes> purpose_bytes{};  // requests sent and responses received, sealed bytes
  std::array<std::uint64_t, kPurposes> purpose_messages{};  // of both, each sending of a request
  std::uint64_t datagrams_sent = 0, datagrams_received = 0, bytes_sent = 0, bytes_received = 0;
  std::uint64_t session_bytes_sent = 0, session_bytes_received = 0;
  // Refusals and drops, each for its reason
  std::uint64_t dropped_malformed = 0, dropped_unverified = 0, dropped_queue_full = 0,
                dropped_stranger_budget = 0, dropped_rate_limit = 0, dropped_amplification = 0,
                dropped_late_response = 0, dropped_send = 0;
  std::uint64_t requests_timed_out = 0, lookups_refused = 0, stores_refused = 0, listen_failures = 0;
  std::uint64_t sessions_refused = 0;    // too many half-open, or of one source
  std::uint64_t rendezvous_refused = 0;  // records under a group's key that do not verify
  std::uint64_t commits_failed = 0;      // batches of items that the store could not keep
  std::uint64_t items_damaged = 0;       // values that the store gave back otherwise than it took them
  std::uint64_t items_gave_way = 0;      // put out of a full store by others (item_shares.h)
  std::uint64_t sessions_gave_way = 0;   // of strangers, to others
  // Multicast on the LAN, by what became of it. Asks are the datagrams that it made us send.
  struct Lan {
    std::uint64_t pings_sent = 0, pings_heard = 0, asks_sent = 0, asks_refused = 0, joins_failed = 0;
    std::uint64_t dropped_malformed = 0, dropped_replayed = 0, dropped_expired = 0, dropped_unverified = 0,
                  dropped_rate_limit = 0, dropped_budget = 0;
  };
  Lan lan;

  // One message that this purpose has sent or received.
  void count(Purpose purpose, std::size_t bytes) {
    purpose_bytes[static_cast<std::size_t>(purpose)] += bytes;
    ++purpose_messages[static_cast<std::size_t>(purpose)];
  }
};

// Counter by counter.
NodeCounters sum(const NodeCounters& a, const NodeCounters& b);
NodeCounters difference(const NodeCounters& a, const NodeCounters& b);

// Every counter by name ("ping.requests_sent", "dropped_malformed"), sorted by name.
std::vector<std::pair<std::string, std::uint64_t>> named_counters(const NodeCounters& counters);

}  // namespace shoal
