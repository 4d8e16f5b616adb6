// PacketStreams: the streams of one host of the packet fidelity, on ns-3's TCP sockets.
//
// What ns-3's callbacks tell is only noted; the node hears of it in an event of its own, so no socket is
// touched from inside its own callback. ns-3's TCP has no abort, takes a reset for a close, and never
// notices a refused connect, and does not say when reading has opened its window again; all of that is made
// up for here.
#pragma once

#include <ns3/callback.h>
#include <ns3/ipv4-address.h>
#include <ns3/node.h>
#include <ns3/ptr.h>
#include <ns3/tcp-socket-base.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "node/base/guid.h"
#include "node/base/result.h"
#include "node/base/slot_table.h"
#include "node/ports/streams.h"
#include "sim/cloud.h"
#include "sim/event_loop.h"
#include "sim/simulated_host.h"

namespace shoal::sim {

class PacketStreams {
 public:
  PacketStreams(EventLoop& loop, SimulatedHost& host, const ns3::Ptr<ns3::Node>& node, ns3::Ipv4Address own);
  ~PacketStreams();

  // The attributes of ns-3's TCP, for all sockets of the process.
  static void set_defaults();

  Result<StreamId> connect(const Endpoint& to);
  Result<void> listen();
  std::size_t write(StreamId stream, ByteView bytes);
  std::size_t read(StreamId stream, MutableByteView out);
  void close(StreamId stream, CloseMode mode);
  // What is opened from now on is there; what is open stays where it is.
  void change_address(ns3::Ipv4Address own);
  // The host crashed and is silent already: nobody is told.
  void drop_all();
  // A TCP segment with the RST flag is about to go up the stack.
  void on_reset_segment(const PacketSummary& segment);

 private:
  class Stream {
   public:
    Stream(PacketStreams& owner, const ns3::Ptr<ns3::TcpSocketBase>& tcp_socket,
           const Endpoint& peer_endpoint, bool from_peer);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    Guid id;
    ns3::Ptr<ns3::TcpSocketBase> socket;
    Endpoint peer;
    bool inbound;
    bool opened = false;  // and the node knows
    bool peer_ended = false;
    bool wants_readable = true;
    bool wants_writable = false;
    bool window_closed = false;      // the peer was last told of little or no room
    bool announcing_window = false;  // it is being told of more
    // What the node is still to hear
    bool opened_due = false;
    bool readable_due = false;
    bool writable_due = false;
    bool reset_due = false;
    bool event_posted = false;

   private:
    void on_connected(ns3::Ptr<ns3::Socket>);
    void on_failed(ns3::Ptr<ns3::Socket>);
    void on_received(ns3::Ptr<ns3::Socket>);
    void on_room(ns3::Ptr<ns3::Socket>, std::uint32_t room);
    void on_close(ns3::Ptr<ns3::Socket>);

    PacketStreams& owner_;
  };

  Stream& new_stream(const ns3::Ptr<ns3::TcpSocketBase>& socket, const Endpoint& peer, bool inbound);
  Stream* find(Guid id);
  Stream* find_open(StreamId stream);
  ns3::Ptr<ns3::TcpSocketBase> new_socket();
  void on_accepted(ns3::Ptr<ns3::Socket> socket, const ns3::Address& peer);
  // Has the node hear what is due, in an event of its own.
  void post(Stream& stream);
  void on_event(Guid id);
  void on_connect_timeout(Guid id);
  // Tells the peer of the room that reading has made, until data comes or `times` times.
  void announce_window(Guid id, unsigned times);
  template <class Event>
  void tell(Event&& event) {
    host_.deliver(event);
  }
  void linger(const ns3::Ptr<ns3::TcpSocketBase>& socket);
  static void abort(const ns3::Ptr<ns3::TcpSocketBase>& socket);

  EventLoop& loop_;
  SimulatedHost& host_;
  ns3::Ptr<ns3::Node> node_;
  ns3::Ipv4Address own_;
  SlotTable<std::unique_ptr<Stream>> streams_;
  ns3::Ptr<ns3::TcpSocketBase> listener_;
  std::vector<ns3::Ptr<ns3::TcpSocketBase>> lingering_;  // closed by the node, not yet by both sides
};

}  // namespace shoal::sim
