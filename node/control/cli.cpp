#include "node/control/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "node/control/cli_parts.h"
#include "node/wire/messages.h"

namespace shoal {
namespace {

Id parse_id(const std::string& text) {
  const std::optional<Id> id = Id::from_hex(text);
  if (!id) refuse(fmt::format("'{}' is not a key: expected 64 hexadecimal digits", text));
  return *id;
}

Endpoint parse_endpoint(const std::string& text) {
  const Result<Endpoint> endpoint = Endpoint::parse(text);
  if (!endpoint) refuse(endpoint.error().message);
  return *endpoint;
}

Duration parse_time(const std::string& text) {
  const Result<Duration> duration = parse_duration(text);
  if (!duration) refuse(duration.error().message);
  return *duration;
}

// CLI11 takes "-1" for 2^64 - 1.
std::uint64_t parse_count(const std::string& text) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || stop != end) {
    refuse(fmt::format("'{}' was given, expected a whole number from 0 to {}", text,
                       std::numeric_limits<std::uint64_t>::max()));
  }
  return count;
}

Bytes parse_salt(const std::string& text) {
  if (text.size() > wire::kSaltBytesMax) {
    refuse(fmt::format("a salt has at most {} bytes, this one {}", wire::kSaltBytesMax, text.size()));
  }
  return Bytes(text.begin(), text.end());
}

Contact parse_contact(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at == std::string::npos) refuse(fmt::format("'{}' is not a contact: expected KEY@ADDR:PORT", text));
  return {parse_id(text.substr(0, at)), parse_endpoint(text.substr(at + 1))};
}

// Where the value of put and publish comes from. At the console standard input is the console.
void add_value(CLI::App* sub, Draft& draft) {
  ControlOptions& control = draft.control;
  CLI::Option* file = sub->add_option("FILE", control.value_from,
                                      draft.is_console ? "The value" : "The value; - is standard input")
                          ->type_name("");
  if (!draft.is_console) file->capture_default_str();
  add(sub, "--text", "The value itself", "TEXT", [&control](const std::string& text) {
    control.value_text = text;
  })->excludes(file);
}

// A subcommand whose one argument is an id that `make` puts into its command.
template <class Make>
CLI::App* add_asking_for(CLI::App& app, Draft& draft, const char* name, const char* argument,
                         const char* what, const char* example, Make make) {
  CLI::App* sub = add_control(app, draft, name, what, example);
  add(sub, argument, "64 hexadecimal digits", "", [&draft, make](const std::string& text) {
    draft.control.command = make(parse_id(text));
  })->required();
  return sub;
}

template <class C>
C& command_of(Draft& draft) {
  if (!std::holds_alternative<C>(draft.control.command)) draft.control.command = C{};
  return std::get<C>(draft.control.command);
}

void add_status(CLI::App& app, Draft& draft) {
  CLI::App* sub =
      add_control(app, draft, "status", "Show the node's own state and counters", "shoal status --watch");
  sub->callback([&draft] { draft.control.command = StatusCommand{}; });
  if (draft.is_console) return;
  add(sub, "--watch", "Again every so many seconds (default 1), with rates, until Ctrl-C", "[SECONDS]",
      [&draft](const std::string& text) {
        const Result<Duration> every = parse_duration(text.empty() ? "1s" : text + "s");
        if (!every || *every < 100ms || *every > 24h) {
          refuse(fmt::format("'{}' seconds: expected a number from 0.1 to 86400", text));
        }
        draft.control.watch = *every;
      })
      ->expected(0, 1);
}

void add_wait(CLI::App& app, Draft& draft) {
  CLI::App* sub = add_control(app, draft, "wait", "Wait until the node runs, and is in the network",
                              "shoal wait --contacts 1");
  add(sub, "--contacts", "Until its routing table has so many contacts (default 0)", "N",
      [&draft](const std::string& text) { draft.control.wait_for = parse_count(text); });
  sub->callback([&draft] {
    draft.control.command = StatusCommand{};
    if (!draft.control.wait_for) draft.control.wait_for = 0;
  });
}

