// The command line of folders, what it sends, and what it prints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/control/cli.h"
#include "node/control/cli_output.h"
#include "node/control/protocol.h"

namespace shoal {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using Verb = FolderCommand::Verb;

CommandLine parse(std::vector<std::string> arguments) {
  return parse_command_line(std::move(arguments), "/default");
}

ControlOptions control(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "folder");
  const CommandLine line = parse(std::move(arguments));
  EXPECT_TRUE(line.what.has_value()) << line.errors;
  return line.what ? std::get<ControlOptions>(*line.what) : ControlOptions{};
}

FolderCommand folder(std::vector<std::string> arguments) {
  return std::get<FolderCommand>(control(std::move(arguments)).command);
}

ShareOptions sharing(std::vector<std::string> arguments) {
  const CommandLine line = parse(std::move(arguments));
  EXPECT_TRUE(line.what.has_value()) << line.errors;
  return line.what ? std::get<ShareOptions>(*line.what) : ShareOptions{};
}

GroupKey some_key() {
  Rng::Seed seed{};
  seed[0] = 7;
  return GroupKey::from_sync_key(Secret(seed));
}

TEST(FolderCommandLine, ReadsEveryVerb) {
  EXPECT_EQ(folder({"list"}).verb, Verb::kList);
  EXPECT_EQ(folder({"status"}).verb, Verb::kStatus);
  for (const auto& [name, verb] :
       std::initializer_list<std::pair<const char*, Verb>>{{"status", Verb::kStatus},
                                                           {"pause", Verb::kPause},
                                                           {"resume", Verb::kResume},
                                                           {"remove", Verb::kRemove},
                                                           {"rescan", Verb::kRescan},
                                                           {"verify", Verb::kVerify},
                                                           {"conflicts", Verb::kConflicts},
                                                           {"trash", Verb::kTrash},
                                                           {"ignore", Verb::kIgnore}}) {
    const FolderCommand command = folder({name, "photos"});
    EXPECT_EQ(command.verb, verb);
    EXPECT_EQ(command.folder, "photos");
  }
  EXPECT_EQ(folder({"status", "photos", "./2026/"}).path, "2026");
  EXPECT_EQ(folder({"rescan", "photos", "a"}).path, "a");
  EXPECT_EQ(folder({"verify", "photos", "a/"}).path, "a");
  EXPECT_EQ(folder({"ignore", "photos", "*.tmp", "/a b"}).patterns,
            (std::vector<std::string>{"*.tmp", "/a b"}));
  EXPECT_TRUE(control({"list", "--json", "--data", "/d"}).json);
}

TEST(FolderCommandLine, RestoresAsOfATimeOrSoLongAgo) {
  EXPECT_FALSE(folder({"restore", "photos", "a"}).at);
  EXPECT_EQ(folder({"restore", "photos", "a", "--at", "2026-01-01"}).at, WallTime(1'767'225'600'000ms));
  for (const char* text : {"2h", "2h ago", "2 h ago", "120min"}) {
    const ControlOptions options = control({"restore", "photos", "a", "--at", text});
    EXPECT_EQ(options.ago, 2h) << text;
    EXPECT_EQ(std::get<FolderCommand>(options.command).verb, Verb::kRestore);
  }
}

TEST(FolderCommandLine, SharesADirectoryUnderANewKey) {
  const ShareOptions share = sharing({"share", "/srv/photos", "--name", "pics", "--data", "/d", "--qr"});
  EXPECT_FALSE(share.joins);
  EXPECT_EQ(share.directory, "/srv/photos");
  EXPECT_EQ(share.name, "pics");
  EXPECT_EQ(share.data, "/d");
  EXPECT_TRUE(share.qr);
  EXPECT_EQ(sharing({"share", "."}).data, "/default");
  EXPECT_EQ(sharing({"share", "."}).timeout, 60s);
}

TEST(FolderCommandLine, JoinsWithAKeyFromItsArgumentOrFromStandardInput) {
  const std::string text = some_key().to_string(KeyLevel::kWrite);
  const ShareOptions join = sharing({"join", text, "/srv/photos"});
  EXPECT_TRUE(join.joins);
  EXPECT_EQ(join.key, some_key());
  EXPECT_EQ(join.directory, "/srv/photos");
  EXPECT_FALSE(sharing({"join", "-", "/srv/photos"}).key);
}

