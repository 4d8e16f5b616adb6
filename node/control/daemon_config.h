// DaemonConfig: what `shoal run` may be told beyond its data directory: the settings of the node, and of the
// program around it. Its keys are those of shoal.yaml and of --set.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "node/config.h"

namespace shoal {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };
const char* to_string(LogLevel level);
std::optional<LogLevel> log_level_of(std::string_view name);

enum class LogFormat { kText, kJson };

// Does `shoal run` take commands on standard input? kAuto: from a terminal whose foreground it is, and from
// a pipe.
enum class ConsoleMode { kAuto, kOn, kOff };

struct DaemonConfig {
  Endpoint listen = default_listen();
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  std::optional<Endpoint> metrics;  // loopback
  ConsoleMode console = ConsoleMode::kAuto;
  NodeConfig node;

  static Endpoint default_listen();  // [::]:7465

  // As NodeConfig::set(), of all keys.
  Result<void> set(std::string_view key, std::string_view value);
  // The program's own keys, then the node's; each sorted.
  std::vector<NodeConfig::Key> values() const;
};

}  // namespace shoal
