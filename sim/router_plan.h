// RouterPlan: the tree of the topology `routers` as arithmetic: which way an edge router lies from any
// router, and how far it is. No tables of routes: a router knows its subtree by the range of edge routers
// below it.
//
// Level 0 is the root alone. The routers of the last level are the edge routers, at which hosts are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/base/instant.h"
#include "sim/network_spec.h"

namespace shoal::sim {

class RouterPlan {
 public:
  struct Router {
    std::size_t level = 0;
    std::uint32_t index = 0;  // within its level
    friend bool operator==(const Router&, const Router&) = default;
  };
  // Ports of a router: up, then one for each router below it, or, at an edge router, one for its hosts.
  static constexpr std::uint32_t kUpPort = 0;
  static constexpr std::uint32_t kFirstDownPort = 1;

  // Without levels the root is the only edge router.
  explicit RouterPlan(std::vector<RouterLevel> levels);

  std::size_t depth() const { return levels_.size(); }
  // The links between a level and the next one.
  const RouterLevel& links_below(std::size_t level) const { return levels_[level]; }
  std::uint32_t count(std::size_t level) const { return counts_[level]; }
  std::uint32_t router_count() const;
  std::uint32_t edge_count() const { return counts_.back(); }
  // Of all routers, from the root, level by level.
  std::uint32_t number(Router router) const;
  Router child(Router router, std::uint32_t nth) const {
    return {router.level + 1, router.index * levels_[router.level].fan_out + nth};
  }
  Router parent(Router router) const {
    return {router.level - 1, router.index / levels_[router.level - 1].fan_out};
  }

  // Precondition of all: edge < edge_count().
  std::uint32_t port_towards(Router router, std::uint32_t edge) const;
  // Routers that a packet passes from the hosts of one edge router to those of another, both included.
  std::size_t routers_between(std::uint32_t edge, std::uint32_t other) const {
    return 2 * levels_up(edge, other) + 1;
  }
  // What the links of that way take, their queues empty and their rates aside.
  Duration delay(std::uint32_t edge, std::uint32_t other) const;

 private:
  // From either edge router to the lowest router that both are below.
  std::size_t levels_up(std::uint32_t edge, std::uint32_t other) const;

  std::vector<RouterLevel> levels_;
  std::vector<std::uint32_t> counts_;  // routers, by level
  std::vector<std::uint32_t> below_;   // edge routers below each router, by its level
};

}  // namespace shoal::sim
