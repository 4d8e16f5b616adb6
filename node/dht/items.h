// Items: the DHT values this host holds for others: what it accepts, serves, renews and forgets.
//
// A store is answered when its commit is durable, and with an error when it failed; the host goes on with
// what its store still holds. A value is checked each time it is read (a disk may forget or change bits): one
// that is not what was stored is never passed on but dropped, and the next renewal brings it back. Publish
// and connection items are replaced only by what supersedes them (item.h); the reasons of a refusal travel to
// the caller. Nothing is erased because the others say that it has expired: our own wall clock says so too,
// or our monotonic one has counted its life (base/network_time.h). Every item is renewed on the hosts now
// closest to it once a period by one of its holders: a holder that sees another about to do so (get_item with
// `renewing`) skips one period, but not kSkipsMax + 1 in a row, so nobody can keep an item from being
// renewed. A newcomer among the closest is handed what it should hold, and when one of the closest leaves,
// the nearest holder gives the item to the next. Connection items are left to their owners, who publish them
// anew while they are there; nobody else keeps the address of a host that is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "node/dht/item.h"
#include "node/dht/item_shares.h"
#include "node/dht/routing_table.h"
#include "node/jobs/node_context.h"
#include "node/ports/item_store.h"
#include "node/rpc/rpc.h"

namespace shoal {

class ItemsListener {
 public:
  virtual ~ItemsListener() = default;
  virtual void on_stored_here(Guid operation, const wire::Refusal& outcome) = 0;
};

// Who is told what became of a store once it is durable: a host that asked (`rpc`), or an operation of our
// own
// (`listener`), or nobody.
struct StoreReply {
  Rpc* rpc = nullptr;
  Origin origin{};
  std::uint64_t request_id = 0;
  ItemsListener* listener = nullptr;
  Guid operation{};
};

class Items {
 public:
  // Publish records kept for one public key; the one that expires first gives way.
  static constexpr std::size_t kRecordsPerKeyMax = 64;
  // Periods that a holder leaves an item to others. With as many holders as items have, about one renews.
  static constexpr std::uint8_t kSkipsMax = 6;
  // So many of the hosts nearest to an item hand it over and repair it. One alone may be a newcomer that has
  // not got it, or be dead without our knowing.
  static constexpr std::size_t kKeepers = 2;
  // Stores waiting for their commit; more are refused.
  static constexpr std::size_t kCommitsPendingMax = 1024;
  // Items that one newcomer puts out of a full store, at most (item_shares.h).
  static constexpr std::size_t kGivingWayMax = 16;
  // An item of others is kept so many periods where so many times `replication` hosts are nearer to it.
  static constexpr int kFarPeriods = 2;
  static constexpr std::size_t kFarReplications = 2;
  // Items renewed at a time.
  static constexpr std::size_t kRenewalsMax = 4;

  explicit Items(ItemStore& store) : store_(store) {}
  // The host in whose name items are kept from now on: before anything else, and when it takes another key.
  void belong_to(NodeContext& context, const RoutingTable& table);

  // Reads what the store holds from an earlier run.
  void load();
  // Begins to renew and to forget.
  void start();

  // Requests, answered by the Rpc that they came to.
  void handle(Rpc& rpc, const Origin& origin, const wire::Request& request, const wire::StoreItem& store);
  void handle(Rpc& rpc, const Origin& origin, const wire::Request& request, const wire::GetItem& get);
  void on_committed(CommitId commit, const Result<void>& outcome);

  // Stores an item of our own operation here; on_stored_here follows, perhaps at once.
  void store_here(const wire::Item& item, std::optional<std::uint64_t> expected_sequence, WallTime expires,
                  ItemsListener& listener, Guid operation);
  // Neither is there any longer; what they asked to store is stored.
  void forget(const Rpc& rpc, const ItemsListener& listener);
  // Not expired, and as it was stored; what is damaged goes.
  std::optional<StoredItem> find(const ItemName& name);
  void erase(const ItemName& name);

