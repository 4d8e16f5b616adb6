#include "node/os/running_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "node/control/metrics_text.h"
#include "node/os/entropy.h"
#include "node/os/process_usage.h"
#include "node/secure/keys.h"
#include "node/sync/sync_manager.h"

namespace shoal {
namespace {

constexpr std::uint64_t kStopWithinMs = 5'000;
constexpr std::size_t kJobsPerTurn = 256;
// The control socket counts from 1; a node keeps the upper half to itself (overlay/groups.h).
constexpr CommandId kOwnStop{0};
constexpr CommandId kConsoleCommand{std::numeric_limits<std::int64_t>::max()};

}  // namespace

Result<std::unique_ptr<RunningNode>> RunningNode::start(const RunOptions& options) {
  std::unique_ptr<RunningNode> node(new RunningNode());
  if (Result<void> opened = node->open(options); !opened) return tl::unexpected(std::move(opened.error()));
  return node;
}

Result<void> RunningNode::open(const RunOptions& options) {
  Result<DataDirectory> directory = DataDirectory::open(options.data);
  if (!directory) return tl::unexpected(std::move(directory.error()));
  directory_.emplace(std::move(*directory));
  auto stores = SqliteStores::open(options.data, [this] { loop_.post([this] { drain_commits(); }); });
  if (!stores) return tl::unexpected(std::move(stores.error()));
  stores_ = std::move(*stores);
  auto host = OsHost::open(loop_, options.config.listen);
  if (!host) return tl::unexpected(std::move(host.error()));
  host_ = std::move(*host);
  auto control = ControlSocket::open(*loop_.uv(), options.data / "control", *this);
  if (!control) return tl::unexpected(std::move(control.error()));
  control_ = std::move(*control);

  if (options.config.metrics) {
    auto metrics =
        MetricsServer::open(*loop_.uv(), *options.config.metrics, [this] { return metrics_text(); });
    if (!metrics) return tl::unexpected(std::move(metrics.error()));
    metrics_ = std::move(*metrics);
  }

  console_mode_ = options.config.console;

  const HostIdentity identity = next_identity(options.config.node.host_key_lifetime);
  const HostPorts ports = host_->ports();
  folders_ = std::make_unique<PosixFolders>(loop_, [this](const FolderEvent& event) {
    node_->on_folder_event(event);
    host_->wake();
  });
  pool_ = std::make_unique<ThreadPool>(loop_, [this](std::unique_ptr<Work> work) {
    node_->on_work_done(std::move(work));
    host_->wake();
    heap_trim_.work_was_done();
  });
  node_ = std::make_unique<Node>(
      options.config.node, KeyPair::from_seed(identity.key_seed), identity.boot_number, CipherKind::kReal,
      os_seeded_rng(),
      NodePorts{ports.clock, ports.alarm, ports.datagrams, ports.streams, stores_->items(), stores_->hosts(),
                contacts_, *this, nullptr, &stores_->index(), folders_.get(), pool_.get()});
  keys_.emplace(options.data);
  if (auto loaded = load_keys(); !loaded) return tl::unexpected(std::move(loaded.error()));
  log_warnings();
  bootstrap_ = options.config.node.bootstrap;
  if (host_->listen().is_v4() && !options.config.listen.is_v4()) {
    log(LogLevel::kWarn, "this kernel has no IPv6: the node listens for IPv4 only",
        {{"listen", host_->listen().to_string()}});
  }
  warn_of_unreachable(bootstrap_);
  node_->start();
  host_->attach(*this);
  if (!options.config.bootstrap_names.empty()) {
    BootstrapNames::Listener& listener = *this;
    names_.emplace(loop_, options.config.bootstrap_names, listener);
  }
  service_.emplace(*loop_.uv(), [this] {
    return fmt::format("{} contacts, {} sessions, {} items", node_->table().size(), node_->sessions(),
                       stores_->items().totals().count);
  });
  service_->ready();
  loop_.on_stop_signal([this](int signal) {
    say_stopping("signal", signal == SIGINT ? "SIGINT" : "SIGTERM");
    stop();
  });
  return {};
}

RunningNode::~RunningNode() {
  if (control_ != nullptr) control_->stop_listening();
  if (host_ != nullptr) host_->detach();
  if (node_ != nullptr) log_warnings();
}

void RunningNode::run() {
  console_ = Console::open(loop_, console_mode_, *this);
  loop_.run();
  console_.reset();
}

void RunningNode::on_console_command(Command command) {
  on_control_command(kConsoleCommand, std::move(command));
}

void RunningNode::on_console_end() {
  say_stopping("console", "end");
  stop();
}

std::optional<Endpoint> RunningNode::metrics() const {
  if (metrics_ == nullptr) return std::nullopt;
  return metrics_->endpoint();
}

std::string RunningNode::metrics_text() const {
  const sync::SyncManager* sync = node_->sync();
  return shoal::metrics_text({kShoalVersion, node_->status(), node_->jobs_queued(),
                              node_->requests_in_flight(), process_usage(), node_->loads(),
                              sync == nullptr ? std::vector<FolderStatus>() : sync->status()});
}

// A restart within the lifetime of the host key keeps the host's place in the network.
HostIdentity RunningNode::next_identity(Duration lifetime) {
  const WallTime now = host_->ports().clock.wall_time();
  HostIdentity identity = stores_->hosts().load_identity().value_or(HostIdentity{});
  const bool is_fresh =
      identity.boot_number > 0 && (lifetime == Duration::zero() || now - identity.created < lifetime);
  if (!is_fresh) {
    identity.key_seed = os_seeded_rng().seed();
    identity.created = now;
  }
  ++identity.boot_number;
  stores_->hosts().save_identity(identity);
  return identity;
}

void RunningNode::say_stopping(const char* cause, const char* name) {
  log(LogLevel::kInfo, "stopping", {{cause, name}});
  service_->stopping();
}

void RunningNode::stop() {
  if (stop_timer_ != nullptr) return loop_.stop();
  stop_timer_.reset(new uv_timer_t);
  uv_timer_init(loop_.uv(), stop_timer_.get());
  stop_timer_->data = &loop_;
  uv_timer_start(
      stop_timer_.get(),
      [](uv_timer_t* timer) {
        log(LogLevel::kWarn, "the node did not get done in time: ending without it");
        static_cast<EventLoop*>(timer->data)->stop();
      },
      kStopWithinMs, 0);
  node_->on_command(kOwnStop, StopCommand{});
  host_->wake();
}

void RunningNode::on_bootstrap_found(std::vector<Endpoint> endpoints) {
  // Most names have addresses of both families: one that we can reach is enough.
  const auto is_unreachable = [this](const Endpoint& endpoint) {
    return !why_unreachable(host_->listen(), endpoint).empty();
  };
  if (std::ranges::all_of(endpoints, is_unreachable)) warn_of_unreachable(endpoints);
  std::erase_if(endpoints, is_unreachable);
  endpoints.insert(endpoints.begin(), bootstrap_.begin(), bootstrap_.end());
  node_->on_bootstrap(std::move(endpoints));
  host_->wake();
}

void RunningNode::on_name_not_found(const HostName& name, const std::string& why) {
  log(LogLevel::kWarn, "a bootstrap host is not found by its name",
      {{"bootstrap", name.to_string()}, {"reason", why}});
}

void RunningNode::warn_of_unreachable(const std::vector<Endpoint>& bootstrap) const {
  for (const Endpoint& endpoint : bootstrap) {
    const std::string why = why_unreachable(host_->listen(), endpoint);
    if (why.empty()) continue;
    log(LogLevel::kWarn, "a bootstrap host cannot be reached",
        {{"bootstrap", endpoint.to_string()}, {"reason", why}});
  }
}

bool RunningNode::run_jobs() {
  const bool has_more = node_->run_jobs(kJobsPerTurn);
  const sync::SyncManager* sync = node_->sync();
  log_.observe({node_->table().size(), node_->reachability(), node_->sessions(), node_->clock_ahead(),
                node_->bootstrap_unanswered(), sync == nullptr ? std::vector<FolderStop>() : sync->stopped(),
                node_->counters()},
               host_->ports().clock.now());
  return has_more;
}

void RunningNode::on_command_result(CommandId command, const CommandResult& result) {
  if (command == kConsoleCommand) {
    if (console_ != nullptr) console_->answer(result);
  } else {
    control_->answer(command, result);
  }
}

void RunningNode::on_event(const NodeEvent& event) {
  if (event.kind == NodeEvent::Kind::kNewHostKey) {
    log(LogLevel::kInfo, "took another host key", {{"host", event.host.hex()}});
    return;
  }
  if (event.kind == NodeEvent::Kind::kSameKey) {
    log(LogLevel::kWarn,
        "another host has the same key: a clone of this machine, or a copy of its data directory. This host "
        "takes "
        "another key, unless host_key_lifetime is 0: then give one of the two another data directory",
        {{"host", event.host.hex()}, {"at", event.where.to_string()}});
    return;
  }
  const bool is_peer = event.kind == NodeEvent::Kind::kNewPeer;
  log(is_peer ? LogLevel::kInfo : LogLevel::kDebug, is_peer ? "met a new peer" : "a peer tells of a change",
      {{"host", event.host.hex()}, {"group", event.group.hex()}});
}

Result<std::size_t> RunningNode::load_keys() {
  const auto entries = keys_->load();
  if (!entries) return tl::unexpected(entries.error());
  std::vector<GroupKey> groups;
  for (const KeyDirectory::Entry& entry : *entries) groups.push_back(entry.key);
  node_->on_groups(std::move(groups));
  return entries->size();
}

void RunningNode::on_control_command(CommandId id, Command command) {
  if (const auto* level = std::get_if<LogLevelCommand>(&command)) return change_log_level(id, *level);
  if (std::holds_alternative<ReloadKeysCommand>(command)) {
    const auto groups = load_keys();
    if (groups) {
      on_command_result(id, ReloadKeysResult{*groups});
    } else {
      on_command_result(id, tl::unexpected(groups.error()));
    }
    return host_->wake();
  }
  if (std::holds_alternative<StopCommand>(command)) say_stopping("command", "stop");
  node_->on_command(id, std::move(command));
  host_->wake();
}

void RunningNode::change_log_level(CommandId id, const LogLevelCommand& command) {
  if (!command.level.empty()) {
    const std::optional<LogLevel> level = log_level_of(command.level);
    if (!level) {
      return on_command_result(
          id, fail(ErrorCode::kInvalidArgument, "'" + command.level +
                                                    "' is no level: expected trace, debug, info, "
                                                    "warn, error or off"));
    }
    set_log_level(*level);
  }
  on_command_result(id, LogLevelResult{to_string(log_level())});
}

void RunningNode::drain_commits() {
  const Instant now = host_->ports().clock.now();
  for (const CommitCompletion& completion : stores_->drain_completions()) {
    if (completion.outcome) {
      log_.commit_succeeded();
    } else {
      log_.commit_failed(completion.outcome.error().message, now);
    }
    node_->on_committed(completion.commit, completion.outcome);
  }
  host_->wake();
  log_warnings();
}

void RunningNode::log_warnings() {
  const Instant now = host_->ports().clock.now();
  for (const std::string& warning : stores_->take_warnings()) log_.store_trouble(warning, now);
}

}  // namespace shoal
