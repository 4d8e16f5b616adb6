// What the Streams port promises of the end of a stream: graceful close, reset, and silence afterwards.
#include "tests/conformance/suite.h"

namespace shoal::conformance {
namespace {

TEST_P(Conformance, GracefulCloseDeliversEverythingFirst) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(a, [&] { probe(a).write_all(stream.connector, pattern(1'000'003), true); });
  Probe::Stream& reader = probe(b).stream(stream.acceptor);
  ASSERT_TRUE(until([&] { return reader.ended(); }));
  EXPECT_TRUE(reader.closed);
  EXPECT_TRUE(reader.received == pattern(1'000'003));
  settle();
  EXPECT_FALSE(probe(a).stream(stream.connector).ended()) << "close() is the end for the one who called it";
}

TEST_P(Conformance, AcceptorMayCloseGracefullyToo) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(b, [&] { probe(b).write_all(stream.acceptor, pattern(10'000), true); });
  Probe::Stream& reader = probe(a).stream(stream.connector);
  ASSERT_TRUE(until([&] { return reader.ended(); }));
  EXPECT_TRUE(reader.closed);
  EXPECT_TRUE(reader.received == pattern(10'000));
}

TEST_P(Conformance, CloseOfAnIdleStreamIsSeenAsClosed) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(a, [&] { probe(a).close(stream.connector, CloseMode::kGraceful); });
  ASSERT_TRUE(until([&] { return probe(b).stream(stream.acceptor).ended(); }));
  EXPECT_TRUE(probe(b).stream(stream.acceptor).closed);
}

TEST_P(Conformance, ClosedWaitsUntilTheLastByteIsRead) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  probe(b).hold_reading = true;
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(a, [&] {
    EXPECT_EQ(probe(a).write(stream.connector, pattern(1000)), 1000u);
    probe(a).close(stream.connector, CloseMode::kGraceful);
  });
  Probe::Stream& reader = probe(b).stream(stream.acceptor);
  settle();
  EXPECT_FALSE(reader.ended()) << "nothing was read yet";
  Bytes buffer(999);
  act(b, [&] { EXPECT_EQ(probe(b).read(stream.acceptor, buffer), 999u); });
  settle();
  EXPECT_FALSE(reader.ended()) << "one byte is left";
  buffer.resize(1);
  act(b, [&] { EXPECT_EQ(probe(b).read(stream.acceptor, buffer), 1u); });
  ASSERT_TRUE(until([&] { return reader.ended(); })) << "a full read that took the last byte is enough";
  EXPECT_TRUE(reader.closed);
  EXPECT_TRUE(reader.received == pattern(1000));
}

TEST_P(Conformance, GracefulCloseDeliversWhileTheOtherStillSends) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(b, [&] { probe(b).write_all(stream.acceptor, pattern(2'000'000)); });
  act(a, [&] { probe(a).write_all(stream.connector, pattern(200'000), true); });
  Probe::Stream& reader = probe(b).stream(stream.acceptor);
  ASSERT_TRUE(until([&] { return reader.ended(); }));
  EXPECT_TRUE(reader.closed);
  EXPECT_TRUE(reader.received == pattern(200'000));
}

TEST_P(Conformance, BothMayCloseAtOnce) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(a, [&] { probe(a).close(stream.connector, CloseMode::kGraceful); });
  act(b, [&] { probe(b).close(stream.acceptor, CloseMode::kGraceful); });
  settle();
  EXPECT_FALSE(probe(a).stream(stream.connector).ended());
}

TEST_P(Conformance, ResetIsSeenAsReset) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(a, [&] { probe(a).close(stream.connector, CloseMode::kReset); });
  Probe::Stream& other = probe(b).stream(stream.acceptor);
  ASSERT_TRUE(until([&] { return other.ended(); }));
  EXPECT_TRUE(other.reset);
  settle();
  EXPECT_FALSE(probe(a).stream(stream.connector).ended());
}

TEST_P(Conformance, ResetAfterDataIsSeenAsResetAfterAPrefixOfIt) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  const Bytes sent = pattern(50'000);
  act(a, [&] {
    probe(a).write(stream.connector, sent);
    probe(a).close(stream.connector, CloseMode::kReset);
  });
  Probe::Stream& reader = probe(b).stream(stream.acceptor);
  ASSERT_TRUE(until([&] { return reader.ended(); }));
  EXPECT_TRUE(reader.reset);
  ASSERT_LE(reader.received.size(), sent.size());
  EXPECT_TRUE(std::equal(reader.received.begin(), reader.received.end(), sent.begin()));
}

TEST_P(Conformance, ResetReachesAReaderThatHoldsBack) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  probe(b).hold_reading = true;
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(a, [&] { EXPECT_GT(probe(a).write(stream.connector, pattern(5000)), 0u); });
  ASSERT_TRUE(until([&] { return probe(b).stream(stream.acceptor).readable_events > 0; }));
  act(a, [&] { probe(a).close(stream.connector, CloseMode::kReset); });
  ASSERT_TRUE(until([&] { return probe(b).stream(stream.acceptor).ended(); }));
  EXPECT_TRUE(probe(b).stream(stream.acceptor).reset);
}

TEST_P(Conformance, ResetReachesABlockedWriter) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  probe(b).hold_reading = true;
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(a, [&] { probe(a).write_all(stream.connector, pattern(12'000'000)); });
  ASSERT_TRUE(until([&] { return probe(a).stream(stream.connector).blocked(); }));
  act(b, [&] { probe(b).close(stream.acceptor, CloseMode::kReset); });
  ASSERT_TRUE(until([&] { return probe(a).stream(stream.connector).ended(); }));
  EXPECT_TRUE(probe(a).stream(stream.connector).reset);
}

TEST_P(Conformance, NothingIsHeardOfAStreamAfterItsClose) {
  for (const CloseMode mode : {CloseMode::kGraceful, CloseMode::kReset}) {
    const std::size_t a = add_host();
    const std::size_t b = add_host();
    Opened stream;
    ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
    act(b, [&] { probe(b).write_all(stream.acceptor, pattern(500'000)); });
    act(a, [&] { probe(a).close(stream.connector, mode); });
    const std::size_t events_before = probe(a).events_seen;
    settle();
    EXPECT_EQ(probe(a).events_seen, events_before);
  }
}

TEST_P(Conformance, DeadStreamsTakeAndGiveNothing) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  Opened stream;
  ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
  act(b, [&] { EXPECT_GT(probe(b).write(stream.acceptor, pattern(100)), 0u); });
  settle();
  act(a, [&] {
    Bytes buffer(100);
    probe(a).close(stream.connector, CloseMode::kGraceful);
    EXPECT_EQ(probe(a).write(stream.connector, pattern(100)), 0u);
    EXPECT_EQ(probe(a).read(stream.connector, buffer), 0u);
    probe(a).close(stream.connector, CloseMode::kGraceful);
    probe(a).close(stream.connector, CloseMode::kReset);
    const StreamId unknown{~std::uint64_t{0}};
    EXPECT_EQ(probe(a).write(unknown, pattern(100)), 0u);
    EXPECT_EQ(probe(a).read(unknown, buffer), 0u);
    probe(a).close(unknown, CloseMode::kReset);
    probe(a).close(StreamId{}, CloseMode::kGraceful);
  });
  ASSERT_TRUE(until([&] { return probe(b).stream(stream.acceptor).ended(); }));
  act(b, [&] {
    Bytes buffer(100);
    EXPECT_EQ(probe(b).write(stream.acceptor, pattern(100)), 0u);
    EXPECT_EQ(probe(b).read(stream.acceptor, buffer), 0u);
    probe(b).close(stream.acceptor, CloseMode::kReset);
  });
  settle();
}

TEST_P(Conformance, CloseBeforeTheStreamOpensIsTheEndOfIt) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  act(b, [&] { ASSERT_TRUE(probe(b).listen()); });
  for (const CloseMode mode : {CloseMode::kGraceful, CloseMode::kReset}) {
    act(a, [&] {
      const StreamId id = probe(a).connect(harness_->endpoint(b));
      EXPECT_EQ(probe(a).write(id, pattern(10)), 0u);
      probe(a).close(id, mode);
      probe(a).close(probe(a).connect(harness_->nobody()), mode);
    });
  }
  const std::size_t events_before = probe(a).events_seen;
  settle();
  EXPECT_EQ(probe(a).events_seen, events_before);
}

TEST_P(Conformance, StreamsEndAndOpenAgainManyTimes) {
  const std::size_t a = add_host();
  const std::size_t b = add_host();
  for (std::uint8_t round = 0; round < 30; ++round) {
    Opened stream;
    ASSERT_NO_FATAL_FAILURE(open(a, b, stream));
    act(a, [&] { probe(a).write_all(stream.connector, pattern(500, round), true); });
    ASSERT_TRUE(until([&] { return probe(b).stream(stream.acceptor).closed; }));
    EXPECT_TRUE(probe(b).stream(stream.acceptor).received == pattern(500, round));
  }
}

}  // namespace
}  // namespace shoal::conformance
