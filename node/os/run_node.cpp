#include "node/os/run_node.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "node/os/config_command.h"
#include "node/os/running_node.h"

namespace shoal {
namespace {

std::string joined(const std::vector<Endpoint>& endpoints) {
  std::string out;
  for (const Endpoint& endpoint : endpoints) out += (out.empty() ? "" : ", ") + endpoint.to_string();
  return out;
}

}  // namespace

int run_node(RunOptions options) {
  if (const auto errors = load_config(options); !errors.empty()) return report(errors);
  std::signal(SIGPIPE, SIG_IGN);  // a client of the control socket may go at any time
  spdlog::set_default_logger(spdlog::stderr_color_st("shoal"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  spdlog::set_level(spdlog::level::from_str(to_string(options.config.log_level)));

  Result<std::unique_ptr<RunningNode>> node = RunningNode::start(options);
  if (!node) {
    fmt::print(stderr, "shoal: {}\n", node.error().message);
    return kExitUsage;
  }
  fmt::print("ready: host {} listening on {} data {}\n", (*node)->id().hex(), joined((*node)->endpoints()),
             options.data.string());
  std::fflush(stdout);
  (*node)->run();
  node->reset();
  spdlog::info("stopped");
  return kExitOk;
}

}  // namespace shoal
