// The configuration file: what it sets, what is said of a wrong one, and that the one we print is a right
// one.
#include "node/control/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> errors_of(std::string_view text) {
  DaemonConfig config;
  std::vector<std::string> out;
  for (const ConfigError& error : read_config(text, "f", config)) out.push_back(error.to_string());
  return out;
}

TEST(ConfigFile, TakesBootstrapHostsByAddressAndByName) {
  DaemonConfig config;
  EXPECT_THAT(read_config("bootstrap: [Seed-1.example.org:7465, 192.0.2.1:4000, localhost:1]", "f", config),
              IsEmpty());
  EXPECT_EQ(config.node.bootstrap, std::vector{Endpoint::v4(0xc0000201, 4000)});
  EXPECT_THAT(config.bootstrap_names,
              ElementsAre(HostName{"Seed-1.example.org", 7465}, HostName{"localhost", 1}));
  DaemonConfig again;
  EXPECT_THAT(read_config(config_text(config), "f", again), IsEmpty());
  EXPECT_EQ(again.bootstrap_names, config.bootstrap_names);
  EXPECT_EQ(again.node.bootstrap, config.node.bootstrap);
  for (const char* wrong : {"example.org", "example.org:0", "example.org:65536", "a..b:1", ".a:1", "-a:1",
                            "a b:1", "192.0.2.300:1", "192.0.2:1", "\u00e4:1", "a:1,,b:2", "a:1,"}) {
    EXPECT_FALSE(config.set("bootstrap", wrong).has_value()) << wrong;
  }
}

TEST(ConfigFile, SetsTheKeysOfProgramAndNode) {
  DaemonConfig config;
  EXPECT_THAT(read_config(R"(# a comment
listen: "[::1]:7000"
log_level: debug
log_format: json
metrics: 127.0.0.1:9465
console: off
k: 8
client: true
item_lifetime: 12h
bootstrap:
  - 192.0.2.1:4000
  - "[2001:db8::1]:4001"
first_buckets: [64, 32]
)",
                          "f", config),
              IsEmpty());
  EXPECT_EQ(config.listen.to_string(), "[::1]:7000");
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
  EXPECT_EQ(config.console, ConsoleMode::kOff);
  EXPECT_EQ(config.log_format, LogFormat::kJson);
  EXPECT_EQ(config.metrics->to_string(), "127.0.0.1:9465");
  EXPECT_EQ(config.node.k, 8u);
  EXPECT_TRUE(config.node.client);
  EXPECT_EQ(config.node.item_lifetime, 12h);
  ASSERT_EQ(config.node.bootstrap.size(), 2u);
  EXPECT_EQ(config.node.bootstrap[1].to_string(), "[2001:db8::1]:4001");
  EXPECT_THAT(config.node.first_buckets, ElementsAre(64, 32));
}

TEST(ConfigFile, TakesAListAsOneValueOrAsTextWithCommas) {
  DaemonConfig config;
  EXPECT_THAT(read_config("bootstrap: 192.0.2.1:4000\nfirst_buckets: 64,32", "f", config), IsEmpty());
  EXPECT_EQ(config.node.bootstrap.size(), 1u);
  EXPECT_THAT(config.node.first_buckets, ElementsAre(64, 32));
  EXPECT_THAT(read_config("bootstrap: []", "f", config), IsEmpty());
  EXPECT_THAT(config.node.bootstrap, IsEmpty());
}

TEST(ConfigFile, MayBeEmpty) {
  EXPECT_THAT(errors_of(""), IsEmpty());
  EXPECT_THAT(errors_of("# only a comment\n"), IsEmpty());
}

