// RoutingTable: the verified contacts of a host, by XOR distance (Kademlia, Maymounkov and Mazières 2002,
// §2.4). Bucket i holds contacts at distance [2^i, 2^(i+1)) from self; the farthest buckets may be larger
// (Jimenez 2011; libtorrent). A full bucket keeps newcomers in a replacement cache (§4.1 of the long
// version). Whoever calls add() has had an answer from that endpoint with that key: the table believes it.
//
// Who stays, who goes:
//  - A contact that answers stays, however many newcomers there are: what has lived long is likely to live on
//    (§4.1), and a flood of new hosts displaces nobody.
//  - A contact whose last request went unanswered yields to the next newcomer that answers when its bucket is
//    full, the one with most failures first, then the longest silent (libtorrent does so too). Without a
//    newcomer it stays until it has failed failures_max times in a row: an old contact beats none.
//  - A place that falls free goes to the replacement seen last; among those seen within a minute of it, to
//    the one with the lowest RTT. The cache is full: the longest silent replacement makes room.
//  - The diversity limit counts contacts and replacements of a bucket together, so whoever waits may move up.
//    A newcomer of a full subnet takes the place of a failed contact or else of the oldest replacement of the
//    same subnet, or is refused.
//
// Memory: one array of 16-byte entries, buckets one after another, each followed by its replacements; and
// four bytes for each bucket down to the deepest occupied one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "node/base/contact.h"
#include "node/base/instant.h"
#include "node/dht/contact_book.h"
#include "node/dht/lifetime_estimate.h"

