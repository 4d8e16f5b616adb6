#include "node/secure/frames.h"

#include <gtest/gtest.h>

#include <map>

#include "node/base/rng.h"

namespace shoal {
namespace {

Bytes frame(std::uint32_t stream, std::uint8_t flags, std::size_t data_bytes) {
  Bytes made(5 + data_bytes, 7);
  for (std::size_t i = 0; i < 4; ++i) made[i] = static_cast<std::uint8_t>(stream >> (24 - 8 * i));
  made[4] = flags;
  return made;
}

Bytes popped(FrameQueue& queue) {
  Bytes out;
  queue.pop(out);
  return out;
}

ErrorCode code_of(const Result<void>& outcome) {
  return outcome ? ErrorCode::kNone : outcome.error().code;
}

TEST(FrameQueue, CutsAMessageIntoFramesEndedByAFlag) {
  FrameQueue queue(1 << 20);
  ASSERT_TRUE(queue.push(0x01020304, Bytes(kFrameDataBytesMax + 1, 7)));
  EXPECT_EQ(popped(queue), frame(0x01020304, 0, kFrameDataBytesMax));
  EXPECT_EQ(popped(queue), frame(0x01020304, kFrameEnd, 1));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.queued_bytes(), 0u);
}

TEST(FrameQueue, LetsStreamsTakeTurns) {
  FrameQueue queue(1 << 20);
  ASSERT_TRUE(queue.push(1, Bytes(3 * kFrameDataBytesMax)));
  ASSERT_TRUE(queue.push(2, Bytes(2 * kFrameDataBytesMax)));
  ASSERT_TRUE(queue.push(3, Bytes(10)));
  ASSERT_TRUE(queue.push(3, Bytes(10)));
  std::vector<int> order;
  while (!queue.empty()) order.push_back(popped(queue)[3]);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 1, 2, 3, 1}));
}

TEST(FrameQueue, RefusesWhatIsTooLargeOrTooMuch) {
  FrameQueue queue(1000);
  EXPECT_EQ(code_of(queue.push(1, Bytes(wire::kMessageBytesMax + 1))), ErrorCode::kTooLarge);
  EXPECT_EQ(code_of(queue.push(1, Bytes(1000 - kQueuedMessageOverheadBytes))), ErrorCode::kNone);
  EXPECT_EQ(code_of(queue.push(2, {})), ErrorCode::kBusy);
  popped(queue);
  EXPECT_EQ(code_of(queue.push(2, {})), ErrorCode::kNone);
}

TEST(FrameQueue, BoundsEmptyMessagesToo) {
  FrameQueue queue(1000);
  int accepted = 0;
  while (queue.push(1, {})) ++accepted;
  EXPECT_EQ(accepted, 1000 / static_cast<int>(kQueuedMessageOverheadBytes));
}

