// Rpc: requests and responses over sealed datagrams, or over sessions for what does not fit one.
//
// A request is an *out worker* until it ends, named by a guid:
//
//   request() ─► sent ──(adaptive time-out)──► slow, sent again ──(twice the time-out)──► unanswered
//                  └───────── response ──────────────┴──────────► answered
//
// A contact that is known to be slow is given more time (TokenCache); that it is slow also a response teaches
// that comes too late for its request. A contact of which nothing is known is given some seconds in all: a
// few hosts in a thousand take ten times as long as most.
//
// A session may end before it has answered because it was one too many: of two that hosts begin with each
// other at once one goes, and a host bounds how many handshakes it takes from one source. A request that did
// not name its session is then sent again by another, four times in all within about a second.
//
// The id on the wire is fresh and random; a response counts only from the endpoint and key that were asked.
// Serving is stateless: what a request needs to be answered later is its Origin.
//
// Datagrams are refused, and counted, before they cost much: by source (rate limit), by the budget for hosts
// we share no key with yet, by the bound of the job queue.
#pragma once

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/contact.h"
#include "node/base/guid.h"
#include "node/base/slot_table.h"
#include "node/jobs/job.h"
#include "node/jobs/node_context.h"
#include "node/ports/datagrams.h"
#include "node/rpc/connections.h"
#include "node/rpc/contacted.h"
#include "node/rpc/rate_limiter.h"
#include "node/rpc/rtt_estimator.h"
#include "node/rpc/token_cache.h"
#include "node/rpc/token_mint.h"
#include "node/secure/sealed_datagram.h"

namespace shoal {

// Who waits for a request's end: a part of the node, one of its pieces of work, and what that likes to
// remember.
struct Completion {
  enum class Owner : std::uint8_t {
    kNobody,
    kLookup,
    kStore,
    kFetch,
    kVerify,
    kCommand,
    kShutdown,
    kReachability,
    kLan,
    kSync,
    kSameKey
  };
  Owner owner = Owner::kNobody;
  std::uint16_t index = 0;
  Guid guid;
};

// To a multicast group: only `to.key` can read it, and its answer is taken from wherever it comes. So that
// says where to ask it, and not yet that it is there.
struct OutRequest {
  Contact to;
  wire::RequestBody body;
  Purpose purpose = Purpose::kLookup;
  Completion completion;
  bool by_session = false;
  Guid connection = {};  // by session: this one, rather than whatever session there is to the contact
  std::uint8_t attempts_max = 0;  // sendings before it counts as unanswered; 0: request_attempts
  // A request for contacts to a host that has given us no token: its first sending is as long as the full
  // answer demands (wire::kPaddedFindBytes).
  bool padded = true;
  // Others made us ask, by a request of theirs or by a contact that they told: what the answer says of the
  // time and of our address does not count.
  bool prompted = false;
};

// The end of a request.
struct Answer {
  Completion completion;
  Contact from;
  ErrorCode error = ErrorCode::kNone;        // kTimeout, or the code of a refusal
  const wire::Response* response = nullptr;  // nullptr when unanswered
  std::optional<Duration> rtt;               // since what it answers was sent; nothing when unanswered
};

// What the rest of the node learns from requests and responses, before the owner gets its Answer.
class RpcListener {
 public:
  virtual ~RpcListener() = default;
  // It answered us from that endpoint with that key.
  virtual void on_contact_answered(const Contact& contact, Duration rtt) = 0;
  virtual void on_contact_silent(const Contact& contact) = 0;
  // It answers that strangers cannot reach it.
  virtual void on_client(const Id& host) = 0;
  // A request, or a hello, came by datagram from an address to which we had sent nothing lately.
  virtual void on_reached_by_stranger(const Endpoint& from) = 0;
  // Where `by` says we sent from.
  virtual void on_observed(const Endpoint& own, const Contact& by) = 0;
  virtual void on_slow(const Completion& completion) = 0;
  virtual void on_answer(const Answer& answer) = 0;
  // A host at this endpoint says that this is its key. To be verified; the key may be ours.
  virtual void on_hello(const Contact& contact) = 0;
  // It is sealed for another key than ours, or answers a hello that we have not sent. True: somebody takes
  // it.
  virtual bool on_not_ours(const Endpoint& /*from*/, ByteView /*datagram*/) { return false; }
};

class Rpc {
 public:
  Rpc(NodeContext& context, const Id& self, Datagrams& datagrams, DatagramCipher& cipher,
      Connections& connections, RpcListener& listener);

