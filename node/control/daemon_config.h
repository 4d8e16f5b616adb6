// DaemonConfig: what `shoal run` may be told beyond its data directory: the settings of the node, and of the
// program around it. Its keys are those of shoal.yaml and of --set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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

// "seed.example.org:7465": where a host is, by its name in the DNS (RFC 1123 §2.1).
struct HostName {
  std::string name;
  std::uint16_t port = 0;

  static std::optional<HostName> parse(std::string_view text);
  std::string to_string() const;
  friend bool operator==(const HostName&, const HostName&) = default;
};

struct DaemonConfig {
  Endpoint listen = default_listen();
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  std::optional<Endpoint> metrics;  // loopback
  ConsoleMode console = ConsoleMode::kAuto;
  NodeConfig node;
  std::vector<HostName> bootstrap_names;  // those entries of `bootstrap` that are no addresses

  static Endpoint default_listen();  // [::]:7465

  static constexpr std::size_t kBootstrapNamesMax = 32;

  // As NodeConfig::set(), of all keys.
  Result<void> set(std::string_view key, std::string_view value);
  // The program's own keys, then the node's; each sorted.
  std::vector<NodeConfig::Key> values() const;

 private:
  Result<void> set_bootstrap(std::string_view value);
};

}  // namespace shoal
