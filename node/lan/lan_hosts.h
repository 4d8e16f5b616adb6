// LanHosts: the hosts whose messages were heard on our LANs, and what each of them has proved. Bounded: when
// it is full the one that was silent for longest makes room, so whoever would push honest hosts out must be
// louder than all of them together, and the rate of what is heard is limited.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "node/base/contact.h"
#include "node/base/instant.h"
#include "node/lan/lan_groups.h"

namespace shoal {

struct LanHost {
  // Of the last message that was taken: later ones have greater ones.
  std::uint64_t boot_number = 0;
  std::uint64_t counter = 0;
  Instant heard{};

  // Whence it was heard. A host with several interfaces sends from each at the same time; one that has moved
  // is heard from its old address no longer.
  struct Place {
    Endpoint endpoint;
    WallTime round{};
  };
  static constexpr std::size_t kPlacesMax = 4;
  std::vector<Place> places;  // last heard first
  WallTime round{}, round_before{};

  // Whence it has answered us, itself.
  std::optional<Endpoint> confirmed;
  Instant confirmed_at{};
  bool asking = false;
  Instant ask_after{};  // not before
  Duration backoff{};   // of questions that stay unanswered

  // What its tags show.
  LanTag tags_digest{};
  std::vector<Id> groups;            // of ours
  std::optional<Endpoint> reported;  // to the listener, where it was then

  // Is it still heard from there?
  bool is_at(const Endpoint& endpoint) const;
  // Has it answered lately from where it still is? After so long it is asked again, if there is a reason to.
  static constexpr Duration kConfirmedFor = std::chrono::minutes(10);
  bool is_confirmed(Instant now) const {
    return confirmed && is_at(*confirmed) && now - confirmed_at < kConfirmedFor;
  }
  // Where to ask it: where it is still heard from, and best where others can ask it too.
  const Endpoint& best_place() const;
};

class LanHosts {
 public:
  static constexpr std::size_t kHostsMax = 1024;
  // A host that was silent for so long is forgotten, and so is which messages it has sent: far longer than a
  // recorded one is good for where clocks are right.
  static constexpr Duration kForgottenAfter = std::chrono::minutes(10);

  LanHost* find(const Id& key);
  const LanHost* find(const Id& key) const;
  // Has this message, or a later one, been taken?
  bool has_heard(const LanMessage& message) const;
  // Takes a message that is not heard yet, and is its host's. Valid until another host is taken.
  LanHost& take(const LanMessage& message, const Endpoint& from, Instant now);
  void forget_silent(Instant now);
  // Their tags are to be looked at again.
  void forget_groups();

  std::size_t size() const { return hosts_.size(); }
  template <class F>
  void for_each(F&& f) const {
    for (const auto& [key, host] : hosts_) f(key, host);
  }

 private:
  void make_room();

  std::map<Id, LanHost> hosts_;
};

}  // namespace shoal
