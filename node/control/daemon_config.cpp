#include "node/control/daemon_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
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

std::optional<HostName> HostName::parse(std::string_view text) {
  constexpr std::size_t kNameBytesMax = 253;
  constexpr std::size_t kLabelBytesMax = 63;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon > kNameBytesMax) return std::nullopt;
  HostName host{std::string(text.substr(0, colon))};
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), host.port);
  if (error != std::errc{} || end != port.data() + port.size() || host.port == 0) return std::nullopt;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t label = 0;
  bool has_letter = false;  // in the last label: "1.2.3" is a mistyped address, and no name
  for (const char c : host.name) {
    if (c == '.') {
      if (label == 0) return std::nullopt;
      label = 0;
      has_letter = false;
      continue;
    }
    const bool is_inner = label > 0 && (c == '-' || c == '_');
    if (++label > kLabelBytesMax || !(is_letter(c) || is_digit(c) || is_inner)) return std::nullopt;
    has_letter = has_letter || is_letter(c);
  }
  if (!has_letter && label > 0) return std::nullopt;
  return host;
}

std::string HostName::to_string() const {
  return fmt::format("{}:{}", name, port);
}

// Names go to bootstrap_names, the rest to the node.
Result<void> DaemonConfig::set_bootstrap(std::string_view value) {
  std::vector<HostName> names;
  std::string addresses;
  bool has_empty_part = false;
  for (std::string_view left = value; !left.empty();) {
    const std::string_view part = left.substr(0, left.find(','));
    const bool is_last = part.size() == left.size();
    left.remove_prefix(is_last ? part.size() : part.size() + 1);
    has_empty_part = has_empty_part || part.empty() || (!is_last && left.empty());
    if (auto name = HostName::parse(part)) {
      names.push_back(std::move(*name));
    } else {
      addresses += (addresses.empty() ? "" : ",") + std::string(part);
    }
  }
  if (has_empty_part) addresses += ",,";  // which the node refuses
  if (names.size() > kBootstrapNamesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("bootstrap: {} names were given, at most {} are possible", names.size(),
                            kBootstrapNamesMax));
  }
  if (Result<void> set = node.set("bootstrap", addresses); !set) {
    return fail(ErrorCode::kInvalidArgument,
                set.error().message + "; or names, such as seed.example.org:7465");
  }
  bootstrap_names = std::move(names);
  return {};
}

Result<void> DaemonConfig::set(std::string_view key, std::string_view value) {
  if (key == "bootstrap") return set_bootstrap(value);
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
  for (NodeConfig::Key& key : node.values()) {
    if (key.name == std::string_view("bootstrap")) {
      key.expected += ", or names such as seed.example.org:7465";
      for (const HostName& name : bootstrap_names)
        key.value += (key.value.empty() ? "" : ",") + name.to_string();
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace shoal
