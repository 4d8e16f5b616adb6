#include "node/control/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "node/base/rng.h"
#include "node/control/cli_output.h"
#include "node/control/protocol.h"

namespace shoal {
namespace {

using testing::HasSubstr;

const std::string kHex(64, 'a');
const Id kId = *Id::from_hex(kHex);

CommandLine parse(std::vector<std::string> arguments) {
  return parse_command_line(std::move(arguments), "/default");
}

ControlOptions control(std::vector<std::string> arguments) {
  const CommandLine line = parse(std::move(arguments));
  EXPECT_TRUE(line.what.has_value()) << line.errors;
  return line.what ? std::get<ControlOptions>(*line.what) : ControlOptions{};
}

TEST(CommandLine, ReadsRunWithAllItsOptions) {
  const CommandLine line =
      parse({"run", "--data", "/d", "--listen", "127.0.0.1:0", "--bootstrap", "192.0.2.1:1", "--bootstrap",
             "[::1]:2", "--set", "k=8", "--set", "request_timeout_first=2s", "--log-level", "debug"});
  ASSERT_TRUE(line.what.has_value()) << line.errors;
  const auto& run = std::get<RunOptions>(*line.what);
  EXPECT_EQ(run.data, "/d");
  EXPECT_EQ(run.config.listen.to_string(), "127.0.0.1:0");
  ASSERT_EQ(run.config.node.bootstrap.size(), 2u);
  EXPECT_EQ(run.config.node.bootstrap[1].to_string(), "[::1]:2");
  EXPECT_EQ(run.config.node.k, 8u);
  EXPECT_EQ(run.config.node.request_timeout_first, 2s);
  EXPECT_EQ(run.config.log_level, LogLevel::kDebug);
}

TEST(CommandLine, KeepsWhatIsStrongerThanTheConfigurationFile) {
  const CommandLine line = parse({"run", "--config", "/c", "--set", "k=8", "--listen", "127.0.0.1:1",
                                  "--bootstrap", "192.0.2.1:1", "--bootstrap", "192.0.2.2:2"});
  const auto& run = std::get<RunOptions>(*line.what);
  EXPECT_EQ(run.config_file, "/c");
  EXPECT_THAT(run.settings,
              testing::UnorderedElementsAre(std::pair("k", "8"), std::pair("listen", "127.0.0.1:1"),
                                            std::pair("bootstrap", "192.0.2.1:1,192.0.2.2:2")));
}

TEST(CommandLine, ReadsTreesAsFormsOfPutAndGet) {
  const sync::TreeLink link{kId, Secret(Secret::Array{1})};
  const sync::TreeLink open{kId, {}};
  const auto tree = [](const std::vector<std::string>& arguments) {
    const CommandLine line = parse(arguments);
    EXPECT_TRUE(line.what.has_value()) << line.errors;
    return line.what ? std::get<TreeOptions>(*line.what) : TreeOptions{};
  };
  const TreeOptions put = tree({"put", "--tree", "/d", "--renew", link.to_string(), "--json"});
  EXPECT_TRUE(put.puts && put.json && !put.is_public);
  EXPECT_EQ(put.directory, "/d");
  EXPECT_EQ(put.renews, link);
  EXPECT_TRUE(tree({"put", "--tree", "/d", "--public"}).is_public);
  const TreeOptions get = tree({"get", open.to_string(), "-o", "/e", "--timeout", "7s"});
  EXPECT_FALSE(get.puts);
  EXPECT_EQ(get.directory, "/e");
  EXPECT_EQ(get.link, open);
  EXPECT_EQ(get.timeout, 7s);
  EXPECT_FALSE(tree({"get", "-", "-o", "/e"}).link) << "which is on standard input";

  const auto why = [](const std::vector<std::string>& arguments) {
    const CommandLine line = parse(arguments);
    EXPECT_FALSE(line.what.has_value());
    EXPECT_EQ(line.status, kExitUsage);
    return line.errors;
  };
  EXPECT_THAT(why({"get", link.to_string()}), HasSubstr("name one with -o DIR"));
  EXPECT_THAT(why({"get", link.to_string() + "q", "-o", "/e"}), HasSubstr("not a link to a tree"));
  EXPECT_THAT(why({"put", "--public"}), HasSubstr("--tree"));
  EXPECT_THAT(why({"put", "--tree", "/d", "--public", "--renew", link.to_string()}), HasSubstr("--public"));
  EXPECT_THAT(why({"put", "--tree", "/d", "--renew", open.to_string()}), HasSubstr("no key"));
  EXPECT_THAT(why({"put", "--tree", "/d", "file"}), HasSubstr("--tree"));
}

TEST(CommandLine, ReadsConfig) {
  const CommandLine check = parse({"config", "check", "/f"});
  ASSERT_TRUE(check.what.has_value()) << check.errors;
  EXPECT_TRUE(std::get<ConfigOptions>(*check.what).check);
  EXPECT_EQ(std::get<ConfigOptions>(*check.what).run.config_file, "/f");
  const CommandLine show = parse({"config", "show", "--data", "/d", "--set", "k=8"});
  EXPECT_FALSE(std::get<ConfigOptions>(*show.what).check);
  EXPECT_EQ(std::get<ConfigOptions>(*show.what).run.data, "/d");
  EXPECT_EQ(std::get<ConfigOptions>(*show.what).run.settings.size(), 1u);
}

TEST(CommandLine, HasADefaultForEverythingThatCanHaveOne) {
  const CommandLine line = parse({"run"});
  const auto& run = std::get<RunOptions>(*line.what);
  EXPECT_EQ(run.data, "/default");
  EXPECT_NE(run.config.listen.port, 0);
  const ControlOptions put = control({"put"});
  EXPECT_EQ(put.value_from, "-");
  EXPECT_EQ(put.timeout, 60s);
  EXPECT_TRUE(std::holds_alternative<PutCommand>(put.command));
}

TEST(CommandLine, ReadsEveryCommand) {
  EXPECT_TRUE(std::holds_alternative<StatusCommand>(control({"status", "--json"}).command));
  EXPECT_TRUE(control({"status", "--json"}).json);
  EXPECT_TRUE(std::holds_alternative<PeersCommand>(control({"peers"}).command));
  EXPECT_TRUE(std::holds_alternative<TableCommand>(control({"table"}).command));
  EXPECT_TRUE(std::holds_alternative<StopCommand>(control({"stop"}).command));
  EXPECT_EQ(std::get<FindCommand>(control({"find", kHex}).command).target, kId);
  EXPECT_EQ(std::get<ResolveCommand>(control({"resolve", kHex}).command).host, kId);
  EXPECT_EQ(std::get<FindCommand>(control({"find", kHex, "--in", "store"}).command).where,
            FindCommand::Where::kStore);
  const auto offer = std::get<StoreHostCommand>(control({"store-host", kHex + "@[::1]:9"}).command);
  EXPECT_EQ(offer.contact.endpoint.to_string(), "[::1]:9");
  EXPECT_FALSE(offer.to);
  const auto ping = std::get<PingCommand>(control({"ping", kHex, "127.0.0.1:9"}).command);
  EXPECT_EQ(ping.host, kId);
  EXPECT_EQ(ping.endpoint->to_string(), "127.0.0.1:9");
  EXPECT_FALSE(std::get<PingCommand>(control({"ping", kHex}).command).endpoint.has_value());
  const auto next = std::get<NextCommand>(control({"next", kHex, "--ask", kHex + "@[::1]:9"}).command);
  EXPECT_EQ(next.ask->endpoint.to_string(), "[::1]:9");
  const ControlOptions get = control({"get", kHex, "-o", "out", "--timeout", "2s", "--data", "/d"});
  EXPECT_EQ(std::get<GetCommand>(get.command).key, kId);
  EXPECT_EQ(get.value_to, "out");
  EXPECT_EQ(get.timeout, 2s);
  EXPECT_EQ(get.data, "/d");
  const auto lookup = std::get<LookupCommand>(control({"lookup", kHex, "--salt", "ab", "--all"}).command);
  EXPECT_EQ(lookup.salt, (Bytes{'a', 'b'}));
  EXPECT_TRUE(lookup.all);
}

TEST(CommandLine, WatchesTheStatusEverySecondOrSoManySeconds) {
  EXPECT_FALSE(control({"status"}).watch.has_value());
  EXPECT_EQ(control({"status", "--watch"}).watch, 1s);
  EXPECT_EQ(control({"status", "--watch", "--json"}).watch, 1s);
  EXPECT_EQ(control({"status", "--watch", "2.5"}).watch, 2500ms);
}

TEST(CommandLine, ReadsPublishWithAllItsOptions) {
  const ControlOptions options = control({"publish", "--key", "k", "--new-key", "--salt", "s", "--sequence",
                                          "5", "--expect-sequence", "4", "--lifetime", "2h", "file"});
  const auto publish = std::get<PublishCommand>(options.command);
  EXPECT_EQ(options.key_file, "k");
  EXPECT_TRUE(options.new_key);
  EXPECT_EQ(options.value_from, "file");
  EXPECT_EQ(publish.salt, Bytes{'s'});
  EXPECT_EQ(publish.sequence, 5u);
  EXPECT_EQ(publish.expected_sequence, 4u);
  EXPECT_EQ(publish.lifetime, 2h);
  EXPECT_TRUE(std::holds_alternative<PublishCommand>(control({"publish", "--key", "k"}).command));
}

TEST(CommandLine, SaysWhatIsWrong) {
  const std::pair<std::vector<std::string>, const char*> wrong[] = {
      {{}, "subcommand is required"},
      {{"frobnicate"}, "subcommand is required"},
      {{"find"}, "ID is required"},
      {{"find", "abc"}, "'abc' is not a key: expected 64 hexadecimal digits"},
      {{"find", kHex, "extra"}, "extra"},
      {{"ping", kHex, "somewhere"}, "'somewhere' is not an endpoint"},
      {{"run", "--set", "frob=1"}, "frob"},
      {{"run", "--set", "k"}, "expected KEY=VALUE"},
      {{"run", "--log-level", "loud"}, "loud"},
      {{"status", "--watch", "0"}, "expected a number from 0.1 to 86400"},
      {{"status", "--watch", "x"}, "'x' seconds"},
      {{"config"}, "subcommand is required"},
      {{"config", "show", "--bootstrap", "nowhere"}, "bootstrap: 'nowhere' was given"},
      {{"publish"}, "--key is required"},
      {{"publish", "--key", "k", "--lifetime", "8d"}, "between 1s and 7d"},
      {{"lookup", kHex, "--salt", std::string(65, 's')}, "at most 64 bytes"},
      {{"status", "--timeout", "5"}, "'5'"},
  };
  for (const auto& [arguments, message] : wrong) {
    const CommandLine line = parse(arguments);
    EXPECT_FALSE(line.what.has_value()) << message;
    EXPECT_EQ(line.status, kExitUsage) << message;
    EXPECT_THAT(line.errors, HasSubstr(message));
  }
}

TEST(CommandLine, HelpsWithEveryCommandByAnExample) {
  EXPECT_THAT(parse({"--help"}).output, HasSubstr("Exit status: 0 done; 1"));
  for (const char* name : {"run", "config", "status", "ping", "find", "next", "put", "get", "publish",
                           "lookup", "resolve", "peers", "stop", "share", "join", "folder"}) {
    const CommandLine line = parse({name, "--help"});
    EXPECT_FALSE(line.what.has_value());
    EXPECT_EQ(line.status, kExitOk);
    EXPECT_THAT(line.output, HasSubstr("Example: "));
    EXPECT_THAT(line.output, HasSubstr(std::string("shoal ") + name));
  }
  for (const auto& [group, name] :
       std::initializer_list<std::pair<const char*, const char*>>{{"config", "check"},
                                                                  {"config", "show"},
                                                                  {"log", "level"},
                                                                  {"key", "new"},
                                                                  {"key", "show"},
                                                                  {"folder", "list"},
                                                                  {"folder", "restore"}}) {
    EXPECT_THAT(parse({group, name, "--help"}).output,
                HasSubstr("Example: shoal " + std::string(group) + " " + name));
  }
  EXPECT_THAT(parse({"--help"}).output, HasSubstr("Example: shoal run"));
  EXPECT_THAT(parse({"--version"}).output, HasSubstr("shoal "));
  EXPECT_THAT(parse({"run", "--list-settings"}).output, HasSubstr("alpha=4"));
}

ControlOptions typed(const std::string& text) {
  const CommandLine line = parse_console_line(text);
  EXPECT_TRUE(line.what.has_value()) << line.errors;
  return line.what ? std::get<ControlOptions>(*line.what) : ControlOptions{};
}

TEST(ConsoleLine, HasTheCommandsOfTheCommandLine) {
  EXPECT_EQ(std::get<GetCommand>(typed("  get " + kHex + " ").command).key, kId);
  EXPECT_EQ(std::get<LogLevelCommand>(typed("log level debug").command).level, "debug");
  EXPECT_EQ(std::get<LookupCommand>(typed("lookup " + kHex + " --salt 'a b'").command).salt,
            (Bytes{'a', ' ', 'b'}));
  EXPECT_EQ(typed("put --text \"two words\"").value_text, "two words");
  EXPECT_EQ(typed("put /f").value_from, "/f");
}

TEST(ConsoleLine, MayBeEmpty) {
  for (const char* text : {"", "  ", "\t"}) {
    const CommandLine line = parse_console_line(text);
    EXPECT_FALSE(line.what.has_value());
    EXPECT_EQ(line.output + line.errors, "");
  }
}

TEST(ConsoleLine, Helps) {
  EXPECT_THAT(parse_console_line("help").output, HasSubstr("  resolve "));
  EXPECT_THAT(parse_console_line("help").output, testing::Not(HasSubstr("  run ")));
  const std::string get = parse_console_line("help get").output;
  EXPECT_THAT(get, HasSubstr("Write a stored value"));
  EXPECT_THAT(get, testing::Not(HasSubstr("Exit status")));
  EXPECT_THAT(get, testing::Not(HasSubstr("--data")));
}

TEST(ConsoleLine, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"frobnicate", "help lists the commands."},  {"run", "help lists the commands."},
      {"get abc", "'abc' is not a key"},           {"put", "standard input is this console"},
      {"put -", "standard input is this console"}, {"status --watch", "--watch"},
      {"log level loud", "'loud' is no level"},
  };
  for (const auto& [text, message] : wrong) {
    const CommandLine line = parse_console_line(text);
    EXPECT_FALSE(line.what.has_value()) << text;
    EXPECT_THAT(line.errors, HasSubstr(message)) << text;
  }
}

