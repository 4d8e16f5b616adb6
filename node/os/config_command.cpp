#include "node/os/config_command.h"

#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

#include "node/os/files.h"
#include "node/os/standard_streams.h"

namespace shoal {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;

std::filesystem::path config_file_of(const RunOptions& options) {
  return options.config_file.value_or(options.data / "shoal.yaml");
}

std::vector<ConfigError> read_config_file(const std::filesystem::path& file, DaemonConfig& config) {
  const Result<Bytes> bytes = read_input(file.string(), kFileBytesMax);
  if (!bytes) return {{"configuration", bytes.error().message}};
  std::vector<ConfigError> errors = read_config(text(*bytes), file.string(), config);
  if (!errors.empty()) return errors;
  const Result<void> valid = config.node.validate();
  if (!valid) errors.push_back({file.string(), valid.error().message});
  return errors;
}

}  // namespace

std::vector<ConfigError> load_config(RunOptions& options) {
  options.config = DaemonConfig{};
  const std::filesystem::path file = config_file_of(options);
  std::error_code failed;
  // What cannot be looked at is reported when it is opened.
  const bool is_there = std::filesystem::exists(file, failed) || failed;
  std::vector<ConfigError> errors;
  if (options.config_file || is_there) errors = read_config_file(file, options.config);
  for (const auto& [key, value] : options.settings) {
    const Result<void> set = options.config.set(key, value);
    if (!set) errors.push_back({"command line", set.error().message});
  }
  if (!errors.empty()) return errors;
  const Result<void> valid = options.config.node.validate();
  if (!valid) errors.push_back({"command line", valid.error().message});
  return errors;
}

int report(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) print_err("shoal: {}\n", error.to_string());
  return errors.empty() ? kExitOk : kExitUsage;
}

int run_config_command(ConfigOptions options) {
  if (!options.check) {
    const std::vector<ConfigError> errors = load_config(options.run);
    if (errors.empty()) print_out("{}", config_text(options.run.config));
    return report(errors);
  }
  const std::filesystem::path file = config_file_of(options.run);
  DaemonConfig config;
  const std::vector<ConfigError> errors = read_config_file(file, config);
  if (errors.empty()) print_out("{}: good\n", file.string());
  return report(errors);
}

}  // namespace shoal
