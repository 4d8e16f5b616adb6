// ItemOperations: what this host does with items of its own accord or by command: put, publish, get, resolve,
// renewing what it holds for others, handing it over, and publishing where it can be reached.
//
//   store:  (looking up the closest) ─► storing on `replication` of them, the next nearest in place of each
//   that
//           refuses or is silent ─► done
//   get:    looking up, by get_item ─┬─► done
//                                    └─► fetching by session from one holder, the next if it fails ─► done
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
    bool second_round = false;      // the first holder found did not deliver: all are looked up
    LookupReport report;
  };

  Guid begin(Operation operation);
  void refuse_busy(CommandId command);
  void start_lookup(Guid guid);
  void begin_read(CommandId command, Kind kind, const wire::GetItem& get);
  std::optional<Operation> operation_on_held(Kind kind, const ItemName& name) const;

  void sign_record(Operation& operation, std::uint64_t sequence_held);
  // False: we have no address to publish any longer.
  bool sign_own_connection(Operation& operation, std::uint64_t sequence_held);
  void begin_storing(Guid guid, const std::vector<Holding>& holdings);
  void store_on_next(Guid guid);
  void on_question_answer(const Answer& answer);
  void record_store(Guid guid, const Contact& holder, const wire::Refusal& outcome);
  void finish_store(Guid guid);
  void finish_renewal(const Operation& operation);
  Purpose purpose_of(const Operation& operation) const;

  void continue_get(Guid guid);
  void fetch(Guid guid, const Holding& holding);
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
