#include "node/os/os_host.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <thread>

#include "node/os/entropy.h"
#include "node/os/socket.h"
#include "tests/conformance/probe.h"

namespace shoal {
namespace {

using conformance::Probe;
using testing::HasSubstr;

const Endpoint kLoopback = Endpoint::v4(0x7f000001, 0);
const Endpoint kAnyV6{};

// A host with a probe on it; opening it must work.
struct ProbedHost {
  ProbedHost(EventLoop& loop, const Endpoint& listen) {
    Result<std::unique_ptr<OsHost>> opened = OsHost::open(loop, listen);
    if (!opened) throw std::runtime_error(opened.error().message);
    host = std::move(*opened);
    probe.use(host->ports());
    host->attach(probe);
  }
  void act(std::function<void()> action) {
    probe.then(std::move(action));
    host->wake();
  }

  Probe probe;
  std::unique_ptr<OsHost> host;
};

bool run_until(EventLoop& loop, const std::function<bool()>& done, Duration at_most = 10s) {
  UvHandle<uv_timer_t> tick(new uv_timer_t);
  uv_timer_init(loop.uv(), tick.get());
  uv_timer_start(
      tick.get(), [](uv_timer_t*) {}, 1, 1);
  const SystemClock clock;
  for (const Instant until = clock.now() + at_most; !done();) {
    if (clock.now() >= until) return false;
    uv_run(loop.uv(), UV_RUN_ONCE);
  }
  return true;
}

TEST(OsHost, NamesAddressPortAndReasonWhenItCannotBind) {
  EventLoop loop;
  const ProbedHost first(loop, kLoopback);
  const Endpoint taken = first.host->endpoint();
  const Result<std::unique_ptr<OsHost>> second = OsHost::open(loop, taken);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
  EXPECT_EQ(second.error().message,
            "cannot listen at " + taken.to_string() + " (UDP): Address already in use");

  const Result<std::unique_ptr<OsHost>> foreign = OsHost::open(loop, Endpoint::v4(0xc0000201, 4000));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().message,
            "cannot listen at 192.0.2.1:4000 (UDP): Cannot assign requested address");
}

TEST(OsHost, RefusesAPortThatIsTakenForTcpOnly) {
  EventLoop loop;
  Descriptor other(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress address(AF_INET, kLoopback);
  ASSERT_EQ(bind(other.get(), address.raw(), address.length), 0);
  ASSERT_EQ(listen(other.get(), 1), 0);
  ASSERT_EQ(getsockname(other.get(), address.raw(), &address.length), 0);
  const Result<std::unique_ptr<OsHost>> host = OsHost::open(loop, address.endpoint());
  ASSERT_FALSE(host);
  EXPECT_THAT(host.error().message, HasSubstr("(TCP): Address already in use"));
}

TEST(OsHost, MayBeOpenedAgainAtThePortOfItsPredecessor) {
  EventLoop loop;
  Endpoint port;
  {
    ProbedHost a(loop, kLoopback);
    ProbedHost b(loop, kLoopback);
    port = b.host->endpoint();
    b.act([&] { EXPECT_TRUE(b.probe.listen()); });
    a.act([&] { a.probe.connect(port); });
    ASSERT_TRUE(run_until(loop, [&] { return b.probe.has_inbound(0); }));
    // The side that closes first is left in TIME_WAIT.
    b.act([&] { b.probe.close(b.probe.inbound(0), CloseMode::kGraceful); });
    ASSERT_TRUE(run_until(loop, [&] { return a.probe.events_seen >= 3; }));
  }
  ProbedHost again(loop, port);
  again.act([&] { EXPECT_TRUE(again.probe.listen()); });
  EXPECT_TRUE(run_until(loop, [&] { return !again.probe.interfaces.empty(); }));
}

TEST(OsHost, TellsEveryAddressOfTheMachineWhenBoundToTheWildcard) {
  EventLoop loop;
  ProbedHost host(loop, Endpoint::v4(0, 0));
  ASSERT_TRUE(run_until(loop, [&] { return host.probe.events_seen > 0; }));
  Endpoint loopback = kLoopback;
  loopback.port = host.host->endpoint().port;
  ASSERT_FALSE(host.probe.interfaces.empty());
  loopback.interface = host.probe.interfaces.back().interface;
  EXPECT_EQ(host.probe.interfaces.back(), loopback) << "loopback comes last";
  EXPECT_NE(loopback.interface, 0u);
  for (const Endpoint& own : host.probe.interfaces) EXPECT_TRUE(own.is_v4()) << own.to_string();
}

TEST(OsHost, AtTheIpv6WildcardServesIpv4Too) {
  EventLoop loop;
  if (const auto host = OsHost::open(loop, kAnyV6); !host) GTEST_SKIP() << host.error().message;
  ProbedHost dual(loop, kAnyV6);
  ProbedHost v4(loop, kLoopback);
  Endpoint dual_at_v4 = kLoopback;
  dual_at_v4.port = dual.host->endpoint().port;

  v4.act([&] { EXPECT_TRUE(v4.probe.send(dual_at_v4, Bytes(10, 1))); });
  ASSERT_TRUE(run_until(loop, [&] { return !dual.probe.datagrams.empty(); }));
  EXPECT_EQ(dual.probe.datagrams[0].from, v4.host->endpoint());
  dual.act([&] { EXPECT_TRUE(dual.probe.send(dual.probe.datagrams[0].from, Bytes(20, 2))); });
  ASSERT_TRUE(run_until(loop, [&] { return !v4.probe.datagrams.empty(); }));
  EXPECT_EQ(v4.probe.datagrams[0].from, dual_at_v4);

  dual.act([&] { EXPECT_TRUE(dual.probe.listen()); });
  v4.act([&] { EXPECT_TRUE(v4.probe.listen()); });
  v4.act([&] { v4.probe.connect(dual_at_v4); });
  dual.act([&] { dual.probe.connect(v4.host->endpoint()); });
  ASSERT_TRUE(run_until(loop, [&] { return dual.probe.has_inbound(0) && v4.probe.has_inbound(0); }));
  EXPECT_EQ(dual.probe.inbound_stream(0).peer.address, kLoopback.address);
}

TEST(OsHost, RefusesToSendWhereItsSocketCannotReach) {
  EventLoop loop;
  ProbedHost v4(loop, kLoopback);
  Endpoint v6;
  v6.address[15] = 1;
  v6.port = 4000;
  StreamId stream;
  v4.act([&] {
    EXPECT_FALSE(v4.probe.send(v6, Bytes(10, 1)));
    stream = v4.probe.connect(v6);
  });
  ASSERT_TRUE(run_until(loop, [&] { return stream.value != 0 && v4.probe.stream(stream).reset; }));
}

TEST(OsHost, IgnoresDatagramsOverTheMaximum) {
  EventLoop loop;
  ProbedHost host(loop, kLoopback);
  ASSERT_TRUE(run_until(loop, [&] { return !host.probe.interfaces.empty(); }));
  const Descriptor stranger(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SocketAddress to(AF_INET, host.host->endpoint());
  for (const std::size_t size : {std::size_t{2000}, kDatagramBytesMax + 1, kDatagramBytesMax}) {
    const Bytes bytes(size, 7);
    ASSERT_EQ(sendto(stranger.get(), bytes.data(), size, 0, to.raw(), to.length), static_cast<ssize_t>(size));
  }
  ASSERT_TRUE(run_until(loop, [&] { return !host.probe.datagrams.empty(); }));
  ASSERT_EQ(host.probe.datagrams.size(), 1u);
  EXPECT_EQ(host.probe.datagrams[0].bytes.size(), kDatagramBytesMax);
}

TEST(OsHost, SendsMoreInOneTurnThanItsQueueHolds) {
  EventLoop loop;
  ProbedHost a(loop, kLoopback);
  ProbedHost b(loop, kLoopback);
  std::size_t accepted = 0;
  a.act([&] {
    for (int i = 0; i < 3000; ++i) accepted += a.probe.send(b.host->endpoint(), Bytes(20, 1)) ? 1 : 0;
  });
  // The receiver's buffer may overflow meanwhile; the sender's queue must not.
  EXPECT_TRUE(run_until(loop, [&] { return b.probe.datagrams.size() >= 200; }));
  EXPECT_EQ(accepted, 3000u);
}

TEST(OsHost, GivesUpASilentConnectAfterTheTimeout) {
  EventLoop loop;
  // A full backlog: the kernel drops what else asks to connect.
  const Descriptor deaf(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress address(AF_INET, kLoopback);
  ASSERT_EQ(bind(deaf.get(), address.raw(), address.length), 0);
  ASSERT_EQ(listen(deaf.get(), 0), 0);
  ASSERT_EQ(getsockname(deaf.get(), address.raw(), &address.length), 0);
  const Descriptor filler(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(filler.get(), address.raw(), address.length), 0);

  ProbedHost host(loop, kLoopback);
  StreamId stream;
  Instant asked{};
  host.act([&] {
    asked = host.probe.now();
    stream = host.probe.connect(address.endpoint());
  });
  ASSERT_TRUE(run_until(
      loop, [&] { return stream.value != 0 && host.probe.stream(stream).reset; }, kConnectTimeout + 2s));
  EXPECT_GE(host.probe.now(), asked + kConnectTimeout);
}

TEST(OsHost, SurvivesTheLackOfDescriptors) {
  EventLoop loop;
  ProbedHost a(loop, kLoopback);
  ProbedHost b(loop, kLoopback);
  b.act([&] { EXPECT_TRUE(b.probe.listen()); });
  ASSERT_TRUE(run_until(loop, [&] { return !b.probe.interfaces.empty(); }));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next_descriptor = dup(0);
  close(next_descriptor);
  rlimit scarce = before;
  scarce.rlim_cur = static_cast<rlim_t>(next_descriptor) + 1;  // one more: a's end, but not b's
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &scarce), 0);
  bool asked = false;
  a.act([&] {
    a.probe.connect(b.host->endpoint());
    const Result<StreamId> second = a.host->ports().streams.connect(b.host->endpoint());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kBusy);
    asked = true;
  });
  EXPECT_TRUE(run_until(loop, [&] { return asked; }));
  EXPECT_FALSE(run_until(
      loop, [&] { return b.probe.has_inbound(0); }, 50ms));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(run_until(loop, [&] { return b.probe.has_inbound(0); }));
}

// Always has more to do.
class BusyNode final : public HostedNode {
 public:
  explicit BusyNode(HostedNode& inner) : inner_(inner) {}
  PortEvents& events() override { return inner_.events(); }
  bool run_jobs() override {
    inner_.run_jobs();
    ++turns;
    return true;
  }
  int turns = 0;

