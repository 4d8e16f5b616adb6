// OwnAddresses: where this host can be reached, from its interfaces and from what others say they see; and
// which contacts are of no use to it: itself under another name, and local addresses when it is not local.
#pragma once

#include <cstddef>
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
  // `by` says our datagrams come from `own`. Believed when kVotesNeeded hosts of different subnets agree
  // (different hosts, while all are local). True when what we advertise changed.
  bool on_observed(const Endpoint& own, const Contact& by);

  // Should this contact, told by others, be tried? A link-local one says nothing of its link, unless its
  // teller is on one with us (Rpc).
  bool usable(const Contact& contact) const;
  // Is this contact, which has spoken to us from its endpoint itself, another host? It may well be a local
  // one of a host that is not: two hosts on one machine, or on one LAN.
  bool is_other(const Contact& contact) const;
  bool is_own(const Endpoint& endpoint) const;
  // Are all our endpoints loopback, private or link-local?
  bool is_local() const;
  // What our connection item says: confirmed by others first, then interfaces; at most kItemEndpointsMax.
  std::vector<Endpoint> advertised() const;

 private:
  static constexpr std::size_t kObservedMax = 8;
  static constexpr std::size_t kVotesNeeded = 2;
  struct Observed {
    Endpoint endpoint;
    std::vector<std::uint64_t> voters;  // at most kVotesNeeded
    std::uint64_t order = 0;            // of the last vote
  };

  Id self_;
  std::vector<Endpoint> interfaces_;
  std::vector<Observed> observed_;
  std::uint64_t votes_ = 0;
};

}  // namespace shoal
