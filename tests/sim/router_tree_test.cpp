// The routers themselves: real ns-3 nodes, links and queues. Each test runs in a process of its own under
// CTest.
#include "sim/router_tree.h"

#include <gtest/gtest.h>
#include <ns3/icmpv4-l4-protocol.h>
#include <ns3/ipv4-header.h>
#include <ns3/udp-l4-protocol.h>

#include <memory>
#include <vector>

#include "node/base/endpoint.h"
#include "sim/address_plan.h"
#include "sim/event_loop.h"

namespace shoal::sim {
namespace {

struct Exit {
  Instant at;
  ns3::Ipv4Header header;
  std::uint32_t bytes;  // with the header
};

class RouterTreeTest : public testing::Test, private RouterTree::Outside {
 protected:
  ~RouterTreeTest() override { loop_.destroy(); }

  void start(const std::vector<RouterLevel>& levels) {
    plan_ = std::make_unique<RouterPlan>(levels);
    RouterTree::Outside& outside = *this;
    tree_ = std::make_unique<RouterTree>(*plan_, outside);
  }
  std::uint32_t host_at(std::uint32_t edge) const { return edge_address_of(edge, plan_->edge_count()); }
  // A packet of `bytes` with its header, from a host of one edge router to `to`.
  void send(std::uint32_t from_edge, std::uint32_t to, Instant when, std::uint32_t bytes = 100,
            std::uint8_t ttl = 64) {
    const auto packet = ns3::Create<ns3::Packet>(bytes - 20);
    ns3::Ipv4Header header;
    header.SetSource(ns3::Ipv4Address(host_at(from_edge)));
    header.SetDestination(ns3::Ipv4Address(to));
    header.SetProtocol(ns3::UdpL4Protocol::PROT_NUMBER);
    header.SetPayloadSize(static_cast<std::uint16_t>(bytes - 20));
    header.SetTtl(ttl);
    packet->AddHeader(header);
    loop_.call(when, [this, from_edge, packet] { tree_->enter(from_edge, packet); });
  }

  EventLoop loop_{true};
  std::unique_ptr<RouterPlan> plan_;
  std::unique_ptr<RouterTree> tree_;
  std::vector<Exit> exits_;
  std::size_t dropped_ = 0;

 private:
  void on_left_routers(const ns3::Ptr<ns3::Packet>& packet) override {
    ns3::Ipv4Header header;
    packet->PeekHeader(header);
    exits_.push_back({loop_.now(), header, packet->GetSize()});
  }
  void on_dropped_by_router(const ns3::Packet&) override { ++dropped_; }
};

TEST_F(RouterTreeTest, EveryPairReachesInTheExpectedNumberOfHops) {
  start({{.fan_out = 2}, {.fan_out = 3}, {.fan_out = 2}});
  const std::uint32_t edges = plan_->edge_count();
  ASSERT_EQ(edges, 12u);
  for (std::uint32_t from = 0; from < edges; ++from) {
    for (std::uint32_t to = 0; to < edges; ++to) {
      exits_.clear();
      send(from, host_at(to), loop_.now() + 1ms);
      loop_.run_until(loop_.now() + 1s);
      ASSERT_EQ(exits_.size(), 1u) << from << " to " << to;
      EXPECT_EQ(exits_[0].header.GetDestination().Get(), host_at(to));
      EXPECT_EQ(64u - exits_[0].header.GetTtl(), plan_->routers_between(from, to));
    }
  }
}

TEST_F(RouterTreeTest, PacketTakesTheRatesAndDelaysOfItsLinks) {
  start({{.fan_out = 2, .down_bits_per_s = 4'000'000, .up_bits_per_s = 1'000'000, .delay = 7ms}});
  send(0, host_at(1), Instant(1s), 998);  // 1,000 bytes in PPP
  send(0, host_at(0), Instant(2s), 998);
  loop_.run_until(Instant(3s));
  ASSERT_EQ(exits_.size(), 2u);
  EXPECT_EQ(exits_[0].at, Instant(1s + 8ms + 7ms + 2ms + 7ms));
  EXPECT_EQ(exits_[0].bytes, 998u);
  EXPECT_EQ(exits_[1].at, Instant(2s)) << "one router, no link";
}

TEST_F(RouterTreeTest, FullQueueDropsTheNewest) {
  // 10 ms a packet; five wait while one is sent.
  start({{.fan_out = 2, .up_bits_per_s = 800'000, .delay = 0ms, .queue = 50ms}});
  for (std::uint32_t i = 0; i < 10; ++i) send(0, host_at(1), Instant(1s), 998 - i);
  loop_.run_until(Instant(2s));
  ASSERT_EQ(exits_.size(), 6u);
  EXPECT_EQ(dropped_, 4u);
  for (std::uint32_t i = 0; i < 6; ++i) EXPECT_EQ(exits_[i].bytes, 998 - i);
  EXPECT_NEAR(to_milliseconds(exits_[5].at - exits_[0].at), 50, 1);
}

TEST_F(RouterTreeTest, LargestPacketPassesAnIdleLinkHoweverShortItsQueueIs) {
  start({{.fan_out = 2, .down_bits_per_s = 1000, .up_bits_per_s = 1000, .queue = 1ms}});
  send(0, host_at(1), Instant(1s), 1500);
  loop_.run_until(Instant(1h));
  EXPECT_EQ(exits_.size(), 1u);
  EXPECT_EQ(dropped_, 0u);
}

TEST_F(RouterTreeTest, PacketWhoseTtlEndsIsReportedToItsSender) {
  start({{.fan_out = 2}, {.fan_out = 2}});
  send(0, host_at(3), Instant(1s), 100, 3);  // of five routers, the third is the root
  loop_.run_until(Instant(2s));
  ASSERT_EQ(exits_.size(), 1u);
  EXPECT_EQ(exits_[0].header.GetProtocol(), ns3::Icmpv4L4Protocol::PROT_NUMBER);
  EXPECT_EQ(exits_[0].header.GetDestination().Get(), host_at(0));
  EXPECT_EQ(Endpoint::v4(exits_[0].header.GetSource().Get(), 1).to_string(), "100.64.0.1:1") << "the root";
}

TEST_F(RouterTreeTest, PacketToAnAddressThatNoHostCanHaveVanishes) {
  start({{.fan_out = 2}});
  send(0, edge_address_of(2, 3), Instant(1s));
  send(0, 0xe0000001, Instant(1s));
  loop_.run_until(Instant(2s));
  EXPECT_TRUE(exits_.empty());
  EXPECT_EQ(dropped_, 0u);
}

}  // namespace
}  // namespace shoal::sim
