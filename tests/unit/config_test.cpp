// The configuration keys of a node: every one is settable, bounded and explains itself when refused.
#include "node/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

namespace shoal {
namespace {

TEST(NodeConfig, SetsEveryTypeOfMember) {
  NodeConfig config;
  ASSERT_TRUE(config.set("k", "8"));
  ASSERT_TRUE(config.set("client", "true"));
  ASSERT_TRUE(config.set("request_attempts", "3"));
  ASSERT_TRUE(config.set("request_timeout_max", "250ms"));
  ASSERT_TRUE(config.set("first_buckets", "64,32"));
  ASSERT_TRUE(config.set("item_bytes_max", "8589934592"));
  ASSERT_TRUE(config.set("bootstrap", "192.0.2.1:4000,[2001:db8::1]:4001"));
  EXPECT_EQ(config.k, 8u);
  EXPECT_TRUE(config.client);
  EXPECT_EQ(config.request_attempts, 3);
  EXPECT_EQ(config.request_timeout_max, 250ms);
  EXPECT_EQ(config.first_buckets, (std::vector<std::size_t>{64, 32}));
  EXPECT_EQ(config.item_bytes_max, 8'589'934'592u);
  ASSERT_EQ(config.bootstrap.size(), 2u);
  EXPECT_EQ(config.bootstrap[0], Endpoint::v4(0xc0000201, 4000));
  EXPECT_EQ(config.bootstrap[1].to_string(), "[2001:db8::1]:4001");
}

TEST(NodeConfig, TakesEveryDefaultThatItPrints) {
  const std::vector<NodeConfig::Key> keys = NodeConfig::keys();
  ASSERT_FALSE(keys.empty());
  for (const NodeConfig::Key& key : keys) {
    NodeConfig config;
    const Result<void> outcome = config.set(key.name, key.value);
    EXPECT_TRUE(outcome) << key.name << ": " << (outcome ? "" : outcome.error().message);
    EXPECT_TRUE(key.what.ends_with(".")) << key.name;
  }
}

TEST(NodeConfig, ListsTheKeysSortedWithTheirDefaults) {
  const std::vector<NodeConfig::Key> keys = NodeConfig::keys();
  EXPECT_TRUE(
      std::is_sorted(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
  const auto value_of = [&](std::string_view name) {
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return k.name == name; });
    return key == keys.end() ? "no such key" : key->value;
  };
  EXPECT_EQ(value_of("k"), "20");
  EXPECT_EQ(value_of("client"), "false");
  EXPECT_EQ(value_of("first_buckets"), "128,64,32");
  EXPECT_EQ(value_of("request_timeout_min"), "100ms");
  EXPECT_EQ(value_of("bootstrap_backoff_max"), "30s");
  EXPECT_EQ(value_of("item_lifetime"), "1d");
  EXPECT_EQ(value_of("connection_item_lifetime"), "2h");
  EXPECT_EQ(value_of("bootstrap"), "");
}

TEST(NodeConfig, AnEmptyTextIsAnEmptyList) {
  NodeConfig config;
  ASSERT_TRUE(config.set("first_buckets", ""));
  EXPECT_TRUE(config.first_buckets.empty());
}

TEST(NodeConfig, RefusesWhatIsNotOfTheTypeOrRangeAndKeepsTheOldValue) {
  const std::vector<std::tuple<const char*, const char*>> refused = {
      {"k", "0"},
      {"k", "21"},
      {"k", ""},
      {"k", "8 "},
      {"k", "-1"},
      {"k", "8.5"},
      {"k", "99999999999999999999999"},
      {"client", "yes"},
      {"request_attempts", "0"},
      {"request_attempts", "256"},
      {"request_timeout_max", "250"},
      {"request_timeout_max", "0ms"},
      {"request_timeout_max", "2h"},
      {"item_lifetime", "8d"},
      {"first_buckets", "128,"},
      {"first_buckets", ",128"},
      {"first_buckets", "128,,64"},
      {"first_buckets", "128,0"},
      {"bootstrap", "localhost:4000"},
      {"bootstrap", "192.0.2.1:0"},
      {"bootstrap", "0.0.0.0:4000"},
  };
  for (const auto& [key, value] : refused) {
    NodeConfig config;
    const Result<void> outcome = config.set(key, value);
    ASSERT_FALSE(outcome) << key << " = " << value;
    EXPECT_EQ(outcome.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(config.k, 20u);
    EXPECT_EQ(config.first_buckets.size(), 3u);
    EXPECT_EQ(config.request_timeout_max, 4s);
  }
}

TEST(NodeConfig, SaysWhichKeyWhatWasGivenAndWhatWasExpected) {
  NodeConfig config;
  EXPECT_EQ(config.set("k", "21").error().message, "k: '21' was given, expected a whole number from 1 to 20");
  EXPECT_EQ(config.set("client", "1").error().message, "client: '1' was given, expected true or false");
  EXPECT_EQ(
      config.set("handshake_timeout", "5").error().message,
      "handshake_timeout: '5' was given, expected a duration from 10ms to 1h, such as 250ms, 30s or 10min");
  const std::string unknown = config.set("kk", "21").error().message;
  EXPECT_TRUE(unknown.starts_with("'kk' is not a configuration key: expected one of alpha, bootstrap,"))
      << unknown;
}

TEST(ParseDuration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("7ns").value(), Duration(7));
  EXPECT_EQ(parse_duration("40us").value(), 40us);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("30s").value(), 30s);
  EXPECT_EQ(parse_duration("10min").value(), 10min);
  EXPECT_EQ(parse_duration("2h").value(), 2h);
  EXPECT_EQ(parse_duration("7d").value(), 168h);
  EXPECT_EQ(parse_duration("1.5s").value(), 1500ms);
  EXPECT_EQ(parse_duration("0s").value(), 0s);
}

TEST(ParseDuration, RefusesAMissingUnitASignAndWhatOverflows) {
  for (const char* text : {"", "s", "10", "-1s", "+1s", " 1s", "1 s", "1s ", "1m", "1S", "infs", "nans",
                           "1e3s", ".5s", "0x10s", "300000000d"}) {
    const Result<Duration> parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(NodeConfig, ShowsTheValuesInForce) {
  NodeConfig config;
  ASSERT_TRUE(config.set("k", "8"));
  const std::vector<NodeConfig::Key> values = config.values();
  const auto k = std::find_if(values.begin(), values.end(), [](const auto& key) { return key.name == "k"; });
  ASSERT_NE(k, values.end());
  EXPECT_EQ(k->value, "8");
  EXPECT_EQ(k->expected, "a whole number from 1 to 20");
}

TEST(NodeConfig, FindsValuesThatContradictEachOther) {
  EXPECT_TRUE(NodeConfig{}.validate());
  NodeConfig config;
  ASSERT_TRUE(config.set("request_timeout_min", "5s"));
  EXPECT_EQ(config.validate().error().message,
            "request_timeout_min (5s) is longer than request_timeout_max (4s)");
  ASSERT_TRUE(config.set("request_timeout_max", "5s"));
  EXPECT_TRUE(config.validate());
  ASSERT_TRUE(config.set("bootstrap_backoff_max", "1s"));
  EXPECT_FALSE(config.validate());
}

}  // namespace
}  // namespace shoal
