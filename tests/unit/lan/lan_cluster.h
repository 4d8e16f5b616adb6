// LanCluster: whole nodes on LANs without bootstrap addresses, and strangers beside them.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/lan/lan_discovery.h"
#include "tests/support/node_cluster.h"
#include "tests/support/raw_peer.h"

namespace shoal {

inline const Endpoint kGroup = Endpoint::v4(kLanGroupV4, kLanPort);

// In 10.0.0.0/8, which is local.
inline Endpoint private_v4(std::uint32_t number) {
  return Endpoint::v4(0x0a000000u + number, 4000);
}

inline Endpoint link_local(std::uint8_t number, std::uint32_t interface) {
  Endpoint endpoint;
  endpoint.address = {0xfe, 0x80};
  endpoint.address[15] = number;
  endpoint.port = 4000;
  endpoint.interface = interface;
  return endpoint;
}

class LanCluster : public ::testing::Test {
 protected:
  std::size_t add_on(std::vector<ManualInterface> interfaces, const NodeConfig& config = {}) {
    const std::size_t host = cluster_.add({}, config);
    cluster_.network().set_interfaces(cluster_.index(host), std::move(interfaces));
    return host;
  }
  // On this LAN, at a private address of its own.
  std::size_t add(std::uint32_t lan, const NodeConfig& config = {}) {
    return add_on({{private_v4(++addresses_), lan}}, config);
  }
  bool knows(std::size_t host, std::size_t other) {
    return cluster_.node(host).table().find(cluster_.contact(other).key) == cluster_.contact(other);
  }
  const NodeCounters::Lan& counters(std::size_t host) { return cluster_.node(host).counters().lan; }
  StatusResult::Lan status(std::size_t host) {
    return cluster_.expect<StatusResult>(host, StatusCommand{}).lan;
  }
  bool find_each_other(std::size_t hosts) {
    for (std::size_t from = 0; from < hosts; ++from) {
      for (std::size_t to = 0; to < hosts; ++to) {
        if (from == to) continue;
        const Id& target = cluster_.contact(to).key;
        const auto found = cluster_.expect<FindResult>(from, FindCommand{target}).lookup.closest;
        if (found.empty() || found.front().contact.key != target) return false;
      }
    }
    return true;
  }

  // A host that says by hand what it likes; it hears what is said to the group.
  RawPeer& add_stranger(std::uint32_t lan = 1) {
    strangers_.push_back(
        std::make_unique<RawPeer>(cluster_.network(), 100 + strangers_.size(), private_v4(++addresses_)));
    RawPeer& stranger = *strangers_.back();
    cluster_.network().plug_in(stranger.index(), lan);
    EXPECT_TRUE(cluster_.network().ports(stranger.index()).datagrams.join(kGroup));
    return stranger;
  }
  LanMessage message_of(const KeyPair& keys, std::uint64_t counter) {
    return {keys.public_key(),
            1,
            counter,
            cluster_.network().wall_time(),
            4000,
            std::vector<LanTag>(kLanTagCounts.front())};
  }
  void say(RawPeer& peer, std::uint64_t counter) {
    peer.send_raw(kGroup, write_lan_message(message_of(peer.keys(), counter), peer.keys()));
  }
  static std::size_t unicasts(const std::vector<RawPeer::Received>& received) {
    return static_cast<std::size_t>(
        std::ranges::count_if(received, [](const auto& each) { return !each.multicast; }));
  }
  std::optional<Bytes> recorded(RawPeer& by, const Id& sender) {
    for (const RawPeer::Received& received : by.take()) {
      const Result<LanMessage> message = read_lan_message(received.datagram);
      if (received.multicast && message && message->host == sender) return received.datagram;
    }
    return std::nullopt;
  }

  NodeCluster cluster_;
  std::vector<std::unique_ptr<RawPeer>> strangers_;
  std::uint32_t addresses_ = 0;
};

}  // namespace shoal
