// What the files of the command line share. Private to node/control/cli*.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "node/control/cli.h"

namespace shoal {

inline constexpr const char* kExitStatuses = R"(
Exit status: 0 done; 1 the network said no (not found, refused, timed out); 2 wrong command line, or a file,
address or data directory that cannot be used; 3 no node runs in the data directory, or it ended.
)";

// What the subcommands fill while CLI11 parses.
struct Draft {
  RunOptions run;
  ControlOptions control;
  KeyOptions key;
  ShareOptions share;
  TreeOptions tree;
  bool gets_tree = false;  // get: what is asked for is a link
  bool list_settings = false;
  bool check_config = false;
  bool is_console = false;  // the line was typed at the node itself
};

// CLI11 turns it into a usage error that names the option.
[[noreturn]] inline void refuse(const std::string& what) {
  throw CLI::ValidationError(what);
}

// An option or positional whose text goes through `read`.
template <class Read>
CLI::Option* add(CLI::App* app, const std::string& name, const std::string& what, const std::string& type,
                 Read read) {
  return app->add_option_function<std::string>(name, read, what)->type_name(type);
}

// --data and --timeout of a subcommand that asks the running node, into these.
void add_asking_options(CLI::App* sub, std::filesystem::path& data, Duration& timeout);
// A subcommand that asks the running node by draft.control.command.
CLI::App* add_control(CLI::App& app, Draft& draft, const char* name, const char* what, const char* example);

CLI::App* add_subcommand(CLI::App& app, const char* name, const char* what, const char* example);

// cli_run.cpp
void add_run(CLI::App& app, Draft& draft);
void add_config(CLI::App& app, Draft& draft);
std::string settings_text();

// cli_folder.cpp
void add_share(CLI::App& app, Draft& draft);
void add_folder(CLI::App& app, Draft& draft);

// cli_key.cpp
void add_key(CLI::App& app, Draft& draft);

}  // namespace shoal
