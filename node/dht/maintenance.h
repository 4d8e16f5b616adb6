// Maintenance: keeps the table true. Contacts that were silent for long are pinged, our neighbours more often
// than others; who does not answer is asked once more at once; buckets in which nobody was seen, and our own
// neighbourhood, are looked up; hosts that others tell of or that ask us are verified before they enter. The
// pace of all this follows the lifetime that contacts are seen to have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "node/dht/lookups.h"
#include "node/dht/routing_table.h"
#include "node/jobs/node_context.h"
#include "node/ports/host_store.h"
#include "node/rpc/rpc.h"

namespace shoal {

class Maintenance {
 public:
  // Verifying pings in flight; more possibles than this are passed over.
  static constexpr std::size_t kVerifyingMax = 32;
  static constexpr Duration kNeighboursComeWithin = std::chrono::seconds(30);

  Maintenance(NodeContext& context, Rpc& rpc, Lookups& lookups, const RoutingTable& table, HostStore& hosts);

  void start();
  // Do we know our neighbours? They were looked up since we are connected, and that is some time ago: when
  // all hosts start at once, after a power cut, the first look finds only those who were quicker.
  bool joined() const { return joined_ && context_.now() - joined_at_ >= kNeighboursComeWithin; }
  // Connected again: looks up our own id, then every bucket that is not full.
  void join();

  // A host that we have reason to think is there, and is not ourselves: pings it if the table has room for
  // it.
  void consider(const Contact& possible, Purpose purpose);
  // It has sent us a request from there, and is pinged so many times at most: if the table has room for it,
  // or if we know it elsewhere and have not heard of it there for a moment. Then it may have moved, and
  // stands at the new place in the table once it answers.
  void heard_from(const Contact& contact, std::uint8_t attempts);
  // Is it still there? It is asked whether or not the table has room. False when that cannot be now.
  bool verify(const Contact& contact, Purpose purpose);
  // The ping of verify() has come to its end.
  void on_verified(const Contact& contact, bool answered);
  // A request to a contact went unanswered, which it has survived: is it still there?
  void on_silent(const Contact& contact);

  // Pings all contacts one after the other: they are to learn something about us.
  void ping_all();
  // We have moved: the same at once, within seconds, so that they learn where we are.
  void tell_all();

  void on_deadline(DeadlineKind kind);
  void on_join_done();
  void on_bucket_refreshed();
  void save_hosts();
  std::size_t verifying() const { return verifying_.size(); }

 private:
  // How often contacts are to be heard of, and the table is looked over for those that were not.
  struct CheckPeriods {
    Duration neighbours, others, look;
  };
  CheckPeriods check_periods() const;
  Duration refresh_period(Duration longest) const;
  // `prompted`: as in OutRequest.
  bool verify(const Contact& contact, Purpose purpose, std::uint8_t attempts, bool prompted);
  void check_contacts();
  void check_in(Duration wait);
  void refresh_next_bucket();
  Id random_id_in(int bucket);
  bool look_up(const Id& target, std::size_t wanted, LookupOwner::Part part);

  NodeContext& context_;
  Rpc& rpc_;
  Lookups& lookups_;
  const RoutingTable& table_;
  HostStore& hosts_;
  std::set<Id> verifying_;
  std::vector<Id> to_check_;     // taken from the back
  Instant looked_at_{};          // when they were chosen
  Instant next_check_{};         // deadlines before it are out of date
  bool hurried_ = false;         // they are pinged at the highest pace
  std::vector<int> to_refresh_;  // taken from the back
  Duration save_interval_{};
  bool joining_ = false;  // a lookup for it is under way
  bool joined_ = false;
  Instant joined_at_{};
  bool refreshing_ = false;
};

}  // namespace shoal
