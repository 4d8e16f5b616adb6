// What strangers on a LAN may say, and what it costs.
#include <gmock/gmock.h>

#include "tests/unit/lan/lan_cluster.h"

namespace shoal {
namespace {

constexpr std::chrono::milliseconds kLate =
    std::chrono::duration_cast<std::chrono::milliseconds>(LanDiscovery::kAgeMax) + 1s;

class LanAbuse : public LanCluster {};

TEST_F(LanAbuse, AnAddressIsUsedOnlyAfterItsHostHasAnsweredFromIt) {
  add(1);
  RawPeer& stranger = add_stranger();
  cluster_.advance(1s);
  stranger.take();
  say(stranger, 1);
  cluster_.advance(1min);
  EXPECT_EQ(counters(0).pings_heard, 1u);
  EXPECT_EQ(unicasts(stranger.take()), 1u) << "one question, which it leaves unanswered";
  EXPECT_EQ(cluster_.node(0).table().size(), 0u);
}

TEST_F(LanAbuse, AHostIsSentOneDatagramWhateverItSays) {
  add(1);
  RawPeer& stranger = add_stranger();
  cluster_.advance(1s);
  stranger.take();
  for (std::uint64_t counter = 1; counter <= 90; ++counter) {
    say(stranger, counter);
    cluster_.advance(100ms);
  }
  EXPECT_EQ(counters(0).pings_heard, 90u);
  EXPECT_EQ(unicasts(stranger.take()), 1u);
  for (std::uint64_t counter = 91; counter <= 3600; ++counter) {
    say(stranger, counter);
    cluster_.advance(1s);
  }
  EXPECT_LE(unicasts(stranger.take()), 11u) << "ever less often, in an hour";
}

TEST_F(LanAbuse, ForgedAndDamagedMessagesAreDroppedEachForItsCause) {
  add(1);
  RawPeer& stranger = add_stranger();
  cluster_.advance(1s);
  const KeyPair other = KeyPair::from_seed(Rng::keyed(1, "other", "key").seed());
  const Bytes good = write_lan_message(message_of(other, 1), other);
  Bytes forged = good;
  forged[40] ^= 1;  // the boot number
  stranger.send_raw(kGroup, forged);
  Bytes damaged = good;
  damaged.back() ^= 1;  // the signature
  stranger.send_raw(kGroup, damaged);
  cluster_.advance(1s);
  EXPECT_EQ(counters(0).dropped_unverified, 2u);
  stranger.send_raw(kGroup, ByteView(good).first(good.size() - 1));
  stranger.send_raw(kGroup, Bytes(200, 1));
  stranger.send_raw(kGroup, Bytes{});
  LanMessage elsewhere = message_of(other, 1);
  elsewhere.port = 4001;  // not whence it comes
  stranger.send_raw(kGroup, write_lan_message(elsewhere, other));
  cluster_.advance(1s);
  EXPECT_EQ(counters(0).dropped_malformed, 2u);
  const NodeCounters& all = cluster_.node(0).counters();
  EXPECT_EQ(all.dropped_malformed + all.dropped_unverified, 2u) << "what could be a request, and is none";
  EXPECT_EQ(counters(0).pings_heard, 0u);
  EXPECT_EQ(status(0).hosts, 0u);
}

TEST_F(LanAbuse, AMessageThatIsSentToTheHostItselfIsNone) {
  add(1);
  RawPeer& stranger = add_stranger();
  cluster_.advance(1s);
  stranger.take();
  const Bytes message = write_lan_message(message_of(stranger.keys(), 1), stranger.keys());
  stranger.send_raw(cluster_.contact(0).endpoint, message);
  cluster_.advance(10s);
  EXPECT_EQ(counters(0).pings_heard, 0u);
  EXPECT_EQ(unicasts(stranger.take()), 0u);
}

// ---- Requests

TEST_F(LanAbuse, ARequestToTheGroupIsAnsweredByTheHostThatItIsSealedForAlone) {
  for (int i = 0; i < 5; ++i) add(1);
  RawPeer& asking = add_stranger();
  cluster_.advance(10s);
  asking.take();
  wire::Request find;
  find.id = 7;
  find.client = true;
  find.body = wire::FindHost{Id{}};
  const Bytes sealed = asking.seal(cluster_.contact(3).key, wire::encode(find));
  asking.send_raw(kGroup, sealed);
  cluster_.advance(10s);
  const std::vector<RawPeer::Received> received = asking.take();
  ASSERT_EQ(unicasts(received), 1u);
  for (const RawPeer::Received& each : received) {
    if (each.multicast) continue;
    EXPECT_EQ(each.from, cluster_.contact(3).endpoint);
    EXPECT_EQ(std::get<wire::Response>(each.message.value()).id, 7u);
    EXPECT_LE(each.datagram.size(), 3 * sealed.size()) << "its address is not validated";
  }
}

TEST_F(LanAbuse, AHostThatWasNeverHeardIsFoundByPing) {
  NodeConfig seldom;
  seldom.lan_ping_interval = 1h;
  cluster_.network().set_link({.loss = 1});
  add(1, seldom);
  add(1, seldom);
  cluster_.advance(1min);
  cluster_.network().set_link({});
  ASSERT_EQ(status(0).hosts, 0u);
  const Contact sought = cluster_.contact(1);
  EXPECT_EQ(cluster_.expect<PingResult>(0, PingCommand{sought.key, {}}).contact, sought);
  EXPECT_TRUE(knows(0, 1));
}

TEST_F(LanAbuse, AHostThatIsNotThereIsNotFound) {
  add(1);
  add(1);
  cluster_.advance(1min);
  const CommandResult result = cluster_.run(0, PingCommand{Id{{1, 2, 3}}, {}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(result.error().message, "no host with this key was found, nor heard on a LAN");
}

TEST_F(LanAbuse, AFloodOfRequestsStaysInTheBudgetOfItsSource) {
  add(1);
  RawPeer& attacker = add_stranger();
  cluster_.advance(1min);
  attacker.take();
  Bytes forged = attacker.seal(cluster_.contact(0).key, Bytes(30, 1));
  const NodeCounters before = cluster_.node(0).counters();
  for (int i = 0; i < 5000; ++i) {
    forged[8] = static_cast<std::uint8_t>(i);  // another key each time
    forged[9] = static_cast<std::uint8_t>(i >> 8);
    attacker.send_raw(kGroup, forged);
    if (i % 500 == 0) cluster_.advance(1s);
  }
  cluster_.advance(1s);
  const NodeCounters& after = cluster_.node(0).counters();
  const std::uint64_t opened = after.dropped_unverified + after.dropped_malformed -
                               before.dropped_unverified - before.dropped_malformed;
  EXPECT_LE(opened, 12 * LanDiscovery::kMessagesPerSourcePerSecond);
  EXPECT_GT(after.lan.dropped_rate_limit, 4000u);
}

// ---- Replays

TEST_F(LanAbuse, ARecordedMessageDoesNothingAgain) {
  add(1);
  add(1);
  RawPeer& recorder = add_stranger();
  cluster_.advance(10s);
  const Contact host = cluster_.contact(1);
  const auto record = recorded(recorder, host.key);
  ASSERT_TRUE(record);
  const std::uint64_t heard = counters(0).pings_heard;
  for (int i = 0; i < 5; ++i) recorder.send_raw(kGroup, *record);
  cluster_.advance(1s);
  EXPECT_EQ(counters(0).dropped_replayed, 5u);
  EXPECT_EQ(counters(0).pings_heard, heard);
  EXPECT_EQ(unicasts(recorder.take()), 0u);
  EXPECT_EQ(cluster_.node(0).table().find(host.key), host) << "where it was";
}

TEST_F(LanAbuse, ARecordedMessageDoesNotMoveItsHostAfterARestartOfTheOneThatHearsIt) {
  add(1);
  add(1);
  RawPeer& recorder = add_stranger();
  cluster_.advance(10s);
  const Contact host = cluster_.contact(1);
  const auto record = recorded(recorder, host.key);
  ASSERT_TRUE(record);
  cluster_.restart(0);
  cluster_.advance(10ms);
  for (int i = 0; i < 5; ++i) recorder.send_raw(kGroup, *record);
  cluster_.advance(1min);
  EXPECT_LE(unicasts(recorder.take()), 1u) << "a question that nobody there can answer";
  EXPECT_EQ(cluster_.node(0).table().find(host.key), host);
}

TEST_F(LanAbuse, ARecordedMessageDoesNothingOnAnotherLan) {
  add(1);
  add(2);
  RawPeer& recorder = add_stranger();
  cluster_.advance(10s);
  const auto record = recorded(recorder, cluster_.contact(0).key);
  ASSERT_TRUE(record);
  cluster_.network().plug_in(recorder.index(), 2);
  for (int i = 0; i < 5; ++i) recorder.send_raw(kGroup, *record);
  cluster_.advance(1min);
  EXPECT_LE(unicasts(recorder.take()), 1u) << "a question that nobody there can answer";
  EXPECT_EQ(cluster_.node(1).table().size(), 0u);
}

TEST_F(LanAbuse, AMessageOfAnotherTimeIsDroppedWhereTheTimeIsKnown) {
  for (int i = 0; i < 12; ++i) add(1);
  RawPeer& stranger = add_stranger();
  cluster_.advance(1min);
  for (const auto off : {-kLate, kLate}) {
    LanMessage message = message_of(stranger.keys(), 1);
    message.time += off;
    stranger.send_raw(kGroup, write_lan_message(message, stranger.keys()));
  }
  cluster_.advance(1s);
  EXPECT_EQ(counters(0).dropped_expired, 2u);
  LanMessage message = message_of(stranger.keys(), 1);
  message.time += 60s;
  stranger.send_raw(kGroup, write_lan_message(message, stranger.keys()));
  cluster_.advance(1s);
  EXPECT_EQ(counters(0).dropped_expired, 2u);
  EXPECT_EQ(status(0).hosts, 12u);
}

TEST_F(LanAbuse, TwoHostsAloneWhoseClocksDifferByADayFindEachOther) {
  add(1);
  add(1);
  cluster_.network().jump_wall_time(cluster_.index(0), 24h);
  cluster_.advance(5s);
  EXPECT_TRUE(knows(0, 1) && knows(1, 0));
}

// ---- Floods

TEST_F(LanAbuse, AFloodFromOneAddressCostsItsShareAndNobodyElseIsUnheard) {
  add(1);
  add(1);
  RawPeer& attacker = add_stranger();
  cluster_.advance(1min);
  const auto heard_of_others = [&] { return counters(1).pings_heard; };
  const std::uint64_t before = counters(0).pings_heard;
  const KeyPair keys = KeyPair::from_seed(Rng::keyed(1, "flood", "key").seed());
  Bytes forged = write_lan_message(message_of(keys, 1), keys);
  for (int i = 0; i < 20'000; ++i) {
    forged[8] = static_cast<std::uint8_t>(i);  // another key each time
    forged[9] = static_cast<std::uint8_t>(i >> 8);
    attacker.send_raw(kGroup, forged);
    if (i % 200 == 0) cluster_.advance(1s);
  }
  const double seconds = 101;
  EXPECT_LE(counters(0).dropped_unverified,
            (seconds + 1) * static_cast<double>(LanDiscovery::kMessagesPerSourcePerSecond));
  EXPECT_GT(counters(0).dropped_rate_limit, 15'000u);
  EXPECT_GE(counters(0).pings_heard - before, 2u) << "of the other host, every half minute";
  EXPECT_GE(heard_of_others(), 2u);
  EXPECT_EQ(status(0).hosts, 1u);
}

TEST_F(LanAbuse, AFloodOfGoodSignaturesFromManyAddressesStaysInItsBudgets) {
  add(1);
  std::vector<RawPeer*> attackers;
  for (int i = 0; i < 40; ++i) attackers.push_back(&add_stranger());
  cluster_.advance(1s);
  for (RawPeer* attacker : attackers) attacker->take();
  const int seconds = 5;
  for (int second = 0; second < seconds; ++second) {
    for (std::size_t i = 0; i < 1000; ++i) {
      const auto name = std::to_string(second * 1000 + static_cast<int>(i));
      const KeyPair keys = KeyPair::from_seed(Rng::keyed(1, name, "key").seed());
      attackers[i % attackers.size()]->send_raw(kGroup, write_lan_message(message_of(keys, 1), keys));
    }
    cluster_.advance(1s);
  }
  const NodeCounters::Lan& lan = counters(0);
  EXPECT_LE(lan.pings_heard, (seconds + 1) * LanDiscovery::kMessagesPerSecond);
  EXPECT_GT(lan.dropped_budget, 100u);
  EXPECT_LE(lan.asks_sent, (seconds + 1) * LanDiscovery::kAsksPerSecond);
  std::size_t received = 0;
  for (RawPeer* attacker : attackers) received += unicasts(attacker->take());
  EXPECT_EQ(received, lan.asks_sent);
  EXPECT_LE(status(0).hosts, LanHosts::kHostsMax);
}

}  // namespace
}  // namespace shoal
