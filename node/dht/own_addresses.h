// OwnAddresses: where this host can be reached, from its interfaces and from what others say they see; and
// which contacts are of no use to it: itself under another name, and local addresses when it is not local.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "node/base/contact.h"
#include "node/base/endpoint.h"
#include "node/base/id.h"

namespace shoal {

class OwnAddresses {
 public:
  explicit OwnAddresses(const Id& self) : self_(self) {}

  // All interfaces there are. True when one that was there is gone: what others saw until now may have been
  // it, and is forgotten, since somebody else may have that address next.
  bool on_interfaces(std::span<const Endpoint> own);
  std::span<const Endpoint> interfaces() const { return interfaces_; }
  // The same place under another key.
  void take_over(const OwnAddresses& before);
  // `by`, whom we chose to ask, says our datagrams come from `own`. One network has one vote (voice_of), its
  // latest. Believed when kVotesNeeded agree and are most of the last kVoicesMax that spoke, or when two do
  // and nobody has said otherwise. True when what we advertise changed.
  bool on_observed(const Endpoint& own, const Contact& by);
  // `contact` has answered from its endpoint: another key there means that the address is not ours, whatever
  // others say. True when what we advertise changed.
  bool on_answered(const Contact& contact);
  // The addresses that others say are ours and no interface has: a hello to each tells (on_answered) whether
  // another host has it.
  std::vector<Endpoint> unproven() const;

  // Should this contact, told by others, be tried? A link-local one says nothing of its link, unless its
  // teller is on one with us (Rpc).
  bool usable(const Contact& contact) const;
  // Is this contact, which has spoken to us from its endpoint itself, another host? It may well be a local
  // one of a host that is not: two hosts on one machine, or on one LAN.
  bool is_other(const Contact& contact) const;
  bool is_own(const Endpoint& endpoint) const;
  // Are all our endpoints loopback, private or link-local?
  bool is_local() const;
  // What our connection item says, at most kItemEndpointsMax: interfaces that others can reach anywhere, then
  // what others confirm, then all other interfaces.
  std::vector<Endpoint> advertised() const;

 private:
  static constexpr std::size_t kVoicesMax = 7;  // of one address family
  static constexpr std::size_t kVotesNeeded = 3;
  static constexpr std::size_t kForeignMax = 8;
  struct Vote {
    std::uint64_t voice;
    Endpoint endpoint;
  };

  bool is_interface(const Endpoint& endpoint) const;
  bool is_foreign(const Endpoint& endpoint) const;
  void count();

  Id self_;
  std::vector<Endpoint> interfaces_;
  std::vector<Vote> votes_;          // one of each voice, the latest last
  std::vector<Endpoint> confirmed_;  // by votes_, at most one of each address family
  std::vector<Endpoint> foreign_;    // where another key has answered, the latest last
};

}  // namespace shoal
