// shoal: runs a node, or asks a running one.
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "node/control/cli.h"
#include "node/os/config_command.h"
#include "node/os/control_command.h"
#include "node/os/key_command.h"
#include "node/os/run_node.h"
#include "node/os/share_command.h"
#include "node/os/standard_streams.h"
#include "node/os/tree_command.h"
#include "node/secure/keys.h"

namespace {

std::filesystem::path default_data_directory() {
  if (const char* data = std::getenv("SHOAL_DATA"); data != nullptr && *data != '\0') return data;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home == nullptr ? "." : home) / ".local" / "share" / "shoal";
}

// Keys are in memory: a crash, or another process of the same user, must not bring them out.
void keep_memory_private() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

int run(shoal::CommandLine line) {
  if (!line.what) {
    shoal::print_out("{}", line.output);
    shoal::print_err("{}", line.errors);
    return line.status;
  }
  if (const auto* key = std::get_if<shoal::KeyOptions>(&*line.what)) return shoal::run_key_command(*key);
  if (auto* share = std::get_if<shoal::ShareOptions>(&*line.what)) {
    return shoal::run_share_command(std::move(*share));
  }
  if (auto* tree = std::get_if<shoal::TreeOptions>(&*line.what)) {
    return shoal::run_tree_command(std::move(*tree));
  }
  if (auto* config = std::get_if<shoal::ConfigOptions>(&*line.what)) {
    return shoal::run_config_command(std::move(*config));
  }
  return shoal::run_control_command(std::get<shoal::ControlOptions>(std::move(*line.what)));
}

}  // namespace

int main(int argc, char** argv) {
  keep_memory_private();
  shoal::open_standard_streams();
  shoal::init_crypto();
  shoal::CommandLine line =
      shoal::parse_command_line(std::vector<std::string>(argv + 1, argv + argc), default_data_directory());
  // What a node prints beside its log is for people: it does its work without.
  if (line.what) {
    if (auto* node = std::get_if<shoal::RunOptions>(&*line.what)) return shoal::run_node(std::move(*node));
  }
  return shoal::finish_output(run(std::move(line)));
}
