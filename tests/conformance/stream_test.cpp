// What the Streams port promises of streams that work: opening, bytes in order, back-pressure.
#include "tests/conformance/suite.h"

namespace shoal::conformance {
namespace {

constexpr std::size_t kMebibyte = 1024 * 1024;
// More than any host may take for a reader that does not read.
constexpr std::size_t kHeldBytesMax = 8 * kMebibyte;

TEST_P(Conformance, StreamOpensAtBothEnds) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  EXPECT_FALSE(probe(a).stream(stream.connector).inbound);
  EXPECT_EQ(probe(a).stream(stream.connector).peer, harness_->endpoint(b));
  EXPECT_TRUE(probe(b).stream(stream.acceptor).inbound);
  EXPECT_EQ(probe(b).stream(stream.acceptor).peer.address, harness_->endpoint(a).address);
  EXPECT_NE(probe(b).stream(stream.acceptor).peer.port, 0);
}

TEST_P(Conformance, StreamCarriesAMebibyteBothWaysAtOnce) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  probe(a).stream(stream.connector).chunk_bytes = 4099;
  probe(b).stream(stream.acceptor).chunk_bytes = 1021;
  act(a, [&] { probe(a).write_all(stream.connector, pattern(kMebibyte, 1)); });
  act(b, [&] { probe(b).write_all(stream.acceptor, pattern(kMebibyte, 2)); });
  EXPECT_TRUE(until([&] {
    return probe(a).stream(stream.connector).received.size() >= kMebibyte &&
           probe(b).stream(stream.acceptor).received.size() >= kMebibyte;
  }));
  EXPECT_TRUE(probe(b).stream(stream.acceptor).received == pattern(kMebibyte, 1));
  EXPECT_TRUE(probe(a).stream(stream.connector).received == pattern(kMebibyte, 2));
}

TEST_P(Conformance, StreamCarriesSingleBytes) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  probe(a).stream(stream.connector).chunk_bytes = 1;
  probe(b).stream(stream.acceptor).chunk_bytes = 1;
  act(a, [&] { probe(a).write_all(stream.connector, pattern(2000)); });
  EXPECT_TRUE(until([&] { return probe(b).stream(stream.acceptor).received.size() >= 2000; }));
  EXPECT_TRUE(probe(b).stream(stream.acceptor).received == pattern(2000));
}

TEST_P(Conformance, StreamsAnswerEachOther) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  for (std::size_t round = 1; round <= 10; ++round) {
    act(a, [&] { EXPECT_EQ(probe(a).write(stream.connector, pattern(100)), 100u); });
    ASSERT_TRUE(until([&] { return probe(b).stream(stream.acceptor).received.size() == 100 * round; }));
    act(b, [&] { EXPECT_EQ(probe(b).write(stream.acceptor, pattern(50)), 50u); });
    ASSERT_TRUE(until([&] { return probe(a).stream(stream.connector).received.size() == 50 * round; }));
  }
  EXPECT_EQ(probe(a).stream(stream.connector).writable_events, 0u);
}