TEST(FolderCommandLine, DoesNotRepeatAMistypedKey) {
  std::string text = some_key().to_string(KeyLevel::kWrite);
  text.back() = text.back() == 'q' ? 'p' : 'q';
  const CommandLine line = parse({"join", text, "/srv/photos"});
  EXPECT_FALSE(line.what.has_value());
  EXPECT_EQ(line.status, kExitUsage);
  EXPECT_THAT(line.errors, HasSubstr("KEY: "));
  EXPECT_THAT(line.errors, HasSubstr("checksum does not match"));
  EXPECT_THAT(line.errors, Not(HasSubstr(text)));
}

TEST(FolderCommandLine, SaysWhatIsWrong) {
  const std::pair<std::vector<std::string>, const char*> wrong[] = {
      {{"folder"}, "subcommand is required"},
      {{"folder", "pause"}, "FOLDER is required"},
      {{"folder", "pause", ""}, "FOLDER is empty"},
      {{"folder", "restore", "photos"}, "PATH is required"},
      {{"folder", "status", "photos", "../a"}, "'.' and '..' are not possible"},
      {{"folder", "rescan", "photos", "/a\n"}, "$'/a\\x0a' is no path in a folder: it is absolute"},
      {{"folder", "restore", "p", "a", "--at", "tomorrow"}, "tomorrow is no time: expected one in UTC"},
      {{"folder", "restore", "p", "a", "--at", "ago"}, "ago is no time"},
      {{"folder", "restore", "p", "a", "--at", ""}, " is no time"},
      {{"folder", "ignore", "p", "a\nb"}, "$'a\\x0ab' is no pattern"},
      {{"share"}, "DIR is required"},
      {{"share", "d", "--name", "../x"}, "../x is no name"},
      {{"join", "-"}, "DIR is required"},
      {{"join", "frob", "d"}, "KEY: "},
  };
  for (const auto& [arguments, message] : wrong) {
    const CommandLine line = parse(arguments);
    EXPECT_FALSE(line.what.has_value()) << message;
    EXPECT_EQ(line.status, kExitUsage) << message;
    EXPECT_THAT(line.errors, HasSubstr(message));
  }
}

TEST(FolderCommandLine, IsTypedAtTheConsoleButForWhatMakesKeys) {
  EXPECT_TRUE(parse_console_line("folder ignore photos '*.a b'").what.has_value());
  EXPECT_FALSE(parse_console_line("share /srv").what.has_value());
  EXPECT_FALSE(parse_console_line("join - /srv").what.has_value());
}

// What arrives at the node.
FolderCommand received(const FolderCommand& command) {
  const auto request = decode_request(encode_request({1, command}));
  EXPECT_TRUE(request.has_value()) << request.error().error.message;
  return request ? std::get<FolderCommand>(request->command) : FolderCommand{};
}

TEST(FolderProtocol, BringsPathsAcrossByteForByte) {
  for (const char* path : {"a b", "ä/\"\\", "$'x", "\xff\xfe", "line\nbreak", "\xe2\x80\xae", "\x7f"}) {
    FolderCommand command{Verb::kStatus, path, std::string("/") + path, path, std::nullopt, {}};
    const FolderCommand there = received(command);
    EXPECT_EQ(there.path, path);
    EXPECT_EQ(there.folder, path);
    EXPECT_EQ(there.directory, std::string("/") + path);
  }
  const auto add = decode_request(encode_request({1, AddFolderCommand{Id{}, "/\xff", "n"}}));
  EXPECT_EQ(std::get<AddFolderCommand>(add->command).root, "/\xff");
}

