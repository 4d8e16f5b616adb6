// What the Datagrams port promises.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>

#include "tests/conformance/suite.h"

namespace shoal::conformance {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 100, 548, 1231, kDatagramBytesMax};

bool contains(const std::vector<Probe::Arrival>& arrivals, const Bytes& bytes) {
  return std::ranges::any_of(arrivals, [&](const Probe::Arrival& arrival) { return arrival.bytes == bytes; });
}

TEST_P(Conformance, HostTellsItsEndpointsFirst) {
  const std::size_t host = add_host();
  EXPECT_EQ(probe(host).events_seen, 1u);
  const auto reached_by_others = [&](Endpoint own) {
    own.interface = 0;
    return own == harness_->endpoint(host);
  };
  EXPECT_THAT(probe(host).interfaces, testing::Contains(testing::Truly(reached_by_others)));
}

TEST_P(Conformance, DatagramsOfEverySizeArriveWholeAndUnaltered) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  act(a, [&] {
    for (const std::size_t size : kSizes) {
      EXPECT_TRUE(probe(a).send(harness_->endpoint(b), pattern(size))) << size;
    }
  });
  EXPECT_TRUE(until([&] { return probe(b).datagrams.size() >= std::size(kSizes); }));
  for (const std::size_t size : kSizes) EXPECT_TRUE(contains(probe(b).datagrams, pattern(size))) << size;
  EXPECT_TRUE(probe(a).datagrams.empty());
}

TEST_P(Conformance, DatagramOverTheMaximumIsRefusedAtOnce) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  act(a, [&] {
    EXPECT_FALSE(probe(a).send(harness_->endpoint(b), pattern(kDatagramBytesMax + 1)));
    EXPECT_FALSE(probe(a).send(harness_->endpoint(b), pattern(70'000)));
  });
  settle();
  EXPECT_TRUE(probe(b).datagrams.empty());
}

TEST_P(Conformance, DatagramToPortZeroIsRefusedAtOnce) {
  const std::size_t a = add_host();
  act(a, [&] {
    Endpoint to = harness_->endpoint(a);
    to.port = 0;
    EXPECT_FALSE(probe(a).send(to, pattern(10)));
  });
}

TEST_P(Conformance, SenderOfADatagramCanBeAnswered) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  act(a, [&] { probe(a).send(harness_->endpoint(b), pattern(10)); });
  ASSERT_TRUE(until([&] { return !probe(b).datagrams.empty(); }));
  EXPECT_EQ(probe(b).datagrams[0].from, harness_->endpoint(a));
  act(b, [&] { probe(b).send(probe(b).datagrams[0].from, pattern(20)); });
  ASSERT_TRUE(until([&] { return !probe(a).datagrams.empty(); }));
  EXPECT_EQ(probe(a).datagrams[0].bytes, pattern(20));
  EXPECT_EQ(probe(a).datagrams[0].from, harness_->endpoint(b));
}

TEST_P(Conformance, SentBytesMayBeReusedAtOnce) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  act(a, [&] {
    Bytes buffer;
    for (std::uint8_t i = 0; i < 64; ++i) {
      buffer = pattern(200, i);
      EXPECT_TRUE(probe(a).send(harness_->endpoint(b), buffer));
    }
    std::ranges::fill(buffer, std::uint8_t{0});
  });
  EXPECT_TRUE(until([&] { return probe(b).datagrams.size() >= 64; }));
  for (std::uint8_t i = 0; i < 64; ++i) EXPECT_TRUE(contains(probe(b).datagrams, pattern(200, i)));
}

TEST_P(Conformance, DatagramToNobodyHarmsNothing) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  act(a, [&] { probe(a).send(harness_->nobody(), pattern(10)); });
  settle();
  act(a, [&] {
    probe(a).send(harness_->nobody(), pattern(10));
    probe(a).send(harness_->endpoint(b), pattern(20));
  });
  EXPECT_TRUE(until([&] { return contains(probe(b).datagrams, pattern(20)); }));
  EXPECT_TRUE(probe(a).datagrams.empty());
}

TEST_P(Conformance, Ipv6DatagramsArriveAndCanBeAnswered) {
  SKIP_IF(harness_->lacks_ipv6());
  const std::size_t a = add_host(Family::kIpv6);
  const std::size_t b = add_host(Family::kIpv6);
  ASSERT_FALSE(harness_->endpoint(a).is_v4());
  act(a, [&] { EXPECT_TRUE(probe(a).send(harness_->endpoint(b), pattern(kDatagramBytesMax))); });
  ASSERT_TRUE(until([&] { return !probe(b).datagrams.empty(); }));
  EXPECT_EQ(probe(b).datagrams[0].bytes, pattern(kDatagramBytesMax));
  EXPECT_EQ(probe(b).datagrams[0].from, harness_->endpoint(a));
  act(b, [&] { probe(b).send(probe(b).datagrams[0].from, pattern(20)); });
  EXPECT_TRUE(until([&] { return contains(probe(a).datagrams, pattern(20)); }));
}

