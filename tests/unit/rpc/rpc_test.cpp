// What a node does with datagrams that no node would send, and with those of hosts it has no reason to trust.
#include "node/rpc/rpc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "node/dht/shutdown_notice.h"
#include "tests/support/node_cluster.h"
#include "tests/support/raw_peer.h"
#include "tests/unit/wire/random_message.h"

namespace shoal {
namespace {

wire::Request request_of(std::uint64_t id, wire::RequestBody body) {
  wire::Request request;
  request.id = id;
  request.client = true;  // the node need not verify us
  request.body = std::move(body);
  return request;
}

class RpcTest : public ::testing::Test {
 protected:
  RpcTest() {
    cluster_.add_many(25);
    cluster_.advance(60s);
    peer_.emplace(cluster_.network(), 99);
  }
  Contact target() const { return cluster_.contact(0); }
  Node& node() { return cluster_.node(0); }
  ErrorCode refusal_of(const std::optional<wire::Response>& response) {
    if (!response) return ErrorCode::kTimeout;
    const auto* refusal = std::get_if<wire::Refusal>(&response->body);
    return refusal == nullptr ? ErrorCode::kNone : refusal->code;
  }

  NodeCluster cluster_;
  std::optional<RawPeer> peer_;
};

TEST_F(RpcTest, SendsAtMostThriceTheBytesToAnAddressNotValidated) {
  const wire::Request find = request_of(1, wire::FindHost{Id{}});
  const Bytes datagram = peer_->seal(target().key, wire::encode(find));
  peer_->send_raw(target().endpoint, datagram);
  cluster_.advance(1s);
  const auto received = peer_->take();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_LE(received[0].datagram.size(), 3 * datagram.size());
  const auto& answer = std::get<wire::Response>(*received[0].message);
  EXPECT_LT(std::get<wire::Contacts>(answer.body).contacts.size(), 20u);
}

// The answer, and the question whether the host is there, which it leaves unanswered.
TEST_F(RpcTest, SendsAtMostThriceTheBytesInAllToAnAddressNotValidated) {
  std::uint64_t seed = 200;
  wire::Request padded = request_of(1, wire::FindHost{Id{}});
  padded.padding_bytes = wire::padding_for(padded, wire::kPaddedFindBytes);
  for (wire::Request request : {request_of(1, wire::Ping{}), request_of(1, wire::FindHost{Id{}}), padded,
                                request_of(1, wire::GetNextConnection{Id{}})}) {
    request.client = false;
    RawPeer stranger(cluster_.network(), ++seed);
    const Bytes datagram = stranger.seal(target().key, wire::encode(request));
    stranger.send_raw(target().endpoint, datagram);
    cluster_.advance(30s);
    std::size_t bytes = 0;
    for (const auto& received : stranger.take()) bytes += received.datagram.size();
    EXPECT_LE(bytes, 3 * datagram.size());
    EXPECT_GT(bytes, datagram.size());
  }
}

TEST_F(RpcTest, AnswersAPaddedFindOrOneWithATokenInFull) {
  wire::Request find = request_of(1, wire::FindHost{Id{}});
  find.padding_bytes = wire::padding_for(find, wire::kPaddedFindBytes);
  const auto padded = peer_->ask(target(), find);
  ASSERT_TRUE(padded && padded->token);
  EXPECT_EQ(std::get<wire::Contacts>(padded->body).contacts.size(), 20u);
  wire::Request again = request_of(2, wire::FindHost{Id{}});
  again.token = padded->token;
  const auto validated = peer_->ask(target(), again);
  ASSERT_TRUE(validated);
  EXPECT_EQ(std::get<wire::Contacts>(validated->body).contacts.size(), 20u);
}

TEST_F(RpcTest, TellsTheAddressItSees) {
  const auto pong = peer_->ask(target(), request_of(1, wire::Ping{}));
  ASSERT_TRUE(pong && pong->observed);
  EXPECT_EQ(*pong->observed, peer_->contact().endpoint);
}

TEST_F(RpcTest, StoresOnlyForAddressesThatHoldAToken) {
  const wire::StoreItem store{{ItemKind::kHash, Bytes(50, 7)}, {}, {}};
  const auto refused = peer_->ask(target(), request_of(1, store));
  EXPECT_EQ(refusal_of(refused), ErrorCode::kBadToken);
  wire::Request with_token = request_of(2, store);
  with_token.token = refused->token;
  EXPECT_EQ(refusal_of(peer_->ask(target(), with_token)), ErrorCode::kNone);
}

TEST_F(RpcTest, TakesNoTokenOfAnotherAddressOrKeyAndNoOldOne) {
  const wire::StoreItem store{{ItemKind::kHash, Bytes(50, 7)}, {}, {}};
  const auto token = peer_->ask(target(), request_of(1, wire::Ping{}))->token;
  RawPeer other(cluster_.network(), 100);
  wire::Request stolen = request_of(2, store);
  stolen.token = token;
  EXPECT_EQ(refusal_of(other.ask(target(), stolen)), ErrorCode::kBadToken);
  cluster_.advance(2 * kTokenPeriod);
  EXPECT_EQ(refusal_of(peer_->ask(target(), stolen)), ErrorCode::kBadToken);
}

TEST_F(RpcTest, RefusesABodyOfALaterVersion) {
  Bytes message = wire::encode(wire::Message(request_of(77, wire::Ping{})));
  // Field 16 (ping, two bytes of tag and one of length) becomes field 100, which nobody knows.
  ASSERT_EQ(message[message.size() - 3], 0x82);
  message[message.size() - 3] = 0xa2;
  message[message.size() - 2] = 0x06;
  peer_->send_plain(target(), message);
  cluster_.advance(1s);
  const auto received = peer_->take();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(refusal_of(std::get<wire::Response>(*received[0].message)), ErrorCode::kUnsupported);
}

TEST_F(RpcTest, TellsItsKeyToWhoeverAsksAtNoGain) {
  Bytes hello(kSealHeaderBytes + kIdBytes, 0);
  hello[0] = wire::kProtocolVersion;
  hello[40] = 42;
  peer_->send_raw(target().endpoint, hello);
  cluster_.advance(1s);
  const auto received = peer_->take();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].datagram.size(), hello.size());
  EXPECT_EQ(Id::from_bytes(ByteView(received[0].datagram).last(kIdBytes)), target().key);
}