TEST_P(Conformance, ManyStreamsKeepApart) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  std::vector<Opened> streams(20);
  for (Opened& stream : streams) ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  for (std::size_t i = 0; i < streams.size(); ++i) {
    act(a, [&] { probe(a).write_all(streams[i].connector, pattern(10'000, static_cast<std::uint8_t>(i))); });
  }
  for (std::size_t i = 0; i < streams.size(); ++i) {
    ASSERT_TRUE(until([&] { return probe(b).stream(streams[i].acceptor).received.size() >= 10'000; }));
    EXPECT_TRUE(probe(b).stream(streams[i].acceptor).received ==
                pattern(10'000, static_cast<std::uint8_t>(i)));
  }
}

TEST_P(Conformance, Ipv6StreamsCarryBytes) {
  SKIP_IF(harness_->lacks_ipv6());
  const std::size_t a = add_host(Family::kIpv6);
  const std::size_t b = add_host(Family::kIpv6);
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  EXPECT_EQ(probe(a).stream(stream.connector).peer, harness_->endpoint(b));
  EXPECT_EQ(probe(b).stream(stream.acceptor).peer.address, harness_->endpoint(a).address);
  act(a, [&] { probe(a).write_all(stream.connector, pattern(50'000), true); });
  EXPECT_TRUE(until([&] { return probe(b).stream(stream.acceptor).closed; }));
  EXPECT_TRUE(probe(b).stream(stream.acceptor).received == pattern(50'000));
}

TEST_P(Conformance, ReaderThatDoesNotReadStopsTheWriterUntilItReads) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  probe(b).hold_reading = true;
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  const std::size_t total = kHeldBytesMax + 4 * kMebibyte;
  act(a, [&] { probe(a).write_all(stream.connector, pattern(total)); });
  Probe::Stream& writer = probe(a).stream(stream.connector);
  Probe::Stream& reader = probe(b).stream(stream.acceptor);
  std::size_t before = 0;
  do {  // until the writer stands still
    before = writer.written;
    settle();
  } while (writer.written != before);
  EXPECT_TRUE(writer.blocked());
  EXPECT_GT(writer.written, 0u);
  EXPECT_LE(writer.written, kHeldBytesMax);
  EXPECT_EQ(reader.readable_events, 1u);

  act(b, [&] {
    reader.reading = true;
    probe(b).drain(stream.acceptor);
  });
  EXPECT_TRUE(until([&] { return reader.received.size() >= total; }));
  EXPECT_TRUE(reader.received == pattern(total));
  EXPECT_GT(writer.writable_events, 0u);
}

TEST_P(Conformance, ReadableComesAgainOnlyAfterAShortRead) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  probe(b).hold_reading = true;
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  Probe::Stream& reader = probe(b).stream(stream.acceptor);
  const auto send_1000 = [&] {
    act(a, [&] { EXPECT_EQ(probe(a).write(stream.connector, pattern(1000)), 1000u); });
    settle();
  };
  const auto read = [&](std::size_t asked) {
    std::size_t got = 0;
    act(b, [&] {
      Bytes buffer(asked);
      got = probe(b).read(stream.acceptor, buffer);
    });
    settle();
    return got;
  };
  send_1000();
  EXPECT_EQ(reader.readable_events, 1u);
  send_1000();
  EXPECT_EQ(reader.readable_events, 1u) << "nothing was read yet";
  EXPECT_EQ(read(500), 500u);
  send_1000();
  EXPECT_EQ(reader.readable_events, 1u) << "the read was not short";
  EXPECT_EQ(read(5000), 2500u);
  EXPECT_EQ(reader.readable_events, 1u) << "nothing arrived after the short read";
  send_1000();
  EXPECT_EQ(reader.readable_events, 2u);
  EXPECT_EQ(read(1000), 1000u);
  EXPECT_EQ(read(10), 0u);
  send_1000();
  EXPECT_EQ(reader.readable_events, 3u);
}

TEST_P(Conformance, ConnectToNobodyEndsInAReset) {
  const std::size_t a = add_host();
  Instant asked{};
  StreamId id;
  act(a, [&] {
    asked = probe(a).now();
    id = probe(a).connect(harness_->nobody());
  });
  ASSERT_TRUE(until([&] { return probe(a).stream(id).reset; }, kConnectTimeout + 2s));
  EXPECT_FALSE(probe(a).stream(id).opened);
}

TEST_P(Conformance, ConnectToAHostThatDoesNotListenEndsInAReset) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  StreamId id;
  act(a, [&] { id = probe(a).connect(harness_->endpoint(b)); });
  ASSERT_TRUE(until([&] { return probe(a).stream(id).reset; }, kConnectTimeout + 2s));
  EXPECT_FALSE(probe(a).stream(id).opened);
  EXPECT_FALSE(probe(b).has_inbound(0));
}

TEST_P(Conformance, BothMayConnectToEachOtherAtOnce) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  act(a, [&] { ASSERT_TRUE(probe(a).listen()); });
  act(b, [&] { ASSERT_TRUE(probe(b).listen()); });
  StreamId from_a;
  StreamId from_b;
  act(a, [&] { from_a = probe(a).connect(harness_->endpoint(b)); });
  act(b, [&] { from_b = probe(b).connect(harness_->endpoint(a)); });
  EXPECT_TRUE(until([&] {
    return probe(a).stream(from_a).opened && probe(b).stream(from_b).opened && probe(a).has_inbound(0) &&
           probe(b).has_inbound(0);
  }));
  EXPECT_NE(from_a, probe(a).inbound(0));
}

}  // namespace
}  // namespace shoal::conformance
