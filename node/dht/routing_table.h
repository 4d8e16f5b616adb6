// RoutingTable: the verified contacts of a host, by XOR distance (Kademlia, Maymounkov and Mazières 2002,
// §2.4). Bucket i holds contacts at distance [2^i, 2^(i+1)) from self; the farthest buckets may be larger
// (Jimenez 2011; libtorrent). A full bucket keeps newcomers in a replacement cache (§4.1 of the long
// version). Whoever calls add() has had an answer from that endpoint with that key: the table believes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/contact.h"
#include "node/base/instant.h"
#include "node/dht/contact_book.h"

namespace shoal {

struct TableConfig {
  std::size_t k = 20;  // bucket size
  // Sizes of the farthest buckets (255, 254, …); after them k. Empty: plain buckets.
  std::vector<std::size_t> first_buckets = {128, 64, 32};
  std::size_t replacements_max = 8;  // per bucket
  // Contacts of one /24 or /48 in one bucket; 0: no limit. Local addresses are exempt while `own_is_local`.
  std::size_t per_subnet_max = 2;
  bool own_is_local = false;
  std::uint8_t failures_max = 2;  // unanswered requests in a row after which a contact leaves
};

class RoutingTable {
 public:
  RoutingTable(const Id& self, ContactBook& book, TableConfig config);
  ~RoutingTable();
  RoutingTable(const RoutingTable&) = delete;
  RoutingTable& operator=(const RoutingTable&) = delete;

  enum class Added {
    kNew,
    kRefreshed,    // was there; last_seen, RTT and failures are updated, and its endpoint if that changed
    kReplacement,  // bucket full: waits in the cache. Ask oldest_in_bucket() to verify
    kSubnetFull,   // the diversity limit refused it
    kSelf,
  };
  // The contact answered us, `rtt` after we asked.
  Added add(const Contact& contact, Instant now, Duration rtt);
  // A request to it went unanswered. True when that was the last straw and it left; the freshest replacement
  // of its bucket has then moved up.
  bool failed(const Id& key);
  // Leaves at once (shutdown_host, endpoint changed hands).
  bool remove(const Id& key);

  bool contains(const Id& key) const;
  std::optional<Contact> find(const Id& key) const;

  // The up to n contacts nearest to target, nearest first; contacts that failed last time come after none of
  // those that did not at the same distance rank: order is by distance alone.
  void closest(const Id& target, std::size_t n, std::vector<Contact>& out) const;

  // One step of the original design's ring of hosts. Nothing: self is the answer (self equals the id, or
  // nobody known is nearer to it). Otherwise the successor, if the id lies between self and it going upwards;
  // else the nearest.
  std::optional<Contact> next(const Id& target) const;

  // The contact that was silent for longest, in the bucket of `key`.
  struct Candidate {
    Contact contact;
    Instant last_seen;
  };
  std::optional<Candidate> oldest_in_bucket(const Id& key) const;
  // The contact that was silent for longest in the whole table; nothing when empty.
  std::optional<Candidate> oldest() const;
  // Buckets, farthest first, down to the one that holds the nearest contact, in which nobody was seen since
  // `before` or that are not full: their indexes. For refresh lookups.
  std::vector<int> stale_buckets(Instant before) const;

  std::size_t size() const;
  std::size_t replacements() const;
  const Id& self() const;
  // Every contact, bucket by bucket, farthest first.
  struct Row {
    Contact contact;
    Instant last_seen;
    Duration rtt;
    std::uint8_t failures;
    int bucket;
  };
  std::vector<Row> rows() const;
  std::size_t memory_bytes() const;
  void set_own_is_local(bool own_is_local);

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace shoal
