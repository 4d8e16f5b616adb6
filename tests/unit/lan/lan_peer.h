// LanPeer: LanDiscovery with as much of a node around it as it needs, for tests of what a whole node does not
// show: which peers it reports.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/dht/contact_book.h"
#include "node/lan/lan_discovery.h"
#include "node/rpc/connections.h"
#include "tests/support/manual_host.h"

namespace shoal {

// Groups made up for tests, told apart by their first byte.
inline Id group_id(std::uint8_t number) {
  return Id{{number}};
}
inline std::vector<LanGroup> lan_groups(std::initializer_list<std::uint8_t> numbers) {
  std::vector<LanGroup> groups;
  for (const std::uint8_t number : numbers) groups.push_back({group_id(number), Secret({number, 1})});
  return groups;
}

class LanPeer final : public HostedNode,
                      private PortEvents,
                      private RpcListener,
                      private ConnectionListener,
                      private LanPeerListener {
 public:
  LanPeer(ManualNetwork& network, const std::string& name, std::uint32_t lan,
          std::vector<LanGroup> groups = {}, const NodeConfig& config = {})
      : network_(network),
        index_(network.add_host()),
        keys_(KeyPair::from_seed(Rng::keyed(1, name, "key").seed())),
        ports_(network.ports(index_)),
        context_{config, ports_.clock, Rng::keyed(1, name, "lan"), JobQueue(config.jobs_max), {}, {}, {}},
        own_(keys_.public_key()),
        table_(keys_.public_key(), book_, TableConfig{}),
        cipher_(make_real_cipher(keys_, context_.rng.fork(), config.cached_pairs_max)),
        connections_(context_, keys_, session_groups_, ports_.streams, *this),
        rpc_(context_, keys_.public_key(), ports_.datagrams, *cipher_, connections_, *this),
        lan_(context_, keys_, 1, ports_.datagrams, rpc_, table_, own_) {
    serve(std::move(groups));
    network_.plug_in(index_, lan);
    network_.attach(index_, *this);
  }
  ~LanPeer() override { network_.detach(index_); }

  Contact contact() const { return {keys_.public_key(), network_.endpoint(index_)}; }
  ManualNetwork::HostIndex index() const { return index_; }
  LanDiscovery& lan() { return lan_; }
  RoutingTable& table() { return table_; }
  const NodeCounters::Lan& counters() const { return context_.counters.lan; }

  void serve(std::vector<LanGroup> groups) {
    lan_.serve(std::move(groups), *this);
    network_.wake(index_);
  }

  std::vector<std::pair<Id, Contact>> peers;  // as they were reported
  bool answers_as_client = false;

 private:
  PortEvents& events() override { return *this; }
  bool run_jobs() override {
    while (std::optional<Job> job = context_.jobs.pop()) run(*job);
    const Instant next = context_.agenda.next();
    if (next != kNever) ports_.alarm.wake_at(next);
    return false;
  }
  void run(Job& job) {
    if (const auto* datagram = std::get_if<HandleDatagram>(&job)) {
      datagram->multicast ? lan_.handle(*datagram) : rpc_.handle(*datagram);
    } else if (const auto* request = std::get_if<HandleRequest>(&job)) {
      rpc_.announce_client(answers_as_client, answers_as_client);
      rpc_.respond(request->origin, request->request, wire::Done{});
    } else if (const auto* response = std::get_if<HandleResponse>(&job)) {
      rpc_.handle(*response);
    }
  }

  void on_datagram(const Endpoint& from, ByteView datagram) override { rpc_.on_datagram(from, datagram); }
  void on_multicast(const Endpoint& from, ByteView datagram) override { lan_.on_multicast(from, datagram); }
  void on_alarm() override {
    while (const auto deadline = context_.agenda.pop_due(context_.now())) {
      if (deadline->kind == DeadlineKind::kRequest) rpc_.on_deadline(deadline->guid);
      if (deadline->kind == DeadlineKind::kLanPing) lan_.on_ping_deadline();
      if (deadline->kind == DeadlineKind::kLanAsk) lan_.on_ask_deadline();
    }
  }
  void on_interfaces(std::span<const Endpoint> own) override {
    own_.on_interfaces(own);
    lan_.on_interfaces(own);
  }
  void on_stream_opened(StreamId, const Endpoint&, bool) override {}
  void on_stream_readable(StreamId) override {}
  void on_stream_writable(StreamId) override {}
  void on_stream_closed(StreamId) override {}
  void on_stream_reset(StreamId) override {}
  void on_committed(CommitId, const Result<void>&) override {}

  void on_contact_answered(const Contact& contact, Duration rtt) override {
    table_.add(contact, context_.now(), rtt);
  }
  void on_contact_silent(const Contact& contact) override { lan_.on_silent(contact); }
  void on_client(const Id&) override {}
  void on_reached_by_stranger(const Endpoint&) override {}
  void on_observed(const Endpoint&, const Contact&) override {}
  void on_slow(const Completion&) override {}
  void on_answer(const Answer& answer) override {
    if (answer.completion.owner == Completion::Owner::kLan) lan_.on_answer(answer);
  }
  void on_hello(const Contact&) override {}
  void on_session_message(const Origin&, ByteView) override {}
  void on_shared_groups(Guid, const Contact&, bool, const std::vector<Id>&) override {}
  void on_session_lost(Guid, const std::optional<Contact>&, bool) override {}
  void on_lan_peer(const Id& group, const Contact& contact) override { peers.emplace_back(group, contact); }

  ManualNetwork& network_;
  ManualNetwork::HostIndex index_;
  KeyPair keys_;
  HostPorts ports_;
  NodeContext context_;
  OwnAddresses own_;
  ContactBook book_;
  RoutingTable table_;
  std::unique_ptr<DatagramCipher> cipher_;
  SessionGroups session_groups_;
  Connections connections_;
  Rpc rpc_;
  LanDiscovery lan_;
};

}  // namespace shoal
