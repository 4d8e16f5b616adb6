// The command line of `shoal run` and `shoal config`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "node/control/cli_parts.h"

namespace shoal {
namespace {

void set(Draft& draft, const std::string& key, const std::string& value) {
  const Result<void> done = draft.run.config.set(key, value);
  if (!done) refuse(done.error().message);
  draft.run.settings.emplace_back(key, value);
}

// An option that stands for a setting.
CLI::Option* add_setting(CLI::App* sub, Draft& draft, const char* option, const char* key, const char* what,
                         const char* type) {
  return add(sub, option, what, type, [&draft, key](const std::string& text) { set(draft, key, text); });
}

// Options of which one may give several.
void add_repeated(CLI::App* sub, const char* option, const char* what, const char* type,
                  std::function<void(const std::vector<std::string>&)> read) {
  sub->add_option_function<std::vector<std::string>>(option, read, what)
      ->type_name(type)
      ->allow_extra_args(false);
}

// Where settings come from and which they are: of `run`, and of `config show`, which prints what they come
// to.
void add_settings(CLI::App* sub, Draft& draft) {
  sub->add_option("--data", draft.run.data, "Where it keeps its state (or $SHOAL_DATA)")
      ->type_name("DIR")
      ->capture_default_str();
  add(sub, "--config", "Configuration file (default: shoal.yaml in the data directory, if it is there)",
      "FILE", [&draft](const std::string& text) { draft.run.config_file = text; });
  add_setting(sub, draft, "--listen", "listen",
              "UDP and TCP address; port 0 takes a free one (default [::]:7465)", "ADDR:PORT");
  add_repeated(sub, "--bootstrap",
               "A node to join the network by, by its address or its name; may be repeated", "ADDR:PORT",
               [&draft](const std::vector<std::string>& texts) {
                 set(draft, "bootstrap", fmt::format("{}", fmt::join(texts, ",")));
               });
  add_repeated(sub, "--set", "Change a setting; may be repeated", "KEY=VALUE",
               [&draft](const std::vector<std::string>& texts) {
                 for (const std::string& text : texts) {
                   const std::size_t equals = text.find('=');
                   if (equals == std::string::npos) refuse(fmt::format("'{}': expected KEY=VALUE", text));
                   set(draft, text.substr(0, equals), text.substr(equals + 1));
                 }
               });
  add_setting(sub, draft, "--log-level", "log_level",
              "Least of what goes to standard error: trace, debug, info (default), warn, error or off",
              "LEVEL");
  sub->add_flag_callback(
      "--console", [&draft] { set(draft, "console", "on"); },
      "Take commands on standard input, whatever that is; its end ends the node");
  sub->add_flag_callback(
      "--no-console", [&draft] { set(draft, "console", "off"); },
      "Leave standard input alone (default: take commands from a terminal or a pipe)");
  add_setting(sub, draft, "--metrics", "metrics",
              "Serve metrics to Prometheus there, at /metrics (default: off)", "ADDR:PORT");
  add_setting(sub, draft, "--log-format", "log_format", "text (default), or json: one object a line",
              "FORMAT");
}

}  // namespace

void add_run(CLI::App& app, Draft& draft) {
  CLI::App* sub =
      add_subcommand(app, "run", "Run a node until it is told to stop (SIGINT, SIGTERM, shoal stop)",
                     "shoal run --data /var/lib/shoal --listen 0.0.0.0:7465 --bootstrap 192.0.2.1:7465");
  add_settings(sub, draft);
  sub->add_flag("--list-settings", draft.list_settings, "Print all settings with their defaults, and end");
}

void add_config(CLI::App& app, Draft& draft) {
  CLI::App* config = add_subcommand(app, "config", "Check a configuration file, or show one that is complete",
                                    "shoal config show > shoal.yaml && shoal config check shoal.yaml");
  config->require_subcommand(1);
  CLI::App* check = add_subcommand(*config, "check", "Say what is wrong in a configuration file, and where",
                                   "shoal config check /etc/shoal.yaml");
  add(check, "FILE", "The file (default: shoal.yaml in the data directory)", "",
      [&draft](const std::string& text) { draft.run.config_file = text; });
  check->add_option("--data", draft.run.data, "The node's data directory (or $SHOAL_DATA)")
      ->type_name("DIR")
      ->capture_default_str();
  check->callback([&draft] { draft.check_config = true; });
  CLI::App* show =
      add_subcommand(*config, "show",
                     "Print a whole configuration file: every key, what it means, and its value for "
                     "shoal run with the same file and options",
                     "shoal config show --data /var/lib/shoal --set k=16");
  add_settings(show, draft);
}

std::string settings_text() {
  std::string out;
  for (const NodeConfig::Key& key : DaemonConfig{}.values()) {
    out += fmt::format("{}={}\n    {}\n    Takes {}.\n", key.name, key.value, key.what, key.expected);
  }
  return out;
}

}  // namespace shoal
