// The command line of shoal: from arguments to what is to be done. It touches nothing outside; node/os does
// that.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "node/control/command.h"
#include "node/control/daemon_config.h"
#include "node/secure/group_key.h"
#include "node/sync/stored_tree.h"

namespace shoal {

inline constexpr const char* kShoalVersion = "0.1.0";

// What shoal ends with.
enum ExitStatus : int {
  kExitOk = 0,
  kExitRefused = 1,      // the network said no: not found, refused, timed out
  kExitUsage = 2,        // a wrong command line, or a file, address or directory that cannot be used
  kExitUnreachable = 3,  // no node runs there, or it ended
};

// shoal run
struct RunOptions {
  std::filesystem::path data;
  std::optional<std::filesystem::path> config_file;           // else shoal.yaml in `data`, if it is there
  std::vector<std::pair<std::string, std::string>> settings;  // key, value; stronger than the file
  DaemonConfig config;  // the defaults and `settings`; load_config() puts the file's between them
};

// shoal config
struct ConfigOptions {
  bool check = false;  // else show
  RunOptions run;
};

// Every other command: one Command, and the files that its parts come from and go to.
struct ControlOptions {
  std::filesystem::path data;
  bool json = false;
  Duration timeout{};
  Command command;
  std::optional<Duration> watch;          // status: again and again, this often
  std::optional<std::uint64_t> wait_for;  // wait: until the node runs, and has so many contacts
  std::string value_from;                 // put, publish: a file, "-" for standard input
  std::optional<std::string> value_text;  // put, publish: the value itself
  std::string value_to;                   // get, lookup: a file, "-" for standard output
  std::string key_file;                   // publish
  bool new_key = false;
  std::optional<Duration> ago;  // folder restore: FolderCommand::at, so long before now
};

// shoal key: works on the key files of the data directory, whether a node runs there or not.
struct KeyOptions {
  enum class Action : std::uint8_t { kNew, kAdd, kList, kShow, kForget };
  Action action = Action::kList;
  std::filesystem::path data;
  std::string name;      // new, add: empty, or of the new group; show, forget: or the digits of its id
  std::string key_from;  // add: a file, "-" for standard input
  std::string key_to;    // new, show: a file that is not there yet; empty: standard output
  std::optional<KeyLevel> level;  // show: nothing is the level that the host has
  bool qr = false;
  bool force = false;  // forget: also a key under which a folder is synced
  bool json = false;
};

// shoal share, shoal join: has the running node sync a directory under a new key, or one that was handed
// over.
struct ShareOptions {
  bool joins = false;
  std::filesystem::path data;
  std::optional<GroupKey> key;  // join; nothing: it comes from standard input
  std::string directory;
  std::string name;    // of the group and the folder on this host; empty: the directory's, if it can be one
  std::string key_to;  // share: a file that is not there yet; empty: standard output
  bool qr = false;     // share
  bool json = false;
  Duration timeout{};
};

// shoal put --tree, and shoal get with a link.
struct TreeOptions {
  bool puts = false;
  std::filesystem::path data;
  std::string directory;
  bool is_public = false;                // put
  std::optional<sync::TreeLink> renews;  // put: under the key of this one
  std::optional<sync::TreeLink> link;    // get; nothing: it comes from standard input
  bool json = false;
  Duration timeout{};  // of each value
};

struct CommandLine {
  std::optional<
      std::variant<RunOptions, ConfigOptions, ControlOptions, KeyOptions, ShareOptions, TreeOptions>>
      what;
  // Without `what`: print these and end with the status.
  int status = kExitOk;
  std::string output;
  std::string errors;
};

// `arguments` without the program's name. `default_data` stands for a missing --data.
CommandLine parse_command_line(std::vector<std::string> arguments, const std::filesystem::path& default_data);

// A line typed at the console of a running node: the same commands, but for those that need none. The empty
// line has neither `what` nor output.
CommandLine parse_console_line(const std::string& line);
// All that such a line can begin with, sorted: "get", "help get", "log level debug", …
std::vector<std::string> console_phrases();

}  // namespace shoal
