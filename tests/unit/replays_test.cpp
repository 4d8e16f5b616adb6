// What somebody has recorded and sends again, from his own address and as if from its author's: to the host
// that it was for and to another one, before and after that host was restarted. It has no effect.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "node/lan/lan_message.h"
#include "node/secure/session_groups.h"
#include "tests/support/node_cluster.h"
#include "tests/support/raw_peer.h"

namespace shoal {
namespace {

enum class Recorded { kRequests, kResponses, kFirstMessages, kLanPings, kShutdowns };

const char* name_of(Recorded what) {
  switch (what) {
    case Recorded::kRequests:
      return "Datagrams";
    case Recorded::kResponses:
      return "Responses";
    case Recorded::kFirstMessages:
      return "FirstMessages";
    case Recorded::kLanPings:
      return "LanPings";
    case Recorded::kShutdowns:
      return "Shutdowns";
  }
  return "";
}

// Whoever replays: he has an address, and reads what is sent to him.
class Replayer final : public HostedNode, private PortEvents {
 public:
  Replayer(ManualNetwork& network, const Endpoint& endpoint)
      : network_(network), index_(network.add_host(endpoint)), ports_(network.ports(index_)) {
    network_.attach(index_, *this);
  }
  ~Replayer() override { network_.detach(index_); }

  ManualNetwork::HostIndex index() const { return index_; }
  void send(const Endpoint& to, ByteView datagram) {
    ports_.datagrams.send(to, datagram);
    datagram_bytes_sent += datagram.size();
  }
  void call(const Endpoint& to, Bytes bytes) { calls_[*ports_.streams.connect(to)] = std::move(bytes); }

  std::size_t datagram_bytes_sent = 0;
  std::size_t datagram_bytes_received = 0;
  std::size_t stream_bytes_received = 0;
  std::size_t streams_opened = 0;

  PortEvents& events() override { return *this; }
  bool run_jobs() override { return false; }

 private:
  void on_datagram(const Endpoint&, ByteView datagram) override {
    datagram_bytes_received += datagram.size();
  }
  void on_multicast(const Endpoint&, ByteView) override {}
  void on_alarm() override {}
  void on_stream_opened(StreamId stream, const Endpoint&, bool) override {
    ++streams_opened;
    ports_.streams.write(stream, calls_.at(stream));
  }
  void on_stream_readable(StreamId stream) override {
    std::array<std::uint8_t, 4096> buffer;
    while (const std::size_t got = ports_.streams.read(stream, buffer)) stream_bytes_received += got;
  }
  void on_stream_writable(StreamId) override {}
  void on_stream_closed(StreamId) override {}
  void on_stream_reset(StreamId) override {}
  void on_committed(CommitId, const Result<void>&) override {}
  void on_interfaces(std::span<const Endpoint>) override {}

  ManualNetwork& network_;
  ManualNetwork::HostIndex index_;
  HostPorts ports_;
  std::map<StreamId, Bytes> calls_;
};

// What no replay may change. Not whether the host can be reached by strangers: whatever comes from one shows
// that it can.
struct HostState {
  std::set<std::pair<Id, Endpoint>> contacts;
  std::vector<std::tuple<ItemName, std::uint64_t, WallTime, Bytes>> items;
  std::set<Id> peers;
  std::size_t sessions = 0;
  std::size_t neighbours = 0;  // that have answered on the LAN
  std::vector<Endpoint> endpoints;
};

class Replays : public testing::TestWithParam<std::tuple<Recorded, bool, bool>> {
 protected:
  static constexpr std::size_t kTarget = 5, kOther = 6, kAuthor = 7;
  static constexpr std::uint32_t kLan = 1, kOtherLan = 2;