void add_queries(CLI::App& app, Draft& draft) {
  const auto plain = [&](const char* name, const char* what, const char* example, Command command) {
    add_control(app, draft, name, what, example)->callback([&draft, command] {
      draft.control.command = command;
    });
  };
  add_status(app, draft);
  plain("peers", "List this host's groups and their peers", "shoal peers", PeersCommand{});
  plain("table", "List every contact of the routing table", "shoal table", TableCommand{});
  plain("stop", "Tell the node to say goodbye (shutdown_host), end, and wait for it", "shoal stop",
        StopCommand{});

  CLI::App* log = add_subcommand(app, "log", "The log of the running node", "shoal log level debug");
  log->require_subcommand(1);
  CLI::App* level = add_control(*log, draft, "level",
                                "Show the least level that is logged, or change it until the node ends",
                                "shoal log level debug");
  level->callback([&draft] { command_of<LogLevelCommand>(draft); });
  add(level, "LEVEL", "trace, debug, info, warn, error or off", "", [&draft](const std::string& text) {
    if (!log_level_of(text))
      refuse(fmt::format("'{}' is no level: expected trace, debug, info, warn, error or off", text));
    command_of<LogLevelCommand>(draft).level = text;
  });

  CLI::App* ping =
      add_control(app, draft, "ping", "Ask whether a host is there", "shoal ping 5f3c…e1 192.0.2.7:7465");
  add(ping, "HOST", "The host's key, 64 hexadecimal digits", "", [&draft](const std::string& text) {
    command_of<PingCommand>(draft).host = parse_id(text);
  })->required();
  add(ping, "ENDPOINT", "Ask there, rather than where the network knows the host", "ADDR:PORT",
      [&draft](const std::string& text) { command_of<PingCommand>(draft).endpoint = parse_endpoint(text); });

  CLI::App* find =
      add_control(app, draft, "find", "List the hosts closest to an id", "shoal find 5f3c…e1 --in table");
  add(find, "ID", "64 hexadecimal digits", "", [&draft](const std::string& text) {
    command_of<FindCommand>(draft).target = parse_id(text);
  })->required();
  find->add_option_function<std::string>(
          "--in",
          [&draft](const std::string& text) {
            command_of<FindCommand>(draft).where = text == "table"   ? FindCommand::Where::kTable
                                                   : text == "store" ? FindCommand::Where::kStore
                                                                     : FindCommand::Where::kDht;
          },
          "Of the network, each verified by its own answer (dht, the default); of our routing table; or of "
          "the hosts "
          "remembered for the next start")
      ->type_name("WHERE")
      ->check(CLI::IsMember({"dht", "table", "store"}));

  CLI::App* store_host =
      add_control(app, draft, "store-host", "Offer a contact, which is verified by a ping first",
                  "shoal store-host 5f3c…e1@192.0.2.7:7465");
  add(store_host, "CONTACT", "The host and where it is, KEY@ADDR:PORT", "",
      [&draft](const std::string& text) {
        command_of<StoreHostCommand>(draft).contact = parse_contact(text);
      })
      ->required();
  add(store_host, "--to", "Offer it to this host, rather than to our own node", "KEY@ADDR:PORT",
      [&draft](const std::string& text) { command_of<StoreHostCommand>(draft).to = parse_contact(text); });

  add_asking_for(app, draft, "resolve", "HOST", "Print the endpoints that a host has published",
                 "shoal resolve 5f3c…e1", [](const Id& id) { return ResolveCommand{id}; });

  CLI::App* next =
      add_control(app, draft, "next", "Show the next connection on the way to an id", "shoal next 5f3c…e1");
  add(next, "ID", "64 hexadecimal digits", "", [&draft](const std::string& text) {
    command_of<NextCommand>(draft).target = parse_id(text);
  })->required();
  add(next, "--ask", "Ask this host rather than our own table", "KEY@ADDR:PORT",
      [&draft](const std::string& text) { command_of<NextCommand>(draft).ask = parse_contact(text); });
}

sync::TreeLink parse_link(const std::string& text) {
  Result<sync::TreeLink> link = sync::TreeLink::parse(text);
  if (!link) refuse(link.error().message);
  return std::move(*link);
}

