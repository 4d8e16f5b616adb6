#include "node/secure/frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/base/check.h"

namespace shoal {
namespace {

void append_header(std::uint32_t stream, std::uint8_t flags, Bytes& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(stream >> shift));
  out.push_back(flags);
}

std::uint32_t read_stream(ByteView frame) {
  std::uint32_t stream = 0;
  for (std::size_t i = 0; i < 4; ++i) stream = stream << 8 | frame[i];
  return stream;
}

tl::unexpected<Error> malformed(std::string message) {
  return fail(ErrorCode::kMalformed, std::move(message));
}

}  // namespace

Result<void> FrameQueue::push(std::uint32_t stream, Bytes message) {
  if (message.size() > wire::kMessageBytesMax) {
    return fail(ErrorCode::kTooLarge, fmt::format("a message of {} bytes, at most {} are allowed",
                                                  message.size(), wire::kMessageBytesMax));
  }
  const std::size_t cost = message.size() + kQueuedMessageOverheadBytes;
  if (queued_bytes_ + cost > bytes_max_) {
    return fail(ErrorCode::kBusy,
                fmt::format("{} bytes wait to be sent, at most {} may", queued_bytes_ + cost, bytes_max_));
  }
  queued_bytes_ += cost;
  Queue& queue = queues_[stream];
  queue.messages.push_back(std::move(message));
  if (queue.messages.size() == 1) waiting_.push_back(stream);
  return {};
}

void FrameQueue::open_waiting() {
  while (!waiting_.empty() && open_.size() < kOpenStreamsMax) {
    const std::size_t size = queues_[waiting_.front()].messages.front().size();
    if (open_bytes_ + size > kOpenBytesMax) return;
    open_bytes_ += size;
    open_.push_back(waiting_.front());
    waiting_.pop_front();
  }
}

void FrameQueue::pop(Bytes& out) {
  check(!empty());
  open_waiting();
  const std::uint32_t stream = open_.front();
  open_.pop_front();
  const auto queue = queues_.find(stream);
  const Bytes& message = queue->second.messages.front();
  const std::size_t begin = queue->second.sent_bytes;
  const std::size_t end = std::min(message.size(), begin + kFrameDataBytesMax);
  const bool ends = end == message.size();
  append_header(stream, ends ? kFrameEnd : 0, out);
  out.insert(out.end(), message.begin() + static_cast<std::ptrdiff_t>(begin),
             message.begin() + static_cast<std::ptrdiff_t>(end));
  if (!ends) {
    queue->second.sent_bytes = end;
    open_.push_back(stream);
    return;
  }
  open_bytes_ -= message.size();
  queued_bytes_ -= message.size() + kQueuedMessageOverheadBytes;
  queue->second.messages.pop_front();
  queue->second.sent_bytes = 0;
  if (queue->second.messages.empty()) {
    queues_.erase(queue);
  } else {
    waiting_.push_back(stream);
  }
}

void append_finish_frame(Bytes& out) {
  append_header(0, kFrameFinish, out);
}

void append_control_frame(std::uint8_t flag, ByteView data, Bytes& out) {
  append_header(0, flag, out);
  out.insert(out.end(), data.begin(), data.end());
}

Result<std::optional<ControlFrame>> parse_control_frame(ByteView frame) {
  if (frame.size() < kFrameHeaderBytes) return std::nullopt;
  const std::uint8_t flag = frame[4];
  if (flag != kFrameRekey && flag != kFrameKeepAlive && flag != kFrameGroups) return std::nullopt;
  if (read_stream(frame) != 0) return malformed("a frame of the session's own that names a stream");
  const ByteView data = frame.subspan(kFrameHeaderBytes);
  if (flag != kFrameGroups && !data.empty()) return malformed("a frame that should be empty carries data");
  return ControlFrame{flag, data};
}

Result<void> FrameAssembler::add(ByteView frame) {
  if (frame.size() < kFrameHeaderBytes || frame.size() > kFrameBytesMax) {
    return malformed(fmt::format("a frame of {} bytes, expected {} to {}", frame.size(), kFrameHeaderBytes,
                                 kFrameBytesMax));
  }
  const std::uint32_t stream = read_stream(frame);
  const std::uint8_t flags = frame[4];
  const ByteView data = frame.subspan(kFrameHeaderBytes);
  if (finished_) return malformed("a frame after the last one");
  if (flags == kFrameFinish) {
    if (stream != 0 || !data.empty()) return malformed("the last frame carries a stream or data");
    if (!open_.empty())
      return malformed(fmt::format("the other side finished within {} messages", open_.size()));
    finished_ = true;
    return {};
  }
  if (flags != 0 && flags != kFrameEnd)
    return malformed(fmt::format("a frame with flags {}, expected 0, 1, 2, 4, 8 or 16", flags));
  if (flags == 0 && data.empty()) return malformed("a frame that carries nothing");
  return append(stream, data, flags == kFrameEnd);
}

Result<void> FrameAssembler::append(std::uint32_t stream, ByteView data, bool end) {
  auto open = open_.find(stream);
  if (open == open_.end()) {
    if (open_.size() == kOpenStreamsMax)
      return malformed(fmt::format("over {} messages begun and not ended", open_.size()));
    open = open_.emplace(stream, Bytes()).first;
  }
  Bytes& message = open->second;
  if (message.size() + data.size() > wire::kMessageBytesMax) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("a message of over {} bytes on stream {}", wire::kMessageBytesMax, stream));
  }
  if (open_bytes_ + data.size() > kOpenBytesMax) {
    return malformed(fmt::format("over {} bytes in messages not ended", kOpenBytesMax));
  }
  if (message.size() + data.size() > message.capacity()) {
    // Doubling would take up to twice what a message may have.
    message.reserve(
        std::min(wire::kMessageBytesMax, std::max(2 * message.capacity(), message.size() + data.size())));
  }
  message.insert(message.end(), data.begin(), data.end());
  open_bytes_ += data.size();
  if (!end) return {};
  const std::size_t cost = message.size() + kQueuedMessageOverheadBytes;
  if (ready_bytes_ + cost > ready_bytes_max_) {
    return fail(ErrorCode::kBusy, fmt::format("{} bytes of messages wait to be taken, at most {} may",
                                              ready_bytes_ + cost, ready_bytes_max_));
  }
  open_bytes_ -= message.size();
  ready_bytes_ += cost;
  ready_.push_back(SessionMessage{stream, std::move(message)});
  open_.erase(open);
  return {};
}

std::optional<SessionMessage> FrameAssembler::next() {
  if (ready_.empty()) return std::nullopt;
  SessionMessage message = std::move(ready_.front());
  ready_.pop_front();
  ready_bytes_ -= message.message.size() + kQueuedMessageOverheadBytes;
  return message;
}

}  // namespace shoal