TEST(ConsoleLine, BeginsWithAPhrase) {
  const std::vector<std::string> phrases = console_phrases();
  EXPECT_TRUE(std::is_sorted(phrases.begin(), phrases.end()));
  for (const char* phrase : {"help", "help get", "status", "log level", "log level debug", "folder status"}) {
    EXPECT_THAT(phrases, testing::Contains(phrase));
  }
  EXPECT_THAT(phrases, testing::Not(testing::Contains("run")));
  EXPECT_THAT(phrases, testing::Not(testing::Contains("share")));
}

// The text for people of what a node would answer.
template <class Result>
std::string described(const Command& command, Result result) {
  const auto answer = decode_answer(encode_answer(1, CommandResult(std::move(result))));
  return describe(command, *answer->result);
}

TEST(CommandOutput, TellsRefusalsWithTheirReasons) {
  const Contact contact{kId, Endpoint::v4(0x7f000001, 4000)};
  StoreResult stored;
  stored.holders = {{contact, ErrorCode::kNone, 0},
                    {contact, ErrorCode::kSequenceTooLow, 12},
                    {{kId, {}}, ErrorCode::kStoreFull, 0}};
  EXPECT_EQ(
      described(PutCommand{}, stored),
      "stored at 1 of 3 hosts\nrefused by " + kHex +
          " 127.0.0.1:4000: sequence_too_low (it holds sequence 12)\nrefused by this host: store_full\n");
}

