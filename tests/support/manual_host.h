// ManualNetwork: a few hosts in memory and the network between them, for tests that drive whole nodes. Time
// moves only by advance() and run_until_idle(); the same seed gives the same run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "node/base/agenda.h"
#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/instant.h"
#include "node/base/rng.h"
#include "node/ports/hosted_node.h"

namespace shoal {

class ManualStreamEngine;

// What lies between two hosts, each way.
struct ManualLink {
  Duration delay = 10ms;  // one way
  Duration jitter{};      // each datagram takes up to this much longer
  double loss = 0;        // share of datagrams; streams are not touched
  double duplication = 0;
  bool cut = false;  // datagrams vanish; streams stall, and end in a reset after kManualStallTimeout
};

// Where a host is attached to the network. Interfaces on the same LAN hear each other's multicast, and reach
// each other at link-local addresses; all other addresses reach everybody.
struct ManualInterface {
  Endpoint endpoint;      // `interface` is the number by which its host knows it; 0: it has no numbers
  std::uint32_t lan = 0;  // 0: none
};

// What somebody on the wire sees: a datagram, or bytes that a host writes to a stream.
struct ManualPassage {
  enum class Kind { kDatagram, kMulticast, kStream };
  Kind kind;
  std::uint32_t from = 0, to = 0;  // hosts; of a datagram to a group each receiver has one
  Endpoint source;                 // as the receiver sees it
  std::uint64_t connection = 0;    // of a stream: the same for both of its directions
  bool by_caller = false;          // ... written by the host that connected
  Bytes bytes;
};

inline constexpr std::size_t kManualStreamBytesMax = 64 * 1024;  // unread bytes a stream holds, each way
inline constexpr Duration kManualStallTimeout = 30s;
inline constexpr Duration kManualNatTimeout = 2min;

class ManualNetwork {
 public:
  using HostIndex = std::uint32_t;

  explicit ManualNetwork(std::uint64_t seed = 1);
  ~ManualNetwork();
  ManualNetwork(const ManualNetwork&) = delete;
  ManualNetwork& operator=(const ManualNetwork&) = delete;

  // At 198.18.0.1:4000, 198.18.1.1:4000 and so on (RFC 2544 addresses: not local, each in a /24 of its own),
  // or at an address of the test's choice that no host has yet.
  HostIndex add_host();
  HostIndex add_host(const Endpoint& endpoint);
  // From now on the host has these interfaces instead, the first of which names it; it is told of them. What
  // is on its way to an address that it no longer has is lost.
  void set_interfaces(HostIndex host, std::vector<ManualInterface> interfaces);
  // Its one interface, at the address that it has, is on this LAN.
  void plug_in(HostIndex host, std::uint32_t lan) { set_interfaces(host, {{endpoint(host), lan}}); }
  Endpoint endpoint(HostIndex host) const;

  // Starts delivering events to `node`, on_interfaces first, from inside the next advance(); after every
  // event run_jobs is called until it returns false. The node must outlive the attachment.
  void attach(HostIndex host, HostedNode& node);
  // A crash: what is on its way to the host vanishes, its alarm is forgotten, its streams are gone without a
  // word (the other side sees a reset at its next data after the host is attached again, or when stalled).
  void detach(HostIndex host);
  // Valid for the life of the network; they do nothing while no node is attached.
  HostPorts ports(HostIndex host);
  // Calls run_jobs of the attached node as an event of its own: after a command was posted from outside.
  void wake(HostIndex host);

  Instant now() const { return now_; }
  WallTime wall_time() const;  // 2026-01-01T00:00:00Z + now
  void jump_wall_time(Duration by) { wall_offset_ += by; }
  // Of one host alone.
  void jump_wall_time(HostIndex host, Duration by);
  // Runs `event` at `when`; equal instants run in the order of the calls, the past means now.
  void at(Instant when, std::function<void()> event);

  void advance(Duration by);
  // Advances until nothing is on its way and no wake is pending; alarms due meanwhile fire, later ones do not
  // count. False when that is not so after `at_most`.
  bool run_until_idle(Duration at_most = 60s);
  // Advances until `done`, asked after every event. False when that is not so after `at_most`.
  bool run_until(const std::function<bool()>& done, Duration at_most);

  // All links; forgets what was set for pairs.
  void set_link(const ManualLink& link);
  void set_link(HostIndex a, HostIndex b, const ManualLink& link);
  const ManualLink& link(HostIndex a, HostIndex b) const;
  void cut(HostIndex a, HostIndex b);
  void heal(HostIndex a, HostIndex b);

  // From now on, or no longer, only those come through to the host by datagram to whose address it has itself
  // sent something within kManualNatTimeout (RFC 4787: address-dependent filtering),
  // and those on a LAN with it.
  void hide(HostIndex host);
  void unhide(HostIndex host);

  // Nothing but bytes, without headers; those written to streams count when they are accepted.
  struct Totals {
    std::uint64_t datagrams_sent = 0, datagrams_delivered = 0, datagrams_lost = 0;
    std::uint64_t datagram_bytes_sent = 0, stream_bytes_written = 0;
  };
  const Totals& totals() const { return totals_; }

  // Called with all that passes from now on; an empty function: no longer.
  void tap(std::function<void(const ManualPassage&)> tap) { tap_ = std::move(tap); }
  // At once, as if it came from `source`, whoever that is: anybody may forge addresses.
  void deliver_datagram(const Endpoint& source, HostIndex to, ByteView datagram, bool multicast = false);

 private:
  friend class ManualStreamEngine;
  struct Host;
  struct Event {
    std::function<void()> run;
    bool traffic;  // keeps run_until_idle() going
  };

  void post(Instant when, bool traffic, std::function<void()> run);
  bool step(Instant until);  // runs the next event, if it is due by then
  // Hands one event to the attached node, then lets it work.
  void deliver(HostIndex host, const std::function<void(PortEvents&)>& event);
  bool up(HostIndex host) const;
  // nullptr when no host has this address.
  Host* host_at(const Address& address);
  void introduce(HostIndex host);
  // Whence the host sends to `to`; nullptr: it has no way there.
  const ManualInterface* way(HostIndex from, const Endpoint& to) const;
  void multicast(HostIndex from, const Endpoint& group, ByteView datagram);

  void wake_at(HostIndex host, Instant when);
  bool send(HostIndex from, const Endpoint& to, ByteView datagram);
  bool let_in(HostIndex host, const Endpoint& from) const;
  // Between two interfaces, given by index and interface.
  struct Wire {
    HostIndex from, to;
    Endpoint source;      // as the receiver sees it
    Address destination;  // of the receiver's interface
    bool same_lan = false;
    bool multicast = false;
  };
  void send_copies(const Wire& wire, ByteView datagram);
  void arrive(const Wire& wire, ByteView datagram);
  Result<void> join(HostIndex host, const Endpoint& group);

  Rng rng_;
  Instant now_{};
  Duration wall_offset_{};
  Agenda<Event> agenda_;
  std::size_t traffic_pending_ = 0;
  ManualLink link_;
  std::map<std::pair<HostIndex, HostIndex>, ManualLink> pair_links_;  // lower index first
  std::vector<std::unique_ptr<Host>> hosts_;
  std::map<Address, HostIndex> by_address_;
  std::unique_ptr<ManualStreamEngine> streams_;
  Totals totals_;
  std::function<void(const ManualPassage&)> tap_;
};

}  // namespace shoal
