#include "node/secure/pair_cache.h"

#include <sodium.h>

#include "node/base/check.h"

namespace shoal {

PairCache::PairCache(std::size_t pairs_max, std::uint64_t salt) : pairs_max_(pairs_max), salt_(salt) {
  check(pairs_max > 0 && pairs_max < kNone);
}

PairCache::~PairCache() {
  for (Entry& entry : entries_) sodium_memzero(&entry.keys, sizeof entry.keys);
}

// Multiply and fold, twice: every bit of the id and of the salt reaches the low bits.
std::uint64_t PairCache::hash(const Id& host) const {
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const std::uint64_t first = fold(host.word(0) ^ salt_, host.word(1) ^ 0x9e3779b97f4a7c15u);
  return fold(first ^ host.word(2) ^ salt_, host.word(3) ^ 0xd1b54a32d192ed03u);
}

PairCache::Index PairCache::index_of(const Id& host) const {
  const auto found = by_hash_.find(hash(host));
  if (found == by_hash_.end() || entries_[found->second].host != host) return kNone;
  return found->second;
}

bool PairCache::contains(const Id& host) const {
  return index_of(host) != kNone;
}

const PairKeys* PairCache::find(const Id& host) {
  const Index index = index_of(host);
  if (index == kNone) return nullptr;
  if (index != list_of(entries_[index]).newest) {
    unlink(index);
    link_newest(index);
  }
  return &entries_[index].keys;
}

const PairKeys& PairCache::insert(const Id& host, const PairKeys& keys) {
  const std::uint64_t host_hash = hash(host);
  const auto twin = by_hash_.find(host_hash);
  Index index;
  if (twin != by_hash_.end()) {
    index = twin->second;
    unlink(index);
  } else {
    index = make_room();
    by_hash_.emplace(host_hash, index);
  }
  entries_[index].host = host;
  entries_[index].keys = keys;
  entries_[index].kept = false;
  link_newest(index);
  return entries_[index].keys;
}

void PairCache::keep(const Id& host) {
  const Index index = index_of(host);
  if (index == kNone || entries_[index].kept) return;
  const std::size_t kept_max = pairs_max_ * 3 / 4;
  if (kept_max == 0) return;
  if (kept_.size == kept_max) {
    const Index least = kept_.oldest;
    unlink(least);
    entries_[least].kept = false;
    link_newest(least);
  }
  unlink(index);
  entries_[index].kept = true;
  link_newest(index);
}

PairCache::Index PairCache::make_room() {
  if (entries_.size() < pairs_max_) {
    entries_.emplace_back();
    return static_cast<Index>(entries_.size() - 1);
  }
  const Index index = strangers_.size > 0 ? strangers_.oldest : kept_.oldest;
  unlink(index);
  by_hash_.erase(hash(entries_[index].host));
  return index;
}

void PairCache::link_newest(Index index) {
  List& list = list_of(entries_[index]);
  entries_[index].older = list.newest;
  entries_[index].newer = kNone;
  if (list.newest != kNone) entries_[list.newest].newer = index;
  list.newest = index;
  if (list.oldest == kNone) list.oldest = index;
  ++list.size;
}

void PairCache::unlink(Index index) {
  const Entry& entry = entries_[index];
  List& list = list_of(entry);
  (entry.newer == kNone ? list.newest : entries_[entry.newer].older) = entry.older;
  (entry.older == kNone ? list.oldest : entries_[entry.older].newer) = entry.newer;
  --list.size;
}

}  // namespace shoal
