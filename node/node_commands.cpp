// What a node does by command.
#include <algorithm>
#include <utility>

#include "node/dht/shutdown_notice.h"
#include "node/node_impl.h"

namespace shoal {
namespace {

// Hosts told that we leave.
constexpr std::size_t kShutdownNoticesMax = 32;
constexpr Duration kStopTimeout = std::chrono::seconds(1);

}  // namespace

void Node::Impl::run(HandleCommand& job) {
  if (stopping) {
    fail_command(job.id, ErrorCode::kCancelled, "the node is stopping");
    return;
  }
  std::visit([&](auto& command) { execute(job.id, command); }, *job.command);
}

void Node::Impl::look_up(CommandId id, PendingCommand::Kind kind, const Id& target) {
  if (table.size() == 0) {
    fail_command(id, ErrorCode::kNotConnected, "no host of the network is known");
    return;
  }
  LookupRequest request;
  request.target = target;
  request.wanted = context.config.k;
  request.purpose = kind == PendingCommand::Kind::kFind ? Purpose::kLookup : Purpose::kCommand;
  request.owner = {LookupOwner::Part::kCommand, commands.insert({id, kind, target})};
  const Guid pending = request.owner.guid;
  if (pending && lookups.start(std::move(request))) return;
  commands.erase(pending);
  fail_command(id, ErrorCode::kBusy, "too many lookups are under way");
}

void Node::Impl::ask(const PendingCommand& pending, const Contact& contact, wire::RequestBody body) {
  const Guid guid = commands.insert(pending);
  const Completion completion{Completion::Owner::kCommand, 0, guid};
  if (guid && rpc.request({contact, std::move(body), Purpose::kCommand, completion, false})) return;
  commands.erase(guid);
  fail_command(pending.id, ErrorCode::kBusy, "too many requests are in flight");
}

void Node::Impl::execute(CommandId id, FindCommand& command) {
  if (command.where == FindCommand::Where::kDht) {
    look_up(id, PendingCommand::Kind::kFind, command.target);
    return;
  }
  std::vector<Contact> contacts;
  if (command.where == FindCommand::Where::kTable) {
    table.closest(command.target, context.config.k, contacts);
  } else {
    for (const KnownHost& known : ports.hosts.load_hosts()) contacts.push_back(known.contact);
    std::ranges::sort(
        contacts, [&](const Contact& a, const Contact& b) { return closer(command.target, a.key, b.key); });
    contacts.resize(std::min(contacts.size(), context.config.k));
  }
  FindResult found;
  found.lookup.target = command.target;
  for (const Contact& contact : contacts) found.lookup.closest.push_back({.contact = contact});
  context.results.emplace_back(id, std::move(found));
}

void Node::Impl::execute(CommandId id, StoreHostCommand& command) {
  const Contact asked = command.to.value_or(command.contact);
  if (!own.is_other(asked) || !own.is_other(command.contact)) {
    fail_command(id, ErrorCode::kInvalidArgument,
                 "this host itself is no contact to be stored, nor to be told of one");
    return;
  }
  const PendingCommand pending{id, PendingCommand::Kind::kStoreHost, asked.key};
  if (command.to) {
    ask(pending, asked, wire::StoreHost{command.contact});
  } else {
    ask(pending, asked, wire::Ping{});
  }
}

void Node::Impl::execute(CommandId id, NextCommand& command) {
  if (!command.ask) {
    context.results.emplace_back(id, NextResult{table.next(command.target)});
    return;
  }
  ask({id, PendingCommand::Kind::kNext, command.ask->key}, *command.ask,
      wire::GetNextConnection{command.target});
}

void Node::Impl::execute(CommandId id, PingCommand& command) {
  if (command.host == keys.public_key()) {
    context.results.emplace_back(id, PingResult{Contact{command.host, {}}, {}});
    return;
  }
  auto known = table.find(command.host);
  if (!known) known = lan.find(command.host);  // such as a client, which no table holds
  if (command.endpoint || known) {
    const Contact contact{command.host, command.endpoint ? *command.endpoint : known->endpoint};
    ask({id, PendingCommand::Kind::kPing, command.host}, contact, wire::Ping{});
    return;
  }
  if (table.size() > 0 || lan.status().links == 0) {
    return look_up(id, PendingCommand::Kind::kFindToPing, command.host);
  }
  find_on_lan({id, PendingCommand::Kind::kFindOnLan, command.host});
}

void Node::Impl::finish_lookup_command(Guid guid, LookupOutcome outcome) {
  const auto pending = commands.take(guid);
  if (!pending) return;
  if (pending->kind == PendingCommand::Kind::kFind) {
    context.results.emplace_back(pending->id, FindResult{std::move(outcome.report)});
    return;
  }
  const auto& closest = outcome.report.closest;
  if (closest.empty() || closest.front().contact.key != pending->host) {
    find_on_lan({pending->id, PendingCommand::Kind::kFindOnLan, pending->host});
    return;
  }
  ask({pending->id, PendingCommand::Kind::kPing, pending->host}, closest.front().contact, wire::Ping{});
}

// No table leads there: a client, or one that has just come. On one of our LANs it hears this, wherever it
// is.
void Node::Impl::find_on_lan(const PendingCommand& pending) {
  const Guid guid = commands.insert(pending);
  const Completion completion{Completion::Owner::kCommand, 0, guid};
  if (guid && lan.request(pending.host, wire::Ping{}, Purpose::kCommand, completion)) return;
  commands.erase(guid);
  fail_command(pending.id, ErrorCode::kNotFound, "no host with this key was found");
}

void Node::Impl::finish_asking_command(const Answer& answer) {
  const auto pending = commands.take(answer.completion.guid);
  if (!pending) return;
  if (pending->kind == PendingCommand::Kind::kFindOnLan) {
    if (answer.response != nullptr) {
      ask({pending->id, PendingCommand::Kind::kPing, pending->host}, answer.from, wire::Ping{});
    } else {
      fail_command(pending->id, ErrorCode::kNotFound, "no host with this key was found, nor heard on a LAN");
    }
    return;
  }
  if (answer.error != ErrorCode::kNone) {
    const bool silent = answer.response == nullptr;
    fail_command(pending->id, answer.error,
                 answer.from.endpoint.to_string() + (silent ? " did not answer" : " refused"));
    return;
  }
  if (pending->kind == PendingCommand::Kind::kPing) {
    context.results.emplace_back(pending->id, PingResult{answer.from, *answer.rtt});
    return;
  }
  if (pending->kind == PendingCommand::Kind::kStoreHost) {
    context.results.emplace_back(pending->id, StoreHostResult{answer.from});
    return;
  }
  const auto* next = std::get_if<wire::NextConnection>(&answer.response->body);
  if (next == nullptr) {
    fail_command(pending->id, ErrorCode::kMalformed, "the answer is of another kind than the question");
    return;
  }
  context.results.emplace_back(pending->id, NextResult{next->contact});
}

Duration Node::Impl::clock_ahead() const {
  const WallTime own_time = ports.clock.wall_time();
  if (!context.network_time.is_off(own_time, context.now())) return Duration::zero();
  return context.network_time.ahead(own_time, context.now());
}

StatusResult Node::Impl::status() const {
  StatusResult result;
  result.host = keys.public_key();
  result.endpoints = own.advertised();
  result.client = reachability.is_client();
  result.reachability = to_string(reachability.state());
  result.boot_number = boot_number;
  result.contacts = table.size();
  result.replacements = table.replacements();
  const ItemTotals totals = ports.items.totals();
  result.items = totals.count;
  result.item_bytes = totals.body_bytes;
  result.sessions = connections.size();
  const LanDiscovery::Status on_lan = lan.status();
  result.lan = {on_lan.links, on_lan.hosts, on_lan.confirmed};
  result.groups = groups.summary();
  if (sync != nullptr) result.folders = sync->summary();
  result.clock_ahead = clock_ahead();
  result.bootstrap_unanswered = bootstrapper.unanswered();
  if (same_key) result.same_key = same_key->where;
  result.uptime = context.now() - started;
  result.counters = named_counters(context.counters);
  return result;
}

void Node::Impl::execute(CommandId id, BroadcastCommand& command) {
  const auto told = groups.broadcast_fs_event(command.group, std::move(command.event));
  if (told) {
    context.results.emplace_back(id, BroadcastResult{*told});
  } else {
    context.results.emplace_back(id, tl::unexpected(told.error()));
  }
}

void Node::Impl::execute(CommandId id, TableCommand&) {
  TableResult found;
  found.bootstrap_unanswered = bootstrapper.unanswered();
  for (const RoutingTable::Row& row : table.rows()) {
    found.rows.push_back({row.contact, row.rtt, context.now() - row.last_seen, row.bucket});
  }
  context.results.emplace_back(id, std::move(found));
}

void Node::Impl::execute(CommandId id, StopCommand&) {
  stopping = id;
  maintenance.save_hosts();
  groups.save_peers();
  std::vector<Contact> nearest;
  table.closest(keys.public_key(), kShutdownNoticesMax, nearest);
  const wire::ShutdownHost notice = make_shutdown_notice(keys, boot_number, context.wall_time());
  for (const Contact& contact : nearest) {
    const Completion completion{Completion::Owner::kShutdown, 0, {}};
    if (rpc.request({contact, notice, Purpose::kMaintenance, completion, false})) ++shutdowns_unanswered;
  }
  groups.delegate_authority();
  connections.close_all();
  context.after(kStopTimeout, DeadlineKind::kStop);
  stop_if_ready(false);
}

void Node::Impl::stop_if_ready(bool timed_out) {
  if (!stopping || stopped) return;
  if (!timed_out && (shutdowns_unanswered > 0 || items.commits_pending() > 0)) return;
  stopped = true;
  context.results.emplace_back(*stopping, StopResult{});
}

}  // namespace shoal