TEST_F(RpcTest, LimitsWhatOneSourceMayAsk) {
  const std::uint64_t before = node().counters().kinds[0].responses_sent;
  for (std::uint64_t i = 0; i < 5000; ++i) peer_->send(target(), request_of(i, wire::Ping{}));
  cluster_.advance(100ms);
  const std::uint64_t answered = node().counters().kinds[0].responses_sent - before;
  EXPECT_LE(answered, 2 * node().config().requests_per_source_per_s);
  EXPECT_GT(node().counters().dropped_rate_limit, 0u);
}

TEST_F(RpcTest, AsksOneHostMoreThanItTakesAndIsAnsweredAllTheSame) {
  const std::size_t other = cluster_.add();
  cluster_.advance(10s);
  const Contact contact = cluster_.contact(other);
  const std::uint64_t before = cluster_.node(other).counters().kinds[0].responses_sent;
  const std::size_t pings = node().config().requests_per_source_per_s;
  for (std::uint64_t round = 0; round < 2; ++round) {
    for (std::uint64_t i = 0; i < pings; ++i) {
      node().on_command(CommandId{round * pings + i + 1}, PingCommand{contact.key, contact.endpoint});
    }
    cluster_.network().wake(cluster_.index(0));
    cluster_.advance(500ms);
  }
  cluster_.advance(5s);
  EXPECT_EQ(cluster_.node(other).counters().dropped_rate_limit, 0u);
  EXPECT_EQ(node().counters().dropped_rate_limit, 0u);
  EXPECT_GE(cluster_.node(other).counters().kinds[0].responses_sent - before, pings * 3 / 2);
}

