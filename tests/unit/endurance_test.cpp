// An hour of heavy churn around one node that stays: nothing in it grows with the time it runs. What real
// processes take of memory and descriptors shows tests/os/test_endurance.py.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/support/node_cluster.h"

#if defined(__SANITIZE_ADDRESS__)
// g++ brings the function, and not the header that declares it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace shoal {
namespace {

std::size_t heap_bytes() {
#if defined(__SANITIZE_ADDRESS__)
  return __sanitizer_get_current_allocated_bytes();
#else
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

// Ten places on the network, on each of which one host follows another, after ninety seconds in the mean.
// Some are in a group and on a LAN with the node that stays. Everybody stores and asks.
class ChurnAroundOne {
 public:
  ChurnAroundOne() {
    NodeConfig config;
    // So that within the hour what is bounded by number or age is full, or has come and gone many times.
    config.item_lifetime = 5min;
    config.rendezvous_lifetime = 2min;
    config.connection_item_lifetime = 10min;
    config.tokens_max = 48;
    config.cached_pairs_max = 48;
    config.peer_backoff_max = 20s;
    config.session_rekey_interval = 1min;
    cluster_.add({}, config);
    join_group(kStays);
    for (std::size_t place = 1; place <= kPlaces; ++place) {
      cluster_.add({kStays}, config);
      ends_.push_back(end_of_life());
      if (is_member(place)) join_group(place);
    }
  }

  // `look` is called every ten seconds.
  template <class Look>
  void run(Duration time, Look&& look) {
    const Instant end = cluster_.network().now() + time;
    for (std::size_t second = 1; cluster_.network().now() < end; ++second) {
      cluster_.advance(1s);
      replace_the_dead();
      work(second);
      if (second % 10 == 0) look();
    }
  }

  Node& node() { return cluster_.node(kStays); }
  // What the node holds on the heap, its stores left out: what the heap gets back with it, once what was
  // under way has ended.
  std::size_t take_apart() {
    cluster_.advance(2min);
    const std::size_t before = heap_bytes();
    cluster_.crash(kStays);
    return before - heap_bytes();
  }
  std::size_t replaced = 0;
  std::size_t got = 0;

 private:
  static constexpr std::size_t kStays = 0;
  static constexpr std::size_t kPlaces = 10;
  static constexpr std::size_t kMembers = 4;

  static bool is_member(std::size_t place) { return place <= kMembers; }
  void join_group(std::size_t host) {
    cluster_.network().plug_in(cluster_.index(host), 1);
    cluster_.set_groups(host, {group_});
  }
  Instant end_of_life() { return cluster_.network().now() + rng_.jittered(Duration(90s), 0.9); }

  // Some without a word.
  void replace_the_dead() {
    for (std::size_t place = 1; place <= kPlaces; ++place) {
      if (ends_[place - 1] > cluster_.network().now()) continue;
      if (rng_.below(4) > 0) (void)cluster_.run(place, StopCommand{});
      cluster_.replace(place);
      if (is_member(place)) cluster_.set_groups(place, {group_});
      ends_[place - 1] = end_of_life();
      ++replaced;
    }
  }

  Bytes value(std::size_t bytes) {
    Bytes out(bytes);
    rng_.fill(out);
    return out;
  }
  void work(std::size_t second) {
    const std::size_t host = 1 + rng_.below(kPlaces);
    if (second % 10 == 0) {
      const auto stored = cluster_.run(host, PutCommand{value(200)}, 20s);
      if (stored) key_ = std::get<StoreResult>(*stored).key;
    }
    if (second % 10 == 5) got += cluster_.run(kStays, GetCommand{key_}, 20s) ? 1 : 0;
    if (second % 60 == 0) cluster_.begin(host, PutCommand{value(40'000)});
    if (second % 10 == 7) {
      PublishCommand publish;
      publish.secret = rng_.seed();
      publish.value = value(100);
      cluster_.begin(kStays, publish);
    }
    if (second % 5 == 3) cluster_.begin(kStays, FindCommand{rng_.id()});
    for (int i = 0; i < 2; ++i) cluster_.begin(kStays, BroadcastCommand{group_.id(), value(20)});
    cluster_.take_events();
  }

  NodeCluster cluster_;
  Rng rng_ = Rng::keyed(1, "test", "endurance");
  GroupKey group_ = GroupKey::from_sync_key(Secret(Rng::keyed(1, "test", "group").seed()));
  std::vector<Instant> ends_;
  Id key_;
};

TEST(Endurance, NothingInANodeGrowsInAnHourOfChurn) {
  ChurnAroundOne churn;
  std::map<std::string_view, std::size_t> early;  // the most that was in each part in the first half hour
  std::map<std::string_view, std::size_t>
      late;  // the least in the last ten minutes: bursts pass, leaks do not
  std::map<std::string_view, std::size_t> bounds;
  Duration ran{};
  churn.run(1h, [&] {
    ran += 10s;
    for (const Load& load : churn.node().loads()) {
      EXPECT_LE(load.size, load.size_max) << load.part << " after " << ran / 1s << " s";
      bounds[load.part] = load.size_max;
      if (ran <= Duration(30min)) early[load.part] = std::max(early[load.part], load.size);
      if (ran <= Duration(50min)) continue;
      late[load.part] = std::min(late.try_emplace(load.part, load.size).first->second, load.size);
    }
  });
  for (const auto& [part, least] : late) {
    // What only ever grew would have grown by two thirds, but for what its bound holds.
    EXPECT_TRUE(least <= early[part] * 3 / 2 + 4 || least == bounds[part])
        << part << ": " << early[part] << ", then " << least << " of " << bounds[part];
  }
  EXPECT_GT(churn.replaced, 300u);
  EXPECT_GT(churn.got, 300u);
  const std::size_t late_bytes = churn.take_apart();
  ChurnAroundOne shorter;
  shorter.run(30min, [] {});
  const std::size_t early_bytes = shorter.take_apart();
  EXPECT_GT(early_bytes, 50u * 1000) << "the heap tells what is freed";
  EXPECT_LE(late_bytes, early_bytes * 11 / 10);
  EXPECT_LE(late_bytes, 400u * 1000);
}

}  // namespace
}  // namespace shoal
