// What each kind of NAT does, alone and between hosts of both fidelities.
#include "sim/nat.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "node/secure/keys.h"
#include "sim/world.h"
#include "tests/sim/plain_node.h"

namespace shoal::sim {
namespace {

constexpr Instant at(Duration since_start) {
  return Instant(since_start);
}
constexpr auto kUdp = Nat::Protocol::kUdp;
constexpr Nat::Remote kA{0x01020304, 4000};
constexpr Nat::Remote kOtherPortOfA{0x01020304, 4001};
constexpr Nat::Remote kB{0x05060708, 4000};
const Bytes kHundred(100, 7);

// ---- One translator

struct Row {
  NatKind kind;
  bool one_port_for_all;
  bool lets_in_other_port;
  bool lets_in_other_address;
};

class NatKindTest : public testing::TestWithParam<Row> {};

TEST_P(NatKindTest, MapsAndFiltersAsItsKindSays) {
  Nat nat(GetParam().kind, 2min, 1);
  const auto to_a = nat.out(kUdp, 4000, kA, at(0s));
  ASSERT_TRUE(to_a);
  EXPECT_EQ(nat.in(kUdp, *to_a, kA, at(1s)), 4000);
  EXPECT_EQ(nat.in(kUdp, *to_a, kOtherPortOfA, at(1s)).has_value(), GetParam().lets_in_other_port);
  EXPECT_EQ(nat.in(kUdp, *to_a, kB, at(1s)).has_value(), GetParam().lets_in_other_address);
  EXPECT_FALSE(nat.in(kUdp, static_cast<std::uint16_t>(*to_a ^ 1), kA, at(1s)));
  EXPECT_FALSE(nat.in(Nat::Protocol::kTcp, *to_a, kA, at(1s))) << "another protocol has its own mappings";
  EXPECT_EQ(nat.out(kUdp, 4000, kB, at(1s)) == to_a, GetParam().one_port_for_all);
  EXPECT_NE(nat.out(kUdp, 5000, kA, at(1s)), to_a) << "another port of the host";
  EXPECT_EQ(nat.out(kUdp, 4000, kA, at(1s)), to_a);
}

TEST_P(NatKindTest, ForgetsWhatNothingWentOutFor) {
  Nat nat(GetParam().kind, 2min, 1);
  const auto port = nat.out(kUdp, 4000, kA, at(0s));
  nat.out(kUdp, 4000, kA, at(100s));
  EXPECT_TRUE(nat.in(kUdp, *port, kA, at(219s))) << "refreshed by what went out";
  EXPECT_FALSE(nat.in(kUdp, *port, kA, at(220s))) << "and not by what came in";
  EXPECT_NE(nat.out(kUdp, 4000, kA, at(220s)), port);
}

TEST_P(NatKindTest, KeepsFewEntriesHoweverManyRemotesThereWere) {
  Nat nat(GetParam().kind, 2min, 1);
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    ASSERT_TRUE(nat.out(kUdp, 4000, {i, 4000}, at(i * 1s)));  // 120 live at a time
  }
  EXPECT_LE(nat.size(), 500u);
}

TEST_P(NatKindTest, DropsWhatItHasNoRoomFor) {
  Nat nat(GetParam().kind, 2min, 1);
  for (std::uint32_t i = 0; i < Nat::kEntriesMax; ++i) ASSERT_TRUE(nat.out(kUdp, 4000, {i, 1}, at(0s)));
  const bool needs_one_entry_only = GetParam().kind == NatKind::kFullCone;
  EXPECT_EQ(nat.out(kUdp, 4000, kA, at(1s)).has_value(), needs_one_entry_only);
  EXPECT_TRUE(nat.out(kUdp, 4000, {7, 1}, at(1s))) << "known";
  EXPECT_TRUE(nat.out(kUdp, 4000, kA, at(3min))) << "the others have run out";
}

INSTANTIATE_TEST_SUITE_P(, NatKindTest,
                         testing::Values(Row{NatKind::kFullCone, true, true, true},
                                         Row{NatKind::kRestricted, true, true, false},
                                         Row{NatKind::kPortRestricted, true, false, false},
                                         Row{NatKind::kSymmetric, false, false, false}),
                         [](const auto& row) {
                           return std::string(
                               std::array{"None", "FullCone", "Restricted", "PortRestricted",
                                          "Symmetric"}[static_cast<std::size_t>(row.param.kind)]);
                         });

// ---- Hosts behind one: host 0 and 1 are public, those after them are not

struct Case {
  Fidelity fidelity;
  NatKind kind;
};

std::string name_of(const testing::TestParamInfo<Case>& info) {
  static constexpr std::array kNames = {"None", "FullCone", "Restricted", "PortRestricted", "Symmetric"};
  return std::string(info.param.fidelity == Fidelity::kPacket ? "Packet" : "Message") +
         kNames[static_cast<std::size_t>(info.param.kind)];
}

class NatNetworkTest : public testing::TestWithParam<Case> {
 protected:
  NatNetworkTest() {
    init_crypto();
    NetworkSpec spec;
    spec.fidelity = GetParam().fidelity;
    spec.nat.shares = {};
    spec.nat.shares[static_cast<std::size_t>(GetParam().kind)] = 1;
    spec.nat.public_hosts = 2;
    spec.nat.udp_timeout = 30s;
    network_ = Network::make(spec, 1);
    for (PlainNode** node : {&a_, &b_, &inside_, &other_inside_}) {
      *node = nodes_.emplace_back(std::make_unique<PlainNode>(*network_)).get();
    }
    // The host behind the NAT speaks to A, which so learns its outside endpoint.
    inside_->act_at(at(1s), [this] { send(*inside_, a_->endpoint()); });
    network_->run_until(at(2s));
    EXPECT_EQ(a_->datagrams.size(), 1u);
    outside_ = a_->datagrams.at(0).from;
  }