  void SetUp() override {
    cluster_.network().tap([this](const ManualPassage& passage) { passages_.push_back(passage); });
    cluster_.add_many(5);
    NodeConfig waits;
    waits.peers_wanted = 0;  // the author calls
    cluster_.add({0}, waits);
    cluster_.add({0}, waits);
    cluster_.add({0});
    for (const std::size_t member : {kTarget, kOther, kAuthor}) cluster_.set_groups(member, {group_});
    cluster_.network().plug_in(cluster_.index(kTarget), kLan);
    cluster_.network().plug_in(cluster_.index(kAuthor), kLan);
    cluster_.network().plug_in(cluster_.index(kOther), kOtherLan);
    cluster_.advance(60s);
  }

  Recorded what() const { return std::get<0>(GetParam()); }
  bool to_another() const { return std::get<1>(GetParam()); }
  bool after_restart() const { return std::get<2>(GetParam()); }
  std::size_t receiver() const { return to_another() ? kOther : kTarget; }

  // ---- The original

  bool knows_author(std::size_t host) {
    return cluster_.node(host).table().contains(cluster_.contact(kAuthor).key);
  }
  bool connected_to_author(std::size_t host) {
    return state_of(host).peers.contains(cluster_.contact(kAuthor).key);
  }
  void publish(std::uint8_t value) {
    PublishCommand command;
    command.secret = Rng::keyed(1, "record", "key").seed();
    command.value = {value};
    const auto stored = cluster_.expect<StoreResult>(kAuthor, std::move(command));
    EXPECT_EQ(stored.sequence, value);
  }
  std::uint64_t sequence_held(std::size_t host) {
    const Id key = KeyPair::from_seed(Rng::keyed(1, "record", "key").seed()).public_key();
    const auto held = cluster_.item_store(host).find({publish_item_location(key), ItemKind::kPublish, {}});
    return held ? held->header.sequence : 0;
  }

  // Each message does at its first time what it is for.
  void do_it_once() {
    ASSERT_TRUE(knows_author(kTarget));
    ASSERT_TRUE(connected_to_author(kTarget));
    ASSERT_EQ(state_of(kTarget).neighbours, 1u) << "the author, by its ping on the LAN";
    ASSERT_TRUE(cluster_.run(kTarget, PingCommand{cluster_.contact(kAuthor).key, {}}));
    publish(1);
    ASSERT_EQ(sequence_held(kTarget), 1u);
    publish(2);
    ASSERT_EQ(sequence_held(kTarget), 2u);
    if (what() != Recorded::kShutdowns) {
      cluster_.crash(kAuthor);
      return;
    }
    ASSERT_TRUE(cluster_.run(kAuthor, StopCommand{}));
    cluster_.crash(kAuthor);
    cluster_.advance(3s);
    ASSERT_FALSE(knows_author(kTarget)) << "it has said goodbye";
    cluster_.restart(kAuthor);
  }

  // The author is gone for good, and forgotten: what would bring it back would show. After a shutdown it is
  // back, so that what would drive it away shows.
  void let_time_pass() {
    const Duration time = what() == Recorded::kShutdowns ? Duration(2min) : Duration(65s);
    cluster_.advance(time);
    if (after_restart()) {
      cluster_.restart(receiver());
      cluster_.advance(what() == Recorded::kShutdowns ? time : Duration(20s));
    }
    for (int i = 0; i < 2 && what() != Recorded::kShutdowns; ++i) {
      EXPECT_FALSE(cluster_.run(receiver(), PingCommand{cluster_.contact(kAuthor).key, author_}));
      cluster_.advance(2s);
    }
    ASSERT_EQ(knows_author(receiver()), what() == Recorded::kShutdowns);
    ASSERT_EQ(connected_to_author(receiver()), what() == Recorded::kShutdowns);
  }

  // ---- The replay

