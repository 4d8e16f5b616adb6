#include "tests/hostile/hostile_host.h"

#include <algorithm>
#include <array>
#include <utility>

namespace shoal {

HostileHost::HostileHost(ManualNetwork& network, std::uint64_t seed, std::size_t keys)
    : network_(network), index_(network.add_host()), rng_(Rng::keyed(seed, "hostile host", "rng")) {
  init_crypto();
  for (std::size_t i = 0; i < keys; ++i) {
    const KeyPair pair = KeyPair::from_seed(rng_.seed());
    identities_.push_back({pair, make_real_cipher(pair, rng_.fork(), 64)});
  }
  network_.attach(index_, *this);
  (void)network_.ports(index_).streams.listen();
  network_.advance(Duration::zero());
}

void HostileHost::send_sealed(std::size_t key, const Id& to, const Endpoint& endpoint,
                              const wire::Message& message) {
  Bytes datagram;
  if (!identities_.at(key).cipher->seal(to, wire::encode(message), datagram)) return;
  bytes_sent += datagram.size();
  network_.ports(index_).datagrams.send(endpoint, datagram);
}

void HostileHost::send(std::size_t key, const Contact& to, wire::Request request) {
  send_sealed(key, to.key, to.endpoint, wire::Message(std::move(request)));
}

void HostileHost::ping(std::size_t key, const Contact& to, bool client) {
  wire::Request request;
  request.id = rng_.next();
  request.client = client;
  request.body = wire::Ping{};
  send(key, to, std::move(request));
}

void HostileHost::on_datagram(const Endpoint& from, ByteView datagram) {
  bytes_received += datagram.size();
  for (std::size_t key = 0; key < identities_.size(); ++key) {
    const auto opened = identities_[key].cipher->open(datagram);
    if (!opened) continue;
    const auto message = wire::decode(opened->payload);
    if (!message) return;
    if (const auto* response = std::get_if<wire::Response>(&*message)) {
      responses[response->id] = *response;
      return;
    }
    const auto& request = std::get<wire::Request>(*message);
    wire::Response response;
    response.id = request.id;
    response.token = wire::Token{};
    response.body = wire::Done{};
    if (request.kind() == wire::RequestKind::kFindHost) response.body = wire::Contacts{};
    if (request.kind() == wire::RequestKind::kGetItem) response.body = wire::Items{};
    if (request.kind() == wire::RequestKind::kStoreItem) {
      response.body = wire::Refusal{ErrorCode::kStoreFull, 0};
    }
    if (answer && !answer(key, request, response)) return;
    send_sealed(key, opened->sender, from, wire::Message(std::move(response)));
    return;
  }
}

void HostileHost::open_session(const Contact& to) {
  const auto stream = network_.ports(index_).streams.connect(to.endpoint);
  if (!stream) return;
  session_keys_.push_back(std::make_unique<KeyPair>(KeyPair::from_seed(rng_.seed())));
  sessions_[*stream] = std::make_unique<Session>(
      *session_keys_.back(),
      SessionOptions{.role = noise::Role::kInitiator, .expected_peer = to.key, .now = network_.wall_time()},
      rng_.fork());
}

void HostileHost::flush(StreamId stream) {
  const auto found = sessions_.find(stream);
  if (found == sessions_.end()) return;
  for (ByteView out = found->second->outgoing(); !out.empty(); out = found->second->outgoing()) {
    const std::size_t written = network_.ports(index_).streams.write(stream, out);
    found->second->consumed(written);
    if (written < out.size()) return;
  }
}

void HostileHost::on_stream_readable(StreamId stream) {
  std::array<std::uint8_t, 4096> buffer;
  for (;;) {
    const std::size_t got = network_.ports(index_).streams.read(stream, buffer);
    if (got == 0) return;
    const auto found = sessions_.find(stream);
    if (found == sessions_.end()) continue;
    (void)found->second->receive(ByteView(buffer).first(got));
    flush(stream);
  }
}

}  // namespace shoal
