// What a host's machine does to time, alone and under a network of either fidelity. Each test runs in a
// process of its own under CTest.
#include "sim/host_machine.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "node/secure/keys.h"
#include "tests/sim/plain_node.h"

namespace shoal::sim {
namespace {

constexpr Instant at(Duration since_start) {
  return Instant(since_start);
}

TEST(HostMachine, ShowsTheSimulationsTimeUntilItsClockDrifts) {
  HostMachine machine;
  EXPECT_EQ(machine.own_time(at(5h)), at(5h));
  EXPECT_EQ(machine.world_time(at(5h)), at(5h));
  machine.add_drift(at(1h), 200'000);  // 200 ppm
  EXPECT_EQ(machine.own_time(at(1h)), at(1h));
  EXPECT_EQ(machine.own_time(at(2h)), at(2h + 720ms));
  machine.add_drift(at(2h), -400'000);
  EXPECT_EQ(machine.own_time(at(3h)), at(3h));
}

TEST(HostMachine, NeverWakesBeforeItsClockShowsTheTime) {
  for (const std::int64_t drift : {-100'000'000l, -123'457l, -1l, 0l, 1l, 200'000l, 99'999'999l}) {
    HostMachine machine;
    machine.add_drift(at(7s), drift);
    for (std::int64_t ns : {1'000'000'000l, 8'000'000'001l, 3'600'000'000'007l, 86'400'000'000'003l}) {
      const Instant own{Duration(ns) + 7s};
      const Instant world = machine.world_time(own);
      EXPECT_GE(machine.own_time(world), own) << drift << " " << ns;
      EXPECT_LT(machine.own_time(world - 3ns), own) << drift << " " << ns;
    }
  }
  EXPECT_EQ(HostMachine().world_time(kNever), kNever);
}

TEST(HostMachine, RunsOneJobAfterTheOtherAtItsSpeed) {
  HostMachine machine;
  machine.charge(at(1s), JobKind::kHandleDatagram, 100);
  EXPECT_EQ(machine.free_at(), at(1s));
  machine.set_speed(0.1);
  const Duration cost = 10 * job_cost(JobKind::kHandleDatagram, 100);
  EXPECT_GT(cost, 0s);
  machine.charge(at(2s), JobKind::kHandleDatagram, 100);
  EXPECT_EQ(machine.job_begins(), at(2s));
  EXPECT_EQ(machine.free_at(), at(2s + cost));
  machine.charge(at(2s), JobKind::kHandleDatagram, 100);
  EXPECT_EQ(machine.job_begins(), at(2s + cost));
  EXPECT_EQ(machine.free_at(), at(2s + 2 * cost));
  machine.set_speed({});
  EXPECT_TRUE(machine.takes_turns(at(2s)));  // what it has begun it still has to do
  EXPECT_FALSE(machine.takes_turns(at(2s + 2 * cost)));
}

TEST(HostMachine, HasACostForEveryKindOfJob) {
  for (std::size_t i = 0; i < kJobKinds; ++i) {
    const auto kind = static_cast<JobKind>(i);
    EXPECT_GT(job_cost(kind, 0), 0ns) << to_string(kind);
    EXPECT_LT(job_cost(kind, 0), 10ms) << to_string(kind);
  }
  EXPECT_GT(job_cost(JobKind::kHandleDatagram, 1000), job_cost(JobKind::kHandleDatagram, 100));
}

class HostMachineNetwork : public testing::TestWithParam<Fidelity> {
 protected:
  HostMachineNetwork() {
    init_crypto();
    NetworkSpec spec;
    spec.fidelity = GetParam();
    spec.access_delay = Distribution::fixed(0);
    spec.topology.star_delay = 25ms;
    spec.up_bits_per_s = spec.down_bits_per_s = 1'000'000'000'000;
    network_ = Network::make(spec, 1);
  }
  PlainNode& add_node() { return *nodes_.emplace_back(std::make_unique<PlainNode>(*network_)); }
  HostMachine& machine(const PlainNode& node) { return network_->machine(node.host()); }
  // From inside an action: a job that takes so long.
  void spend(const PlainNode& node, Duration time) {
    machine(node).set_speed(to_seconds(job_cost(JobKind::kStore, 0)) / to_seconds(time));
    machine(node).charge(network_->now(), JobKind::kStore, 0);
  }

  std::vector<std::unique_ptr<PlainNode>> nodes_;
  std::unique_ptr<Network> network_;
};

TEST_P(HostMachineNetwork, SendsWhenTheJobEnds) {
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.act_at(at(1s), [&] {
    spend(a, 300ms);
    a.port().datagrams.send(b.endpoint(), Bytes(100));
    spend(a, 200ms);
    a.port().datagrams.send(b.endpoint(), Bytes(200));
  });
  network_->run_until(at(3s));
  ASSERT_EQ(b.datagrams.size(), 2u);
  EXPECT_NEAR(to_seconds(b.datagrams[0].at - at(0s)), 1.325, 1e-4);
  EXPECT_NEAR(to_seconds(b.datagrams[1].at - at(0s)), 1.525, 1e-4);
}

TEST_P(HostMachineNetwork, KeepsWhatArrivesWaitingInOrder) {
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  b.act_at(at(1s), [&] { spend(b, 1s); });
  for (std::size_t i = 0; i < 5; ++i) {
    a.act_at(at(1100ms + i * 100ms), [&, i] { a.port().datagrams.send(b.endpoint(), Bytes(100 + i)); });
  }
  bool woken = false;
  b.act_at(at(1200ms), [&] { woken = network_->now() > at(1999ms); });
  network_->run_until(at(1900ms));
  EXPECT_TRUE(b.datagrams.empty());
  network_->run_until(at(3s));
  ASSERT_EQ(b.datagrams.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(b.datagrams[i].bytes, 100 + i);
    EXPECT_NEAR(to_seconds(b.datagrams[i].at - at(0s)), 2, 1e-4);
  }
  EXPECT_TRUE(woken);
}

TEST_P(HostMachineNetwork, DropsWhatOverflowsTheSocketBuffer) {
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  b.act_at(at(1s), [&] { spend(b, 1s); });
  a.act_at(at(1100ms), [&] {
    for (int i = 0; i < 250; ++i) a.port().datagrams.send(b.endpoint(), Bytes(1000));
  });
  network_->run_until(at(3s));
  EXPECT_EQ(b.datagrams.size(), HostMachine::kSocketBufferBytes / 1028);
  EXPECT_EQ(network_->totals().datagrams_buffer_dropped, 250 - b.datagrams.size());
}

TEST_P(HostMachineNetwork, CarriesAStreamThroughBusyHosts) {
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  b.act([&b] { EXPECT_TRUE(b.port().streams.listen()); });
  a.bytes_to_write = 500'000;
  a.act([&] { a.stream = a.port().streams.connect(b.endpoint()).value(); });
  for (int i = 1; i < 20; ++i) {
    a.act_at(at(i * 10ms), [&] { spend(a, 5ms); });
    b.act_at(at(i * 10ms), [&] { spend(b, 20ms); });
  }
  network_->run_until(at(30s));
  EXPECT_EQ(a.bytes_written, 500'000u);
  EXPECT_EQ(b.bytes_read, 500'000u);
}

TEST_P(HostMachineNetwork, ForgetsWhatWaitedForANodeThatCrashed) {
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  b.act_at(at(1s), [&] { spend(b, 1s); });
  a.act_at(at(1100ms), [&] { a.port().datagrams.send(b.endpoint(), Bytes(100)); });
  network_->at(at(1500ms), [&] {
    network_->detach(b.host());
    machine(b).set_speed({});
    network_->attach(b.host(), b);
  });
  network_->run_until(at(3s));
  EXPECT_TRUE(b.datagrams.empty());  // it waited for the node that crashed
  EXPECT_EQ(b.interfaces, 2u);
}

TEST_P(HostMachineNetwork, WakesByTheHostsOwnClock) {
  PlainNode& a = add_node();
  machine(a).add_drift(at(0s), 1'000'000);  // 1000 ppm fast
  machine(a).jump_wall_clock(-1h);
  a.act_at(at(1s), [&] {
    EXPECT_EQ(a.port().clock.now(), at(1001ms));
    EXPECT_EQ(a.port().clock.wall_time(), wall_time_at(at(1001ms)) - 1h);
    a.port().alarm.wake_at(at(1001s));
  });
  network_->run_until(at(2000s));
  ASSERT_EQ(a.alarms.size(), 1u);
  EXPECT_EQ(a.alarms[0], at(1000s));
}

INSTANTIATE_TEST_SUITE_P(Fidelities, HostMachineNetwork,
                         testing::Values(Fidelity::kMessage, Fidelity::kPacket), [](const auto& test) {
                           return test.param == Fidelity::kMessage ? "message" : "packet";
                         });

}  // namespace
}  // namespace shoal::sim
