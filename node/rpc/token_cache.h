// TokenCache: the tokens other hosts gave us, at most `tokens_max`, the longest known host out first.
#pragma once

#include <tsl/robin_map.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/rpc/token_mint.h"
#include "node/wire/messages.h"

namespace shoal {

class TokenCache {
 public:
  explicit TokenCache(std::size_t tokens_max) : tokens_max_(tokens_max) {}

  // Not one that its minter may be about to forget.
  std::optional<wire::Token> find(const Id& host, Instant now) const {
    const auto found = tokens_.find(host);
    if (found == tokens_.end() || now - found->second.received > kTokenPeriod * 9 / 10) return std::nullopt;
    return found->second.token;
  }

  void put(const Id& host, const wire::Token& token, Instant now) {
    if (tokens_max_ == 0) return;
    if (tokens_.insert_or_assign(host, Entry{token, now}).second) remember(host);
  }

 private:
  struct Entry {
    wire::Token token;
    Instant received;
  };

  void remember(const Id& host) {
    if (order_.size() < tokens_max_) {
      order_.push_back(host);
      return;
    }
    tokens_.erase(order_[oldest_]);
    order_[oldest_] = host;
    oldest_ = (oldest_ + 1) % tokens_max_;
  }

  std::size_t tokens_max_;
  std::size_t oldest_ = 0;
  std::vector<Id> order_;  // a ring once it is full
  tsl::robin_map<Id, Entry> tokens_;
};

}  // namespace shoal