  // Begins a request; the empty guid when requests_in_flight_max are under way.
  Guid request(OutRequest out);
  // Do our requests, and our responses, say that strangers cannot reach us? At first as configured.
  void announce_client(bool in_requests, bool in_responses) {
    client_in_requests_ = in_requests;
    client_in_responses_ = in_responses;
  }
  // Was anything sent there lately?
  bool has_contacted(const Endpoint& endpoint) const { return contacted_.contains(endpoint, context_.now()); }
  // Nobody waits for it any longer; it goes on only to learn whether the contact is there.
  void forget(Guid request);
  // Asks the host at an endpoint for its key (sealed datagrams need one): "version | 32 zero bytes | nonce 24
  // | 32 zero bytes" is answered by the same with the key at the end. Nobody believes the answer: a sealed
  // ping follows.
  void send_hello(const Endpoint& to);

  // From PortEvents: refuses or posts.
  void on_datagram(const Endpoint& from, ByteView datagram);
  // The jobs.
  void handle(const HandleDatagram& job);
  void handle(const HandleResponse& job);
  // Decodes a message that came by session and posts it.
  void on_session_message(const Origin& origin, ByteView message);
  void on_session_lost(Guid connection);
  void on_deadline(Guid request);
  // Does a deadline of this request at `when` still mean anything? Not once it has ended or was sent again.
  bool is_due(Guid request, Instant when);

  // Bytes that the encoded response may have: what a datagram holds, and to an address not validated thrice
  // what came, less one ping by which its host may be verified.
  std::size_t response_bytes_max(const Origin& origin) const;
  // Sends the response; contacts at the end are left out if it is too large, and what is still too large is
  // dropped.
  void respond(const Origin& origin, const wire::Request& request, wire::ResponseBody body);
  // The same for a request that was kept waiting (a store until its commit).
  void respond(const Origin& origin, std::uint64_t request_id, wire::RequestKind kind,
               wire::ResponseBody body);

  // Does the session that the request came by take so many bytes more? By datagram always.
  bool has_room(const Origin& origin, std::size_t bytes) const;

  std::size_t in_flight() const { return out_workers_.size(); }
  std::size_t tokens() const { return tokens_.size(); }

 private:
  // Each sending has an id of its own: so an answer says which one it answers, and how long it took (a host
  // that takes longer than our time-out must lengthen it, or would be given up for ever).
  struct Sending {
    std::uint64_t id;
    Instant sent;
  };
  struct OutWorker {
    wire::Request request;
    Contact to;
    Purpose purpose;
    Completion completion;
    std::vector<Sending> earlier;  // than the one under way
    Instant sent;                  // last
    Instant due;                   // the end of the wait for an answer to it
    Duration timeout;
    bool rtt_known = false;     // of this host
    std::uint8_t attempts = 0;  // none while it waits for its turn
    std::uint8_t attempts_max = 0;
    bool token_renewed = false;
    bool by_session = false;
    bool by_multicast = false;
    bool names_connection = false;
    bool prompted = false;
    bool padded = true;
    Guid connection;  // none while it waits for another session
  };

  // A sending by datagram that stayed unanswered.
  struct Unanswered {
    Sending sending;
    Contact to;
  };
  static constexpr std::size_t kUnansweredMax = 8;

  Duration usual_timeout() const;
  void learn(Duration rtt);
  Duration timeout_for(const OutWorker& worker) const;
  Duration wait_for(const OutWorker& worker) const;
  void note_unanswered(const OutWorker& worker);
  void handle_late(const HandleResponse& job);
  void begin(Guid guid, OutWorker& worker);
  void send(Guid guid, OutWorker& worker);
  void send_again(Guid guid, OutWorker& worker);
  void forget_earlier(OutWorker& worker);
  void send_by_session(Guid guid, OutWorker& worker);
  void on_session_failed(Guid guid, OutWorker& worker);
  using Admission = DatagramCipher::Admission;
  std::size_t send_sealed(const Id& to, const Endpoint& endpoint, ByteView message, Admission admission);
  void send_raw(const Endpoint& to, ByteView datagram);
  // With `rtt` when there is a response.
  void finish(Guid guid, ErrorCode error, const wire::Response* response, std::optional<Duration> rtt = {});
  bool renew_token(Guid guid, OutWorker& worker, const wire::Response& response);
  void handle_hello(const Endpoint& from, ByteView datagram);
  void on_message(const Origin& origin, ByteView bytes);
  void post_message(Origin origin, wire::Message message);
  bool is_validated(const Origin& origin, const wire::Request& request) const;

  NodeContext& context_;
  Id self_;
  Datagrams& datagrams_;
  DatagramCipher& cipher_;
  Connections& connections_;
  RpcListener& listener_;
  TokenMint mint_;
  TokenCache tokens_;
  SourceLimiter sources_;
  RateLimiter strangers_;
  SendPacer pacer_;
  RttEstimator rtt_;
  Contacted contacted_;
  bool client_in_requests_;
  bool client_in_responses_;
  std::vector<Unanswered> unanswered_;  // the last few, oldest first
  std::uint64_t hello_secret_;
  SlotTable<OutWorker> out_workers_;
  tsl::robin_map<std::uint64_t, Guid> by_wire_id_;
};

}  // namespace shoal