  static void send(PlainNode& from, const Endpoint& to) {
    EXPECT_TRUE(from.port().datagrams.send(to, kHundred));
  }
  // Does a datagram sent now arrive?
  bool reaches(PlainNode& from, const Endpoint& to, PlainNode& receiver) {
    const std::size_t before = receiver.datagrams.size();
    from.act([&] { send(from, to); });
    network_->run_until(network_->now() + 1s);
    return receiver.datagrams.size() > before;
  }
  bool opens(PlainNode& from, const Endpoint& to, PlainNode& receiver) {
    receiver.act([&] { EXPECT_TRUE(receiver.port().streams.listen()); });
    from.act([&] { from.stream = from.port().streams.connect(to).value(); });
    network_->run_until(network_->now() + kConnectTimeout + 2s);
    return from.opened && receiver.opened;
  }
  bool is_full_cone() const { return GetParam().kind == NatKind::kFullCone; }

  std::vector<std::unique_ptr<PlainNode>> nodes_;
  std::unique_ptr<Network> network_;
  PlainNode* a_ = nullptr;
  PlainNode* b_ = nullptr;
  PlainNode* inside_ = nullptr;
  PlainNode* other_inside_ = nullptr;
  Endpoint outside_;
};

TEST_P(NatNetworkTest, LetsInWhomItsKindLetsIn) {
  EXPECT_EQ(network_->nat_kind(0), NatKind::kNone);
  EXPECT_EQ(network_->nat_kind(inside_->host()), GetParam().kind);
  EXPECT_EQ(outside_.address, inside_->endpoint().address);
  EXPECT_EQ(inside_->own, std::vector{*Endpoint::parse("192.168.1.2:4000")});
  EXPECT_TRUE(reaches(*a_, outside_, *inside_)) << "whom it has spoken to";
  EXPECT_EQ(inside_->datagrams.at(0).from, a_->endpoint());
  EXPECT_FALSE(reaches(*a_, inside_->endpoint(), *inside_)) << "no mapping has this port";
  EXPECT_EQ(reaches(*b_, outside_, *inside_), is_full_cone()) << "a stranger";
  const auto filtered = network_->totals().datagrams_filtered;
  EXPECT_EQ(filtered, is_full_cone() ? 1u : 2u);
}

TEST_P(NatNetworkTest, ForgetsAHostThatIsSilentFor30Seconds) {
  network_->run_until(at(25s));
  EXPECT_TRUE(reaches(*a_, outside_, *inside_));
  network_->run_until(at(32s));
  EXPECT_FALSE(reaches(*a_, outside_, *inside_)) << "what came in did not count";
  EXPECT_TRUE(reaches(*inside_, a_->endpoint(), *a_));
  EXPECT_NE(a_->datagrams.back().from.port, outside_.port);
}

TEST_P(NatNetworkTest, MapsAllRemotesAlikeUnlessItIsSymmetric) {
  EXPECT_TRUE(reaches(*inside_, b_->endpoint(), *b_));
  EXPECT_EQ(b_->datagrams.back().from == outside_, GetParam().kind != NatKind::kSymmetric);
}

// Both sides send to where the third host sees the other: the second try meets a filter that is open.
TEST_P(NatNetworkTest, IsPunchedThroughUnlessItIsSymmetric) {
  EXPECT_TRUE(reaches(*other_inside_, a_->endpoint(), *a_));
  const Endpoint other_outside = a_->datagrams.back().from;
  EXPECT_EQ(reaches(*inside_, other_outside, *other_inside_), is_full_cone());
  const bool punched = reaches(*other_inside_, outside_, *inside_);
  EXPECT_EQ(punched, GetParam().kind != NatKind::kSymmetric);
  EXPECT_EQ(reaches(*inside_, other_outside, *other_inside_), punched);
}

TEST_P(NatNetworkTest, LetsStreamsOutAndNoneIn) {
  static constexpr std::size_t kBytes = 300'000;
  inside_->bytes_to_write = kBytes;
  EXPECT_TRUE(opens(*inside_, a_->endpoint(), *a_));
  EXPECT_EQ(a_->bytes_read, kBytes);
  EXPECT_EQ(a_->stream_peer.address, inside_->endpoint().address);
  EXPECT_FALSE(opens(*b_, outside_, *inside_));
  EXPECT_FALSE(opens(*b_, inside_->endpoint(), *inside_));
  EXPECT_TRUE(b_->reset) << "after the time-out";
}

INSTANTIATE_TEST_SUITE_P(, NatNetworkTest,
                         testing::Values(Case{Fidelity::kMessage, NatKind::kFullCone},
                                         Case{Fidelity::kMessage, NatKind::kRestricted},
                                         Case{Fidelity::kMessage, NatKind::kPortRestricted},
                                         Case{Fidelity::kMessage, NatKind::kSymmetric},
                                         Case{Fidelity::kPacket, NatKind::kFullCone},
                                         Case{Fidelity::kPacket, NatKind::kRestricted},
                                         Case{Fidelity::kPacket, NatKind::kPortRestricted},
                                         Case{Fidelity::kPacket, NatKind::kSymmetric}),
                         name_of);

TEST(NatShares, DealKindsBySeedAndHostAndSpareTheFirst) {
  init_crypto();
  NetworkSpec spec;
  spec.nat.shares = {0.4, 0.2, 0.2, 0.0, 0.2};
  spec.nat.public_hosts = 50;
  World world(spec, 7);
  std::array<int, kNatKinds> count{};
  for (HostIndex host = 0; host < 4050; ++host) {
    world.add_host();
    if (host < 50) {
      EXPECT_EQ(world.nat_kind(host), NatKind::kNone);
    } else {
      ++count[static_cast<std::size_t>(world.nat_kind(host))];
    }
  }
  EXPECT_NEAR(count[0], 1600, 120);
  for (const std::size_t kind : {1u, 2u, 4u}) EXPECT_NEAR(count[kind], 800, 100);
  EXPECT_EQ(count[3], 0);
}

}  // namespace
}  // namespace shoal::sim
