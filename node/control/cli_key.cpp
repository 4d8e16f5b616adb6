// The command line of `shoal key`.
#include "node/control/cli_parts.h"

namespace shoal {

void add_key(CLI::App& app, Draft& draft) {
  CLI::App* key = add_subcommand(app, "key", "Make, list, show, add and forget the keys of groups",
                                 "shoal key new --name photos");
  key->require_subcommand(1);
  const auto action = [&](KeyOptions::Action what, const char* name, const char* does, const char* example) {
    CLI::App* sub = add_subcommand(*key, name, does, example);
    sub->add_option("--data", draft.key.data, "The node's data directory (or $SHOAL_DATA)")
        ->type_name("DIR")
        ->capture_default_str();
    sub->add_flag("--json", draft.key.json, "Print one line of JSON");
    sub->callback([&draft, what] { draft.key.action = what; });
    return sub;
  };
  const auto name_it = [&](CLI::App* sub) {
    sub->add_option("--name", draft.key.name,
                    "What to call the group on this host (default: digits of its id)");
  };
  const auto pick = [&](CLI::App* sub) {
    sub->add_option("GROUP", draft.key.name, "Its name, or the first digits of its id")
        ->type_name("")
        ->required();
  };
  const auto output = [&](CLI::App* sub) {
    sub->add_option("-o,--output", draft.key.key_to,
                    "Write the key to this new file, which only its owner can read (mode 0600)")
        ->type_name("FILE");
  };
  CLI::App* made = action(KeyOptions::Action::kNew, "new", "Make the key of a new group, and print it",
                          "shoal key new --name photos --output photos.key");
  name_it(made);
  output(made);
  CLI::App* add =
      action(KeyOptions::Action::kAdd, "add", "Join a group whose key string somebody handed over",
             "shoal key add --name photos < photos.txt");
  name_it(add);
  add->add_option("FILE", draft.key.key_from,
                  "The file with the key string; - is standard input, so that it is in no list of processes")
      ->type_name("")
      ->capture_default_str();
  action(KeyOptions::Action::kList, "list", "List the groups of this host, without their keys",
         "shoal key list");
  CLI::App* show = action(KeyOptions::Action::kShow, "show", "Print a group's key string, to hand it over",
                          "shoal key show photos --level read --qr");
  pick(show);
  output(show);
  show->add_option_function<std::string>(
          "--level",
          [&draft](const std::string& text) {
            draft.key.level = text == "write"  ? KeyLevel::kWrite
                              : text == "read" ? KeyLevel::kRead
                                               : KeyLevel::kLocate;
          },
          "What it lets its owner do (default: all that this host may)")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"write", "read", "locate"}));
  show->add_flag("--qr", draft.key.qr, "As a QR code for a camera");
  CLI::App* forget = action(KeyOptions::Action::kForget, "forget", "Remove a group's key from this host",
                            "shoal key forget photos");
  pick(forget);
  forget->add_flag("--force", draft.key.force,
                   "Also when a folder is synced under it, which then waits for the key");
}

}  // namespace shoal
