// RunningNode: a node on this machine's sockets, clock and disk, commanded through its control socket.
#pragma once

#include <memory>
#include <optional>

#include "node/control/cli.h"
#include "node/node.h"
#include "node/os/bootstrap_names.h"
#include "node/os/console.h"
#include "node/os/control_socket.h"
#include "node/os/event_loop.h"
#include "node/os/heap_trim.h"
#include "node/os/key_directory.h"
#include "node/os/metrics_server.h"
#include "node/os/node_log.h"
#include "node/os/os_host.h"
#include "node/os/posix_folders.h"
#include "node/os/service_manager.h"
#include "node/os/thread_pool.h"
#include "node/store/data_directory.h"
#include "node/store/sqlite_stores.h"

namespace shoal {

class RunningNode final : private HostedNode,
                          private BootstrapNames::Listener,
                          private NodeListener,
                          private ControlSocket::Listener,
                          private Console::Listener {
 public:
  // Errors: whatever of its parts cannot be had.
  static Result<std::unique_ptr<RunningNode>> start(const RunOptions& options);
  ~RunningNode() override;

  // Until a signal or a command has stopped it.
  void run();

  const Node& node() const { return *node_; }
  // Where metrics are served; nothing when they are not.
  std::optional<Endpoint> metrics() const;
  std::vector<Endpoint> endpoints() const { return host_->own_endpoints(); }

 private:
  RunningNode() = default;
  Result<void> open(const RunOptions& options);
  HostIdentity next_identity(Duration lifetime);
  // Leaves the network; a second call, or a node that does not get done in time, ends at once.
  void stop();
  void say_stopping(const char* cause, const char* name);
  std::string metrics_text() const;
  void drain_commits();
  void log_warnings();
  void change_log_level(CommandId id, const LogLevelCommand& command);

  PortEvents& events() override { return *node_; }
  bool run_jobs() override;
  void on_command_result(CommandId command, const CommandResult& result) override;
  void on_event(const NodeEvent& event) override;
  void on_stopped() override { loop_.stop(); }
  void on_control_command(CommandId id, Command command) override;
  // Reads the key files and hands the node their groups: how many.
  Result<std::size_t> load_keys();
  void on_bootstrap_found(std::vector<Endpoint> endpoints) override;
  void on_name_not_found(const HostName& name, const std::string& why) override;
  bool needs_bootstrap() const override { return node_->table().size() == 0; }
  // A host that cannot be reached from where this one listens would only seem to be silent.
  void warn_of_unreachable(const std::vector<Endpoint>& bootstrap) const;
  void on_console_command(Command command) override;
  void on_console_end() override;

  // Taken down from below: the node first; the control socket's clients see the end when all is on disk and
  // the directory is free again.
  EventLoop loop_;
  HeapTrim heap_trim_{*loop_.uv()};
  std::unique_ptr<ControlSocket> control_;
  std::optional<DataDirectory> directory_;
  std::optional<KeyDirectory> keys_;
  std::unique_ptr<SqliteStores> stores_;
  std::unique_ptr<OsHost> host_;
  NodeLog log_;
  ContactBook contacts_;
  std::unique_ptr<PosixFolders> folders_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<ThreadPool> pool_;  // its work holds folders, and is handed back to the node
  std::unique_ptr<MetricsServer> metrics_;
  std::optional<ServiceManager> service_;
  std::vector<Endpoint> bootstrap_;  // those given as addresses
  std::optional<BootstrapNames> names_;
  UvHandle<uv_timer_t> stop_timer_;
  ConsoleMode console_mode_ = ConsoleMode::kAuto;
  std::unique_ptr<Console> console_;
};

}  // namespace shoal
