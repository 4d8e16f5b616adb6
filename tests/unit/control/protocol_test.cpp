#include "node/control/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/base/rng.h"
#include "node/control/base64.h"
#include "node/wire/messages.h"

namespace shoal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Id id(std::uint64_t number) {
  return Rng::keyed(number, "test", "protocol").id();
}

Bytes random_bytes(std::size_t count) {
  Bytes bytes(count);
  Rng::keyed(count, "test", "bytes").fill(bytes);
  return bytes;
}

PublishCommand full_publish() {
  PublishCommand command;
  command.secret.fill(0x5a);
  command.salt = {0, 1, 255};
  command.value = random_bytes(300);
  command.sequence = ~std::uint64_t{0};
  command.expected_sequence = 0;
  command.lifetime = 90s;
  return command;
}

// Every command, with every optional part and without.
std::vector<Command> all_commands() {
  const Endpoint v6 = *Endpoint::parse("[2001:db8::1]:4000");
  return {FindCommand{id(1)},
          FindCommand{id(1), FindCommand::Where::kTable},
          FindCommand{id(1), FindCommand::Where::kStore},
          StoreHostCommand{{id(9), v6}, std::nullopt},
          StoreHostCommand{{id(9), v6}, Contact{id(3), v6}},
          NextCommand{id(2), std::nullopt},
          NextCommand{id(2), Contact{id(3), v6}},
          PingCommand{id(4), std::nullopt},
          PingCommand{id(4), Endpoint::v4(0x7f000001, 4000)},
          PutCommand{{}},
          PutCommand{random_bytes(wire::kValueBytesMax)},
          GetCommand{id(5)},
          PublishCommand{},
          full_publish(),
          LookupCommand{id(6), {}, false},
          LookupCommand{id(6), {7}, true},
          ResolveCommand{id(7)},
          StatusCommand{},
          PeersCommand{},
          TableCommand{},
          BroadcastCommand{id(8), {1, 2}},
          ReloadKeysCommand{},
          StopCommand{},
          LogLevelCommand{},
          LogLevelCommand{"debug"},
          AddFolderCommand{id(10), "/srv/photos", ""},
          AddFolderCommand{id(10), "/srv/\xff\n", "photos"},
          FolderCommand{},
          FolderCommand{FolderCommand::Verb::kRestore, "photos", "/srv/$'a", "b/\x1b[2J", WallTime(5ms), {}},
          FolderCommand{FolderCommand::Verb::kIgnore, "photos", "", "", std::nullopt, {"*.tmp", "!\"ä\""}},
          FolderCommand{FolderCommand::Verb::kVerify, "photos", "", "a", std::nullopt, {}, 7}};
}

TEST(ControlProtocol, BringsEveryCommandAcross) {
  std::uint64_t number = 0;
  for (const Command& command : all_commands()) {
    const std::string line = encode_request({++number, command});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_LE(line.size(), kRequestLineBytesMax);
    const auto request = decode_request(line);
    ASSERT_TRUE(request.has_value()) << line.substr(0, 200) << request.error().error.message;
    EXPECT_EQ(request->id, number);
    EXPECT_EQ(request->command.index(), command.index());
    EXPECT_EQ(encode_request(*request), line);
  }
}

TEST(ControlProtocol, KeepsValuesAndNumbersExact) {
  const auto decoded = decode_request(encode_request({1, full_publish()}));
  const auto& publish = std::get<PublishCommand>(decoded->command);
  const PublishCommand expected = full_publish();
  EXPECT_EQ(publish.secret, expected.secret);
  EXPECT_EQ(publish.salt, expected.salt);
  EXPECT_EQ(publish.value, expected.value);
  EXPECT_EQ(publish.sequence, expected.sequence);
  EXPECT_EQ(publish.expected_sequence, expected.expected_sequence);
  EXPECT_EQ(publish.lifetime, expected.lifetime);
}

struct BadLine {
  const char* line;
  std::uint64_t id;
  ErrorCode code;
  const char* message;
};

