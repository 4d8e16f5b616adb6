#include "node/dht/item_shares.h"

namespace shoal {

void ItemShares::add(const ItemName& name, const Share& share) {
  if (share.voice == kOwn) return;
  Network& network = networks_[share.voice];
  by_weight_.erase({network.weight, share.voice});
  network.weight += share.weight;
  network.items.emplace(share.distance, &name);
  by_weight_.emplace(network.weight, share.voice);
}

void ItemShares::remove(const ItemName& name, const Share& share) {
  const auto found = networks_.find(share.voice);
  if (found == networks_.end() || found->second.items.erase({share.distance, &name}) == 0) return;
  Network& network = found->second;
  by_weight_.erase({network.weight, share.voice});
  network.weight -= share.weight;
  if (network.items.empty()) {
    networks_.erase(found);
  } else {
    by_weight_.emplace(network.weight, share.voice);
  }
}

void ItemShares::clear() {
  networks_.clear();
  by_weight_.clear();
}

std::vector<const ItemName*> ItemShares::giving_way(const Share& newcomer, std::size_t count_max) const {
  std::vector<const ItemName*> names;
  if (by_weight_.empty()) return names;
  const auto& [most, heaviest] = *by_weight_.rbegin();
  const auto own = networks_.find(newcomer.voice);
  const std::uint64_t with_newcomer = newcomer.weight + (own == networks_.end() ? 0 : own->second.weight);
  const bool is_own_operation = newcomer.voice == kOwn;
  const bool others_have_more = heaviest != newcomer.voice && (is_own_operation || most > with_newcomer);
  if (!others_have_more && own == networks_.end()) return names;
  const Network& network = others_have_more ? networks_.at(heaviest) : own->second;
  for (const auto& [distance, name] : network.items) {
    if (names.size() == count_max || (!others_have_more && distance <= newcomer.distance)) break;
    names.push_back(name);
  }
  return names;
}

}  // namespace shoal