// put: a whole directory rather than one value.
void add_tree_options(CLI::App* put, Draft& draft) {
  TreeOptions& tree = draft.tree;
  CLI::Option* directory =
      put->add_option("--tree", tree.directory,
                      "Store this directory with all below it; the link to get it by is printed on the last "
                      "line: whoever has it can read everything")
          ->type_name("DIR")
          ->excludes("FILE")
          ->excludes("--text");
  CLI::Option* is_public =
      put->add_flag("--public", tree.is_public,
                    "With --tree: store it as it is, not encrypted under a random key that the link carries")
          ->needs(directory);
  add(put, "--renew",
      "With --tree: under the key of this link, so that what has not changed is not stored twice", "LINK",
      [&tree](const std::string& text) {
        tree.renews = parse_link(text);
        if (!tree.renews->key) refuse("the link of a public tree has no key: --public alone does the same");
      })
      ->needs(directory)
      ->excludes(is_public);
}

void add_put(CLI::App& app, Draft& draft) {
  CLI::App* put = add_control(
      app, draft, "put",
      "Store a value of up to 65,536 bytes, or a whole directory; its key, or link, is "
      "printed on the last line",
      draft.is_console ? "put --text hello" : "echo hello | shoal put; shoal put --tree ~/photos");
  add_value(put, draft);
  if (!draft.is_console) add_tree_options(put, draft);
  put->callback([&draft] { draft.control.command = PutCommand{}; });
}

void add_get(CLI::App& app, Draft& draft) {
  CLI::App* get = add_control(app, draft, "get",
                              draft.is_console ? "Write a stored value, byte for byte"
                                               : "Write a stored value, byte for byte, or a stored directory",
                              "shoal get 5f3c…e1 -o value.bin");
  add(get, "KEY",
      draft.is_console ? "64 hexadecimal digits"
                       : "64 hexadecimal digits, or the link of a directory; - takes a link from standard "
                         "input, so that it is in no list of processes",
      "",
      [&draft](const std::string& text) {
        draft.control.command = GetCommand{};
        draft.gets_tree = !draft.is_console && (text == "-" || sync::TreeLink::is_meant(text));
        if (!draft.gets_tree) {
          std::get<GetCommand>(draft.control.command).key = parse_id(text);
        } else if (text != "-") {
          draft.tree.link = parse_link(text);
        }
      })
      ->required();
  get->add_option(
         "-o,--output", draft.control.value_to,
         draft.is_console
             ? "A file, put in its place whole; - is standard output"
             : "A file, put in its place whole; - is standard output. For a link: the directory, which "
               "is made when it is not there; what is in it stays as it is")
      ->type_name("FILE")
      ->capture_default_str();
}

void add_lookup(CLI::App& app, Draft& draft) {
  ControlOptions& control = draft.control;
  CLI::App* lookup = add_control(app, draft, "lookup", "Write the newest value published under a key pair",
                                 "shoal lookup 5f3c…e1 --salt profile");
  add(lookup, "PUBLIC_KEY", "64 hexadecimal digits", "", [&draft](const std::string& text) {
    command_of<LookupCommand>(draft).public_key = parse_id(text);
  })->required();
  add(lookup, "--salt", "Which of the key's records (default: the one without a salt)", "TEXT",
      [&draft](const std::string& text) { command_of<LookupCommand>(draft).salt = parse_salt(text); });
  lookup->add_flag_callback(
      "--all", [&draft] { command_of<LookupCommand>(draft).all = true; },
      "List all records of the key: sequence, bytes, expiry, salt");
  lookup->add_option("-o,--output", control.value_to, "A file, put in its place whole; - is standard output")
      ->type_name("FILE")
      ->capture_default_str();
}