TEST(FolderProtocol, SaysWhatIsWrongWithARequest) {
  const std::string group = "\"group\": \"" + std::string(64, 'a') + "\"";
  const std::pair<std::string, const char*> wrong[] = {
      {R"("command": "add_folder", "root": "/a")", "'group' is missing"},
      {R"("command": "add_folder", )" + group, "'root' is not what was expected: an absolute path"},
      {R"("command": "add_folder", "root": "a", )" + group, "an absolute path"},
      {R"("command": "add_folder", "root": "/\u0000", )" + group, "without NUL"},
      {R"("command": "add_folder", "root": "/a", "name": "a/b", )" + group, "'name'"},
      {R"("command": "folder")", "'verb' is missing"},
      {R"("command": "folder", "verb": "frob")", "one of list, status, pause"},
      {R"("command": "folder", "verb": "pause")", "'folder' is missing"},
      {R"("command": "folder", "verb": "restore", "folder": "a")", "'path' is missing"},
      {R"("command": "folder", "verb": "status", "folder": "a", "path": "../b")", "no path in a folder"},
      {R"("command": "folder", "verb": "status", "path_base64": "Li4=")", "no path in a folder"},
      {R"("command": "folder", "verb": "ignore", "folder": "a", "patterns": "x")", "a list"},
      {R"("command": "folder", "verb": "ignore", "folder": "a", "patterns": [1])", "'patterns'"},
      {R"("command": "folder", "verb": "ignore", "folder": "a", "patterns": ["a\nb"])", "'patterns'"},
      {R"("command": "folder", "verb": "restore", "folder": "a", "path": "b", "at_ms": -1)", "'at_ms'"},
  };
  for (const auto& [fields, message] : wrong) {
    const auto request = decode_request("{\"id\": 1, " + fields + "}");
    ASSERT_FALSE(request.has_value()) << fields;
    EXPECT_THAT(request.error().error.message, HasSubstr(message)) << fields;
  }
}

FolderStatus syncing() {
  FolderStatus status;
  status.name = "photos";
  status.root = "/srv/photos";
  status.group.bytes.fill(0xab);
  status.state = FolderStatus::State::kSyncing;
  status.bytes_needed = 3 << 20;
  status.bytes_done = 1 << 20;
  status.files_needed = 7;
  status.eta = 90s;
  status.files = 12;
  status.last_scan = WallTime(1'767'225'600'000ms);
  status.watching = true;
  return status;
}

template <class R>
json answer_of(R result) {
  return *decode_answer(encode_answer(1, CommandResult(std::move(result))))->result;
}

template <class R>
std::string described(Verb verb, R result) {
  FolderCommand command;
  command.verb = verb;
  return describe(command, answer_of(std::move(result)));
}

TEST(FolderProtocol, AnswersWithTheStatusFieldByField) {
  const json folder = answer_of(FoldersResult{{syncing()}})["folders"][0];
  EXPECT_EQ(folder["state"], "syncing");
  EXPECT_EQ(folder["eta_s"], 90);
  EXPECT_EQ(folder["last_scan_ms"], 1'767'225'600'000);
  EXPECT_EQ(folder["root"], "/srv/photos");
  EXPECT_FALSE(folder.contains("root_base64"));
  EXPECT_EQ(answer_of(AddFolderResult{FolderStatus{}})["folder"]["eta_s"], nullptr);
}

TEST(FolderOutput, ListsFoldersALineEach) {
  FolderStatus paused;
  paused.name = "a\x1b[2J";
  paused.root = "/b\n";
  paused.state = FolderStatus::State::kPaused;
  paused.reason = "mass_deletion";
  EXPECT_EQ(described(Verb::kList, FoldersResult{{syncing()}}),
            "photos  abababab  /srv/photos  syncing, 25 %, 3.0 MiB of 7 files needed, 1min 30s left\n");
  const std::string text = described(Verb::kList, FoldersResult{{syncing(), paused}});
  EXPECT_THAT(text, HasSubstr("$'a\\x1b[2J'  00000000  $'/b\\x0a'  paused (mass_deletion)\n"));
  EXPECT_THAT(described(Verb::kList, FoldersResult{}), HasSubstr("shoal share --help"));
  EXPECT_THAT(described(Verb::kStatus, FoldersResult{}), HasSubstr("shoal share --help"));
}

TEST(FolderOutput, SaysOfAPathWhyItIsNotInSyncAndWhatToDo) {
  FolderStatusResult result{syncing(), {}, true};
  result.folder.next_step = "Start a host that has them.";
  Id host;
  host.bytes.fill(0xcd);
  result.paths = {{"a\nb", "no_peer_has_it", "Start a host that has it.", {}}, {"c", "fetching", "", {host}}};
  const std::string text = described(Verb::kStatus, result);
  EXPECT_THAT(text, HasSubstr("next step     Start a host that has them.\n"));
  EXPECT_THAT(text, HasSubstr("last scan     2026-01-01T00:00:00Z, and watched\n"));
  EXPECT_THAT(text, HasSubstr("  $'a\\x0ab'  no_peer_has_it: Start a host that has it.\n"));
  EXPECT_THAT(text, HasSubstr("  c  fetching (it is at cdcdcdcd)\nand more\n"));
  result.folder.watching = false;
  result.folder.last_scan.reset();
  EXPECT_THAT(described(Verb::kStatus, result), HasSubstr("none yet, not watched: scanned now and then"));
}

