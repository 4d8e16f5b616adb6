// Following next() from table to table, over whole networks whose tables are filled as Kademlia fills them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "node/base/rng.h"
#include "node/dht/routing_table.h"

namespace shoal {
namespace {

struct Network {
  Network(std::size_t nodes, const TableConfig& config, Rng& rng) {
    std::vector<Contact> all;
    for (std::size_t i = 0; i < nodes; ++i) {
      all.push_back({rng.id(), Endpoint::v4(static_cast<std::uint32_t>(0x50000000u + i), 4000)});
      ids.push_back(all.back().key);
    }
    for (const Id& id : ids) {
      // Everybody hears of everybody, in an order of its own.
      for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[rng.below(i)]);
      auto table = std::make_unique<RoutingTable>(id, book, config);
      for (const Contact& contact : all) table->add(contact, Instant(1s), 1ms);
      tables.emplace(id, std::move(table));
    }
  }

  Id nearest(const Id& target) const {
    return *std::min_element(ids.begin(), ids.end(),
                             [&](const Id& a, const Id& b) { return closer(target, a, b); });
  }

  ContactBook book;
  std::vector<Id> ids;
  std::map<Id, std::unique_ptr<RoutingTable>> tables;
};

// The id that follows or precedes.
Id neighbour(Id id, int step) {
  for (std::size_t i = kIdBytes; i-- > 0;) {
    id.bytes[i] = static_cast<std::uint8_t>(id.bytes[i] + step);
    if (id.bytes[i] != (step > 0 ? 0 : 0xff)) break;
  }
  return id;
}

struct WalkCase {
  std::size_t nodes;
  std::size_t k;
  std::vector<std::size_t> first_buckets;
};

class Walk : public testing::TestWithParam<WalkCase> {};

TEST_P(Walk, EndsAtTheNearestOfAllWithinTwiceTheLogarithmOfItsSteps) {
  Rng rng = Rng::keyed(GetParam().nodes, "test", "walk");
  const TableConfig config = {.k = GetParam().k,
                              .first_buckets = GetParam().first_buckets,
                              .replacements_max = 0,
                              .per_subnet_max = 0};
  const Network network(GetParam().nodes, config, rng);
  const double steps_max = 2 * std::log2(static_cast<double>(GetParam().nodes));

  std::size_t ring_steps = 0;
  for (std::size_t trial = 0; trial < 4000; ++trial) {
    const Id start = network.ids[rng.below(network.ids.size())];
    // Ids anywhere, and the hard ones: a host's own, and those right beside one, the start's among them.
    Id target = rng.id();
    if (trial % 4 == 1) target = network.ids[rng.below(network.ids.size())];
    if (trial % 4 == 2)
      target = neighbour(network.ids[rng.below(network.ids.size())], trial % 8 < 4 ? 1 : -1);
    if (trial % 4 == 3) target = neighbour(start, trial % 8 < 4 ? 1 : -1);
    Id at = start;
    std::size_t steps = 0;
    std::vector<Contact> nearest;
    while (const std::optional<Contact> next = network.tables.at(at)->next(target)) {
      ASSERT_TRUE(closer(target, next->key, at));
      network.tables.at(at)->closest(target, 1, nearest);
      if (nearest.front().key != next->key) ++ring_steps;
      at = next->key;
      ASSERT_LE(static_cast<double>(++steps), steps_max) << "to " << target.hex() << " from " << start.hex();
    }
    ASSERT_EQ(at, network.nearest(target));
  }
  // With one contact a bucket the successor, if it may be taken, is the nearest too, and large tables show
  // the walk the answer before the ring would.
  if (GetParam().k > 1 && GetParam().nodes > 2 && GetParam().first_buckets.empty()) {
    EXPECT_GT(ring_steps, 0u) << "the successor was never taken where another was nearer";
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, Walk,
                         testing::Values(WalkCase{2, 20, {}}, WalkCase{300, 1, {}}, WalkCase{300, 2, {}},
                                         WalkCase{300, 20, {}}, WalkCase{300, 20, {128, 64, 32}},
                                         WalkCase{700, 8, {}}));

}  // namespace
}  // namespace shoal
