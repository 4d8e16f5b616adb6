#include "node/counters.h"

#include <algorithm>
#include <bit>

namespace shoal {
namespace {

// They are numbers of one type and nothing else.
using CounterWords = std::array<std::uint64_t, sizeof(NodeCounters) / sizeof(std::uint64_t)>;

}  // namespace

const char* to_string(Purpose purpose) {
  switch (purpose) {
    case Purpose::kLookup:
      return "lookup";
    case Purpose::kItems:
      return "items";
    case Purpose::kMaintenance:
      return "maintenance";
    case Purpose::kBootstrap:
      return "bootstrap";
    case Purpose::kCommand:
      return "command";
    case Purpose::kSync:
      return "sync";
  }
  return "unknown";
}

NodeCounters sum(const NodeCounters& a, const NodeCounters& b) {
  auto words = std::bit_cast<CounterWords>(a);
  const auto other = std::bit_cast<CounterWords>(b);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] += other[i];
  return std::bit_cast<NodeCounters>(words);
}

NodeCounters difference(const NodeCounters& a, const NodeCounters& b) {
  auto words = std::bit_cast<CounterWords>(a);
  const auto other = std::bit_cast<CounterWords>(b);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] -= other[i];
  return std::bit_cast<NodeCounters>(words);
}

std::vector<std::pair<std::string, std::uint64_t>> named_counters(const NodeCounters& c) {
  std::vector<std::pair<std::string, std::uint64_t>> named = {
      {"bytes_received", c.bytes_received},
      {"bytes_sent", c.bytes_sent},
      {"commits_failed", c.commits_failed},
      {"datagrams_received", c.datagrams_received},
      {"datagrams_sent", c.datagrams_sent},
      {"dropped_amplification", c.dropped_amplification},
      {"dropped_late_response", c.dropped_late_response},
      {"dropped_malformed", c.dropped_malformed},
      {"dropped_queue_full", c.dropped_queue_full},
      {"dropped_rate_limit", c.dropped_rate_limit},
      {"dropped_send", c.dropped_send},
      {"dropped_stranger_budget", c.dropped_stranger_budget},
      {"dropped_unverified", c.dropped_unverified},
      {"items_damaged", c.items_damaged},
      {"items_gave_way", c.items_gave_way},
      {"lan.asks_refused", c.lan.asks_refused},
      {"lan.asks_sent", c.lan.asks_sent},
      {"lan.dropped_budget", c.lan.dropped_budget},
      {"lan.dropped_expired", c.lan.dropped_expired},
      {"lan.dropped_malformed", c.lan.dropped_malformed},
      {"lan.dropped_rate_limit", c.lan.dropped_rate_limit},
      {"lan.dropped_replayed", c.lan.dropped_replayed},
      {"lan.dropped_unverified", c.lan.dropped_unverified},
      {"lan.joins_failed", c.lan.joins_failed},
      {"lan.pings_heard", c.lan.pings_heard},
      {"lan.pings_sent", c.lan.pings_sent},
      {"listen_failures", c.listen_failures},
      {"lookups_refused", c.lookups_refused},
      {"rendezvous_refused", c.rendezvous_refused},
      {"requests_timed_out", c.requests_timed_out},
      {"session_bytes_received", c.session_bytes_received},
      {"session_bytes_sent", c.session_bytes_sent},
      {"sessions_gave_way", c.sessions_gave_way},
      {"sessions_refused", c.sessions_refused},
      {"stores_refused", c.stores_refused},
  };
  for (std::size_t i = 0; i < c.kinds.size(); ++i) {
    const std::string kind = wire::to_string(static_cast<wire::RequestKind>(i));
    const NodeCounters::Kind& k = c.kinds[i];
    named.emplace_back(kind + ".requests_sent", k.requests_sent);
    named.emplace_back(kind + ".requests_received", k.requests_received);
    named.emplace_back(kind + ".responses_sent", k.responses_sent);
    named.emplace_back(kind + ".responses_received", k.responses_received);
    named.emplace_back(kind + ".request_bytes_sent", k.request_bytes_sent);
    named.emplace_back(kind + ".response_bytes_sent", k.response_bytes_sent);
  }
  for (std::size_t i = 0; i < c.purpose_bytes.size(); ++i) {
    named.emplace_back(std::string("purpose_bytes.") + to_string(static_cast<Purpose>(i)),
                       c.purpose_bytes[i]);
    named.emplace_back(std::string("purpose_messages.") + to_string(static_cast<Purpose>(i)),
                       c.purpose_messages[i]);
  }
  std::sort(named.begin(), named.end());
  return named;
}

}  // namespace shoal