  // The next deadline has come: erases what has expired and posts a Store job for each item due for renewal.
  void on_renew_deadline();
  // A Store job runs; its renewal has come to its end, and the next item that is due has its turn. A job that
  // the queue refused costs its item one period.
  void on_renewal_begun() { ++renewals_; }
  void on_renewal_done();
  // Names of the items that a host which has just entered the table should hold, and that we, the closest
  // holder besides it, hand over.
  std::vector<ItemName> to_hand_over(const Contact& newcomer) const;

  // Names of the items of which a host that has just left the table was a holder, and which we, the closest
  // to them now, give another.
  std::vector<ItemName> to_repair(const Id& lost) const;

  std::size_t size() const { return held_.size(); }
  std::size_t commits_pending() const { return pending_.size(); }

 private:
  struct Held {
    Instant renew_at;
    WallTime expires;
    Instant lived_at;          // its life has passed by our monotonic clock
    std::uint8_t skipped = 0;  // periods in a row
    // Of the body of a signed item once it has verified; 0: not yet since it was loaded.
    std::uint32_t digest = 0;
    Instant far_until = Instant::max();  // kept no longer, since others are much nearer
    ItemShares::Share share{};
  };
  using HeldItems = std::map<ItemName, Held>;
  // What is to be stored.
  struct Arrival {
    ItemHeader header;
    ItemShares::Share share;
    std::vector<ItemName> giving_way;
  };
  // A batch handed to the store: what it touches, and who waits for it.
  struct PendingCommit {
    std::vector<ItemName> names;
    StoreReply reply;
  };

  // Stores it, or answers why not. `voice`: whose share it belongs to (ItemShares).
  void take(const wire::Item& item, std::optional<std::uint64_t> expected_sequence, WallTime expires,
            std::uint64_t voice, StoreReply reply);
  // kNone with the arrival, or why it is refused.
  wire::Refusal judge(const wire::Item& item, std::optional<std::uint64_t> expected_sequence,
                      WallTime expires, std::uint64_t voice, Arrival& arrival);
  static wire::Refusal judge_sequence(const ItemHeader& header, const wire::Item& item,
                                      std::optional<std::uint64_t> expected_sequence,
                                      const std::optional<StoredItem>& held);
  bool make_room(std::size_t body_bytes, std::size_t replaced_bytes, Arrival& arrival) const;
  ItemShares::Share share_of(const ItemName& name, std::uint64_t voice, std::size_t body_bytes) const;
  HeldItems::iterator drop(HeldItems::iterator held);
  void hold(const ItemName& name, const Held& held);
  bool is_far(const Id& location) const;
  void commit(const wire::Item& item, const Arrival& arrival, StoreReply reply);
  void commit(ItemBatch batch, StoreReply reply);
  // The store is what counts: after a commit that failed we hold what it holds.
  void take_from_store(const ItemName& name);
  static bool is_intact(const StoredItem& item, Held& held);
  void reply_to(const StoreReply& reply, const wire::Refusal& outcome);
  std::optional<ItemName> record_to_drop(const ItemName& newcomer) const;
  wire::Items one_record(const wire::GetItem& get, std::size_t response_bytes_max);
  wire::Items page_of_records(const wire::GetItem& get, std::size_t response_bytes_max);
  std::size_t contacts_for(const Origin& origin, const wire::GetItem& get, const wire::Items& answer) const;
  void note_renewal_by_another(const wire::GetItem& get);
  void start_renewals();
  bool is_keeper(const Id& location, const Id& except, std::vector<Contact>& closest) const;
  Held held_until(WallTime expires, const ItemShares::Share& share);
  Instant lived_at(WallTime expires) const;
  bool lives(const Held& held) const;
  Duration renewal_period() const;
  Instant next_renewal();

  NodeContext* context_ = nullptr;
  ItemStore& store_;
  const RoutingTable* table_ = nullptr;
  HeldItems held_;
  ItemShares shares_;
  std::map<CommitId, PendingCommit> pending_;
  std::size_t renewals_ = 0;
};

}  // namespace shoal