TEST(FrameAssembler, AcceptsWhateverAQueueSends) {
  Rng rng = Rng::keyed(1, "test", "frames");
  FrameQueue queue(16 << 20);
  FrameAssembler assembler(1 << 20);
  std::map<std::uint32_t, std::vector<Bytes>> sent;
  std::map<std::uint32_t, std::vector<Bytes>> received;
  for (int i = 0; i < 300; ++i) {
    const auto stream = static_cast<std::uint32_t>(rng.below(60));
    Bytes message(rng.below(3) == 0 ? wire::kMessageBytesMax : rng.below(40'000));
    rng.fill(message);
    ASSERT_TRUE(queue.push(stream, message));
    sent[stream].push_back(std::move(message));
  }
  while (!queue.empty()) {
    const Bytes next = popped(queue);
    ASSERT_TRUE(assembler.add(next));
    EXPECT_LE(assembler.held_bytes(), kOpenBytesMax + wire::kMessageBytesMax + kQueuedMessageOverheadBytes);
    while (auto message = assembler.next()) received[message->stream].push_back(std::move(message->message));
  }
  EXPECT_EQ(sent, received);
  EXPECT_EQ(assembler.held_bytes(), 0u);
}

TEST(FrameAssembler, RefusesWhatIsNoFrame) {
  const auto refusal = [](ByteView bytes) {
    FrameAssembler assembler(1 << 20);
    return code_of(assembler.add(bytes));
  };
  EXPECT_EQ(refusal({}), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(Bytes(kFrameHeaderBytes - 1)), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(frame(1, kFrameEnd, kFrameDataBytesMax + 1)), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(frame(1, 4, 1)), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(frame(1, kFrameEnd | kFrameFinish, 1)), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(frame(1, 0, 0)), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(frame(1, kFrameFinish, 0)), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(frame(0, kFrameFinish, 1)), ErrorCode::kMalformed);
  EXPECT_EQ(refusal(frame(1, kFrameEnd, 0)), ErrorCode::kNone);
  EXPECT_EQ(refusal(frame(0, kFrameFinish, 0)), ErrorCode::kNone);
}

TEST(FrameAssembler, BoundsTheOpenStreams) {
  FrameAssembler assembler(1 << 20);
  for (std::uint32_t stream = 0; stream < kOpenStreamsMax; ++stream) {
    ASSERT_TRUE(assembler.add(frame(stream, 0, 1)));
  }
  EXPECT_EQ(code_of(assembler.add(frame(99, kFrameEnd, 1))), ErrorCode::kMalformed);
}

TEST(FrameAssembler, BoundsTheBytesOfOpenStreams) {
  FrameAssembler assembler(1 << 20);
  Result<void> outcome;
  std::size_t added = 0;
  for (std::uint32_t i = 0; outcome; ++i) {
    outcome = assembler.add(frame(i % kOpenStreamsMax, 0, kFrameDataBytesMax));
    EXPECT_LE(assembler.held_bytes(), kOpenBytesMax);
    if (outcome) added += kFrameDataBytesMax;
  }
  EXPECT_EQ(code_of(outcome), ErrorCode::kMalformed);
  EXPECT_EQ(added, kOpenBytesMax / kFrameDataBytesMax * kFrameDataBytesMax);
}

TEST(FrameAssembler, BoundsAMessageAndWhatWaitsToBeTaken) {
  FrameAssembler long_one(1 << 20);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(long_one.add(frame(1, 0, kFrameDataBytesMax)));
  EXPECT_EQ(code_of(long_one.add(frame(1, 0, wire::kMessageBytesMax - 4 * kFrameDataBytesMax + 1))),
            ErrorCode::kTooLarge);
  FrameAssembler untaken(1000);
  Result<void> outcome;
  std::size_t waiting = 0;
  for (; outcome; ++waiting) outcome = untaken.add(frame(1, kFrameEnd, 0));
  EXPECT_EQ(code_of(outcome), ErrorCode::kBusy);
  EXPECT_EQ(waiting - 1, 1000 / kQueuedMessageOverheadBytes);
}

TEST(FrameAssembler, FinishesOnceAndOnlyBetweenMessages) {
  FrameAssembler assembler(1 << 20);
  ASSERT_TRUE(assembler.add(frame(1, 0, 1)));
  EXPECT_EQ(code_of(assembler.add(frame(0, kFrameFinish, 0))), ErrorCode::kMalformed);
  ASSERT_TRUE(assembler.add(frame(1, kFrameEnd, 1)));
  EXPECT_FALSE(assembler.finished());
  ASSERT_TRUE(assembler.add(frame(0, kFrameFinish, 0)));
  EXPECT_TRUE(assembler.finished());
  EXPECT_EQ(code_of(assembler.add(frame(1, kFrameEnd, 1))), ErrorCode::kMalformed);
  EXPECT_EQ(assembler.next()->message, Bytes(2, 7));  // what came before is still there
}

}  // namespace
}  // namespace shoal
