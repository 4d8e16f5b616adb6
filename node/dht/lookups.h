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
  // Ends with the first item that verifies; otherwise the newest of all the closest is kept. Who says that it
  // holds one that does not fit a datagram is told of at once (on_held_by_session). With the first that says
  // so nobody else is asked until resume().
  bool first_item_is_enough = false;
  Purpose purpose = Purpose::kLookup;
  LookupOwner owner;
};

// A host among those asked that says that it holds something under the name. What it says of it is a hint
// until the item has been verified.
struct Holding {
  Contact contact;
  std::uint64_t sequence = 0;
  bool needs_session = false;
  std::optional<wire::ItemDigest> digest{};
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
  // While a lookup for the first item goes on: this host says that it holds one, to be fetched by session.
  virtual void on_held_by_session(const LookupOwner& /*owner*/, const Holding& /*holding*/) {}
};

class Lookups {
 public:
  Lookups(NodeContext& context, Rpc& rpc, const RoutingTable& table, const OwnAddresses& own,
          LookupListener& listener);

  // The empty guid when lookups_in_flight_max are under way. Ends with on_lookup_done, perhaps before this
  // returns when nobody can be asked.
  Guid start(LookupRequest request);
  // Nobody waits for it any longer, and on_lookup_done does not follow: what it has found so far.
  LookupReport stop(Guid lookup);
  // Goes on asking; nothing when the lookup has ended.
  void resume(Guid lookup);
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
    bool paused = false;
    bool was_paused = false;
  };

  void step(Guid guid);
  void finish(Guid guid);
  // True: this host says that it holds an item that it did not send.
  bool take_items(Active& active, const Contact& from, const wire::Items& answer);

  NodeContext& context_;
  Rpc& rpc_;
  const RoutingTable& table_;
  const OwnAddresses& own_;
  LookupListener& listener_;
  SlotTable<Active> active_;
};

}  // namespace shoal
