#include "tests/support/manual_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace shoal {
namespace {

// Notes events as text, with their instants.
class Notes final : public HostedNode, public PortEvents {
 public:
  explicit Notes(ManualNetwork& network) : network_(network) {}
  PortEvents& events() override { return *this; }
  bool run_jobs() override {
    ++turns;
    return false;
  }

  void on_datagram(const Endpoint& from, ByteView datagram) override {
    note("datagram " + from.to_string() + " " + std::string(text(datagram)));
  }
  void on_multicast(const Endpoint& from, ByteView datagram) override {
    note("multicast " + from.to_string() + " " + std::string(text(datagram)));
  }
  void on_alarm() override { note("alarm"); }
  void on_stream_opened(StreamId stream, const Endpoint&, bool inbound) override {
    last_stream = stream;
    note(inbound ? "accepted" : "connected");
  }
  void on_stream_readable(StreamId) override { note("readable"); }
  void on_stream_writable(StreamId) override { note("writable"); }
  void on_stream_closed(StreamId) override { note("closed"); }
  void on_stream_reset(StreamId) override { note("reset"); }
  void on_committed(CommitId, const Result<void>&) override {}
  void on_interfaces(std::span<const Endpoint> own) override { note("at " + own[0].to_string()); }

  std::size_t count(const std::string& what) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(notes, [&](const std::string& each) { return each.ends_with(" " + what); }));
  }

  std::vector<std::string> notes;
  int turns = 0;
  StreamId last_stream;

 private:
  void note(const std::string& what) {
    notes.push_back(std::to_string(network_.now().time_since_epoch() / 1us) + " " + what);
  }
  ManualNetwork& network_;
};

struct Pair {
  explicit Pair(std::uint64_t seed = 1) : network(seed) {
    network.attach(network.add_host(), a);
    network.attach(network.add_host(), b);
    network.run_until_idle();
  }
  void open_stream() {
    ASSERT_TRUE(network.ports(1).streams.listen());
    ASSERT_TRUE(network.ports(0).streams.connect(network.endpoint(1)));
    ASSERT_TRUE(network.run_until_idle());
    ASSERT_EQ(a.count("connected"), 1u);
  }

  ManualNetwork network;
  Notes a{network};
  Notes b{network};
};

TEST(ManualNetwork, DeliversAfterTheDelayOfTheLinkAndThenLetsTheNodeWork) {
  Pair pair;
  pair.network.set_link(0, 1, ManualLink{.delay = 25ms});
  const int turns_before = pair.b.turns;
  EXPECT_TRUE(pair.network.ports(0).datagrams.send(pair.network.endpoint(1), view("hello")));
  pair.network.advance(24ms);
  EXPECT_EQ(pair.b.notes.size(), 1u);
  pair.network.advance(1ms);
  EXPECT_EQ(pair.b.notes.back(), "25000 datagram 198.18.0.1:4000 hello");
  EXPECT_EQ(pair.b.turns, turns_before + 1);
}