TEST_F(RpcTest, TakesAResponseOnlyFromTheHostThatWasAsked) {
  // The node asks the peer; another host that has seen the id answers in its place.
  RawPeer thief(cluster_.network(), 101);
  node().on_command(CommandId{1}, PingCommand{peer_->contact().key, peer_->contact().endpoint});
  cluster_.network().wake(cluster_.index(0));
  cluster_.advance(20ms);
  const auto asked = peer_->take();
  ASSERT_EQ(asked.size(), 1u);
  wire::Response pong;
  pong.id = std::get<wire::Request>(*asked[0].message).id;
  pong.body = wire::Done{};
  thief.send(target(), pong);
  cluster_.advance(50ms);
  EXPECT_EQ(node().counters().dropped_late_response, 1u);
  EXPECT_FALSE(node().table().contains(thief.contact().key));
  EXPECT_FALSE(node().table().contains(peer_->contact().key));
  peer_->send(target(), pong);
  cluster_.advance(50ms);
  EXPECT_TRUE(node().table().contains(peer_->contact().key));
}

// Of a host that it has not met it cannot say whether it is dead or on the far side of a satellite.
TEST_F(RpcTest, WaitsLongerForAHostItHasNotMetThanForOneItKnowsToBeQuick) {
  node().on_command(CommandId{101}, PingCommand{peer_->contact().key, peer_->contact().endpoint});
  cluster_.network().wake(cluster_.index(0));
  cluster_.advance(1900ms);
  const auto asked = peer_->take();
  ASSERT_EQ(asked.size(), node().config().request_attempts);
  wire::Response pong;
  pong.id = std::get<wire::Request>(*asked[0].message).id;
  pong.body = wire::Done{};
  peer_->send(target(), pong);
  cluster_.advance(50ms);
  EXPECT_EQ(node().counters().dropped_late_response, 0u);
  EXPECT_TRUE(node().table().contains(peer_->contact().key));

  const Contact known = cluster_.contact(3);
  cluster_.crash(3);
  const Instant crashed = cluster_.network().now();
  EXPECT_FALSE(cluster_.run(0, PingCommand{known.key, known.endpoint}));
  EXPECT_LT(cluster_.network().now() - crashed, 1s);
}

TEST_F(RpcTest, FollowsANetworkThatHasBecomeSlower) {
  const auto pings_to_a_stranger_within_half_a_second = [&](std::uint64_t command) {
    RawPeer stranger(cluster_.network(), command);
    node().on_command(CommandId{command}, PingCommand{stranger.contact().key, stranger.contact().endpoint});
    cluster_.network().wake(cluster_.index(0));
    cluster_.advance(800ms);
    return stranger.take().size();
  };
  cluster_.network().set_link({.delay = 300ms});
  EXPECT_GT(pings_to_a_stranger_within_half_a_second(201), 1u);
  for (std::size_t i = 1; i <= 20; ++i) {
    // The first answers come too late for their requests.
    std::ignore = cluster_.run(0, PingCommand{cluster_.contact(i).key, cluster_.contact(i).endpoint});
    cluster_.advance(500ms);
  }
  EXPECT_EQ(pings_to_a_stranger_within_half_a_second(202), 1u);
}

// Answers the ping that makes the peer a contact of the node, and nothing after it.
class DyingPeerTest : public RpcTest {
 protected:
  DyingPeerTest() {
    ping();
    wire::Response pong;
    pong.id = std::get<wire::Request>(*peer_->take().at(0).message).id;
    pong.body = wire::Done{};
    peer_->send(target(), pong);
    cluster_.advance(20ms);
  }
  bool is_contact() { return node().table().contains(peer_->contact().key); }
  void ping() { command(PingCommand{peer_->contact().key, peer_->contact().endpoint}); }
  void command(Command command) {
    node().on_command(CommandId{++commands_}, std::move(command));
    cluster_.network().wake(cluster_.index(0));
    cluster_.advance(20ms);
  }
  // Those from the node, since the last call.
  template <class Body>
  std::size_t received(const Body& body) {
    const std::vector<RawPeer::Received> all = peer_->take();
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](const RawPeer::Received& one) {
      const auto* request = std::get_if<wire::Request>(&*one.message);
      return one.from == target().endpoint && request != nullptr && request->body == wire::RequestBody(body);
    }));
  }

 private:
  std::uint64_t commands_ = 300;
};