TEST(FolderOutput, SaysHowFarAVerificationIsAndWhatItHasFound) {
  FolderVerifyResult result;
  result.pass.number = 3;
  result.pass.files = 10;
  result.pass.files_checked = 5;
  EXPECT_EQ(described(Verb::kVerify, result), "verifying, 50 %; see shoal folder status\n");
  EXPECT_TRUE(answer_of(result)["pass"]["ended_ms"].is_null());
  result.pass.files_checked = 10;
  result.pass.bytes_checked = 2048;
  result.pass.peers_equal = 1;
  result.pass.began = WallTime(1'767'225'600'000ms);
  result.pass.ended = WallTime(1'767'225'601'000ms);
  EXPECT_EQ(described(Verb::kVerify, result),
            "verified 10 of 10 files, 2.0 KiB, 1 peer equal: 0 files damaged\n");
  EXPECT_TRUE(answer_of(result)["pass"]["ok"].get<bool>());
  result.pass.files_damaged = 2;
  result.pass.files_repaired = 1;
  result.damaged = {{"a\xff", "damaged", "start a host that has it", {}}};
  EXPECT_EQ(described(Verb::kVerify, result),
            "verified 10 of 10 files, 2.0 KiB, 1 peer equal: 2 files damaged, 1 repaired\n"
            "  $'a\\xff'  damaged: start a host that has it\n");
  EXPECT_FALSE(answer_of(result)["pass"]["ok"].get<bool>());
  FolderStatusResult status{syncing(), {}, false};
  status.folder.files_damaged = 1;
  status.folder.verified = result.pass;
  status.folder.verifying = FolderVerification{};
  const std::string text = described(Verb::kStatus, status);
  EXPECT_THAT(text, HasSubstr("verified      2026-01-01T00:00:00Z, 10 of 10 files"));
  EXPECT_THAT(text, HasSubstr("verifying     0 %, 0 files damaged\n"));
  EXPECT_THAT(text, HasSubstr("damaged       1 file\n"));
}

TEST(FolderOutput, ListsConflictsAndTheTrash) {
  const WallTime when(1'767'225'600'000ms);
  EXPECT_EQ(described(Verb::kConflicts, FolderConflictsResult{{{"a (x)", "a", "01234567", when}}, false}),
            "a (x)  of a, by 01234567, 2026-01-01T00:00:00Z\n");
  EXPECT_EQ(described(Verb::kConflicts, FolderConflictsResult{}), "no conflicts\n");
  EXPECT_EQ(described(Verb::kTrash, FolderTrashResult{{{"\xff", when, 2048}}, true}),
            "2026-01-01T00:00:00Z     2.0 KiB  $'\\xff'\nand more\n");
  EXPECT_EQ(described(Verb::kTrash, FolderTrashResult{}), "the trash is empty\n");
  EXPECT_EQ(described(Verb::kRestore, RestoreResult{"a/b", 1}), "restored to a/b\n");
  EXPECT_EQ(described(Verb::kRestore, RestoreResult{"a", 7}), "7 files restored to a\n");
  EXPECT_EQ(described(Verb::kIgnore, FolderIgnoreResult{{"*.tmp", "b"}}), "*.tmp\nb\n");
  EXPECT_EQ(described(Verb::kPause, FolderDoneResult{}), "paused\n");
}

TEST(FolderOutput, IsSummedUpInTheStatusOfTheNode) {
  StatusResult status;
  status.folders = {.count = 3, .in_sync = 2, .bytes_needed = 5 << 20};
  EXPECT_EQ(answer_of(status)["folders"], (json{{"count", 3}, {"in_sync", 2}, {"bytes_needed", 5 << 20}}));
  EXPECT_THAT(describe(StatusCommand{}, answer_of(status)),
              HasSubstr("folders       3, 2 in sync, 5.0 MiB needed\n"));
}

}  // namespace
}  // namespace shoal