  // What the author has said by datagram to the target, as the target reads it.
  std::vector<Bytes> recorded_datagrams() {
    const auto cipher = make_real_cipher(cluster_.keys(kTarget), Rng::keyed(1, "test", "cipher"), 16);
    std::vector<Bytes> found;
    for (const ManualPassage& passage : passages_) {
      if (passage.kind != ManualPassage::Kind::kDatagram || passage.from != cluster_.index(kAuthor) ||
          passage.to != cluster_.index(kTarget)) {
        continue;
      }
      const auto opened = cipher->open(passage.bytes);
      const auto message = opened ? wire::decode(opened->payload) : fail(ErrorCode::kMalformed);
      if (!message) continue;
      const auto* request = std::get_if<wire::Request>(&*message);
      const bool goodbye = request != nullptr && request->kind() == wire::RequestKind::kShutdownHost;
      if (goodbye) notices_.push_back(std::get<wire::ShutdownHost>(request->body));
      const Recorded kind = request == nullptr ? Recorded::kResponses
                            : goodbye          ? Recorded::kShutdowns
                                               : Recorded::kRequests;
      if (kind == what()) found.push_back(passage.bytes);
    }
    return found;
  }
  std::vector<Bytes> recorded_lan_pings() {
    std::vector<Bytes> found;
    for (const ManualPassage& passage : passages_) {
      if (passage.kind == ManualPassage::Kind::kMulticast && passage.from == cluster_.index(kAuthor)) {
        found.push_back(passage.bytes);
      }
    }
    return found;
  }
  // What the author wrote on each stream to the target that it began.
  std::map<std::uint64_t, Bytes> recorded_calls() {
    std::map<std::uint64_t, Bytes> calls;
    for (const ManualPassage& passage : passages_) {
      if (passage.kind != ManualPassage::Kind::kStream || !passage.by_caller ||
          passage.from != cluster_.index(kAuthor) || passage.to != cluster_.index(kTarget)) {
        continue;
      }
      Bytes& call = calls[passage.connection];
      call.insert(call.end(), passage.bytes.begin(), passage.bytes.end());
    }
    return calls;
  }

  // Not for a moment.
  void expect_author_as_before() {
    EXPECT_EQ(knows_author(receiver()), what() == Recorded::kShutdowns);
    EXPECT_EQ(sequence_held(receiver()), 2u);
  }

  // The last one first, so that what an earlier one changed back would stay.
  void replay_datagrams(Replayer& by) {
    std::vector<Bytes> datagrams = recorded_datagrams();
    ASSERT_FALSE(datagrams.empty());
    std::ranges::reverse(datagrams);
    for (const Bytes& datagram : datagrams) {
      cluster_.network().deliver_datagram(author_, cluster_.index(receiver()), datagram);
      expect_author_as_before();
      by.send(cluster_.contact(receiver()).endpoint, datagram);
      cluster_.advance(11ms);
      expect_author_as_before();
    }
  }
  // Whoever was told of a shutdown can tell others.
  void pass_on_notices() {
    RawPeer teller(cluster_.network(), 99);
    ASSERT_FALSE(notices_.empty());
    for (const wire::ShutdownHost& notice : notices_) {
      wire::Request request;
      request.id = 1;
      request.client = true;
      request.body = notice;
      const auto answer = teller.ask(cluster_.contact(receiver()), request);
      ASSERT_TRUE(answer && std::holds_alternative<wire::Done>(answer->body)) << "good, but for its boot";
      expect_author_as_before();
    }
  }
  void replay_lan_pings(Replayer& by) {
    const std::vector<Bytes> pings = recorded_lan_pings();
    ASSERT_FALSE(pings.empty());
    cluster_.network().plug_in(by.index(), to_another() ? kOtherLan : kLan);
    for (const Bytes& ping : pings) {
      by.send(Endpoint::v4(kLanGroupV4, kLanPort), ping);
      cluster_.network().deliver_datagram(author_, cluster_.index(receiver()), ping, true);
      cluster_.advance(1s);
      expect_author_as_before();
    }
  }
  // The first message alone, and with all that followed it.
  void replay_calls(Replayer& by) {
    constexpr std::size_t kFirstMessageBytes = 1 + 2 + 32 + SessionGroups::kInvitationBytes + 16;
    const std::map<std::uint64_t, Bytes> calls = recorded_calls();
    ASSERT_FALSE(calls.empty());
    for (const auto& [connection, bytes] : calls) {
      ASSERT_GT(bytes.size(), kFirstMessageBytes);
      by.call(cluster_.contact(receiver()).endpoint, bytes);
      by.call(cluster_.contact(receiver()).endpoint,
              Bytes(bytes.begin(), bytes.begin() + kFirstMessageBytes));
    }
    cluster_.advance(1s);
    EXPECT_EQ(by.streams_opened, 2 * calls.size());
    EXPECT_EQ(by.stream_bytes_received, 0u) << "it is dropped unanswered";
  }
  void replay(Replayer& by) {
    switch (what()) {
      case Recorded::kRequests:
      case Recorded::kResponses:
        return replay_datagrams(by);
      case Recorded::kShutdowns:
        replay_datagrams(by);
        return pass_on_notices();
      case Recorded::kFirstMessages:
        return replay_calls(by);
      case Recorded::kLanPings:
        return replay_lan_pings(by);
    }
  }