// A loss more than other requests survive.
TEST_F(DyingPeerTest, IsAskedOnceMoreWhenALookupDependsOnIt) {
  ASSERT_TRUE(is_contact());
  command(FindCommand{peer_->contact().key});
  cluster_.advance(3s);
  EXPECT_EQ(received(wire::FindHost{peer_->contact().key}), 3u);
}

// The dead are what upkeep costs most for: two sendings of the request, one more to be sure.
TEST_F(DyingPeerTest, LeavesAfterThreeSendings) {
  ASSERT_TRUE(is_contact());
  ping();
  cluster_.advance(6s);
  EXPECT_EQ(received(wire::Ping{}), 3u);
  EXPECT_FALSE(is_contact());
}

// Its time-outs are those of a network of 20 ms a round trip; one host takes 40 times as long.
TEST(Rpc, FindsAHostThatIsMuchSlowerThanAllOthersOnceItHasAnsweredLate) {
  NodeCluster cluster;
  cluster.add_many(30);
  cluster.advance(60s);
  const auto slow = cluster.index(7);
  for (std::size_t i = 0; i < 30; ++i) {
    if (i != 7) cluster.network().set_link(cluster.index(i), slow, {.delay = 400ms});
  }
  const auto finds_it = [&] {
    const auto found = cluster.expect<FindResult>(3, FindCommand{cluster.contact(7).key});
    return !found.lookup.closest.empty() &&
           found.lookup.closest.front().contact.key == cluster.contact(7).key;
  };
  EXPECT_FALSE(finds_it());
  cluster.advance(2s);
  EXPECT_TRUE(finds_it());
  cluster.advance(2s);
  EXPECT_TRUE(finds_it());
}

// The answer to the first sending comes after the second. Were its time not known, the time-out would stay
// too short for ever, and a host a little slower would count as dead.
TEST_F(RpcTest, LearnsHowSlowHostsAreThatAnswerAfterItHasAskedAgain) {
  const Contact peer = cluster_.contact(3);
  const auto pings_for_one_answer = [&] {
    const auto pings = [&] { return node().counters().kinds[std::size_t{0}].requests_sent; };
    const std::uint64_t before = pings();
    EXPECT_TRUE(cluster_.run(0, PingCommand{peer.key, peer.endpoint}));
    return pings() - before;
  };
  EXPECT_EQ(pings_for_one_answer(), 1u);
  cluster_.network().set_link({.delay = 75ms});
  EXPECT_EQ(pings_for_one_answer(), 2u);
  for (int i = 0; i < 20; ++i) pings_for_one_answer();
  EXPECT_EQ(pings_for_one_answer(), 1u);
}

TEST_F(RpcTest, EntersNobodyIntoItsTableOnHearsay) {
  const Contact nobody{Rng::keyed(5, "test", "nobody").id(), Endpoint::v4(0xc6122001, 4000)};
  EXPECT_EQ(refusal_of(peer_->ask(target(), request_of(1, wire::StoreHost{nobody}))), ErrorCode::kNone);
  cluster_.advance(30s);
  EXPECT_FALSE(node().table().contains(nobody.key));
  // A host that is there is verified, and enters.
  RawPeer silent(cluster_.network(), 102);
  EXPECT_EQ(refusal_of(peer_->ask(target(), request_of(2, wire::StoreHost{silent.contact()}))),
            ErrorCode::kNone);
  cluster_.advance(20ms);
  EXPECT_EQ(silent.take().size(), 1u);
}

