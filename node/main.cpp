// shoal: runs a node, or asks a running one.
#include <fmt/format.h>

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
#include "node/os/tree_command.h"
#include "node/secure/keys.h"

namespace {

std::filesystem::path default_data_directory() {
  if (const char* data = std::getenv("SHOAL_DATA"); data != nullptr && *data != '\0') return data;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home == nullptr ? "." : home) / ".local" / "share" / "shoal";
}

}  // namespace

int main(int argc, char** argv) {
  shoal::init_crypto();
  shoal::CommandLine line =
      shoal::parse_command_line(std::vector<std::string>(argv + 1, argv + argc), default_data_directory());
  if (!line.what) {
    fmt::print("{}", line.output);
    fmt::print(stderr, "{}", line.errors);
    return line.status;
  }
  if (const auto* key = std::get_if<shoal::KeyOptions>(&*line.what)) return shoal::run_key_command(*key);
  if (auto* share = std::get_if<shoal::ShareOptions>(&*line.what)) {
    return shoal::run_share_command(std::move(*share));
  }
  if (auto* tree = std::get_if<shoal::TreeOptions>(&*line.what)) {
    return shoal::run_tree_command(std::move(*tree));
  }
  if (auto* run = std::get_if<shoal::RunOptions>(&*line.what)) return shoal::run_node(std::move(*run));
  if (auto* config = std::get_if<shoal::ConfigOptions>(&*line.what)) {
    return shoal::run_config_command(std::move(*config));
  }
  return shoal::run_control_command(std::get<shoal::ControlOptions>(std::move(*line.what)));
}
