// Damaged messages of every kind: decoding never crashes, and either refuses or gives a message that stands
// for itself. Worth most under the sanitizers.
#include <gtest/gtest.h>

#include "node/wire/codec.h"
#include "tests/unit/wire/random_message.h"

namespace shoal::wire {
namespace {

constexpr int kRounds = 4000;

class DamagedMessage : public testing::TestWithParam<std::size_t> {};

TEST_P(DamagedMessage, IsRefusedOrReencodes) {
  Rng rng = Rng::keyed(2, "mutations", kind_name(GetParam()));
  int refused = 0;
  for (int i = 0; i < kRounds; ++i) {
    const Bytes bytes = damaged(encode(random_message(GetParam(), rng)), rng);
    const Result<Message> decoded = decode(bytes);
    if (!decoded) {
      ++refused;
      ASSERT_TRUE(decoded.error().code == ErrorCode::kMalformed ||
                  decoded.error().code == ErrorCode::kUnsupported)
          << to_hex(bytes);
      ASSERT_EQ(decoded.error().code == ErrorCode::kMalformed, !decoded.error().message.empty());
      request_id(bytes);
      continue;
    }
    const Bytes again = encode(*decoded);
    const Result<Message> second = decode(again);
    ASSERT_TRUE(second) << to_hex(bytes) << ": " << second.error().message;
    ASSERT_EQ(*second, *decoded) << to_hex(bytes);
  }
  // The damage is neither so light that all pass nor so heavy that no decoder is reached.
  EXPECT_GT(refused, kRounds / 4);
  EXPECT_LT(refused, kRounds);
}

INSTANTIATE_TEST_SUITE_P(Codec, DamagedMessage, testing::Range(std::size_t{0}, kMessageKinds),
                         [](const auto& test) { return kind_name(test.param); });

TEST(TruncatedMessage, OfEveryLengthIsRefusedOrReencodes) {
  Rng rng = Rng::keyed(3, "mutations", "truncations");
  for (std::size_t kind = 0; kind < kMessageKinds; ++kind) {
    const Bytes whole = encode(random_message(kind, rng));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Result<Message> decoded = decode(ByteView(whole).first(size));
      ASSERT_FALSE(decoded) << kind_name(kind) << " cut to " << size;  // the outer length no longer fits
      ASSERT_EQ(decoded.error().code, ErrorCode::kMalformed);
    }
  }
}

}  // namespace
}  // namespace shoal::wire