TEST_F(RpcTest, BelievesNoForgedOrReplayedShutdown) {
  const Contact victim = cluster_.contact(5);
  ASSERT_TRUE(node().table().contains(victim.key));
  const WallTime now = cluster_.network().wall_time();
  wire::ShutdownHost forged = make_shutdown_notice(peer_->keys(), 1, now);
  std::copy(victim.key.bytes.begin(), victim.key.bytes.end(), forged.signed_part.begin());
  EXPECT_EQ(refusal_of(peer_->ask(target(), request_of(1, forged))), ErrorCode::kBadSignature);
  // Truly signed, in an earlier boot: it answers the verifying ping and stays.
  const wire::ShutdownHost replayed = make_shutdown_notice(cluster_.keys(5), 1, now);
  EXPECT_EQ(refusal_of(peer_->ask(target(), request_of(2, replayed))), ErrorCode::kNone);
  const wire::ShutdownHost old = make_shutdown_notice(cluster_.keys(5), 1, now - std::chrono::hours(1));
  EXPECT_EQ(refusal_of(peer_->ask(target(), request_of(3, old))), ErrorCode::kExpired);
  cluster_.advance(10s);
  EXPECT_TRUE(node().table().contains(victim.key));
}

// What a damaged packet may not change.
struct NodeState {
  std::vector<Contact> contacts;
  std::uint64_t items = 0;
  std::size_t requests_in_flight = 0;
  std::size_t jobs = 0;
  friend bool operator==(const NodeState&, const NodeState&) = default;
};

class DamageTest : public RpcTest {
 protected:
  NodeState state() {
    NodeState state;
    for (const auto& row : node().table().rows()) state.contacts.push_back(row.contact);
    state.items = cluster_.expect<StatusResult>(0, StatusCommand{}).items;
    state.requests_in_flight = node().requests_in_flight();
    state.jobs = node().jobs_queued();
    return state;
  }
  std::uint64_t drops() {
    const NodeCounters& c = node().counters();
    return c.dropped_malformed + c.dropped_unverified + c.dropped_rate_limit + c.dropped_stranger_budget;
  }
};

TEST_F(DamageTest, ADamagedPacketOfAnyKindChangesNothingButACounter) {
  Rng rng = Rng::keyed(11, "test", "damage");
  const NodeState before = state();
  std::uint64_t sent = 0;
  const std::uint64_t drops_before = drops();
  for (int round = 0; round < 40; ++round) {
    for (std::size_t kind = 0; kind < wire::kMessageKinds; ++kind) {
      const Bytes message = wire::encode(wire::random_message(kind, rng));
      if (message.size() > wire::kDatagramMessageBytesMax) continue;
      const Bytes sealed = peer_->seal(target().key, message);
      const Bytes damaged = wire::damaged(sealed, rng);
      if (damaged == sealed || damaged.size() > kDatagramBytesMax) continue;
      peer_->send_raw(target().endpoint, damaged);
      ++sent;
      cluster_.advance(10ms);
    }
  }
  EXPECT_GT(sent, 300u);
  EXPECT_EQ(drops() - drops_before, sent);
  EXPECT_EQ(state(), before);
  EXPECT_TRUE(peer_->take().empty());
}

// Sealed by a real host, so it opens; what is inside is damaged. It may be a valid message of another
// meaning, but a node that got any of them works on.
TEST_F(DamageTest, ADamagedMessageInsideASealHarmsNobody) {
  Rng rng = Rng::keyed(12, "test", "damage");
  for (int round = 0; round < 60; ++round) {
    for (std::size_t kind = 0; kind < wire::kMessageKinds; ++kind) {
      const Bytes damaged = wire::damaged(wire::encode(wire::random_message(kind, rng)), rng);
      if (damaged.size() > wire::kDatagramMessageBytesMax) continue;
      peer_->send_plain(target(), damaged);
      cluster_.advance(10ms);
    }
  }
  cluster_.advance(30s);
  EXPECT_EQ(node().requests_in_flight(), 0u);
  EXPECT_EQ(node().table().size(), 24u);
  const auto put = cluster_.expect<StoreResult>(0, PutCommand{Bytes(500, 1)});
  EXPECT_EQ(cluster_.expect<GetResult>(9, GetCommand{put.key}).value, Bytes(500, 1));
}

}  // namespace
}  // namespace shoal
