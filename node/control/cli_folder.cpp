// The command line of `shoal share`, `shoal join` and `shoal folder`.
#include <fmt/format.h>

#include "node/control/cli_parts.h"

namespace shoal {
namespace {

using Verb = FolderCommand::Verb;

constexpr const char* kFolderNames = R"(
FOLDER is its name, its root directory, or the first 8 or more digits of its group's id; PATH is seen from
its root.
)";

FolderCommand& command_of(Draft& draft) {
  if (!std::holds_alternative<FolderCommand>(draft.control.command)) draft.control.command = FolderCommand{};
  return std::get<FolderCommand>(draft.control.command);
}

CLI::App* add_sharing(CLI::App& app, Draft& draft, const char* name, const char* what, const char* example) {
  CLI::App* sub = add_subcommand(app, name, what, example);
  add_asking_options(sub, draft.share.data, draft.share.timeout);
  sub->add_flag("--json", draft.share.json, "Print one line of JSON");
  add(sub, "--name", "What to call group and folder on this host (default: as the directory)", "NAME",
      [&draft](const std::string& text) {
        if (!is_group_name(text)) {
          refuse(
              fmt::format("{} is no name: expected 1 to {} letters, digits, '.', '_' and '-', not "
                          "beginning with a dot",
                          shown(text), kGroupNameBytesMax));
        }
        draft.share.name = text;
      });
  return sub;
}

void add_directory(CLI::App* sub, Draft& draft, const char* what) {
  sub->add_option("DIR", draft.share.directory, what)->type_name("")->required();
}

// At a time, or so long ago: "2h", "2 h ago".
void read_time(Draft& draft, std::string text) {
  if (const Result<WallTime> at = parse_utc_time(text)) {
    command_of(draft).at = *at;
    return;
  }
  std::string words = text;
  if (words.ends_with("ago")) words.resize(words.size() - 3);
  std::erase(words, ' ');
  const Result<Duration> ago =
      words.empty() ? Result<Duration>(fail(ErrorCode::kInvalidArgument)) : parse_duration(words);
  if (!ago) {
    refuse(
        fmt::format("{} is no time: expected one in UTC such as 2026-11-28T09:30:00Z, or how long ago, "
                    "such as 90min or '2d ago'",
                    shown(text)));
  }
  draft.control.ago = *ago;
}

CLI::App* add_verb(CLI::App& folder, Draft& draft, Verb verb, const char* what, const char* example) {
  CLI::App* sub = add_control(folder, draft, to_string(verb), what, example);
  if (verb != Verb::kList) sub->footer(kFolderNames + sub->get_footer());
  sub->callback([&draft, verb] { command_of(draft).verb = verb; });
  return sub;
}

CLI::Option* add_folder_name(CLI::App* sub, Draft& draft) {
  return add(sub, "FOLDER", "Which", "", [&draft](const std::string& text) {
    if (text.empty()) refuse("FOLDER is empty");
    command_of(draft).folder = text;
  });
}

CLI::Option* add_path(CLI::App* sub, Draft& draft, const char* what) {
  return add(sub, "PATH", what, "", [&draft](const std::string& text) {
    const Result<std::string> path = folder_path(text);
    if (!path) refuse(path.error().message);
    command_of(draft).path = *path;
  });
}

void add_patterns(CLI::App* sub, Draft& draft) {
  sub->add_option_function<std::vector<std::string>>(
         "PATTERN",
         [&draft](const std::vector<std::string>& patterns) {
           if (patterns.size() > kIgnorePatternsMax) {
             refuse(fmt::format("at most {} patterns at a time", kIgnorePatternsMax));
           }
           for (const std::string& pattern : patterns) {
             if (is_ignore_pattern(pattern)) continue;
             refuse(fmt::format("{} is no pattern: expected one line of 1 to {} bytes",
                                shown(std::string_view(pattern).substr(0, 80)), kIgnorePatternBytesMax));
           }
           command_of(draft).patterns = patterns;
         },
         "Lines to add to the folder's ignore file of this host; without: print it")
      ->type_name("");
}

}  // namespace

