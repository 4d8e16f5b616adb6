#include "tests/support/raw_peer.h"

#include <utility>

namespace shoal {

RawPeer::RawPeer(ManualNetwork& network, std::uint64_t seed) : RawPeer(network, seed, network.add_host()) {}

RawPeer::RawPeer(ManualNetwork& network, std::uint64_t seed, const Endpoint& endpoint)
    : RawPeer(network, seed, network.add_host(endpoint)) {}

RawPeer::RawPeer(ManualNetwork& network, std::uint64_t seed, ManualNetwork::HostIndex index)
    : network_(network),
      index_(index),
      keys_(KeyPair::from_seed(Rng::keyed(seed, "raw peer", "key").seed())),
      cipher_(make_real_cipher(keys_, Rng::keyed(seed, "raw peer", "cipher"), 16)) {
  network_.attach(index_, *this);
  network_.advance(Duration::zero());
}

Bytes RawPeer::seal(const Id& to, ByteView message) {
  Bytes datagram;
  (void)cipher_->seal(to, message, datagram);
  return datagram;
}

void RawPeer::on_datagram(const Endpoint& from, ByteView datagram) {
  Received received{from, Bytes(datagram.begin(), datagram.end()), {}};
  if (auto opened = cipher_->open(datagram)) {
    if (auto message = wire::decode(opened->payload)) received.message = std::move(*message);
  }
  received_.push_back(std::move(received));
}

void RawPeer::on_multicast(const Endpoint& from, ByteView datagram) {
  received_.push_back({from, Bytes(datagram.begin(), datagram.end()), {}, true});
}

std::vector<RawPeer::Received> RawPeer::take() {
  return std::exchange(received_, {});
}

std::optional<wire::Response> RawPeer::ask(const Contact& to, wire::Request request) {
  take();
  send(to, request);
  std::optional<wire::Response> found;
  network_.run_until(
      [&] {
        for (const Received& received : received_) {
          if (!received.message) continue;
          const auto* response = std::get_if<wire::Response>(&*received.message);
          if (response != nullptr && response->id == request.id) found = *response;
        }
        return found.has_value();
      },
      5s);
  return found;
}

}  // namespace shoal
