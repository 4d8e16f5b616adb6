#include "node/os/run_node.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "node/os/config_command.h"
#include "node/os/log.h"
#include "node/os/running_node.h"
#include "node/os/standard_streams.h"

namespace shoal {
namespace {

std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> out;
  for (const Endpoint& endpoint : endpoints) out.push_back(endpoint.to_string());
  return out;
}

}  // namespace

int run_node(RunOptions options) {
  if (const auto errors = load_config(options); !errors.empty()) return report(errors);
  std::signal(SIGPIPE, SIG_IGN);  // a client of the control socket may go at any time
  open_log(options.config.log_format, options.config.log_level);

  Result<std::unique_ptr<RunningNode>> node = RunningNode::start(options);
  if (!node) {
    if (options.config.log_format == LogFormat::kJson) {
      log(LogLevel::kError, "cannot start", {{"reason", node.error().message}});
    } else {
      print_err("shoal: {}\n", node.error().message);
    }
    return kExitUsage;
  }
  const StatusResult status = (*node)->node().status();
  LogFields started = {{"version", kShoalVersion},      {"host", status.host.hex()},
                       {"boot", status.boot_number},    {"endpoints", texts((*node)->endpoints())},
                       {"data", options.data.string()}, {"process", ::getpid()}};
  if (const auto metrics = (*node)->metrics()) started["metrics"] = metrics->to_string();
  log(LogLevel::kInfo, "started", started);
  print_out("ready: host {} listening on {} data {}\n", (*node)->node().id().hex(),
            fmt::join(texts((*node)->endpoints()), ", "), options.data.string());
  std::fflush(stdout);
  (*node)->run();
  node->reset();
  log(LogLevel::kInfo, "stopped");
  return kExitOk;
}

}  // namespace shoal
