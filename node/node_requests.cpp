// What a node answers to others.
#include "node/dht/shutdown_notice.h"
#include "node/node_impl.h"

namespace shoal {

void Node::Impl::serve(const Origin& origin, const wire::Request& request, const wire::Ping&) {
  rpc.respond(origin, request, wire::Done{});
}

void Node::Impl::serve(const Origin& origin, const wire::Request& request, const wire::StoreHost& body) {
  if (own.usable(body.contact)) maintenance.consider(body.contact, Purpose::kMaintenance);
  rpc.respond(origin, request, wire::Done{});
}

void Node::Impl::serve(const Origin& origin, const wire::Request& request, const wire::FindHost& body) {
  const bool is_ours = origin.connection && origin.key == keys.public_key();
  if (is_ours && same_key_watch.on_request(body.target)) on_same_key(origin.endpoint);
  wire::Contacts answer;
  table.closest(body.target, context.config.k, answer.contacts);
  rpc.respond(origin, request, std::move(answer));
}

// Anybody may bring a notice (a replay says nothing new): the host is asked itself, and leaves if it is
// silent. Peers of its groups hear of it from us too.
void Node::Impl::serve(const Origin& origin, const wire::Request& request, const wire::ShutdownHost& body) {
  const auto notice = read_shutdown_notice(body, context.wall_time());
  if (!notice) {
    rpc.respond(origin, request, wire::Refusal{notice.error().code, 0});
    return;
  }
  groups.pass_on_shutdown(body, notice->host, notice->boot_number, origin.key);
  const auto contact = table.find(notice->host);
  if (contact && leaving.size() < kLeavingMax && maintenance.verify(*contact, Purpose::kMaintenance)) {
    leaving.insert(notice->host);
  }
  rpc.respond(origin, request, wire::Done{});
}

void Node::Impl::serve(const Origin& origin, const wire::Request& request,
                       const wire::GetNextConnection& body) {
  rpc.respond(origin, request, wire::NextConnection{table.next(body.target)});
}

void Node::Impl::serve(const Origin& origin, const wire::Request& request, const wire::TestReach& body) {
  if (body.contact) {
    if (own.usable(*body.contact)) maintenance.verify(*body.contact, Purpose::kMaintenance);
    rpc.respond(origin, request, wire::Done{});
  } else if (origin.connection) {
    rpc.respond(origin, request, wire::Refusal{ErrorCode::kUnsupported, 0});  // the endpoint is a stream's
  } else if (!origin.validated) {
    rpc.respond(origin, request, wire::Refusal{ErrorCode::kBadToken, 0});
  } else {
    const Contact tested{origin.key, origin.endpoint};
    std::vector<Contact> witnesses = reachability.ask_witnesses(tested);
    // Where nobody can test it, it will act as one that can be reached.
    if (witnesses.empty() && own.is_other(tested)) maintenance.consider(tested, Purpose::kMaintenance);
    rpc.respond(origin, request, wire::Contacts{std::move(witnesses)});
  }
}

}  // namespace shoal
