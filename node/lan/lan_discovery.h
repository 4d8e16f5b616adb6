// LanDiscovery: hosts of one LAN find each other by multicast, without a bootstrap address.
//
//   an interface comes, or changes address ──► join the group there ──► a message at once, two more within
//   seconds, then one every lan_ping_interval, on each interface, IPv4 and IPv6
//
//   a message is heard ──(layout, not our own, not heard yet, budgets)──► job ──(signature, time)──► taken
//     ──(the table wants its host, or it has moved, or is of a group of ours)──► asked, by one datagram
//     ──(it answers)──► a contact like any other; a peer of its groups
//
// It carries requests too: sealed for one host, which answers by unicast (request()).
//
// Nothing is believed but who signed: an address is used once its host has answered from it. What multicast
// makes us send is bounded: one datagram to a host at a time, ever less often while it is silent, and
// kAsksPerSecond to all. Without an interface that carries multicast it does nothing, and holds no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "node/dht/own_addresses.h"
#include "node/dht/routing_table.h"
#include "node/jobs/job.h"
#include "node/jobs/node_context.h"
#include "node/lan/lan_groups.h"
#include "node/lan/lan_hosts.h"
#include "node/ports/datagrams.h"
#include "node/rpc/rate_limiter.h"
#include "node/rpc/rpc.h"

namespace shoal {

class LanDiscovery {
 public:
  // Signatures verified and requests opened, of all hosts and of each source address: some 18 to 40 ms of CPU
  // time a second.
  static constexpr std::size_t kMessagesPerSecond = 500;
  static constexpr std::size_t kMessagesPerSourcePerSecond = 16;
  static constexpr std::size_t kAsksPerSecond = 50;
  static constexpr std::size_t kAskingMax = 64;  // waiting to be asked, or for their answer
  // All hosts of a LAN hear a newcomer at the same time: they ask it within this time. Who knows nobody yet
  // waits for less.
  static constexpr Duration kAskWithin = std::chrono::milliseconds(100);
  static constexpr Duration kAskAtOnceWithin = std::chrono::milliseconds(5);
  // Copies of a message come by all links of its sender within this time.
  static constexpr Duration kOtherLinksWithin = std::chrono::milliseconds(2);
  // One that answered and has moved since may be asked again so soon; one that was silent after the longer
  // wait, which doubles each time.
  static constexpr Duration kAskAgainAfter = std::chrono::seconds(2);
  static constexpr Duration kAskSilentAfter = std::chrono::seconds(10);
  static constexpr Duration kAskSilentAfterMax = std::chrono::minutes(10);
  // A message may be so much older or newer than now, where enough hosts have told the time. Twice what the
  // clocks of two hosts may be off before they go by the others' (base/network_time.h).
  static constexpr Duration kAgeMax = std::chrono::minutes(2);

  LanDiscovery(NodeContext& context, const KeyPair& keys, std::uint64_t boot_number, Datagrams& datagrams,
               Rpc& rpc, const RoutingTable& table, const OwnAddresses& own);
  ~LanDiscovery();

  // The overlay's: the groups whose tags are shown and looked for from now on, soon, and who hears of peers.
  // The listener outlives this object.
  void serve(std::vector<LanGroup> groups, LanPeerListener& listener);

  void on_interfaces(std::span<const Endpoint> own);
  // From PortEvents: refuses or posts.
  void on_multicast(const Endpoint& from, ByteView datagram);
  void handle(const HandleDatagram& job);
  void on_answer(const Answer& answer);
  // A request to it went unanswered.
  void on_silent(const Contact& contact);
  void on_ping_deadline();
  void on_ask_deadline();

  // Asks a host wherever it is on our LANs: the request goes to the group, sealed so that only this host can
  // read it, once on each link; each has an end of its own. False: there is no link. For what names no host
  // unicast serves, to those that were heard.
  bool request(const Id& host, const wire::RequestBody& body, Purpose purpose, const Completion& completion);

  // Where this host has answered us, or was heard last; nothing for one that was not heard.
  std::optional<Contact> find(const Id& host) const;
  struct Status {
    std::size_t links = 0;  // interfaces and families on which messages are sent
    std::size_t hosts = 0;  // heard within the last minutes
    std::size_t confirmed = 0;
    std::size_t asking = 0;  // of kAskingMax
  };
  Status status() const;

 private:
  // An interface, for one family.
  struct Link {
    std::uint32_t interface = 0;
    bool v4 = false;
    std::uint16_t port = 0;  // ours
    friend auto operator<=>(const Link&, const Link&) = default;
  };
  struct Active;

  static Endpoint group_of(const Link& link);
  static std::vector<Link> links_of(std::span<const Endpoint> own);
  void ping_at(Instant when);
  void ping_soon();
  bool send(const Link& link, const std::vector<LanTag>& tags, WallTime now);
  bool is_late(const LanMessage& message) const;
  void match_groups(const Id& key, LanHost& host, const std::vector<LanTag>& tags);
  void report(const Contact& contact, LanHost& host);
  bool worth_asking(const Contact& contact, const LanHost& host) const;
  void ask_soon(const Id& key, LanHost& host);
  void ask(const Contact& contact, LanHost& host);

  NodeContext& context_;
  const KeyPair& keys_;
  const std::uint64_t boot_number_;
  Datagrams& datagrams_;
  Rpc& rpc_;
  const RoutingTable& table_;
  const OwnAddresses& own_;
  std::vector<LanGroup> groups_;
  LanPeerListener* listener_ = nullptr;
  std::unique_ptr<Active> active_;  // once there is a link
};

}  // namespace shoal