void add_publish(CLI::App& app, Draft& draft) {
  ControlOptions& control = draft.control;
  CLI::App* sub =
      add_control(app, draft, "publish",
                  "Store a value signed by a key pair, replacing the one before; the public key is printed "
                  "on the last line",
                  "shoal publish --key me.key --new-key --salt profile profile.json");
  add_value(sub, draft);
  sub->add_option("--key", control.key_file, "The file with the secret key")->type_name("FILE")->required();
  sub->add_flag("--new-key", control.new_key, "Make the key file, which must not exist yet");
  add(sub, "--salt", "One key pair may publish up to 64 values, each under its salt", "TEXT",
      [&draft](const std::string& text) { command_of<PublishCommand>(draft).salt = parse_salt(text); });
  add(sub, "--sequence", "Sequence number (default: one above the highest found)", "N",
      [&draft](const std::string& text) { command_of<PublishCommand>(draft).sequence = parse_count(text); });
  add(sub, "--expect-sequence", "Only if the value held has this sequence number (compare and swap)", "N",
      [&draft](const std::string& text) {
        command_of<PublishCommand>(draft).expected_sequence = parse_count(text);
      });
  add(sub, "--lifetime", "When holders may drop it", "TIME", [&draft](const std::string& text) {
    const Duration lifetime = parse_time(text);
    if (lifetime <= 0s || lifetime > kItemLifetimeMax) refuse("a lifetime lies between 1s and 7d");
    command_of<PublishCommand>(draft).lifetime = lifetime;
  });
  sub->callback([&draft] { command_of<PublishCommand>(draft); });
}

// CLI11's own words, and its status made ours.
CommandLine ended(const CLI::App& app, const CLI::ParseError& end) {
  std::ostringstream output;
  std::ostringstream errors;
  const int status = app.exit(end, output, errors);
  return {std::nullopt, status == 0 ? kExitOk : kExitUsage, output.str(), errors.str()};
}

}  // namespace

CLI::App* add_subcommand(CLI::App& app, const char* name, const char* what, const char* example) {
  CLI::App* sub = app.add_subcommand(name, what);
  sub->footer(fmt::format("\nExample: {}\n{}", example, kExitStatuses));
  return sub;
}

void add_asking_options(CLI::App* sub, std::filesystem::path& data, Duration& timeout) {
  sub->add_option("--data", data, "The node's data directory (or $SHOAL_DATA)")
      ->type_name("DIR")
      ->capture_default_str();
  add(sub, "--timeout", "How long to wait for the answer (default 60s)", "TIME",
      [&timeout](const std::string& text) { timeout = parse_time(text); });
}

CLI::App* add_control(CLI::App& app, Draft& draft, const char* name, const char* what, const char* example) {
  CLI::App* sub = add_subcommand(app, name, what, example);
  if (!draft.is_console) add_asking_options(sub, draft.control.data, draft.control.timeout);
  sub->add_flag("--json", draft.control.json, "Print the whole answer as one line of JSON; values in base64");
  return sub;
}

namespace {

void set_up(CLI::App& app, Draft& draft) {
  draft.control.timeout = draft.share.timeout = 60s;
  draft.control.value_from = draft.control.value_to = draft.key.key_from = "-";
  app.require_subcommand(1);
  if (!draft.is_console) {
    app.set_version_flag("--version", fmt::format("shoal {}", kShoalVersion));
    app.footer(
        fmt::format("\nshoal COMMAND --help tells more about a command.\n\n"
                    "Example: shoal run --bootstrap 192.0.2.1:7465\n{}",
                    kExitStatuses));
    add_run(app, draft);
    add_config(app, draft);
  }
  add_queries(app, draft);
  add_put(app, draft);
  add_get(app, draft);
  add_lookup(app, draft);
  add_publish(app, draft);
  if (!draft.is_console) add_wait(app, draft);
  if (!draft.is_console) add_share(app, draft);
  add_folder(app, draft);
  if (!draft.is_console) add_key(app, draft);
}

// With --help, or when the arguments are wrong: what is to be printed.
std::optional<CommandLine> parse(CLI::App& app, std::vector<std::string> arguments) {
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
    app.parse(arguments);
  } catch (const CLI::ParseError& end) {
    return ended(app, end);
  }
  return std::nullopt;
}

// put --tree and get LINK: what they share with the commands that they are forms of.
CommandLine tree_line(Draft draft) {
  CommandLine line;
  TreeOptions& tree = draft.tree;
  tree.puts = !draft.gets_tree;
  if (!tree.puts) tree.directory = draft.control.value_to;
  if (tree.directory == "-") {
    line.status = kExitUsage;
    line.errors = "a directory cannot be written to standard output: name one with -o DIR\n";
    return line;
  }
  tree.data = std::move(draft.control.data);
  tree.json = draft.control.json;
  tree.timeout = draft.control.timeout;
  line.what = std::move(tree);
  return line;
}

