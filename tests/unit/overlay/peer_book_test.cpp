#include "node/overlay/peer_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shoal {
namespace {

class PeerBookTest : public testing::Test {
 protected:
  Id host(std::uint8_t i) {
    Id id;
    id.bytes[0] = i;
    return id;
  }
  Endpoint at(std::uint32_t i) { return Endpoint::v4(0x01020300 + i, 4000); }
  void hear(std::uint8_t i, std::vector<Endpoint> endpoints) { book_.heard(host(i), endpoints, now_); }
  // Lets time pass until an attempt is due, and fails it; how long that took.
  Duration fail_next() {
    const Instant due = book_.next_due();
    EXPECT_NE(due, kNever);
    const Duration waited = std::max(due, now_) - now_;
    now_ += waited;
    const auto attempt = book_.next_attempt(now_);
    EXPECT_TRUE(attempt);
    book_.attempt_began(attempt->host, {1, ++guids_}, now_ + 15s);
    forgotten_ = book_.attempt_failed(attempt->host, now_, rng_);
    last_ = attempt->endpoint;
    return waited;
  }

  Rng rng_ = Rng::keyed(1, "test", "peers");
  PeerBook book_{host(0), {}};
  Instant now_{};
  std::uint32_t guids_ = 0;
  bool forgotten_ = false;
  Endpoint last_;
};

TEST_F(PeerBookTest, TakesALinkLocalEndpointOnlyWithItsLink) {
  Endpoint link_local;
  link_local.address = {0xfe, 0x80};
  link_local.port = 4000;
  hear(1, {link_local});
  EXPECT_FALSE(book_.next_attempt(now_));
  link_local.interface = 2;
  hear(1, {link_local});
  link_local.interface = 3;  // the same link, numbered anew
  hear(1, {link_local});
  ASSERT_EQ(book_.find(host(1))->endpoints.size(), 1u);
  EXPECT_EQ(book_.next_attempt(now_)->endpoint, link_local);
}

TEST_F(PeerBookTest, TriesEverybodyAtOnceWhenToldTo) {
  hear(1, {at(1)});
  for (int i = 0; i < 7; ++i) fail_next();
  EXPECT_GT(book_.next_due(), now_ + 40s);
  book_.try_all(now_);
  EXPECT_EQ(book_.next_due(), now_);
  EXPECT_EQ(fail_next(), 0s);
  EXPECT_LE(fail_next(), 2500ms) << "and it waits as for somebody new";
  book_.connected({host(1), at(1)}, {2, 1}, true, now_);
  book_.try_all(now_);
  EXPECT_EQ(book_.next_due(), kNever);
}

TEST_F(PeerBookTest, TriesAtOnceWhomSomebodyHasASessionWith) {
  hear(1, {at(1)});
  for (int i = 0; i < 5; ++i) fail_next();
  EXPECT_GT(book_.next_due(), now_ + 10s);
  book_.vouched_for(host(1), now_);
  EXPECT_EQ(book_.next_due(), now_);
  book_.vouched_for(host(2), now_);
  EXPECT_EQ(book_.find(host(2)), nullptr) << "whoever vouches says where it is, too";
}

TEST_F(PeerBookTest, TriesAllEndpointsOfAPeerBeforeItWaitsLonger) {
  hear(1, {at(1), at(2)});
  EXPECT_EQ(fail_next(), 0s);
  EXPECT_EQ(last_, at(1));
  EXPECT_LE(fail_next(), 2500ms);
  EXPECT_EQ(last_, at(2));
  EXPECT_LE(fail_next(), 2500ms);
  EXPECT_EQ(last_, at(1));
  EXPECT_GE(fail_next(), 3s);
  EXPECT_GE(fail_next(), 3s);
  EXPECT_GE(fail_next(), 6s);
}

TEST_F(PeerBookTest, ForgetsAPeerThatNobodyReachesAndNobodyNames) {
  hear(1, {at(1)});
  for (int i = 0; i < PeerBook::kAttemptsMax; ++i) {
    EXPECT_FALSE(forgotten_);
    fail_next();
  }
  EXPECT_TRUE(forgotten_);
  EXPECT_TRUE(book_.peers().empty());
  EXPECT_EQ(book_.next_due(), kNever);
}

TEST_F(PeerBookTest, MissesAPeerThatWasThereForADayAndTriesItOnceAMinute) {
  hear(1, {at(1)});
  book_.connected({host(1), at(1)}, {2, 1}, true, now_);
  book_.disconnected(host(1), now_, rng_);
  const Instant left = now_;
  while (!forgotten_) ASSERT_LE(fail_next(), 75s);
  EXPECT_GE(now_, left + PeerBook::kKnownKept);
  EXPECT_LE(now_, left + PeerBook::kKnownKept + 75s);
}

TEST_F(PeerBookTest, MissesSoManyAtMostAndForgetsTheOneAwayForLongest) {
  for (std::uint8_t i = 1; i <= PeerBook::kMissedMax + 1; ++i) {
    hear(i, {at(i)});
    book_.connected({host(i), at(i)}, {2, i}, true, now_);
    book_.disconnected(host(i), now_, rng_);
    now_ += 1s;
  }
  while (!forgotten_) fail_next();
  EXPECT_EQ(book_.peers().size(), PeerBook::kMissedMax);
  EXPECT_EQ(book_.find(host(1)), nullptr);
}

TEST_F(PeerBookTest, OneOfAnEarlierRunIsTriedAtOnceMissedAndNewWhenItIsMet) {
  now_ += 48h;
  book_.remembered(host(1), std::vector{at(1), at(2)}, now_ - 23h, now_);
  book_.remembered(host(2), std::vector{at(3)}, now_ - 25h, now_);
  book_.remembered(host(0), std::vector{at(4)}, now_, now_);
  EXPECT_EQ(book_.peers().size(), 2u) << "itself is no peer";
  EXPECT_EQ(book_.next_due(), now_);
  const Instant began = now_;
  while (!forgotten_) fail_next();
  EXPECT_EQ(book_.find(host(2)), nullptr) << "it was away for too long already";
  EXPECT_LE(now_ - began, 10min);
  forgotten_ = false;
  EXPECT_EQ(book_.find(host(1))->heard, began - 23h);
  EXPECT_TRUE(book_.connected({host(1), at(1)}, {2, 1}, true, now_));
}

TEST_F(PeerBookTest, RemembersWhomItWasConnectedWithAndCanCall) {
  hear(1, {at(1)});  // never connected
  for (std::uint8_t i = 2; i <= 5; ++i) {
    const bool outbound = i != 5;
    book_.connected({host(i), at(i)}, {2, i}, outbound, now_);
    now_ += 1s;
  }
  book_.disconnected(host(2), now_, rng_);
  now_ += 1s;
  book_.disconnected(host(3), now_, rng_);
  std::vector<Id> remembered;
  for (const PeerBook::Peer* peer : book_.to_remember()) remembered.push_back(peer->host);
  EXPECT_EQ(remembered, (std::vector{host(4), host(3), host(2)}));
  for (std::uint8_t i = 10; i < 10 + PeerBook::kMissedMax; ++i) {
    book_.connected({host(i), at(i)}, {2, i}, true, now_);
  }
  EXPECT_EQ(book_.to_remember().size(), PeerBook::kMissedMax);
}

TEST_F(PeerBookTest, TriesAnEndpointThatIsNewAtOnce) {
  hear(1, {at(1)});
  for (int i = 0; i < 6; ++i) fail_next();
  EXPECT_FALSE(book_.next_attempt(now_));
  hear(1, {at(1)});
  EXPECT_FALSE(book_.next_attempt(now_));  // where it was not reached just now
  hear(1, {at(2)});
  ASSERT_TRUE(book_.next_attempt(now_));
  EXPECT_EQ(book_.next_attempt(now_)->endpoint, at(2));
}

TEST_F(PeerBookTest, AConnectedPeerIsNotTriedAndIsNewOnce) {
  hear(1, {at(1)});
  book_.attempt_began(host(1), {1, 7}, now_ + 15s);
  EXPECT_EQ(book_.attempts_count(), 1u);
  EXPECT_TRUE(book_.connected({host(1), at(1)}, {1, 7}, true, now_));
  EXPECT_EQ(book_.connected_count(), 1u);
  EXPECT_EQ(book_.attempts_count(), 0u);
  EXPECT_EQ(book_.next_due(), kNever);
  EXPECT_EQ(book_.connected_by({1, 7}), host(1));
  book_.disconnected(host(1), now_, rng_);
  EXPECT_EQ(book_.connected_by({1, 7}), std::nullopt);
  EXPECT_LE(book_.next_due(), now_ + 3s);
  EXPECT_FALSE(book_.connected({host(1), at(1)}, {1, 8}, true, now_));
}

TEST_F(PeerBookTest, AnAttemptThatEndsInNothingIsOverAfterItsTime) {
  hear(1, {at(1)});
  EXPECT_EQ(book_.next_overdue(), kNever);
  book_.attempt_began(host(1), {1, 7}, now_ + 15s);
  EXPECT_EQ(book_.next_overdue(), now_ + 15s);
  EXPECT_FALSE(book_.overdue(now_ + 14s));
  EXPECT_EQ(book_.overdue(now_ + 15s), host(1));
  book_.attempt_failed(host(1), now_ + 15s, rng_);
  EXPECT_FALSE(book_.overdue(now_ + 15s));
  EXPECT_NE(book_.next_due(), kNever);
}

TEST_F(PeerBookTest, WhereAConnectionComesFromIsNoPlaceToConnectTo) {
  EXPECT_TRUE(book_.connected({host(1), at(1)}, {1, 7}, false, now_));
  EXPECT_TRUE(book_.find(host(1))->endpoints.empty());
  book_.disconnected(host(1), now_, rng_);
  EXPECT_EQ(book_.next_due(), kNever);
}

TEST_F(PeerBookTest, IsBoundedAndKeepsThoseItHasASessionWith) {
  book_.connected({host(1), at(1)}, {1, 7}, true, now_);
  for (std::uint32_t i = 0; i < 2 * PeerBook::kPeersMax; ++i) {
    now_ += 1s;
    Id id;
    id.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    id.bytes[2] = static_cast<std::uint8_t>(i);
    id.bytes[3] = 1;
    book_.heard(id, std::vector{at(i)}, now_);
  }
  EXPECT_EQ(book_.peers().size(), PeerBook::kPeersMax);
  EXPECT_NE(book_.find(host(1)), nullptr);
}

TEST_F(PeerBookTest, KeepsTheEndpointsHeardOfLast) {
  hear(1, {at(1), at(2), at(3)});
  hear(1, {at(4), at(5)});
  EXPECT_THAT(book_.find(host(1))->endpoints, testing::ElementsAre(at(4), at(5), at(1), at(2)));
  hear(1, {at(1)});
  EXPECT_THAT(book_.find(host(1))->endpoints, testing::ElementsAre(at(1), at(4), at(5), at(2)));
}

TEST_F(PeerBookTest, ItselfIsNoPeer) {
  hear(0, {at(1)});
  EXPECT_TRUE(book_.peers().empty());
}

}  // namespace
}  // namespace shoal
