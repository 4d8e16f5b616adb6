// Frames: the pieces in which a session carries messages, so that a large message on one stream does not hold
// up the others. FrameQueue cuts messages into frames, one of each open stream in turn; FrameAssembler makes
// messages of frames again. Neither knows of encryption.
//
//   stream 4 (big-endian) | flags 1 | data 0 to 16,384
//
// A message is the data of the frames of its stream up to one with kFrameEnd. A frame with kFrameFinish,
// alone and empty, is the last of all. The other flags are the session's own: frames of stream 0 that carry
// no part of a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>

#include "node/base/bytes.h"
#include "node/base/result.h"
#include "node/wire/messages.h"

namespace shoal {

inline constexpr std::size_t kFrameHeaderBytes = 5;
inline constexpr std::size_t kFrameDataBytesMax = 16'384;
inline constexpr std::size_t kFrameBytesMax = kFrameHeaderBytes + kFrameDataBytesMax;
inline constexpr std::uint8_t kFrameEnd = 1;
inline constexpr std::uint8_t kFrameFinish = 2;
inline constexpr std::uint8_t kFrameRekey = 4;      // empty: later frames of this direction have the next key
inline constexpr std::uint8_t kFrameKeepAlive = 8;  // empty
inline constexpr std::uint8_t kFrameGroups =
    16;  // session_groups.h: the sender's proofs, instead of earlier ones

// Both sides keep to these, so they are part of the protocol: a sender has no more messages begun and not
// ended than this, and no more bytes in them, and a receiver refuses more.
inline constexpr std::size_t kOpenStreamsMax = 16;
inline constexpr std::size_t kOpenBytesMax = 8 * wire::kMessageBytesMax;

// What a queued message counts beside its bytes, so that empty ones are bounded too.
inline constexpr std::size_t kQueuedMessageOverheadBytes = 64;

struct SessionMessage {
  std::uint32_t stream = 0;
  Bytes message;
};

class FrameQueue {
 public:
  explicit FrameQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Errors: kTooLarge (over wire::kMessageBytesMax), kBusy (`bytes_max` would be passed).
  Result<void> push(std::uint32_t stream, Bytes message);
  // Appends the next frame to `out`. Precondition: !empty().
  void pop(Bytes& out);
  bool empty() const { return queues_.empty(); }
  std::size_t queued_bytes() const { return queued_bytes_; }

 private:
  struct Queue {
    std::list<Bytes> messages;
    std::size_t sent_bytes = 0;  // of the front message
  };
  void open_waiting();

  const std::size_t bytes_max_;
  std::size_t queued_bytes_ = 0;
  // Every stream that has messages; it also stands in exactly one of the two lists below.
  std::map<std::uint32_t, Queue> queues_;
  std::deque<std::uint32_t> open_;     // their front messages go out in turn
  std::deque<std::uint32_t> waiting_;  // until the bounds allow to open them, first come first served
  std::size_t open_bytes_ = 0;         // whole sizes of the front messages of open streams
};

void append_finish_frame(Bytes& out);
// A frame of the session's own.
void append_control_frame(std::uint8_t flag, ByteView data, Bytes& out);

struct ControlFrame {
  std::uint8_t flag;
  ByteView data;
};
// Is this frame one of the session's own? Error kMalformed: it is, but not on stream 0.
Result<std::optional<ControlFrame>> parse_control_frame(ByteView frame);

class FrameAssembler {
 public:
  explicit FrameAssembler(std::size_t ready_bytes_max) : ready_bytes_max_(ready_bytes_max) {}

  // Takes all but control frames. Errors: kMalformed (no frame, an unknown flag, or a bound above is passed),
  // kTooLarge (a message over wire::kMessageBytesMax), kBusy (messages of `ready_bytes_max` wait to be
  // taken).
  Result<void> add(ByteView frame);
  // The messages that are whole, in the order in which they ended.
  std::optional<SessionMessage> next();
  // The other side has said that it sends no more.
  bool finished() const { return finished_; }
  // Bytes held, in parts and whole.
  std::size_t held_bytes() const { return open_bytes_ + ready_bytes_; }

 private:
  Result<void> append(std::uint32_t stream, ByteView data, bool end);

  const std::size_t ready_bytes_max_;
  std::map<std::uint32_t, Bytes> open_;
  std::size_t open_bytes_ = 0;
  std::deque<SessionMessage> ready_;
  std::size_t ready_bytes_ = 0;
  bool finished_ = false;
};

}  // namespace shoal
