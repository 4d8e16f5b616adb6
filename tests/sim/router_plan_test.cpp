// The arithmetic of the topology routers: ways through the tree, delays, addresses.
#include "sim/router_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "node/base/endpoint.h"
#include "sim/address_plan.h"

namespace shoal::sim {
namespace {

using Router = RouterPlan::Router;

RouterPlan tree_of(const std::vector<std::uint32_t>& fan_outs) {
  std::vector<RouterLevel> levels;
  for (const std::uint32_t fan_out : fan_outs) levels.push_back({.fan_out = fan_out});
  return RouterPlan(levels);
}

// The routers on the way from one edge router to the hosts of another, each asked where to go next.
std::vector<Router> walk(const RouterPlan& plan, std::uint32_t from, std::uint32_t to) {
  std::vector<Router> way = {{plan.depth(), from}};
  while (way.size() < 20) {
    const Router at = way.back();
    const std::uint32_t port = plan.port_towards(at, to);
    if (port == RouterPlan::kUpPort) {
      way.push_back(plan.parent(at));
    } else if (at.level < plan.depth()) {
      way.push_back(plan.child(at, port - RouterPlan::kFirstDownPort));
    } else {
      return way;
    }
  }
  ADD_FAILURE() << "no way from " << from << " to " << to;
  return way;
}

// From the routers above each, without the plan's own reckoning.
std::size_t expected_routers(const RouterPlan& plan, std::uint32_t from, std::uint32_t to) {
  Router a{plan.depth(), from};
  Router b{plan.depth(), to};
  std::size_t routers = 1;
  for (; a != b; routers += 2) {
    a = plan.parent(a);
    b = plan.parent(b);
  }
  return routers;
}

TEST(RouterPlan, EveryPairOfEdgeRoutersReachesEachOtherByTheShortestWay) {
  using FanOuts = std::vector<std::uint32_t>;
  for (const FanOuts& fan_outs : {FanOuts{}, {1}, {5}, {2, 3}, {4, 4}, {3, 1, 4}, {2, 3, 2, 5}}) {
    const RouterPlan plan = tree_of(fan_outs);
    for (std::uint32_t from = 0; from < plan.edge_count(); ++from) {
      for (std::uint32_t to = 0; to < plan.edge_count(); ++to) {
        const std::vector<Router> way = walk(plan, from, to);
        EXPECT_EQ(way.back(), (Router{plan.depth(), to}));
        EXPECT_EQ(way.size(), expected_routers(plan, from, to));
        EXPECT_EQ(plan.routers_between(from, to), way.size());
      }
    }
  }
  EXPECT_EQ(tree_of({2, 3}).routers_between(0, 2), 3u);
  EXPECT_EQ(tree_of({2, 3}).routers_between(0, 3), 5u);
}

TEST(RouterPlan, NumbersRoutersFromTheRootLevelByLevel) {
  const RouterPlan plan = tree_of({2, 3});
  EXPECT_EQ(plan.router_count(), 9u);
  EXPECT_EQ(plan.edge_count(), 6u);
  EXPECT_EQ(plan.number({0, 0}), 0u);
  EXPECT_EQ(plan.number({1, 1}), 2u);
  EXPECT_EQ(plan.number({2, 5}), 8u);
  EXPECT_EQ(plan.child({1, 1}, 2), (Router{2, 5}));
  EXPECT_EQ(plan.parent({2, 5}), (Router{1, 1}));
}

TEST(RouterPlan, AddsUpTheDelaysOfTheLinksOfAWay) {
  const RouterPlan plan({{.fan_out = 2, .delay = 10ms}, {.fan_out = 3, .delay = 1ms}});
  EXPECT_EQ(plan.delay(4, 4), 0ms);
  EXPECT_EQ(plan.delay(3, 5), 2ms);
  EXPECT_EQ(plan.delay(2, 3), 22ms);
}

TEST(AddressPlan, GivesEveryHostOfAnEdgeRouterAPublicAddressOfItsPrefix) {
  for (const std::uint32_t edges : {1u, 12u, kEdgeRoutersMax}) {
    std::set<std::uint32_t> seen;
    std::map<std::uint64_t, int> per_network;
    for (HostIndex host = 0; host < kHostsPerEdgeRouterMax * edges; host += host < 9000 ? 1 : 9973) {
      const std::uint32_t address = edge_address_of(host, edges);
      const Endpoint endpoint = Endpoint::v4(address, kHostPort);
      EXPECT_TRUE(seen.insert(address).second) << endpoint.to_string();
      EXPECT_FALSE(endpoint.is_local()) << endpoint.to_string();
      EXPECT_LE(++per_network[subnet_of(endpoint.address)], 2);
      EXPECT_EQ(edge_host_of(address, edges), host);
      EXPECT_EQ(edge_router_of(address), host % edges);
    }
  }
  EXPECT_EQ(Endpoint::v4(edge_address_of(0, 12), 1).to_string(), "1.0.0.10:1");
  EXPECT_EQ(Endpoint::v4(edge_address_of(1, 12), 1).to_string(), "1.16.0.10:1");
  EXPECT_FALSE(edge_host_of(0x01000001, 12)) << "nobody of that site";
  EXPECT_FALSE(edge_host_of(0x01c0000a, 12)) << "the prefix of a thirteenth router";
  EXPECT_FALSE(edge_host_of(0x0a00000a, 12)) << "private";
}

}  // namespace
}  // namespace shoal::sim
