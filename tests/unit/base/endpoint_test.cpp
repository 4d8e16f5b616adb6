// Endpoints: their text both ways, and what each address is good for.
#include "node/base/endpoint.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace shoal {
namespace {

Endpoint parsed(std::string_view text) {
  const Result<Endpoint> endpoint = Endpoint::parse(text);
  EXPECT_TRUE(endpoint) << text;
  return endpoint.value_or(Endpoint{});
}

TEST(Endpoint, TextComesBackInItsCanonicalForm) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"192.0.2.1:4000", "192.0.2.1:4000"},
      {"0.0.0.0:0", "0.0.0.0:0"},
      {"255.255.255.255:65535", "255.255.255.255:65535"},
      {"[2001:db8::1]:4000", "[2001:db8::1]:4000"},
      {"[2001:0DB8:0:0:0:0:0:1]:4000", "[2001:db8::1]:4000"},
      {"[::1]:1", "[::1]:1"},
      {"[::]:1", "[::]:1"},
      {"[::ffff:192.0.2.1]:4000", "192.0.2.1:4000"},
  };
  for (const auto& [text, canonical] : cases) {
    EXPECT_EQ(parsed(text).to_string(), canonical);
    EXPECT_EQ(parsed(canonical), parsed(text));
  }
}

TEST(Endpoint, RefusesAnythingElseAndSaysWhatWasExpected) {
  for (const char* text : {"",
                           ":",
                           "192.0.2.1",
                           ":4000",
                           "192.0.2.1:",
                           "192.0.2.1:65536",
                           "192.0.2.1:-1",
                           "192.0.2.1:4000 ",
                           " 192.0.2.1:4000",
                           "192.0.2.1:+1",
                           "192.0.2.1:0x10",
                           "192.0.2:4000",
                           "192.0.2.256:4000",
                           "192.0.2.1.1:4000",
                           "localhost:4000",
                           "2001:db8::1:4000",
                           "[2001:db8::1]",
                           "[2001:db8::1]4000",
                           "[2001:db8::1:4000",
                           "2001:db8::1]:4000",
                           "[]:4000",
                           "[:4000",
                           "]:4000",
                           "[192.0.2.1]:4000",
                           "[fe80::1%eth0]:4000",
                           "[::1]]:4000"}) {
    const Result<Endpoint> endpoint = Endpoint::parse(text);
    ASSERT_FALSE(endpoint) << "'" << text << "' was taken for " << endpoint->to_string();
    EXPECT_EQ(endpoint.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(
        endpoint.error().message,
        "'" + std::string(text) +
            "' is not an endpoint: expected ADDRESS:PORT, such as 192.0.2.1:4000 or [2001:db8::1]:4000");
  }
}

TEST(Endpoint, AByteZeroInTheTextIsNoEndOfIt) {
  EXPECT_FALSE(Endpoint::parse(std::string_view("192.0.2.1\0x:4000", 16)));
  EXPECT_FALSE(Endpoint::parse(std::string_view("[::1\0x]:4000", 12)));
}

TEST(Endpoint, V4IsMappedIntoV6InNetworkOrder) {
  const Endpoint endpoint = Endpoint::v4(0xc0000201, 4000);
  EXPECT_EQ(to_hex(endpoint.address), "00000000000000000000ffffc0000201");
  EXPECT_TRUE(endpoint.is_v4());
  EXPECT_EQ(endpoint.v4_address(), 0xc0000201u);
  EXPECT_FALSE(parsed("[2001:db8::1]:4000").is_v4());
}

TEST(Endpoint, KnowsLoopbackLocalAndUnspecifiedAddresses) {
  struct Case {
    const char* text;
    bool loopback;
    bool local;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"127.0.0.1:1", true, true},         {"127.255.255.255:1", true, true},
           {"126.255.255.255:1", false, false}, {"128.0.0.0:1", false, false},
           {"10.0.0.0:1", false, true},         {"10.255.255.255:1", false, true},
           {"9.255.255.255:1", false, false},   {"11.0.0.0:1", false, false},
           {"172.15.255.255:1", false, false},  {"172.16.0.0:1", false, true},
           {"172.31.255.255:1", false, true},   {"172.32.0.0:1", false, false},
           {"192.167.255.255:1", false, false}, {"192.168.0.0:1", false, true},
           {"192.168.255.255:1", false, true},  {"192.169.0.0:1", false, false},
           {"169.253.255.255:1", false, false}, {"169.254.0.0:1", false, true},
           {"169.254.255.255:1", false, true},  {"169.255.0.0:1", false, false},
           {"100.63.255.255:1", false, false},  {"100.64.0.0:1", false, true},
           {"100.127.255.255:1", false, true},  {"100.128.0.0:1", false, false},
           {"192.0.2.1:1", false, false},       {"[::1]:1", true, true},
           {"[::2]:1", false, false},           {"[fbff::1]:1", false, false},
           {"[fc00::1]:1", false, true},        {"[fdff::1]:1", false, true},
           {"[fe00::1]:1", false, false},       {"[fe7f::1]:1", false, false},
           {"[fe80::1]:1", false, true},        {"[febf::1]:1", false, true},
           {"[fec0::1]:1", false, false},       {"[2001:db8::1]:1", false, false},
       }) {
    EXPECT_EQ(parsed(c.text).is_loopback(), c.loopback) << c.text;
    EXPECT_EQ(parsed(c.text).is_local(), c.local) << c.text;
    EXPECT_FALSE(parsed(c.text).is_unspecified()) << c.text;
  }
  EXPECT_TRUE(parsed("0.0.0.0:1").is_unspecified());
  EXPECT_TRUE(parsed("[::]:1").is_unspecified());
  EXPECT_TRUE(Endpoint{}.is_unspecified());
}

TEST(Endpoint, WithoutAPortIsNone) {
  EXPECT_FALSE(Endpoint{});
  EXPECT_FALSE(Endpoint::v4(0xc0000201, 0));
  EXPECT_TRUE(Endpoint::v4(0xc0000201, 1));
}

TEST(Endpoint, HashTellsNeighboursApart) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint32_t host = 0; host < 100; ++host) {
    for (std::uint16_t port = 4000; port < 4100; ++port) {
      hashes.insert(std::hash<Endpoint>{}(Endpoint::v4(0xc0000200 + host, port)));
    }
  }
  EXPECT_EQ(hashes.size(), 10'000u);
}

TEST(Subnet, IsThe24OfAV4AndThe48OfAV6Address) {
  const auto same = [](const char* a, const char* b) {
    return subnet_of(parsed(a).address) == subnet_of(parsed(b).address);
  };
  EXPECT_TRUE(same("192.0.2.1:1", "192.0.2.255:2"));
  EXPECT_FALSE(same("192.0.2.1:1", "192.0.3.1:1"));
  EXPECT_FALSE(same("192.0.2.1:1", "193.0.2.1:1"));
  EXPECT_TRUE(same("[2001:db8:1::1]:1", "[2001:db8:1:ffff::2]:1"));
  EXPECT_FALSE(same("[2001:db8:1::1]:1", "[2001:db8:2::1]:1"));
  // 0.0.1/24 and 0:0:1::/48 have the same bits, and are not the same.
  EXPECT_FALSE(same("0.0.1.1:1", "[0:0:1::1]:1"));
}

}  // namespace
}  // namespace shoal