TEST(ManualNetwork, IsAFunctionOfItsSeed) {
  const auto run = [](std::uint64_t seed) {
    Pair pair(seed);
    pair.network.set_link(ManualLink{.jitter = 20ms, .loss = 0.3, .duplication = 0.2});
    for (int i = 0; i < 100; ++i) {
      pair.network.ports(0).datagrams.send(pair.network.endpoint(1), view(std::to_string(i)));
    }
    pair.network.run_until_idle();
    return pair.b.notes;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(ManualNetwork, DuplicatesTheirShareOfDatagrams) {
  Pair pair;
  pair.network.set_link(ManualLink{.duplication = 1});
  for (int i = 0; i < 10; ++i) pair.network.ports(0).datagrams.send(pair.network.endpoint(1), view("x"));
  pair.network.run_until_idle();
  EXPECT_EQ(pair.network.totals().datagrams_delivered, 20u);
}

TEST(ManualNetwork, CutLosesDatagramsUntilHealed) {
  Pair pair;
  Datagrams& datagrams = pair.network.ports(0).datagrams;
  pair.network.cut(0, 1);
  datagrams.send(pair.network.endpoint(1), view("lost"));
  pair.network.run_until_idle();
  pair.network.heal(0, 1);
  datagrams.send(pair.network.endpoint(1), view("kept"));
  pair.network.run_until_idle();
  EXPECT_EQ(pair.b.notes.size(), 2u);
  EXPECT_EQ(pair.b.count("datagram 198.18.0.1:4000 kept"), 1u);
}

TEST(ManualNetwork, StreamsStallWhileCutAndGoOnInOrder) {
  Pair pair;
  pair.open_stream();
  Streams& streams = pair.network.ports(0).streams;
  pair.network.cut(0, 1);
  streams.write(pair.a.last_stream, view("first "));
  pair.network.advance(5s);
  streams.write(pair.a.last_stream, view("second"));
  EXPECT_EQ(pair.b.count("readable"), 0u);
  pair.network.heal(0, 1);
  pair.network.advance(1s);
  Bytes received(100);
  received.resize(pair.network.ports(1).streams.read(pair.b.last_stream, received));
  EXPECT_EQ(text(received), "first second");
}

TEST(ManualNetwork, StreamThatStallsTooLongIsReset) {
  Pair pair;
  pair.open_stream();
  pair.network.cut(0, 1);
  pair.network.ports(0).streams.write(pair.a.last_stream, view("never seen"));
  pair.network.advance(kManualStallTimeout - 1s);
  EXPECT_EQ(pair.a.count("reset"), 0u);
  pair.network.advance(2s);
  EXPECT_EQ(pair.a.count("reset"), 1u);
}

TEST(ManualNetwork, ConnectAcrossACutTimesOut) {
  Pair pair;
  ASSERT_TRUE(pair.network.ports(1).streams.listen());
  pair.network.cut(0, 1);
  ASSERT_TRUE(pair.network.ports(0).streams.connect(pair.network.endpoint(1)));
  pair.network.advance(kConnectTimeout - 1ms);
  EXPECT_EQ(pair.a.count("reset"), 0u);
  pair.network.advance(1ms);
  EXPECT_EQ(pair.a.count("reset"), 1u);
  pair.network.heal(0, 1);
  pair.network.advance(10s);
  EXPECT_EQ(pair.b.count("accepted"), 0u);
}

TEST(ManualNetwork, CrashedHostIsSilentAndItsStreamsAreResetAfterItsReturn) {
  Pair pair;
  pair.open_stream();
  pair.network.ports(1).alarm.wake_at(pair.network.now() + 1s);
  pair.network.ports(0).datagrams.send(pair.network.endpoint(1), view("on its way"));
  pair.network.detach(1);
  EXPECT_FALSE(pair.network.ports(1).datagrams.send(pair.network.endpoint(0), view("x")));
  const std::size_t notes_before = pair.b.notes.size();
  pair.network.advance(5s);
  EXPECT_EQ(pair.b.notes.size(), notes_before);
  EXPECT_EQ(pair.a.count("reset"), 0u);

  pair.network.attach(1, pair.b);
  pair.network.ports(0).streams.write(pair.a.last_stream, view("are you there?"));
  pair.network.advance(5s);
  EXPECT_EQ(pair.a.count("reset"), 1u);
  EXPECT_EQ(pair.b.notes.size(), notes_before + 1) << "on_interfaces, and nothing of its former life";
}

TEST(ManualNetwork, RunUntilIdleDoesNotWaitForAlarms) {
  Pair pair;
  pair.network.ports(0).alarm.wake_at(pair.network.now() + 1h);
  pair.network.ports(0).datagrams.send(pair.network.endpoint(1), view("x"));
  const Instant before = pair.network.now();
  EXPECT_TRUE(pair.network.run_until_idle());
  EXPECT_EQ(pair.network.now(), before + 10ms);
  EXPECT_EQ(pair.a.count("alarm"), 0u);
  pair.network.advance(1h);
  EXPECT_EQ(pair.a.count("alarm"), 1u);
}

TEST(ManualNetwork, WallTimeMayJump) {
  Pair pair;
  const WallTime before = pair.network.wall_time();
  pair.network.jump_wall_time(-1h);
  EXPECT_EQ(pair.network.wall_time(), before - 1h);
}

}  // namespace
}  // namespace shoal