TEST(ConfigFile, SaysWhatIsWrongAndWhere) {
  const std::pair<const char*, const char*> wrong[] = {
      {"k: 0", "f:1:4: k: '0' was given, expected a whole number from 1 to 20"},
      {"\nk: many", "f:2:4: k: 'many' was given, expected a whole number from 1 to 20"},
      {"k:", "f:1:1: k: nothing was given, expected a whole number from 1 to 20"},
      {"k: {a: 1}", "f:1:4: k: a section was given, expected a whole number from 1 to 20"},
      {"k: [1, 2]", "f:1:4: k: '1,2' was given, expected a whole number from 1 to 20"},
      {"first_buckets: [1, [2]]",
       "f:1:16: first_buckets: a list of lists was given, expected up to 256 whole numbers from 1 to 4096, "
       "separated by commas"},
      {"client: yes", "f:1:9: client: 'yes' was given, expected true or false"},
      {"item_lifetime: 8d",
       "f:1:16: item_lifetime: '8d' was given, expected a duration from 1min to 7d, such as 250ms, 30s or "
       "10min"},
      {"bootstrap: [example]",
       "f:1:12: bootstrap: 'example' was given, expected up to 256 endpoints such as 192.0.2.1:4000 or "
       "[2001:db8::1]:4000, separated by commas; or "
       "names, such as seed.example.org:7465"},
      {"listen: 7465",
       "f:1:9: listen: '7465' was given, expected an endpoint such as 0.0.0.0:7465 or [::]:7465"},
      {"log_level: loud",
       "f:1:12: log_level: 'loud' was given, expected one of trace, debug, info, warn, error, off"},
      {"log_format: xml", "f:1:13: log_format: 'xml' was given, expected one of text, json"},
      {"metrics: 0.0.0.0:9465",
       "f:1:10: metrics: '0.0.0.0:9465' was given, expected off, or a loopback endpoint such as "
       "127.0.0.1:9465"},
      {"console: maybe", "f:1:10: console: 'maybe' was given, expected one of auto, on, off"},
      {"repliction: 3", "f:1:1: 'repliction' is not a key: did you mean 'replication'?"},
      {"frobnicate: 3", "f:1:1: 'frobnicate' is not a key: shoal config show prints them all"},
      {"[a]: 3", "f:1:1: '' is not a key: shoal config show prints them all"},
      {"k: 3\nk: 4", "f:2:1: k: given a second time"},
      {"- k", "f:1:1: expected lines of the form 'key: value'"},
      {"shoal", "f:1:1: expected lines of the form 'key: value'"},
      {"k: 3\n---\nk: 4", "f:3:1: a second document: expected one"},
      {"k: 3\n\talpha: 4", "f:2:1: not YAML: illegal tab when looking for indentation"},
      {"k: \"3", "f:1:6: not YAML: illegal EOF in scalar"},
      {"k: *other", "f:1:4: not YAML: the referenced anchor is not defined"},
      {"listen: [::]:7465",
       "f:1:13: not YAML: end of map not found (an address in brackets stands in quotes: \"[::]:7465\")"},
  };
  for (const auto& [text, message] : wrong) EXPECT_THAT(errors_of(text), ElementsAre(message)) << text;
}

TEST(ConfigFile, FindsAllErrorsAndLeavesWhatIsWrongAsItWas) {
  DaemonConfig config;
  const std::vector<ConfigError> errors = read_config("k: 0\nalpha: 5\nfrob: 1\nlog_level: x\n", "f", config);
  EXPECT_EQ(errors.size(), 3u);
  EXPECT_EQ(config.node.k, NodeConfig{}.k);
  EXPECT_EQ(config.node.alpha, 5u);
}

TEST(ConfigFile, PrintsAWholeFileThatReadsBackTheSame) {
  DaemonConfig config;
  const std::pair<const char*, const char*> settings[] = {
      {"listen", "[::1]:1"},  {"bootstrap", "192.0.2.1:1,[::1]:2"},
      {"first_buckets", ""},  {"k", "7"},
      {"log_format", "json"}, {"metrics", "[::1]:9"}};
  for (const auto& [key, value] : settings) ASSERT_TRUE(config.set(key, value)) << key;
  const std::string text = config_text(config);
  DaemonConfig back;
  EXPECT_THAT(read_config(text, "f", back), IsEmpty());
  const std::vector<NodeConfig::Key> expected = config.values();
  const std::vector<NodeConfig::Key> values = back.values();
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i].value, expected[i].value) << values[i].name;
    EXPECT_THAT(text, HasSubstr("\n" + values[i].name + ": "));
  }
  EXPECT_THAT(text, HasSubstr("# Requests that one lookup keeps in flight.\n# Takes a whole number from 1 to "
                              "64. Default: 4.\nalpha: 4\n"));
}

}  // namespace
}  // namespace shoal
