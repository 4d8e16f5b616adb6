#include "node/dht/own_addresses.h"

#include <gtest/gtest.h>

#include <string>

namespace shoal {
namespace {

Endpoint at(const char* text) {
  return *Endpoint::parse(text);
}

Contact host(std::uint8_t mark, const char* endpoint) {
  Contact contact;
  contact.key.bytes[0] = mark;
  contact.endpoint = at(endpoint);
  return contact;
}

class OwnAddressesTest : public ::testing::Test {
 protected:
  OwnAddressesTest() { self_.bytes[0] = 0xaa; }
  Id self_;
};

TEST_F(OwnAddressesTest, BelievesAnAddressThatTwoSubnetsSeeAndNobodyContradicts) {
  OwnAddresses own(self_);
  const Endpoint seen = at("203.0.113.9:4000");
  EXPECT_FALSE(own.on_observed(seen, host(1, "198.51.100.1:1")));
  EXPECT_FALSE(own.on_observed(seen, host(2, "198.51.100.2:1")));  // the same /24 has one voice
  EXPECT_TRUE(own.advertised().empty());
  EXPECT_TRUE(own.on_observed(seen, host(3, "192.0.2.3:1")));
  EXPECT_EQ(own.advertised(), std::vector<Endpoint>{seen});
  EXPECT_FALSE(own.on_observed(seen, host(4, "192.0.3.3:1")));  // nothing new
}

TEST_F(OwnAddressesTest, FiltersItselfUnderAnyName) {
  OwnAddresses own(self_);
  const std::vector<Endpoint> interfaces = {at("203.0.113.9:4000")};
  own.on_interfaces(interfaces);
  EXPECT_FALSE(own.usable(host(1, "203.0.113.9:4000")));
  EXPECT_FALSE(own.usable(Contact{self_, at("198.51.100.1:1")}));
  EXPECT_TRUE(own.usable(host(1, "203.0.113.9:4001")));
  EXPECT_FALSE(own.usable(Contact{host(1, "198.51.100.1:1").key, Endpoint{}}));
}

// Whoever gets our old address next is no longer ourselves.
TEST_F(OwnAddressesTest, ForgetsWhatOthersSawWhenAnInterfaceIsGone) {
  OwnAddresses own(self_);
  const Endpoint old = at("203.0.113.9:4000");
  const std::vector<Endpoint> before = {old};
  const std::vector<Endpoint> more = {old, at("198.18.0.7:4000")};
  const std::vector<Endpoint> after = {more[1]};
  EXPECT_FALSE(own.on_interfaces(before));
  own.on_observed(old, host(1, "198.51.100.1:1"));
  own.on_observed(old, host(3, "192.0.2.3:1"));
  EXPECT_FALSE(own.on_interfaces(more));
  EXPECT_EQ(own.advertised(), more);
  EXPECT_TRUE(own.on_interfaces(after));
  EXPECT_EQ(own.advertised(), after);
  EXPECT_TRUE(own.usable(host(1, "203.0.113.9:4000")));
}

TEST_F(OwnAddressesTest, TakesLocalContactsOnlyWhileItIsLocalItself) {
  OwnAddresses own(self_);
  const std::vector<Endpoint> loopback = {at("127.0.0.1:4000")};
  own.on_interfaces(loopback);
  EXPECT_TRUE(own.is_local());
  EXPECT_TRUE(own.usable(host(1, "127.0.0.1:4001")));
  EXPECT_EQ(own.advertised(), loopback);
  const std::vector<Endpoint> both = {at("127.0.0.1:4000"), at("203.0.113.9:4000")};
  own.on_interfaces(both);
  EXPECT_FALSE(own.is_local());
  EXPECT_FALSE(own.usable(host(1, "10.0.0.1:4001")));
  EXPECT_TRUE(own.is_other(host(1, "10.0.0.1:4001")));          // if it spoke to us itself
  EXPECT_EQ(own.advertised(), std::vector<Endpoint>{both[1]});  // loopback means nothing to others
}

TEST_F(OwnAddressesTest, RemembersOneClaimOfEachNetworkThatSpoke) {
  OwnAddresses own(self_);
  const Endpoint truth = at("203.0.113.9:4000");
  EXPECT_FALSE(own.on_observed(truth, host(1, "198.51.100.1:1")));
  EXPECT_TRUE(own.on_observed(truth, host(2, "192.0.2.1:1")));
  EXPECT_FALSE(own.on_observed(truth, host(2, "192.0.3.1:1")));
  for (std::uint16_t port = 1; port <= 100; ++port) {
    Endpoint claim = at("203.0.113.200:1");
    claim.port = port;
    EXPECT_FALSE(own.on_observed(claim, host(3, "198.51.111.9:1")));
  }
  EXPECT_EQ(own.advertised(), std::vector<Endpoint>{truth});
}

TEST_F(OwnAddressesTest, BelievesMostNetworksWhenTheyDisagree) {
  OwnAddresses own(self_);
  const Endpoint lie = at("203.0.113.9:4000");
  const Endpoint truth = at("203.0.113.77:4000");
  EXPECT_FALSE(own.on_observed(lie, host(1, "198.51.100.1:1")));
  EXPECT_TRUE(own.on_observed(lie, host(2, "192.0.2.1:1")));
  EXPECT_TRUE(own.on_observed(truth, host(3, "192.0.3.1:1")));
  EXPECT_TRUE(own.advertised().empty());
  EXPECT_FALSE(own.on_observed(truth, host(4, "192.0.4.1:1")));
  EXPECT_TRUE(own.on_observed(truth, host(5, "192.0.5.1:1")));
  EXPECT_EQ(own.advertised(), std::vector<Endpoint>{truth});
}

TEST_F(OwnAddressesTest, DoesNotTakeAnAddressForItsOwnWhereAnotherKeyAnswers) {
  OwnAddresses own(self_);
  const Contact victim = host(9, "203.0.113.9:4000");
  EXPECT_FALSE(own.on_answered(victim));  // nobody has claimed it
  own.on_observed(victim.endpoint, host(1, "198.51.100.1:1"));
  EXPECT_TRUE(own.on_observed(victim.endpoint, host(2, "192.0.2.1:1")));
  EXPECT_EQ(own.unproven(), std::vector<Endpoint>{victim.endpoint});
  EXPECT_FALSE(own.usable(victim));
  EXPECT_TRUE(own.on_answered(victim));
  EXPECT_TRUE(own.advertised().empty());
  EXPECT_TRUE(own.usable(victim));
  EXPECT_FALSE(own.on_observed(victim.endpoint, host(3, "192.0.3.1:1")));
  EXPECT_TRUE(own.usable(victim));
}

TEST_F(OwnAddressesTest, NamesItsGlobalInterfacesFirst) {
  OwnAddresses own(self_);
  const std::vector<Endpoint> interfaces = {at("10.0.0.7:4000"), at("198.18.0.7:4000")};
  own.on_interfaces(interfaces);
  const Endpoint seen = at("203.0.113.9:4000");
  for (std::uint8_t i = 1; i <= 3; ++i) {
    own.on_observed(seen, host(i, ("198.51." + std::to_string(i) + ".1:1").c_str()));
  }
  EXPECT_EQ(own.advertised(), (std::vector<Endpoint>{interfaces[1], seen, interfaces[0]}));
}

}  // namespace
}  // namespace shoal
