// Streams: reliable ordered bytes in both directions (TCP), non-blocking.
//
//   connect() ──► on_stream_opened ─┬─► on_stream_readable / on_stream_writable … ─┬─► on_stream_closed
//   listen()  ──► on_stream_opened ─┘                                              └─► on_stream_reset
//
// A stream ends with exactly one of closed or reset, or with close(), after which its id is dead and no event
// comes. A stream id is never used again.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/instant.h"
#include "node/base/result.h"

namespace shoal {

struct StreamId {
  std::uint64_t value = 0;  // 0 names nothing
  friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

enum class CloseMode {
  kGraceful,  // what was accepted by write() still arrives, then the other side sees closed
  kReset,     // at once; the other side sees reset, perhaps after some of the data
};

class Streams {
 public:
  virtual ~Streams() = default;
  // Begins to connect; on_stream_opened, or on_stream_reset when refused, unreachable or silent for
  // kConnectTimeout. Error kBusy when the host has no descriptor left.
  virtual Result<StreamId> connect(const Endpoint& to) = 0;
  // Accepts streams at the address and port of the host's Datagrams from now on. Error kIo.
  virtual Result<void> listen() = 0;
  // Takes as many leading bytes as the host has room for, perhaps 0; when fewer than offered, one
  // on_stream_writable follows once there is room again. 0 for a stream that is not open.
  virtual std::size_t write(StreamId stream, ByteView bytes) = 0;
  // Takes up to out.size() bytes that have arrived. on_stream_readable comes again only for bytes that arrive
  // after a read that returned less than out.size(). 0 for a stream that is not open. Unread bytes hold the
  // sender back.
  virtual std::size_t read(StreamId stream, MutableByteView out) = 0;
  // The id is dead when this returns. Unknown ids are ignored.
  virtual void close(StreamId stream, CloseMode mode) = 0;
};

inline constexpr Duration kConnectTimeout = std::chrono::seconds(10);

}  // namespace shoal
