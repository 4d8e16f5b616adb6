#include "node/lan/lan_hosts.h"

#include <gtest/gtest.h>

namespace shoal {
namespace {

constexpr Instant at(Duration since) {
  return Instant(since);
}

LanMessage message_of(std::uint8_t host, std::uint64_t boot, std::uint64_t counter, int round = 0) {
  return {Id{{host}}, boot, counter, WallTime(std::chrono::milliseconds(round)), 1, {}};
}

Endpoint place(std::uint32_t number) {
  return Endpoint::v4(0x0a000000u + number, 4000);
}

TEST(LanHosts, HaveHeardWhatIsNotNewer) {
  LanHosts hosts;
  EXPECT_FALSE(hosts.has_heard(message_of(1, 5, 10)));
  hosts.take(message_of(1, 5, 10), place(1), at(0s));
  EXPECT_TRUE(hosts.has_heard(message_of(1, 5, 10)));
  EXPECT_TRUE(hosts.has_heard(message_of(1, 5, 9)));
  EXPECT_TRUE(hosts.has_heard(message_of(1, 4, 1000))) << "of an earlier start";
  EXPECT_FALSE(hosts.has_heard(message_of(1, 5, 11)));
  EXPECT_FALSE(hosts.has_heard(message_of(1, 6, 1))) << "of a later start";
  EXPECT_FALSE(hosts.has_heard(message_of(2, 5, 10))) << "of another host";
}

TEST(LanHosts, ForgetWhatAHostProvedBeforeItWasStartedAnew) {
  LanHosts hosts;
  LanHost& host = hosts.take(message_of(1, 5, 10), place(1), at(0s));
  host.confirmed = place(1);
  host.groups = {Id{{3}}};
  EXPECT_TRUE(hosts.take(message_of(1, 5, 11), place(1), at(1s)).confirmed);
  EXPECT_FALSE(hosts.take(message_of(1, 6, 1), place(1), at(2s)).confirmed);
  EXPECT_TRUE(hosts.find(Id{{1}})->groups.empty());
}

TEST(LanHosts, TellAHostThatHasMovedFromOneWithTwoAddresses) {
  LanHosts hosts;
  hosts.take(message_of(1, 1, 1, 100), place(1), at(0s));
  hosts.take(message_of(1, 1, 2, 100), place(2), at(0s));
  hosts.take(message_of(1, 1, 3, 200), place(1), at(1s));
  const LanHost& host = hosts.take(message_of(1, 1, 4, 200), place(2), at(1s));
  EXPECT_TRUE(host.is_at(place(1)) && host.is_at(place(2)));
  hosts.take(message_of(1, 1, 5, 300), place(3), at(2s));
  EXPECT_TRUE(host.is_at(place(1))) << "one round may have been lost";
  hosts.take(message_of(1, 1, 6, 400), place(3), at(3s));
  EXPECT_FALSE(host.is_at(place(1)) || host.is_at(place(2)));
  EXPECT_TRUE(host.is_at(place(3)));
}

TEST(LanHosts, PreferAPlaceThatMeansSomethingToOthers) {
  LanHosts hosts;
  Endpoint link_local;
  link_local.address = {0xfe, 0x80};
  link_local.port = 4000;
  link_local.interface = 2;
  hosts.take(message_of(1, 1, 1, 100), place(1), at(0s));
  const LanHost& host = hosts.take(message_of(1, 1, 2, 100), link_local, at(0s));
  EXPECT_EQ(host.best_place(), place(1));
  hosts.take(message_of(1, 1, 3, 200), link_local, at(1s));
  hosts.take(message_of(1, 1, 4, 300), link_local, at(2s));
  EXPECT_EQ(host.best_place(), link_local) << "the other one is no longer heard";
}

TEST(LanHosts, AreBoundedAndTheQuietestMakesRoom) {
  LanHosts hosts;
  for (std::size_t i = 0; i < LanHosts::kHostsMax; ++i) {
    LanMessage message = message_of(0, 1, 1);
    message.host.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    message.host.bytes[2] = static_cast<std::uint8_t>(i);
    hosts.take(message, place(1), at(std::chrono::milliseconds(i)));
  }
  hosts.take(message_of(0, 1, 2), place(1), at(1h));  // the first one again
  hosts.take(message_of(1, 1, 1), place(1), at(1h));
  EXPECT_EQ(hosts.size(), LanHosts::kHostsMax);
  EXPECT_NE(hosts.find(Id{}), nullptr);
  EXPECT_NE(hosts.find(Id{{1}}), nullptr);
  EXPECT_EQ(hosts.find(Id{{0, 0, 1}}), nullptr) << "silent for longest";
  EXPECT_NE(hosts.find(Id{{0, 0, 2}}), nullptr);
}

TEST(LanHosts, AreForgottenWhenTheyFallSilent) {
  LanHosts hosts;
  hosts.take(message_of(1, 1, 1), place(1), at(0s));
  hosts.take(message_of(2, 1, 1), place(2), at(1min));
  hosts.forget_silent(at(LanHosts::kForgottenAfter + 1s));
  EXPECT_EQ(hosts.find(Id{{1}}), nullptr);
  EXPECT_NE(hosts.find(Id{{2}}), nullptr);
}

}  // namespace
}  // namespace shoal