bool reads_standard_input(const ControlOptions& options) {
  const bool has_value = std::holds_alternative<PutCommand>(options.command) ||
                         std::holds_alternative<PublishCommand>(options.command);
  return has_value && !options.value_text && options.value_from == "-";
}

}  // namespace

namespace {

CommandLine read_command_line(std::vector<std::string> arguments, const std::filesystem::path& default_data) {
  Draft draft;
  draft.run.data = draft.control.data = draft.key.data = draft.share.data = default_data;
  CLI::App app("A peer-to-peer node: folders in sync between hosts that share a key.", "shoal");
  set_up(app, draft);
  if (std::optional<CommandLine> end = parse(app, std::move(arguments))) return std::move(*end);
  CommandLine line;
  if (draft.list_settings) {
    line.output = settings_text();
  } else if (app.got_subcommand("run")) {
    line.what = std::move(draft.run);
  } else if (app.got_subcommand("config")) {
    line.what = ConfigOptions{draft.check_config, std::move(draft.run)};
  } else if (app.got_subcommand("key")) {
    line.what = std::move(draft.key);
  } else if (draft.gets_tree || !draft.tree.directory.empty()) {
    return tree_line(std::move(draft));
  } else if (app.got_subcommand("share") || app.got_subcommand("join")) {
    line.what = std::move(draft.share);
  } else {
    line.what = std::move(draft.control);
  }
  return line;
}

// Who asked for JSON gets it, whatever is wrong; the sentence goes to standard error as before.
void add_json_error(CommandLine& line) {
  const std::string sentence = line.errors.substr(0, line.errors.find('\n'));
  const nlohmann::json error = {{"code", to_string(ErrorCode::kInvalidArgument)}, {"message", sentence}};
  line.output =
      nlohmann::json{{"error", error}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  line.output += '\n';
}

}  // namespace

CommandLine parse_command_line(std::vector<std::string> arguments,
                               const std::filesystem::path& default_data) {
  const bool wants_json = std::ranges::find(arguments, "--json") != arguments.end();
  CommandLine line = read_command_line(std::move(arguments), default_data);
  if (!line.what && line.status != kExitOk && wants_json) add_json_error(line);
  return line;
}

CommandLine parse_console_line(const std::string& line) {
  std::vector<std::string> words = CLI::detail::split_up(line);
  for (std::string& word : words) CLI::detail::remove_quotes(word);
  if (words.empty()) return {};
  if (words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  const bool wants_json = std::ranges::find(words, "--json") != words.end();
  Draft draft;
  draft.is_console = true;
  CLI::App app("Commands of this node; help COMMAND tells more about one.");
  set_up(app, draft);
  if (std::optional<CommandLine> end = parse(app, std::move(words))) {
    const std::size_t advice = end->errors.find("Run with --help");
    if (advice != std::string::npos)
      end->errors.replace(advice, std::string::npos, "help lists the commands.\n");
    end->output.erase(std::min(end->output.find("\nExit status: "), end->output.size()));
    if (end->status != kExitOk && wants_json) add_json_error(*end);
    return std::move(*end);
  }
  CommandLine out;
  if (reads_standard_input(draft.control)) {
    out.status = kExitUsage;
    out.errors = "standard input is this console: name a FILE, or give the value with --text\n";
    if (wants_json) add_json_error(out);
  } else {
    out.what = std::move(draft.control);
  }
  return out;
}

std::vector<std::string> console_phrases() {
  Draft draft;
  draft.is_console = true;
  CLI::App app;
  set_up(app, draft);
  const auto all = [](const CLI::App*) { return true; };
  std::vector<std::string> phrases = {"help"};
  for (const CLI::App* sub : std::as_const(app).get_subcommands(all)) {
    phrases.push_back("help " + sub->get_name());
    const auto actions = sub->get_subcommands(all);
    if (actions.empty()) phrases.push_back(sub->get_name());
    for (const CLI::App* action : actions) phrases.push_back(sub->get_name() + " " + action->get_name());
  }
  for (int level = 0; level <= static_cast<int>(LogLevel::kOff); ++level) {
    phrases.push_back(std::string("log level ") + to_string(static_cast<LogLevel>(level)));
  }
  std::sort(phrases.begin(), phrases.end());
  return phrases;
}

}  // namespace shoal
