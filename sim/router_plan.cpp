#include "sim/router_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace shoal::sim {

RouterPlan::RouterPlan(std::vector<RouterLevel> levels)
    : levels_(std::move(levels)), counts_(levels_.size() + 1, 1), below_(levels_.size() + 1, 1) {
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    levels_[i].fan_out = std::max(levels_[i].fan_out, 1u);
    counts_[i + 1] = counts_[i] * levels_[i].fan_out;
  }
  for (std::size_t i = levels_.size(); i-- > 0;) below_[i] = below_[i + 1] * levels_[i].fan_out;
}

std::uint32_t RouterPlan::router_count() const {
  return std::accumulate(counts_.begin(), counts_.end(), 0u);
}

std::uint32_t RouterPlan::number(Router router) const {
  return std::accumulate(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(router.level),
                         router.index);
}

std::uint32_t RouterPlan::port_towards(Router router, std::uint32_t edge) const {
  if (edge / below_[router.level] != router.index) return kUpPort;
  if (router.level == depth()) return kFirstDownPort;
  return kFirstDownPort + edge / below_[router.level + 1] % levels_[router.level].fan_out;
}

std::size_t RouterPlan::levels_up(std::uint32_t edge, std::uint32_t other) const {
  std::size_t level = depth();
  while (edge / below_[level] != other / below_[level]) --level;
  return depth() - level;
}

Duration RouterPlan::delay(std::uint32_t edge, std::uint32_t other) const {
  Duration one_side{};
  for (std::size_t i = depth() - levels_up(edge, other); i < depth(); ++i) one_side += levels_[i].delay;
  return 2 * one_side;
}

}  // namespace shoal::sim
