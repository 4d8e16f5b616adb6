#include "node/control/daemon_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>

namespace shoal {
namespace {

constexpr std::array<const char*, 2> kLogFormats = {"text", "json"};
constexpr std::array<const char*, 3> kConsoleModes = {"auto", "on", "off"};
constexpr std::array<const char*, 6> kLogLevels = {"trace", "debug", "info", "warn", "error", "off"};

// Of an enumeration whose values are the places of their names.
template <class Enum, std::size_t kCount>
bool choose(const std::array<const char*, kCount>& names, std::string_view name, Enum& out) {
  const auto* const found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return false;
  out = static_cast<Enum>(found - names.begin());
  return true;
}

template <std::size_t kCount>
std::string one_of(const std::array<const char*, kCount>& names) {
  return fmt::format("one of {}", fmt::join(names, ", "));
}

bool set_listen(DaemonConfig& config, std::string_view text) {
  const Result<Endpoint> endpoint = Endpoint::parse(text);
  if (endpoint) config.listen = *endpoint;
  return endpoint.has_value();
}

bool set_metrics(DaemonConfig& config, std::string_view text) {
  if (text == "off") {
    config.metrics.reset();
    return true;
  }
  const Result<Endpoint> endpoint = Endpoint::parse(text);
  if (!endpoint || !endpoint->is_loopback()) return false;
  config.metrics = *endpoint;
  return true;
}

struct Entry {
  const char* name;
  bool (*set)(DaemonConfig& config, std::string_view text);  // false: not what is expected
  std::string (*value)(const DaemonConfig& config);
  std::string expected;
  const char* what;
};

// Sorted by name.
const std::array<Entry, 5>& entries() {
  static const std::array<Entry, 5> kEntries = {{
      {"console",
       [](DaemonConfig& c, std::string_view text) { return choose(kConsoleModes, text, c.console); },
       [](const DaemonConfig& c) { return std::string(kConsoleModes[static_cast<std::size_t>(c.console)]); },
       one_of(kConsoleModes),
       "Are commands taken on standard input? auto: from a terminal whose foreground job the node is, and "
       "from "
       "a pipe."},
      {"listen", set_listen, [](const DaemonConfig& c) { return c.listen.to_string(); },
       "an endpoint such as 0.0.0.0:7465 or [::]:7465",
       "UDP and TCP address; [::] takes IPv4 too, and port 0 a port that is free."},
      {"log_format",
       [](DaemonConfig& c, std::string_view text) { return choose(kLogFormats, text, c.log_format); },
       [](const DaemonConfig& c) { return std::string(kLogFormats[static_cast<std::size_t>(c.log_format)]); },
       one_of(kLogFormats), "How the log is written, to standard error; json: one object a line."},
      {"log_level",
       [](DaemonConfig& c, std::string_view text) { return choose(kLogLevels, text, c.log_level); },
       [](const DaemonConfig& c) { return std::string(to_string(c.log_level)); }, one_of(kLogLevels),
       "The least weighty lines that are logged; `shoal log level` changes it while the node runs."},
      {"metrics", set_metrics,
       [](const DaemonConfig& c) { return c.metrics ? c.metrics->to_string() : std::string("off"); },
       "off, or a loopback endpoint such as 127.0.0.1:9465",
       "Where metrics are served to Prometheus, by HTTP at /metrics."},
  }};
  return kEntries;
}

}  // namespace

const char* to_string(LogLevel level) {
  return kLogLevels[static_cast<std::size_t>(level)];
}

std::optional<LogLevel> log_level_of(std::string_view name) {
  LogLevel level{};
  if (!choose(kLogLevels, name, level)) return std::nullopt;
  return level;
}

Endpoint DaemonConfig::default_listen() {
  return {Address{}, 7465};
}

Result<void> DaemonConfig::set(std::string_view key, std::string_view value) {
  const auto* const entry =
      std::find_if(entries().begin(), entries().end(), [&](const Entry& e) { return e.name == key; });
  if (entry == entries().end()) return node.set(key, value);
  if (entry->set(*this, value)) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: '{}' was given, expected {}", key, value, entry->expected));
}

std::vector<NodeConfig::Key> DaemonConfig::values() const {
  std::vector<NodeConfig::Key> keys;
  for (const Entry& entry : entries())
    keys.push_back({entry.name, entry.value(*this), entry.expected, entry.what});
  for (NodeConfig::Key& key : node.values()) keys.push_back(std::move(key));
  return keys;
}

}  // namespace shoal
