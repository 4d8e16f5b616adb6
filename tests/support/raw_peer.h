// RawPeer: a host on a ManualNetwork that speaks the protocol by hand, for what no node would ever send.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "node/secure/sealed_datagram.h"
#include "node/wire/codec.h"
#include "tests/support/manual_host.h"

namespace shoal {

class RawPeer final : public HostedNode, private PortEvents {
 public:
  RawPeer(ManualNetwork& network, std::uint64_t seed);
  RawPeer(ManualNetwork& network, std::uint64_t seed, const Endpoint& endpoint);
  ~RawPeer() override { network_.detach(index_); }

  Contact contact() const { return {keys_.public_key(), network_.endpoint(index_)}; }
  const KeyPair& keys() const { return keys_; }
  ManualNetwork::HostIndex index() const { return index_; }

  void send_raw(const Endpoint& to, ByteView datagram) {
    network_.ports(index_).datagrams.send(to, datagram);
  }
  void send_plain(const Contact& to, ByteView message) { send_raw(to.endpoint, seal(to.key, message)); }
  void send(const Contact& to, const wire::Message& message) { send_plain(to, wire::encode(message)); }
  Bytes seal(const Id& to, ByteView message);

  struct Received {
    Endpoint from;
    Bytes datagram;
    std::optional<wire::Message> message;  // nothing: it does not open or decode
    bool multicast = false;
  };
  // All that has come since the last call.
  std::vector<Received> take();
  // Sends a request and waits for the response to it; nothing when none comes within 5 s.
  std::optional<wire::Response> ask(const Contact& to, wire::Request request);

  PortEvents& events() override { return *this; }
  bool run_jobs() override { return false; }

 private:
  RawPeer(ManualNetwork& network, std::uint64_t seed, ManualNetwork::HostIndex index);
  void on_datagram(const Endpoint& from, ByteView datagram) override;
  void on_multicast(const Endpoint& from, ByteView datagram) override;
  void on_alarm() override {}
  void on_stream_opened(StreamId, const Endpoint&, bool) override {}
  void on_stream_readable(StreamId) override {}
  void on_stream_writable(StreamId) override {}
  void on_stream_closed(StreamId) override {}
  void on_stream_reset(StreamId) override {}
  void on_committed(CommitId, const Result<void>&) override {}
  void on_interfaces(std::span<const Endpoint>) override {}

  ManualNetwork& network_;
  ManualNetwork::HostIndex index_;
  KeyPair keys_;
  std::unique_ptr<DatagramCipher> cipher_;
  std::vector<Received> received_;
};

}  // namespace shoal