TEST(CommandOutput, ShowsTheStatus) {
  StatusResult status;
  status.host = kId;
  status.item_bytes = 3 << 20;
  status.uptime = 3700s;
  status.counters = {{"datagrams_sent", 5}, {"dropped_malformed", 0}};
  EXPECT_THAT(described(StatusCommand{}, status), testing::Not(HasSubstr("clock")));
  status.groups = {.count = 2, .peers = 5, .connected = 3};
  status.clock_ahead = -90min;
  EXPECT_THAT(described(StatusCommand{}, status), testing::Not(HasSubstr("same key")));
  status.same_key = Endpoint::v4(0x7f000001, 4007);
  const std::string text = described(StatusCommand{}, status);
  EXPECT_THAT(text, HasSubstr("2, 3 of 5 peers connected"));
  EXPECT_THAT(text, HasSubstr("1h 30min behind other hosts"));
  EXPECT_THAT(text, HasSubstr("a host at 127.0.0.1:4007 had the same key"));
  EXPECT_THAT(text, HasSubstr(kHex));
  EXPECT_THAT(text, HasSubstr("3.0 MiB"));
  EXPECT_THAT(text, HasSubstr("1h 1min"));
  EXPECT_THAT(text, HasSubstr("datagrams_sent 5"));
  EXPECT_THAT(text, testing::Not(HasSubstr("dropped_malformed")));
}