 private:
  HostedNode& inner_;
};

TEST(OsHost, StaysResponsiveWhileItsNodeAlwaysHasMoreToDo) {
  EventLoop loop;
  Probe probe;
  BusyNode busy(probe);
  ProbedHost other(loop, kLoopback);
  Result<std::unique_ptr<OsHost>> host = OsHost::open(loop, kLoopback);
  ASSERT_TRUE(host);
  probe.use((*host)->ports());
  (*host)->attach(busy);
  probe.then([&] { probe.wake_at(probe.now() + 20ms); });
  other.act([&] { other.probe.send((*host)->endpoint(), Bytes(10, 1)); });
  EXPECT_TRUE(run_until(loop, [&] { return !probe.datagrams.empty() && !probe.alarms.empty(); }));
  EXPECT_GT(busy.turns, 2);
}

TEST(OsHost, DetachedIsSilent) {
  EventLoop loop;
  ProbedHost a(loop, kLoopback);
  ProbedHost b(loop, kLoopback);
  StreamId stream;
  b.act([&] { EXPECT_TRUE(b.probe.listen()); });
  a.act([&] { stream = a.probe.connect(b.host->endpoint()); });
  ASSERT_TRUE(run_until(loop, [&] { return b.probe.has_inbound(0); }));
  b.act([&] { b.probe.wake_at(b.probe.now() + 5ms); });
  b.host->detach();
  const std::size_t events_before = b.probe.events_seen;
  a.act([&] { a.probe.send(b.host->endpoint(), Bytes(10, 1)); });
  ASSERT_TRUE(run_until(loop, [&] { return a.probe.stream(stream).reset; }));
  EXPECT_FALSE(run_until(
      loop, [&] { return b.probe.events_seen != events_before; }, 30ms));
  EXPECT_FALSE(b.host->ports().datagrams.send(a.host->endpoint(), Bytes(10, 1)));
}

TEST(EventLoop, RunsTasksPostedFromOtherThreads) {
  EventLoop loop;
  std::thread::id ran_on;
  std::thread poster([&] {
    loop.post([&] {
      ran_on = std::this_thread::get_id();
      loop.stop();
    });
  });
  loop.run();
  poster.join();
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(EventLoop, HandlesStopSignals) {
  EventLoop loop;
  std::vector<int> signals;
  loop.on_stop_signal([&](int signal) {
    signals.push_back(signal);
    if (signals.size() == 2) loop.stop();
    if (signals.size() == 1) std::raise(SIGINT);
  });
  loop.post([] { std::raise(SIGTERM); });
  loop.run();
  EXPECT_EQ(signals, (std::vector<int>{SIGTERM, SIGINT}));
}

TEST(OsSeededRng, DiffersEachTime) {
  EXPECT_NE(os_seeded_rng().next(), os_seeded_rng().next());
}

}  // namespace
}  // namespace shoal