  // ---- The effect

  HostState state_of(std::size_t host) {
    HostState state;
    for (const RoutingTable::Row& row : cluster_.node(host).table().rows()) {
      state.contacts.emplace(row.contact.key, row.contact.endpoint);
    }
    const FlakyItemStore& items = cluster_.item_store(host);
    for (const ItemHeader& header : items.list(nullptr, 1000)) {
      if (header.name.kind == ItemKind::kConnection) continue;  // hosts renew theirs all the time
      state.items.emplace_back(header.name, header.sequence, header.expires, *items.find(header.name)->body);
    }
    const auto groups = cluster_.expect<PeersResult>(host, PeersCommand{}).groups;
    for (const GroupStatus& group : groups) {
      for (const auto& peer : group.peers) {
        if (peer.connected) state.peers.insert(peer.host);
      }
    }
    const auto status = cluster_.expect<StatusResult>(host, StatusCommand{});
    state.sessions = status.sessions;
    state.neighbours = status.lan.confirmed;
    state.endpoints = status.endpoints;
    return state;
  }

  GroupKey group_ = GroupKey::from_sync_key(Secret(Rng::keyed(1, "test", "group").seed()));
  std::vector<ManualPassage> passages_;
  NodeCluster cluster_;
  std::vector<wire::ShutdownHost> notices_;
  Endpoint author_;
};

TEST_P(Replays, HaveNoEffect) {
  author_ = cluster_.contact(kAuthor).endpoint;
  ASSERT_NO_FATAL_FAILURE(do_it_once());
  ASSERT_NO_FATAL_FAILURE(let_time_pass());
  const HostState before = state_of(receiver());
  Replayer replayer(cluster_.network(), Endpoint::v4(0x0a000001, 4000));
  ASSERT_NO_FATAL_FAILURE(replay(replayer));
  cluster_.advance(30s);
  const HostState after = state_of(receiver());
  EXPECT_EQ(before.contacts, after.contacts);
  EXPECT_EQ(before.items, after.items);
  EXPECT_EQ(before.peers, after.peers);
  EXPECT_EQ(before.sessions, after.sessions);
  EXPECT_EQ(before.neighbours, after.neighbours);
  EXPECT_EQ(before.endpoints, after.endpoints);
  EXPECT_LE(replayer.datagram_bytes_received, 3 * replayer.datagram_bytes_sent);
}

INSTANTIATE_TEST_SUITE_P(Recorded, Replays,
                         testing::Combine(testing::Values(Recorded::kRequests, Recorded::kResponses,
                                                          Recorded::kFirstMessages, Recorded::kLanPings,
                                                          Recorded::kShutdowns),
                                          testing::Bool(), testing::Bool()),
                         [](const auto& tested) {
                           return std::string(name_of(std::get<0>(tested.param))) +
                                  (std::get<1>(tested.param) ? "ToAnotherHost" : "ToTheSameHost") +
                                  (std::get<2>(tested.param) ? "AfterARestart" : "BeforeARestart");
                         });

}  // namespace
}  // namespace shoal