TEST(ControlProtocol, SaysWhatIsWrongWithALine) {
  const std::string key(64, 'a');
  const BadLine lines[] = {
      {"", 0, ErrorCode::kMalformed, "not one JSON object"},
      {"[1]", 0, ErrorCode::kMalformed, "not one JSON object"},
      {R"({"id": 3})", 3, ErrorCode::kInvalidArgument, "'command' is missing"},
      {R"({"id": 3, "command": 5})", 3, ErrorCode::kInvalidArgument, "'command' is not what was expected"},
      {R"({"id": -3, "command": "status"})", 0, ErrorCode::kInvalidArgument, "'id'"},
      {R"({"id": 3, "command": "frob"})", 3, ErrorCode::kUnsupported, "expected one of find, next"},
      {R"({"id": 3, "command": "get"})", 3, ErrorCode::kInvalidArgument, "'key' is missing"},
      {R"({"id": 3, "command": "get", "key": "abc"})", 3, ErrorCode::kInvalidArgument,
       "64 hexadecimal digits"},
      {R"({"id": 3, "command": "put", "value": "a"})", 3, ErrorCode::kInvalidArgument, "base64"},
      {R"({"id": 3, "command": "status", "verbose": true})", 3, ErrorCode::kInvalidArgument,
       "unknown field 'verbose'"},
      {R"({"id": 3, "command": "publish", "lifetime_ms": 1.5})", 3, ErrorCode::kInvalidArgument, "'secret'"},
  };
  for (const BadLine& bad : lines) {
    const auto request = decode_request(bad.line);
    ASSERT_FALSE(request.has_value()) << bad.line;
    EXPECT_EQ(request.error().id, bad.id) << bad.line;
    EXPECT_EQ(request.error().error.code, bad.code) << bad.line;
    EXPECT_THAT(request.error().error.message, HasSubstr(bad.message));
  }
}

TEST(ControlProtocol, RefusesAValueOverTheLimit) {
  json line = {{"id", 1}, {"command", "put"}, {"value", to_base64(Bytes(wire::kValueBytesMax + 1))}};
  const auto request = decode_request(line.dump());
  ASSERT_FALSE(request.has_value());
  EXPECT_EQ(request.error().error.code, ErrorCode::kTooLarge);
}

TEST(ControlProtocol, SurvivesAnyLine) {
  Rng rng = Rng::keyed(1, "test", "lines");
  std::vector<std::string> lines;
  for (const Command& command : all_commands()) {
    if (!std::holds_alternative<PutCommand>(command)) lines.push_back(encode_request({7, command}));
  }
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string line = lines[static_cast<std::size_t>(rng.below(lines.size()))];
    for (std::uint64_t changes = rng.below(4); changes > 0; --changes) {
      line[static_cast<std::size_t>(rng.below(line.size()))] = static_cast<char>(rng.below(256));
    }
    if (rng.below(8) == 0) line.resize(static_cast<std::size_t>(rng.below(line.size())));
    accepted += decode_request(line).has_value() ? 1 : 0;
    (void)decode_answer(line);
  }
  EXPECT_GT(accepted, 1000u);
  EXPECT_FALSE(decode_request(std::string(100'000, '[')).has_value());
}

TEST(ControlProtocol, AnswersWithTheResult) {
  const Contact contact{id(8), Endpoint::v4(0x01020304, 5)};
  const auto ping = decode_answer(encode_answer(9, PingResult{contact, 1500us}));
  ASSERT_TRUE(ping.has_value());
  EXPECT_EQ(ping->id, 9u);
  EXPECT_EQ(*ping->result, (json{{"host", id(8).hex()}, {"endpoint", "1.2.3.4:5"}, {"rtt_ms", 1.5}}));

  StoreResult stored;
  stored.key = id(9);
  stored.holders = {{contact, ErrorCode::kNone, 0}, {contact, ErrorCode::kSequenceTooLow, 12}};
  const auto put = decode_answer(encode_answer(9, stored));
  EXPECT_EQ((*put->result)["stored_count"], 1);
  EXPECT_EQ((*put->result)["holders"][1]["refusal"], "sequence_too_low");
  EXPECT_EQ((*put->result)["holders"][1]["held_sequence"], 12);

  const Bytes value = random_bytes(5000);
  const auto get = decode_answer(encode_answer(9, GetResult{value, {}}));
  EXPECT_EQ(from_base64((*get->result)["value"].get<std::string>()), value);
  EXPECT_EQ((*decode_answer(encode_answer(9, NextResult{}))->result)["contact"], nullptr);
}

TEST(ControlProtocol, AnswersWithTheErrorByName) {
  const auto answer = decode_answer(encode_answer(4, fail(ErrorCode::kNotFound, "nobody holds \xff it")));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->id, 4u);
  ASSERT_FALSE(answer->result.has_value());
  EXPECT_EQ(answer->result.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(answer->result.error().message, HasSubstr("nobody holds"));
  EXPECT_FALSE(decode_answer("{}").has_value());
}

TEST(ControlProtocol, KnowsEveryErrorByName) {
  for (const ErrorCode code :
       {ErrorCode::kMalformed, ErrorCode::kUnsupported, ErrorCode::kTimeout, ErrorCode::kIo}) {
    EXPECT_EQ(error_code_of(to_string(code)), code);
  }
  EXPECT_EQ(error_code_of("unknown"), std::nullopt);
  EXPECT_EQ(error_code_of("none"), std::nullopt);
}

}  // namespace
}  // namespace shoal
