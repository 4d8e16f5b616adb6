// SlowContacts: the contacts that answer later than most are waited for. The adaptive time-out follows what
// contacts take on the whole (rtt_estimator.h); a host whose CPU is busy or whose link is long would never be
// heard of under it. Rhea et al. (USENIX 2004) keep an estimate for every neighbour; here only those that
// need one have one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "node/base/id.h"
#include "node/base/instant.h"

namespace shoal {

class SlowContacts {
 public:
  static constexpr std::size_t kMax = 32;

  // It answered so long after we asked first; `usual` is the time-out that holds for all.
  void answered(const Id& contact, Duration took, Duration usual) {
    const auto known = std::ranges::find(entries_, contact, &Entry::contact);
    if (known != entries_.end()) entries_.erase(known);
    if (took <= usual) return;
    if (entries_.size() == kMax) entries_.erase(entries_.begin());
    entries_.push_back({contact, took});
  }
  // What a contact took last if it was slow; 0 if it is not.
  Duration took(const Id& contact) const {
    const auto known = std::ranges::find(entries_, contact, &Entry::contact);
    return known == entries_.end() ? Duration::zero() : known->took;
  }

 private:
  struct Entry {
    Id contact;
    Duration took;
  };
  std::vector<Entry> entries_;  // longest unheard of first
};

}  // namespace shoal
