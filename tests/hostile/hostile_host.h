// HostileHost: a modified host on a ManualNetwork. It has as many keys as it likes at its one address,
// answers what it is asked as `answer` says, takes streams and says nothing in them, and opens sessions by
// the dozen.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "node/secure/sealed_datagram.h"
#include "node/secure/session.h"
#include "node/wire/codec.h"
#include "tests/support/manual_host.h"

namespace shoal {

class HostileHost final : public HostedNode, private PortEvents {
 public:
  HostileHost(ManualNetwork& network, std::uint64_t seed, std::size_t keys = 1);
  ~HostileHost() override { network_.detach(index_); }

  Contact contact(std::size_t key = 0) const {
    return {identities_.at(key).keys.public_key(), network_.endpoint(index_)};
  }
  ManualNetwork::HostIndex index() const { return index_; }

  // Fills in the response to a request to this key; its id, a token and the body of an honest host that knows
  // nothing, and stores nothing, are there. False: it does not answer.
  std::function<bool(std::size_t key, const wire::Request& request, wire::Response& response)> answer;

  void send(std::size_t key, const Contact& to, wire::Request request);
  // So that the host asked knows this key: a ping, as from a host that is there.
  void ping(std::size_t key, const Contact& to, bool client = false);
  // Begins a session under a key of its own.
  void open_session(const Contact& to);
  std::size_t sessions_open() const { return sessions_.size(); }

  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  // Of requests sent, by id.
  std::map<std::uint64_t, wire::Response> responses;

  PortEvents& events() override { return *this; }
  bool run_jobs() override { return false; }

 private:
  struct Identity {
    KeyPair keys;
    std::unique_ptr<DatagramCipher> cipher;
  };
  void send_sealed(std::size_t key, const Id& to, const Endpoint& endpoint, const wire::Message& message);
  void flush(StreamId stream);
  void on_datagram(const Endpoint& from, ByteView datagram) override;
  void on_multicast(const Endpoint&, ByteView) override {}
  void on_alarm() override {}
  void on_stream_opened(StreamId stream, const Endpoint&, bool) override { flush(stream); }
  void on_stream_readable(StreamId stream) override;
  void on_stream_writable(StreamId stream) override { flush(stream); }
  void on_stream_closed(StreamId stream) override { sessions_.erase(stream); }
  void on_stream_reset(StreamId stream) override { sessions_.erase(stream); }
  void on_committed(CommitId, const Result<void>&) override {}
  void on_interfaces(std::span<const Endpoint>) override {}

  ManualNetwork& network_;
  ManualNetwork::HostIndex index_;
  std::vector<Identity> identities_;
  std::vector<std::unique_ptr<KeyPair>> session_keys_;
  std::map<StreamId, std::unique_ptr<Session>> sessions_;
  Rng rng_;
};

}  // namespace shoal