void add_share(CLI::App& app, Draft& draft) {
  CLI::App* share = add_sharing(app, draft, "share",
                                "Sync a directory under the key of a new group, which is printed on the last "
                                "line: whoever has it is in the group",
                                "shoal share ~/photos --output photos.key");
  add_directory(share, draft, "The directory");
  share
      ->add_option("-o,--output", draft.share.key_to,
                   "Write the key to this new file, which only its owner can read (mode 0600)")
      ->type_name("FILE");
  share->add_flag("--qr", draft.share.qr, "Print the key as a QR code, too");
  CLI::App* join =
      add_sharing(app, draft, "join", "Sync a directory with the group whose key somebody handed over",
                  "shoal join - ~/photos < photos.key");
  join->callback([&draft] { draft.share.joins = true; });
  add(join, "KEY", "The key string; - takes it from standard input, so that it is in no list of processes",
      "",
      [&draft](const std::string& text) {
        if (text == "-") return;
        const Result<GroupKey> key = GroupKey::parse(text);
        if (!key) refuse("KEY: " + key.error().message);
        draft.share.key = *key;
      })
      ->required();
  add_directory(join, draft, "The directory, which is made if it is not there");
}

void add_folder(CLI::App& app, Draft& draft) {
  CLI::App* folder =
      add_subcommand(app, "folder", "The folders that this node keeps in sync", "shoal folder status photos");
  folder->require_subcommand(1);
  const auto verb = [&](Verb which, const char* what, const char* example) {
    return add_verb(*folder, draft, which, what, example);
  };
  const auto of_one = [&](Verb which, const char* what, const char* example) {
    CLI::App* sub = verb(which, what, example);
    add_folder_name(sub, draft)->required();
    return sub;
  };
  verb(Verb::kList, "List them, a line each", "shoal folder list");
  CLI::App* status =
      verb(Verb::kStatus, "Show how far they are, and of one which paths are not in sync and why",
           "shoal folder status photos");
  add_folder_name(status, draft);
  add_path(status, draft, "Only this, and what lies beneath it");
  of_one(Verb::kPause, "Neither send nor change files until it is resumed", "shoal folder pause photos");
  of_one(Verb::kResume, "Go on after a pause, be it yours or the folder's own", "shoal folder resume photos");
  of_one(Verb::kRemove, "Stop syncing it; its files stay, and so does its key (shoal key forget)",
         "shoal folder remove photos");
  add_path(of_one(Verb::kRescan, "Look for changed files at once", "shoal folder rescan photos 2026/summer"),
           draft, "Only this, and what lies beneath it");
  add_path(
      of_one(Verb::kVerify,
             "Read all files again, and repair from peers those that the disk has damaged; exit status 1 "
             "when damage remains",
             "shoal folder verify photos"),
      draft, "Only this, and what lies beneath it");
  of_one(Verb::kConflicts, "List conflict copies, and what they are copies of",
         "shoal folder conflicts photos");
  CLI::App* restore =
      of_one(Verb::kRestore, "Bring a deleted or overwritten file, or a directory, back from the trash",
             "shoal folder restore photos 2026/a.jpg --at '2h ago'");
  add_path(restore, draft, "The file or directory as it was called")->required();
  add(restore, "--at", "As it was then: UTC, or how long ago (default: as it was last)", "TIME",
      [&draft](const std::string& text) { read_time(draft, text); });
  of_one(Verb::kTrash, "List what can be restored", "shoal folder trash photos");
  add_patterns(of_one(Verb::kIgnore, "Show or extend the list of what is not synced on this host",
                      "shoal folder ignore photos '*.tmp' /cache"),
               draft);
}

}  // namespace shoal