// 239.192.192.192 (RFC 2365 §6.2), at a port of this process: on sockets, runs at the same time must not
// meet.
Endpoint v4_group() {
  return Endpoint::v4(0xefc0c0c0, static_cast<std::uint16_t>(20'000 + getpid() % 10'000));
}

TEST_P(Conformance, MulticastReachesTheMembersOnly) {
  SKIP_IF(harness_->lacks_multicast());
  const std::size_t sender = add_host();
  const std::size_t member = add_host();
  const std::size_t other_member = add_host();
  const std::size_t stranger = add_host();
  const Endpoint group = v4_group();
  for (const std::size_t host : {member, other_member}) {
    act(host, [&] {
      const Result<void> joined = probe(host).join(group);
      EXPECT_TRUE(joined) << joined.error().message;
    });
  }
  act(sender, [&] { EXPECT_TRUE(probe(sender).send(group, pattern(100))); });
  ASSERT_TRUE(
      until([&] { return !probe(member).multicasts.empty() && !probe(other_member).multicasts.empty(); }));
  EXPECT_EQ(probe(member).multicasts[0].bytes, pattern(100));
  EXPECT_EQ(probe(member).multicasts[0].from, harness_->endpoint(sender));
  act(member, [&] { probe(member).send(probe(member).multicasts[0].from, pattern(20)); });
  EXPECT_TRUE(until([&] { return contains(probe(sender).datagrams, pattern(20)); }));
  settle();
  EXPECT_EQ(probe(member).multicasts.size(), 1u);
  EXPECT_TRUE(probe(member).datagrams.empty()) << "it comes as what it is";
  EXPECT_TRUE(probe(stranger).multicasts.empty());
}

TEST_P(Conformance, WhoLeavesAGroupHearsItNoMore) {
  SKIP_IF(harness_->lacks_multicast());
  const std::size_t sender = add_host();
  const std::size_t member = add_host();
  const std::size_t witness = add_host();
  const Endpoint group = v4_group();
  const auto send_and_wait = [&](std::size_t heard) {
    act(sender, [&] { EXPECT_TRUE(probe(sender).send(group, pattern(100))); });
    EXPECT_TRUE(until([&] { return probe(witness).multicasts.size() == heard; }));
    settle();
  };
  for (const std::size_t host : {member, witness}) {
    act(host, [&] { EXPECT_TRUE(probe(host).join(group)); });
  }
  act(member, [&] { EXPECT_TRUE(probe(member).join(group)) << "once more is no harm"; });
  send_and_wait(1);
  EXPECT_EQ(probe(member).multicasts.size(), 1u);
  act(member, [&] { probe(member).leave(group); });
  send_and_wait(2);
  EXPECT_EQ(probe(member).multicasts.size(), 1u);
  act(member, [&] { EXPECT_TRUE(probe(member).join(group)); });
  send_and_wait(3);
  EXPECT_EQ(probe(member).multicasts.size(), 2u);
}

TEST_P(Conformance, JoiningWhatIsNoGroupIsAnError) {
  SKIP_IF(harness_->lacks_multicast());
  const std::size_t host = add_host();
  act(host, [&] {
    const Result<void> joined = probe(host).join(harness_->nobody());
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().code, ErrorCode::kIo);
    EXPECT_FALSE(joined.error().message.empty());
  });
}

TEST_P(Conformance, LossTakesItsShareOfDatagrams) {
  SKIP_IF(harness_->lacks_loss());
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  const auto arrived_of_1000 = [&](double loss) {
    harness_->set_loss(loss);
    probe(b).datagrams.clear();
    for (int i = 0; i < 100; ++i) {
      act(a, [&] {
        for (int j = 0; j < 10; ++j) probe(a).send(harness_->endpoint(b), pattern(50));
      });
    }
    settle();
    return static_cast<double>(probe(b).datagrams.size());
  };
  EXPECT_EQ(arrived_of_1000(0), 1000);
  EXPECT_NEAR(arrived_of_1000(0.3), 700, 5 * 14.5);  // five standard deviations
  EXPECT_EQ(arrived_of_1000(1), 0);
  EXPECT_EQ(arrived_of_1000(0), 1000);
}

}  // namespace
}  // namespace shoal::conformance