TEST(CommandOutput, ShowsRatesBetweenTwoStatuses) {
  StatusResult status;
  status.counters = {{"datagrams_sent", 5}, {"datagrams_received", 7}, {"dropped_malformed", 0}};
  status.uptime = 10s;
  const auto before = decode_answer(encode_answer(1, CommandResult(status)));
  EXPECT_EQ(describe_change({}, *before->result), describe(StatusCommand{}, *before->result));
  status.counters[0].second = 12;
  status.uptime = 12s;
  const auto after = decode_answer(encode_answer(1, CommandResult(status)));
  const std::string text = describe_change(*before->result, *after->result);
  EXPECT_THAT(text, HasSubstr("  datagrams_sent 12 (+3.5/s)\n"));
  EXPECT_THAT(text, HasSubstr("  datagrams_received 7\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("dropped_malformed")));
}

TEST(CommandOutput, ListsHostsAndRecords) {
  const Contact contact{kId, Endpoint::v4(0x7f000001, 4000)};
  FindResult found;
  found.lookup.closest = {{contact, 2, 1500us}};
  EXPECT_EQ(described(FindCommand{}, found), kHex + " 127.0.0.1:4000 hops 2 1.5 ms\n");
  EXPECT_EQ(described(NextCommand{}, NextResult{}), "the host itself\n");
  EXPECT_EQ(described(NextCommand{}, NextResult{contact}), kHex + " 127.0.0.1:4000\n");
  PublishedResult published;
  published.records = {{kId, 3, WallTime(1'767'225'600'000ms), {'a'}, {1, 2}}};
  EXPECT_EQ(described(LookupCommand{kId, {}, true}, published),
            "sequence 3 2 bytes until 2026-01-01T00:00:00Z salt a\n");
  EXPECT_EQ(described(LookupCommand{kId, {}, false}, published), "");
}

}  // namespace
}  // namespace shoal