namespace shoal {

// More a bucket never holds; larger sizes in TableConfig count as this.
inline constexpr std::size_t kBucketSizeMax = 1024;

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
    kNew,          // in the table now; in a full bucket a contact that had failed made room
    kRefreshed,    // was there; last_seen, RTT and failures are updated, and its endpoint if that changed
    kReplacement,  // bucket full: waits in the cache
    kSubnetFull,   // the diversity limit refused it; a known contact keeps its old endpoint and is not
                   // refreshed
    kSelf,
  };
  // The contact answered us, `rtt` after we asked. Times are kept to the millisecond, RTTs rounded up to
  // 0.1 ms and at most 6.5 s.
  Added add(const Contact& contact, Instant now, Duration rtt);
  // Would add() answer kNew? Then a host that has not answered us yet is worth a ping.
  bool wants(const Contact& contact) const;
  // A request to it went unanswered. True when that was the last straw and it left; the freshest replacement
  // of its bucket has then moved up. A replacement that fails is forgotten at once (false: it was no
  // contact).
  bool failed(const Id& key);
  // Leaves at once (shutdown_host, endpoint changed hands), also from the cache. True when it was a contact.
  bool remove(const Id& key);

  // Replacements are not looked at.
  bool contains(const Id& key) const;
  std::optional<Contact> find(const Id& key) const;

  // The up to n contacts nearest to target, nearest first; contacts that failed last time come after none of
  // those that did not at the same distance rank: order is by distance alone. `out` is overwritten.
  void closest(const Id& target, std::size_t n, std::vector<Contact>& out) const;

  // One step of the original design's ring of hosts. Nothing: self is the answer (self equals the id, or
  // nobody known is nearer to it). Otherwise the successor (the known host with the next higher id, around
  // the top), if the id lies between self and it going upwards and it is nearer to the id than self; else the
  // nearest. Near is by XOR. The ring alone would not do: a successor across a high bit can be farther than
  // self, and the two would send the walk to each other for ever. This way every step comes strictly nearer,
  // so the walk ends; and while each host knows somebody in every occupied range of its own, it ends at the
  // nearest host of all: a nearer one would lie in a range all of which is nearer than self.
  std::optional<Contact> next(const Id& target) const;

  // Who should be heard of again: of the `neighbours` contacts closest to self those not seen since
  // `neighbours_before`, of all others those not seen since `others_before`; and those
  // that have just been silent. Farthest first.
  std::vector<Id> silent_since(Instant others_before, std::size_t neighbours,
                               Instant neighbours_before) const;
  // How long contacts stay, judged by those of this table.
  Duration contact_lifetime() const { return lifetimes_.mean(); }
  // Buckets, farthest first, in which nobody was seen since `before` or that are not full: their indexes. For
  // refresh lookups. Down to the one that holds the `nearest`th nearest contact: a lookup of our own id,
  // which finds so many, has met all there are in the buckets beyond (Kademlia §2.3 refreshes those "further
  // away than its closest neighbor"). 1: down to the one that holds the nearest.
  std::vector<int> stale_buckets(Instant before, std::size_t nearest) const;

  std::size_t size() const;
  std::size_t size_max() const;
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
  // The row of one contact.
  std::optional<Row> row(const Id& key) const;
  std::size_t memory_bytes() const;
  void set_own_is_local(bool own_is_local);

 private:
  struct Entry {
    ContactRef ref;
    std::uint32_t key_bits;  // of the key, the 32 bits after the one that tells it from self
    std::uint32_t seen_ms;   // last_seen, since birth_
    std::uint16_t rtt;       // in kRttUnit
    std::uint8_t failures;
    std::uint8_t subnet_tag;  // equal subnets have equal tags
  };
  static_assert(sizeof(Entry) == 16);
  // A bucket is named here by its depth, the number of leading bits that its contacts share with self.
  struct Shape {
    std::uint16_t contacts = 0;
    std::uint16_t replacements = 0;  // not 0 only while the bucket is full
  };
  // Where a bucket lies in entries_: contacts in [first, waiting), replacements in [waiting, end).
  struct Bucket {
    std::size_t depth, first, waiting, end;
    std::size_t contacts() const { return waiting - first; }
    std::size_t replacements() const { return end - waiting; }
  };
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
  static constexpr Duration kRttUnit = 100us;

  // 32 bits of the id from bit `first` on, the most significant being bit 0; beyond the end, zeros.
  static std::uint32_t bits_from(const Id& id, std::size_t first);
  std::size_t depth_of(const Id& key) const;  // kIdBits for self
  Bucket bucket_at(std::size_t depth) const;
  std::size_t capacity(std::size_t depth) const;
  bool is_full(const Bucket& bucket) const { return bucket.contacts() >= capacity(bucket.depth); }
  const Id& key_of(const Entry& entry) const { return book_[entry.ref].key; }
  Row row_of(const Entry& entry, std::size_t depth) const;
  // The entry's place, or kNowhere.
  std::size_t place_of(const Bucket& bucket, const Id& key) const;
  // The same for contacts only.
  std::size_t contact_place(const Id& key) const;

  std::uint32_t stamp(Instant now);
  Instant seen_at(const Entry& entry) const { return birth_ + std::chrono::milliseconds(entry.seen_ms); }

  bool is_exempt(const Endpoint& endpoint) const { return own_is_local_ && endpoint.is_local(); }
  bool in_subnet(const Entry& entry, std::uint64_t subnet) const;
  // Would one more contact from there, besides those of the bucket but `except`, be too many?
  bool subnet_is_full(const Bucket& bucket, const Endpoint& endpoint, std::size_t except) const;

  // Of the contacts or replacements in a range, of one subnet if given: the entry's place, or kNowhere.
  using Subnet = std::optional<std::uint64_t>;
  std::size_t worst_failed(std::size_t first, std::size_t end, Subnet subnet = {}) const;
  std::size_t longest_silent(std::size_t first, std::size_t end, Subnet subnet = {}) const;
  std::size_t best_replacement(const Bucket& bucket) const;

  Added refresh(const Bucket& bucket, std::size_t place, const Contact& contact, std::uint32_t seen_ms,
                std::uint16_t rtt);
  Added cache(const Bucket& bucket, const Entry& entry);
  void insert(std::size_t place, const Entry& entry);
  void replace(std::size_t place, const Entry& entry);
  void forget_replacement(const Bucket& bucket, std::size_t place);
  void remove_contact(const Bucket& bucket, std::size_t place);

  void append_nearest(const Bucket& bucket, const Id& target, std::size_t n, std::vector<Contact>& out) const;
  std::size_t rank(const Bucket& bucket, const Id& target, std::uint64_t bound, std::uint64_t* ranks) const;
  const Entry* successor() const;
  const Entry* lowest(const Bucket& bucket) const;

  Id self_;
  ContactBook& book_;
  LifetimeEstimate lifetimes_;
  Instant birth_ = kNever;  // of the first contact; seen_ms counts from here
  std::vector<Entry> entries_;
  std::vector<Shape> shapes_;  // by depth; the last one is not empty
  std::unique_ptr<std::uint16_t[]> first_buckets_;
  std::uint16_t first_bucket_count_;
  std::uint16_t k_;
  std::uint16_t replacements_max_;
  std::uint16_t per_subnet_max_;
  std::uint32_t contacts_ = 0;
  std::uint8_t failures_max_;
  bool own_is_local_;
};

}  // namespace shoal
