#include "node/node.h"

#include <algorithm>
#include <utility>

#include "node/base/prefetch.h"
#include "node/node_impl.h"

namespace shoal {
namespace {

TableConfig table_config(const NodeConfig& config) {
  TableConfig table;
  table.k = config.k;
  table.first_buckets = config.first_buckets;
  table.replacements_max = config.replacements_max;
  table.per_subnet_max = config.per_subnet_max;
  return table;
}

std::unique_ptr<DatagramCipher> make_cipher(CipherKind kind, const KeyPair& keys, NodeContext& context) {
  if (kind == CipherKind::kModelled) return make_modelled_cipher(keys.public_key());
  return make_real_cipher(keys, context.rng.fork(), context.config.cached_pairs_max);
}

}  // namespace

Node::Impl::Impl(const NodeConfig& config, const KeyPair& node_keys, std::uint64_t boot,
                 CipherKind cipher_kind, Rng rng, NodePorts node_ports, Items& held_items,
                 sync::SyncManager* sync_manager)
    : ports(node_ports),
      keys(node_keys),
      boot_number(boot),
      context{config, ports.clock, std::move(rng), JobQueue(config.jobs_max), {}, {}, {}},
      started(context.now()),
      own(keys.public_key()),
      table(keys.public_key(), ports.contacts, table_config(context.config)),
      cipher(make_cipher(cipher_kind, keys, context)),
      connections(context, keys, session_groups, ports.streams, *this),
      rpc(context, keys.public_key(), ports.datagrams, *cipher, connections, *this),
      lookups(context, rpc, table, own, *this),
      items(held_items),
      operations(context, keys, rpc, lookups, items, table, own),
      bootstrapper(context, rpc, ports.hosts, own),
      maintenance(context, rpc, lookups, table, ports.hosts),
      reunion(context, rpc, ports.contacts),
      reachability(context, rpc, table, own, *this),
      lan(context, keys, boot_number, ports.datagrams, rpc, table, own),
      same_key_watch(context, rpc, own, keys.public_key()),
      groups(context, keys, session_groups, connections, rpc, operations, own, ports.hosts, *this),
      sync(sync_manager),
      commands(kCommandsMax) {}

// ---- Jobs

void Node::Impl::run(Bootstrap&) {
  if (stage == Stage::kCurrent) {
    items.load();
    items.start();
    if (sync != nullptr) {
      take_folders();
      sync->start();
    }
    // Without streams the node still serves what fits datagrams; its status says so.
    if (!ports.streams.listen()) ++context.counters.listen_failures;
    replace_key_at_its_age();
  }
  maintenance.start();
  for (const Contact& contact : first_asked) maintenance.consider(contact, Purpose::kBootstrap);
  bootstrapper.begin();
}

void Node::Impl::run(HandleCommit& job) {
  if (sync != nullptr && sync->on_committed(job.commit, job.outcome)) return;
  items.on_committed(job.commit, job.outcome);
}

void Node::Impl::take_folders() {
  sync->belong_to(context, rpc, groups);
  for (const auto& [connection, with] : sharing) sync->on_shared_groups(connection, with.first, with.second);
}

void Node::Impl::run(HandleInterfaces& job) {
  const bool address_lost = own.on_interfaces(job.own);
  reachability.on_network_changed();
  own_addresses_changed();
  if (address_lost) on_address_lost();
  if (stage == Stage::kCurrent) lan.on_interfaces(job.own);
}

void Node::Impl::run(HandleGroups& job) {
  groups.set(std::move(job.keys));
  lan.serve(groups.lan_groups(), *this);
}

void Node::Impl::run(HandleRequest& job) {
  if (stopping) return;  // a host that leaves must not look alive to those that verify it
  std::visit([&](const auto& body) { serve(job.origin, job.request, body); }, job.request.body);
  if (job.origin.connection) return;
  const Contact contact{job.origin.key, job.origin.endpoint};
  if (job.request.client) {
    // It may only not know yet whether it is one: its answer says.
    if (table.find(contact.key) == contact) maintenance.verify(contact, Purpose::kMaintenance);
  } else if (own.is_other(contact)) {
    // Once, when the address may be forged: the answer and that are all it gets.
    maintenance.heard_from(contact, job.origin.validated ? context.config.request_attempts : 1);
  }
}

void Node::Impl::run(HandleDeadlines&) {
  const Instant now = context.now();
  while (const auto deadline = context.agenda.pop_due(now)) run_deadline(*deadline);
}

void Node::Impl::run_deadline(const Deadline& deadline) {
  switch (deadline.kind) {
    case DeadlineKind::kRequest:
      rpc.on_deadline(deadline.guid);
      break;
    case DeadlineKind::kConnection:
      connections.on_deadline(deadline.guid);
      break;
    case DeadlineKind::kSessionsLost:
      connections.report_lost();
      break;
    case DeadlineKind::kBootstrap:
      bootstrapper.on_deadline(table.size() > 0);
      break;
    case DeadlineKind::kFindLost:
      reunion.on_deadline();
      break;
    case DeadlineKind::kRenewItems:
      if (stage == Stage::kCurrent) items.on_renew_deadline();
      break;
    case DeadlineKind::kFetchItem:
      operations.on_fetch_deadline(deadline.guid);
      break;
    case DeadlineKind::kSync:
      if (keeps_folders() && !stopping) sync->on_deadline();
      break;
    case DeadlineKind::kReplaceKey:
      key_due = stage == Stage::kCurrent;
      break;
    case DeadlineKind::kStop:
      stop_if_ready(true);
      break;
    case DeadlineKind::kGroups:
      groups.on_deadline();
      break;
    case DeadlineKind::kTestReach:
      reachability.on_deadline();
      break;
    case DeadlineKind::kLanPing:
      if (stage == Stage::kCurrent && !stopping) lan.on_ping_deadline();
      break;
    case DeadlineKind::kLanAsk:
      if (stage == Stage::kCurrent && !stopping) lan.on_ask_deadline();
      break;
    case DeadlineKind::kPublishSelf:
      on_publish_self_deadline();
      break;
    case DeadlineKind::kCheckContacts:
    case DeadlineKind::kJoin:
    case DeadlineKind::kRefreshBuckets:
    case DeadlineKind::kRefreshNeighbours:
    case DeadlineKind::kSaveHosts:
      context.post(JobClass::kMaintenance, MaintainConnections{deadline.kind});
      break;
  }
}

void Node::Impl::trace(const Job& job) {
  if (ports.tracer == nullptr) return;
  Guid guid;
  ByteView bytes;
  std::uint64_t number = 0;
  const auto numbered = [&](std::uint64_t value) {
    number = value;
    bytes = ByteView(reinterpret_cast<const std::uint8_t*>(&number), sizeof number);
  };
  if (const auto* datagram = std::get_if<HandleDatagram>(&job)) bytes = datagram->datagram;
  if (const auto* request = std::get_if<HandleRequest>(&job)) {
    guid = request->origin.connection;
    numbered(request->request.id);
  }
  if (const auto* response = std::get_if<HandleResponse>(&job)) {
    guid = response->origin.connection;
    numbered(response->response.id);
  }
  if (const auto* stream = std::get_if<HandleStream>(&job)) numbered(stream->stream.value);
  if (const auto* commit = std::get_if<HandleCommit>(&job)) numbered(commit->commit.value);
  if (const auto* command = std::get_if<HandleCommand>(&job)) numbered(command->id.value);
  if (const auto* event = std::get_if<HandleFolderEvent>(&job)) bytes = view(event->event.path);
  if (const auto* work = std::get_if<HandleWork>(&job)) numbered(work->work->number);
  if (const auto* store = std::get_if<Store>(&job)) bytes = store->name.location.view();
  ports.tracer->on_job(context.now(), kind_of(job), guid, bytes);
}

void Node::Impl::run_jobs(std::size_t jobs_max) {
  for (std::size_t i = 0; i < jobs_max; ++i) {
    std::optional<Job> job = context.jobs.pop();
    if (!job) break;
    trace(*job);
    std::visit([&](auto& alternative) { run(alternative); }, *job);
  }
  deliver_results();
}

Instant Node::Impl::next_deadline() {
  if (stopped) return kNever;
  context.agenda.drop_while([&](Instant when, const Deadline& deadline) {
    return deadline.kind == DeadlineKind::kRequest && !rpc.is_due(deadline.guid, when);
  });
  return context.agenda.next();
}

void Node::Impl::deliver_results() {
  // The listener may give new commands, which only post jobs; their results come with the next run_jobs.
  for (auto& [id, result] : std::exchange(context.results, {})) {
    if (Groups::is_own(id)) {
      groups.on_result(id, result);
    } else {
      ports.listener.on_command_result(id, result);
    }
  }
  for (const NodeEvent& event : std::exchange(events, {})) {
    if (stage == Stage::kCurrent || event.kind == NodeEvent::Kind::kNewFsEvent)
      ports.listener.on_event(event);
  }
  if (stopped && stopping && stage == Stage::kCurrent) {
    stopping.reset();
    ports.listener.on_stopped();
  }
}

// ---- Node

Node::Node(const NodeConfig& config, const KeyPair& keys, std::uint64_t boot_number, CipherKind cipher,
           Rng rng, NodePorts ports)
    : ports_(ports),
      cipher_(cipher),
      items_(std::make_unique<Items>(ports.items)),
      sync_(ports.index != nullptr && ports.folders != nullptr && ports.pool != nullptr
                ? std::make_unique<sync::SyncManager>(
                      sync::SyncPorts{*ports.index, *ports.folders, *ports.pool})
                : nullptr),
      impl_(std::make_unique<Impl>(config, keys, boot_number, cipher, std::move(rng), ports, *items_,
                                   sync_.get())) {
  items_->belong_to(impl_->context, impl_->table);
  if (sync_ != nullptr) impl_->take_folders();  // a command may come before the first job
}

Node::~Node() = default;

void Node::start() {
  impl_->context.post(JobClass::kEssential, Bootstrap{});
}

void Node::on_datagram(const Endpoint& from, ByteView datagram) {
  if (!impl_->stopped) impl_->rpc.on_datagram(from, datagram);
}

void Node::on_multicast(const Endpoint& from, ByteView datagram) {
  if (!impl_->stopped) impl_->lan.on_multicast(from, datagram);
}

void Node::on_alarm() {
  armed_ = kNever;
  for (Impl* host : {impl_.get(), other_.get()}) {
    if (host != nullptr && !host->stopped && host->context.agenda.next() <= host->context.now()) {
      host->context.post(JobClass::kEssential, HandleDeadlines{});
    }
  }
}

// A stream that others have begun is the current host's.
void Node::post(const HandleStream& job) {
  Impl& host = other_ != nullptr && other_->connections.has(job.stream) ? *other_ : *impl_;
  host.context.post(JobClass::kEssential, job);
}

void Node::on_stream_opened(StreamId stream, const Endpoint& peer, bool inbound) {
  post(HandleStream{stream, HandleStream::Event::kOpened, inbound, peer});
}

void Node::on_stream_readable(StreamId stream) {
  post(HandleStream{stream, HandleStream::Event::kReadable, false, {}});
}

void Node::on_stream_writable(StreamId stream) {
  post(HandleStream{stream, HandleStream::Event::kWritable, false, {}});
}

void Node::on_stream_closed(StreamId stream) {
  post(HandleStream{stream, HandleStream::Event::kClosed, false, {}});
}

void Node::on_stream_reset(StreamId stream) {
  post(HandleStream{stream, HandleStream::Event::kReset, false, {}});
}

void Node::on_committed(CommitId commit, const Result<void>& outcome) {
  impl_->context.post(JobClass::kEssential, HandleCommit{commit, outcome});
}

void Node::on_interfaces(std::span<const Endpoint> own) {
  for (Impl* host : {impl_.get(), other_.get()}) {
    if (host != nullptr) host->context.post(JobClass::kEssential, HandleInterfaces{{own.begin(), own.end()}});
  }
}

void Node::on_folder_event(const FolderEvent& event) {
  impl_->context.post(JobClass::kEssential, HandleFolderEvent{event});
}

void Node::on_work_done(std::unique_ptr<Work> work) {
  impl_->context.post(JobClass::kEssential, HandleWork{std::move(work)});
}

void Node::on_groups(std::vector<GroupKey> keys) {
  if (other_ != nullptr) other_->context.post(JobClass::kEssential, HandleGroups{keys});
  impl_->context.post(JobClass::kEssential, HandleGroups{std::move(keys)});
}

void Node::on_bootstrap(std::vector<Endpoint> endpoints) {
  if (other_ != nullptr) other_->bootstrapper.set_endpoints(endpoints);
  impl_->bootstrapper.set_endpoints(std::move(endpoints));
}

void Node::on_command(CommandId id, Command command) {
  if (other_ != nullptr && std::holds_alternative<StopCommand>(command)) other_->leave();
  impl_->context.post(JobClass::kControl, HandleCommand{id, std::make_unique<Command>(std::move(command))});
}

bool Node::run_jobs(std::size_t jobs_max) {
  impl_->run_jobs(jobs_max);
  if (other_ != nullptr) other_->run_jobs(jobs_max);
  if (impl_->key_due) turn_key();
  arm();
  return !impl_->context.jobs.empty() || (other_ != nullptr && !other_->context.jobs.empty());
}

void Node::arm() {
  Instant next = impl_->next_deadline();
  if (other_ != nullptr) next = std::min(next, other_->next_deadline());
  if (next >= armed_) return;
  armed_ = next;
  ports_.alarm.wake_at(next);
}

void Node::prefetch() const {
  prefetch_object(impl_.get());
}

const Id& Node::id() const {
  return impl_->keys.public_key();
}
const RoutingTable& Node::table() const {
  return impl_->table;
}
const NodeCounters& Node::counters() const {
  return impl_->context.counters;
}
const NodeConfig& Node::config() const {
  return impl_->context.config;
}
bool Node::is_client() const {
  return impl_->reachability.is_client();
}
std::string_view Node::reachability() const {
  return to_string(impl_->reachability.state());
}
std::size_t Node::sessions() const {
  return impl_->connections.size();
}
Duration Node::clock_ahead() const {
  return impl_->clock_ahead();
}
std::vector<Endpoint> Node::bootstrap_unanswered() const {
  return impl_->bootstrapper.unanswered();
}
StatusResult Node::status() const {
  return impl_->status();
}
std::vector<GroupStatus> Node::groups() const {
  return impl_->groups.status();
}
const sync::SyncManager* Node::sync() const {
  return sync_.get();
}
std::size_t Node::jobs_queued() const {
  return impl_->context.jobs.size();
}
std::size_t Node::requests_in_flight() const {
  return impl_->rpc.in_flight();
}
std::vector<Load> Node::loads() const {
  return impl_->loads();
}

}  // namespace shoal
