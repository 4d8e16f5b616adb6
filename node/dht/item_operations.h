// ItemOperations: what this host does with items of its own accord or by command: put, publish, get, resolve,
// renewing what it holds for others, handing it over, and publishing where it can be reached.
//
//   store:  (looking up the closest) ─► storing on `replication` of them, the next nearest in place of each
//   that
//           refuses or is silent ─► done
//   get:    looking up, by get_item ─┬──────────────────────────────────────────────► done
//                                    └─► and fetching by session from those that say that they hold it ─►
//                                    done
//   publish: as a get, of the record that is held ─► signing the next one ─► storing
//
// What a holder says of an item (its sequence number, its size) is a hint: it is fetched and verified before
// it counts. A holder that does not deliver holds up nobody: the next is asked kFetchPatience later, and once
// an item has verified, or a record is to be signed, those that claim a newer one have kNewerWithin to show
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "node/base/slot_table.h"
#include "node/dht/items.h"
#include "node/dht/lookups.h"
#include "node/dht/own_addresses.h"
#include "node/jobs/node_context.h"
#include "node/rpc/rpc.h"
#include "node/secure/keys.h"

namespace shoal {

class ItemOperations : public ItemsListener {
 public:
  static constexpr std::size_t kOperationsMax = 1024;
  // Of one operation, at a time.
  static constexpr std::size_t kFetchesMax = 8;
  static constexpr Duration kFetchPatience = std::chrono::seconds(2);
  static constexpr Duration kNewerWithin = std::chrono::seconds(5);

  ItemOperations(NodeContext& context, const KeyPair& keys, Rpc& rpc, Lookups& lookups, Items& items,
                 const RoutingTable& table, const OwnAddresses& own);

  // Commands: each ends with a result in NodeContext::results.
  void put(CommandId command, PutCommand put);
  void publish(CommandId command, PublishCommand publish);
  void get(CommandId command, const GetCommand& get);
  void lookup(CommandId command, const LookupCommand& lookup);
  void resolve(CommandId command, const ResolveCommand& resolve);

  void renew(const ItemName& name);
  void hand_over(const ItemName& name, const Contact& to);
  // Another holder, in the place of one that has left.
  void repair(const ItemName& name);
  void publish_self();

  std::size_t size() const { return operations_.size(); }

  void on_lookup_done(Guid operation, LookupOutcome outcome);
  void on_held_by_session(Guid operation, const Holding& holding);
  void on_fetch_deadline(Guid operation);
  void on_store_answer(const Answer& answer);
  void on_fetch_answer(const Answer& answer);
  void on_stored_here(Guid operation, const wire::Refusal& outcome) override;

 private:
  enum class Kind : std::uint8_t { kPut, kPublish, kRenew, kHandOver, kPublishSelf, kGet, kLookup, kResolve };
  struct Operation {
    Kind kind = Kind::kPut;
    std::optional<CommandId> command;
    // Stores
    std::optional<PublishCommand> publish;  // until its sequence number is known
    wire::Item item;
    WallTime expires{};
    std::optional<std::uint64_t> expected_sequence;
    std::vector<Contact> targets;  // nearest first; our own key stands for ourselves
    std::size_t next_target = 0;
    std::size_t copies_wanted = 0;
    std::size_t copies = 0;  // stored, or held already
    std::size_t in_flight = 0;
    StoreResult result;
    // Gets
    wire::GetItem get;
    ItemSet items;
    std::vector<Holding> holdings;  // still to be asked by session, best last
    bool reading = false;           // until what is held is known
    Guid lookup;                    // under way
    std::size_t fetches = 0;        // under way
    std::size_t undelivered = 0;    // hosts that said that they hold it and did not deliver
    Instant fetch_next{};           // another holder is asked then, though the last has not answered
    Instant read_until{};           // nobody is waited for any longer; of what has been looked up
    bool second_round = false;      // no holder found has delivered: all are looked up
    LookupReport report;
  };

  Guid begin(Operation operation);
  void refuse_busy(CommandId command);
  void start_lookup(Guid guid);
  void begin_read(CommandId command, Kind kind, const wire::GetItem& get);
  std::optional<Operation> operation_on_held(Kind kind, const ItemName& name) const;

  void sign_record(Operation& operation);
  // False: we have no address to publish any longer.
  bool sign_own_connection(Operation& operation);
  void keep_own(Operation& operation) const;
  void begin_storing(Guid guid, const std::vector<Holding>& holdings);
  void store_on_next(Guid guid);
  void on_question_answer(const Answer& answer);
  void record_store(Guid guid, const Contact& holder, const wire::Refusal& outcome);
  void finish_store(Guid guid);
  void finish_renewal(const Operation& operation);
  Purpose purpose_of(const Operation& operation) const;

  void fetch_more(Guid guid);
  bool is_useful(const Operation& operation, const Holding& holding) const;
  bool fetch(Guid guid, const Operation& operation, const Contact& holder, const wire::GetItem& get,
             std::uint16_t page);
  void finish_reading(Guid guid);
  void finish_get(Guid guid);
  CommandResult result_of_get(Operation& operation) const;

  NodeContext& context_;
  const KeyPair& keys_;
  Rpc& rpc_;
  Lookups& lookups_;
  Items& items_;
  const RoutingTable& table_;
  const OwnAddresses& own_;
  SlotTable<Operation> operations_;
};

}  // namespace shoal
