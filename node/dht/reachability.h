// Reachability: can strangers reach this host? One that they cannot reach, behind a NAT or a firewall, is a
// *client*: it asks, but enters no table, for contacts that do not answer cost others time-outs.
//
//             ┌──(a request of somebody whom we had sent nothing)──► reachable ◄──────┐
//   unknown ──┤                                                         │    the same │
//             └──(kWitnessesNeeded witnesses, and nobody came)──► unreachable ◄┘──────┘
//
// A test asks a contact to have some of its own contacts, the *witnesses*, ping us (wire::TestReach); it
// costs about 14 datagrams. A host that is not known to be reachable is tested before it joins, so that
// clients get into no table on the way; until then its requests say that it is a client. Where there are no
// witnesses, as in a network of two, it stays unknown, and acts as one that can be reached. Afterwards every
// request of a stranger is proof; where none comes for reach_test_interval, it is tested again. Just after a
// start a NAT may let in those that this host had sent something to before it: so there is one more test, or
// stranger, some minutes later.
//
// A neighbour on our LAN, and its LAN, show nothing about a NAT between us and everybody else. So while we
// have other than local addresses only contacts that have them too are asked for a test; and what local hosts
// have shown before is void once others see us at such an address.
//
// A contact that lies about witnesses can make us a client until the next test; so each test of one series
// asks another contact, and one request of a stranger ends it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "node/dht/own_addresses.h"
#include "node/dht/routing_table.h"
#include "node/jobs/node_context.h"
#include "node/rpc/rpc.h"

namespace shoal {

class ReachabilityListener {
 public:
  virtual ~ReachabilityListener() = default;
  // After on_connected(): as much is known as joining may wait for.
  virtual void on_may_join() = 0;
  // Known to be a client from now on, or no longer.
  virtual void on_client_changed(bool client) = 0;
};

class Reachability {
 public:
  enum class State : std::uint8_t { kUnknown, kReachable, kUnreachable };
  // Whom one contact asks to ping us.
  static constexpr std::size_t kWitnessesPerTest = 4;
  // With a third of the contacts of all tables dead, all of them are dead once in 6,500 hosts.
  static constexpr std::size_t kWitnessesNeeded = 8;
  static constexpr std::size_t kTestsMax = 4;  // in one series
  // For the way to the witness and back to us, both of whom may be slow.
  static constexpr Duration kWitnessWait = std::chrono::seconds(2);

  Reachability(NodeContext& context, Rpc& rpc, const RoutingTable& table, const OwnAddresses& own,
               ReachabilityListener& listener);

  State state() const { return state_; }
  // By configuration, or found out.
  bool is_client() const { return context_.config.client || state_ == State::kUnreachable; }

  // What is known of a host at the same place. To be called first.
  void take_over(const Reachability& before);
  // The first contact is there.
  void on_connected(const Contact& contact);
  // One more is.
  void on_new_contact(const Contact& contact);
  // A request came from somebody whom we had sent nothing. From a local address it proves something only
  // while we are local ourselves: a NAT keeps none of its own LAN out.
  void on_reached(const Endpoint& by);
  // Our interfaces have changed: what was known may not hold any more.
  void on_network_changed();
  // Others see us elsewhere than before.
  void on_own_addresses_changed();
  void on_answer(const Answer& answer);
  void on_deadline();

  // Serves a test: asks contacts of ours to ping `tested`, and says whom.
  std::vector<Contact> ask_witnesses(const Contact& tested);

 private:
  bool enabled() const;
  bool may_test(const Contact& contact) const;
  void begin(const Contact& asked);
  void ask(const Contact& asked);
  void go_on();
  void end(State found);
  void release_join();
  void announce();
  void test_at(Instant when);
  std::optional<Contact> random_contact();

  NodeContext& context_;
  Rpc& rpc_;
  const RoutingTable& table_;
  const OwnAddresses& own_;
  ReachabilityListener& listener_;
  State state_ = State::kUnknown;
  bool testing_ = false;
  bool tested_;  // the first series is over
  bool join_waits_ = false;
  bool tester_wanted_ = false;   // there was none
  bool shown_by_local_ = false;  // what is known
  std::size_t tests_ = 0;        // of this series
  std::size_t witnesses_ = 0;    // of this series, to whom we had sent nothing
  Duration again_after_{};       // a series that found nothing out
  Instant due_ = kNever;         // the deadline that means something
  Instant reached_{};            // last
  Instant proof_from_;           // to have been reached earlier proves little
};

// "unknown", "reachable", "unreachable".
std::string_view to_string(Reachability::State state);

}  // namespace shoal
