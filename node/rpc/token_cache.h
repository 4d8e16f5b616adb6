// TokenCache: the tokens other hosts gave us, at most `tokens_max`, the oldest token out first, and how long
// those hosts took to answer. Sorted by host: the cache is small, and a simulation has a million of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/rpc/token_mint.h"
#include "node/wire/messages.h"

namespace shoal {

class TokenCache {
 public:
  // Precondition: tokens_max > 0.
  explicit TokenCache(std::size_t tokens_max) : tokens_max_(tokens_max) {}

  std::size_t size() const { return entries_.size(); }

  // Not one that its minter may be about to forget.
  std::optional<wire::Token> find(const Id& host, Instant now) const {
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), host, before);
    if (found == entries_.end() || found->host != host) return std::nullopt;
    if (now - found->received > kTokenPeriod * 9 / 10) return std::nullopt;
    return found->token;
  }

  // Of the last answer, to the millisecond; zero: not known.
  Duration rtt(const Id& host) const {
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), host, before);
    const bool known = found != entries_.end() && found->host == host;
    return std::chrono::milliseconds(known ? found->rtt_ms : 0);
  }

  // An `rtt` of zero is not known, and leaves the one known before.
  void put(const Id& host, const wire::Token& token, Instant now, Duration rtt) {
    const auto rtt_ms =
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(rtt).count());
    auto place = std::lower_bound(entries_.begin(), entries_.end(), host, before);
    if (place != entries_.end() && place->host == host) {
      *place = {host, token, now, rtt_ms > 0 ? rtt_ms : place->rtt_ms};
      return;
    }
    if (entries_.size() == tokens_max_) {
      entries_.erase(std::min_element(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        return a.received < b.received;
      }));
      place = std::lower_bound(entries_.begin(), entries_.end(), host, before);
    }
    entries_.insert(place, {host, token, now, rtt_ms});
  }

 private:
  struct Entry {
    Id host;
    wire::Token token;
    Instant received;
    std::uint32_t rtt_ms;
  };
  static bool before(const Entry& entry, const Id& host) { return entry.host < host; }

  std::size_t tokens_max_;
  std::vector<Entry> entries_;
};

}  // namespace shoal
