// What it costs to get a value that fits no datagram: one copy of it, and little more.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/node_cluster.h"

namespace shoal {
namespace {

class LargeValue : public testing::TestWithParam<std::size_t> {
 protected:
  // So quiet that nothing but a get is under way.
  static NodeConfig quiet() {
    NodeConfig config;
    config.table_check_period = config.bucket_refresh_interval = config.neighbour_refresh_interval = 12h;
    config.republish_interval = 12h;
    config.reach_test_interval = Duration::zero();
    config.connection_item_lifetime = Duration::zero();
    config.table_checks_per_lifetime = config.neighbour_checks_per_lifetime = 0;
    config.refreshes_per_lifetime = config.renewals_per_lifetime = 0;
    return config;
  }

  void SetUp() override {
    cluster_.add({}, quiet(), CipherKind::kModelled);
    for (std::size_t i = 1; i < GetParam(); ++i) cluster_.add({0}, quiet(), CipherKind::kModelled);
    cluster_.advance(10min);
    Rng rng = Rng::keyed(1, "test", "value");
    value_.resize(60'000);
    rng.fill(value_);
    const auto stored = cluster_.expect<StoreResult>(1, PutCommand{value_});
    ASSERT_EQ(stored.stored_count(), 8u);
    key_ = stored.key;
    cluster_.advance(2min);  // its sessions have ended
  }
  bool holds(std::size_t host) {
    return cluster_.item_store(host).find({key_, ItemKind::kHash, {}}).has_value();
  }
  // By anybody: lookup, handshake, and the session to its end.
  std::uint64_t bytes_of_get(std::size_t host) {
    const std::uint64_t before = bytes_moved();
    EXPECT_EQ(cluster_.expect<GetResult>(host, GetCommand{key_}).value, value_);
    cluster_.advance(70s);
    return bytes_moved() - before;
  }
  std::uint64_t bytes_moved() {
    const ManualNetwork::Totals& totals = cluster_.network().totals();
    return totals.datagram_bytes_sent + totals.stream_bytes_written;
  }

  NodeCluster cluster_;
  Bytes value_;
  Id key_;
};

TEST_P(LargeValue, IsMovedOnce) {
  std::size_t gets = 0;
  std::uint64_t most = 0, total = 0;
  for (std::size_t host = 1; gets < 40; ++host) {
    if (holds(host)) continue;
    const std::uint64_t bytes = bytes_of_get(host);
    EXPECT_GT(bytes, value_.size());
    EXPECT_LE(bytes, value_.size() * 12 / 10) << "asked by host " << host;
    total += bytes;
    most = std::max(most, bytes);
    ++gets;
  }
  RecordProperty("bytes_mean", std::to_string(total / gets));
  RecordProperty("bytes_most", std::to_string(most));
}

INSTANTIATE_TEST_SUITE_P(Hosts, LargeValue, testing::Values(50, 400), testing::PrintToStringParamName());

}  // namespace
}  // namespace shoal
