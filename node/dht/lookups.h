// Lookups: runs iterative lookups (lookup.h) over Rpc, for hosts (find_host) or for items (get_item).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/guid.h"
#include "node/base/slot_table.h"
#include "node/dht/item_set.h"
#include "node/dht/lookup.h"
#include "node/dht/own_addresses.h"
#include "node/dht/routing_table.h"
#include "node/jobs/node_context.h"
#include "node/rpc/rpc.h"

namespace shoal {

struct LookupOwner {
  enum class Part : std::uint8_t { kNobody, kCommand, kItems, kJoin, kBucketRefresh };
  Part part = Part::kNobody;
  Guid guid;  // of the command or operation
};

struct LookupRequest {
  Id target;
  std::size_t wanted = 20;
  std::optional<wire::GetItem> get;  // nothing: find_host
  // Ends with the first item that verifies; otherwise the newest of all the closest is kept.
  bool first_item_is_enough = false;
  Purpose purpose = Purpose::kLookup;
  LookupOwner owner;
};

// A host among those asked that holds something under the name.
struct Holding {
  Contact contact;
  std::uint64_t sequence = 0;
  bool needs_session = false;
};

struct LookupOutcome {
  LookupOwner owner;
  LookupReport report;
  std::vector<Holding> holdings;  // in the order of their answers
  ItemSet items;
};

class LookupListener {
 public:
  virtual ~LookupListener() = default;
  virtual void on_lookup_done(LookupOutcome outcome) = 0;
  // A host says that our key is at this endpoint.
  virtual void on_told_of_own_key(const Contact& /*contact*/) {}
};

class Lookups {
 public:
  Lookups(NodeContext& context, Rpc& rpc, const RoutingTable& table, const OwnAddresses& own,
          LookupListener& listener);

  // The empty guid when lookups_in_flight_max are under way. Ends with on_lookup_done, perhaps before this
  // returns when nobody can be asked.
  Guid start(LookupRequest request);
  void on_answer(const Answer& answer);
  void on_slow(const Completion& completion);
  std::size_t size() const { return active_.size(); }

 private:
  struct Active {
    LookupRequest request;
    Lookup lookup;
    std::vector<Guid> requests;  // by candidate's step
    std::vector<Holding> holdings;
    ItemSet items;
    bool found = false;
  };

  void step(Guid guid);
  void finish(Guid guid);
  void take_items(Active& active, const Contact& from, const wire::Items& answer);

  NodeContext& context_;
  Rpc& rpc_;
  const RoutingTable& table_;
  const OwnAddresses& own_;
  LookupListener& listener_;
  SlotTable<Active> active_;
};

}  // namespace shoal
