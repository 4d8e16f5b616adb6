#include "tests/conformance/probe.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace shoal::conformance {

void Probe::event(const char* name) {
  ++events_seen;
  if (in_jobs_) ADD_FAILURE() << name << " came from inside a port's method";
  const Instant at = now();
  if (at < last_now_) ADD_FAILURE() << "the clock went back before " << name;
  last_now_ = at;
}

Probe::Stream* Probe::live(StreamId id, const char* name) {
  event(name);
  const auto found = streams_.find(id);
  if (found == streams_.end()) {
    ADD_FAILURE() << name << " of a stream that never was: " << id.value;
    return nullptr;
  }
  if (found->second.dead) {
    ADD_FAILURE() << name << " of a dead stream: " << id.value;
    return nullptr;
  }
  return &found->second;
}

// One action a call, as a node with a small budget does.
bool Probe::run_jobs() {
  in_jobs_ = true;
  if (!actions_.empty()) {
    const std::function<void()> action = std::move(actions_.front());
    actions_.pop_front();
    action();
  }
  std::vector<StreamId> pumped;
  pumped.swap(pumped_);
  for (const StreamId id : pumped) pump(id, streams_.at(id));
  in_jobs_ = false;
  return !actions_.empty() || !pumped_.empty();
}

void Probe::pump(StreamId id, Stream& stream) {
  if (stream.dead || !stream.opened) return;
  if (stream.reading && stream.readable_seen) drain(id);
  while (stream.outbox_done < stream.outbox.size() && !stream.writable_due) {
    const ByteView rest = ByteView(stream.outbox).subspan(stream.outbox_done);
    const std::size_t taken = write(id, rest.first(std::min(rest.size(), stream.chunk_bytes)));
    stream.outbox_done += taken;
  }
  if (stream.close_when_written && stream.outbox_done == stream.outbox.size())
    close(id, CloseMode::kGraceful);
}

bool Probe::send(const Endpoint& to, ByteView datagram) {
  return ports_->datagrams.send(to, datagram);
}

Result<void> Probe::join(const Endpoint& group) {
  return ports_->datagrams.join(group);
}

void Probe::leave(const Endpoint& group) {
  ports_->datagrams.leave(group);
}

void Probe::wake_at(Instant when) {
  ports_->alarm.wake_at(when);
}

Result<void> Probe::listen() {
  return ports_->streams.listen();
}

StreamId Probe::connect(const Endpoint& to) {
  const Result<StreamId> id = ports_->streams.connect(to);
  if (!id) {
    ADD_FAILURE() << "connect to " << to.to_string() << ": " << id.error().message;
    return {};
  }
  EXPECT_NE(id->value, 0u);
  EXPECT_TRUE(streams_.emplace(*id, Stream{}).second) << "stream id used twice: " << id->value;
  return *id;
}

std::size_t Probe::write(StreamId id, ByteView bytes) {
  const std::size_t taken = ports_->streams.write(id, bytes);
  EXPECT_LE(taken, bytes.size());
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second.dead || !found->second.opened) {
    EXPECT_EQ(taken, 0u) << "write to a stream that is not open";
    return 0;
  }
  found->second.written += taken;
  if (taken < bytes.size()) found->second.writable_due = true;
  return taken;
}

std::size_t Probe::read(StreamId id, MutableByteView out) {
  const std::size_t got = ports_->streams.read(id, out);
  EXPECT_LE(got, out.size());
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second.dead || !found->second.opened) {
    EXPECT_EQ(got, 0u) << "read from a stream that is not open";
    return 0;
  }
  Stream& stream = found->second;
  stream.received.insert(stream.received.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(got));
  if (got < out.size()) {
    stream.readable_armed = true;
    stream.readable_seen = false;
  }
  return got;
}

void Probe::close(StreamId id, CloseMode mode) {
  ports_->streams.close(id, mode);
  const auto found = streams_.find(id);
  if (found != streams_.end()) found->second.dead = true;
}

void Probe::write_all(StreamId id, Bytes bytes, bool close_then) {
  Stream& stream = streams_.at(id);
  stream.outbox.insert(stream.outbox.end(), bytes.begin(), bytes.end());
  stream.close_when_written = close_then;
  pumped_.push_back(id);
}

void Probe::drain(StreamId id) {
  Bytes chunk(streams_.at(id).chunk_bytes);
  while (read(id, chunk) == chunk.size()) {
  }
}

void Probe::on_datagram(const Endpoint& from, ByteView datagram) {
  event("on_datagram");
  datagrams.push_back({from, Bytes(datagram.begin(), datagram.end())});
}

void Probe::on_multicast(const Endpoint& from, ByteView datagram) {
  event("on_multicast");
  multicasts.push_back({from, Bytes(datagram.begin(), datagram.end())});
}

void Probe::on_alarm() {
  event("on_alarm");
  alarms.push_back(now());
}

void Probe::on_stream_opened(StreamId id, const Endpoint& peer, bool inbound) {
  event("on_stream_opened");
  if (inbound) {
    EXPECT_NE(id.value, 0u);
    EXPECT_TRUE(streams_.emplace(id, Stream{}).second) << "stream id used twice: " << id.value;
    inbound_.push_back(id);
  }
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second.dead || found->second.opened) {
    ADD_FAILURE() << "on_stream_opened of a stream that is dead, open or unknown: " << id.value;
    return;
  }
  Stream& stream = found->second;
  stream.opened = true;
  stream.peer = peer;
  stream.inbound = inbound;
  if (hold_reading) stream.reading = false;
  pumped_.push_back(id);
}

void Probe::on_stream_readable(StreamId id) {
  Stream* stream = live(id, "on_stream_readable");
  if (stream == nullptr) return;
  ++stream->readable_events;
  EXPECT_TRUE(stream->opened) << "readable before opened";
  EXPECT_TRUE(stream->readable_armed) << "readable again, with no short read in between";
  stream->readable_armed = false;
  stream->readable_seen = true;
  pumped_.push_back(id);
}

void Probe::on_stream_writable(StreamId id) {
  Stream* stream = live(id, "on_stream_writable");
  if (stream == nullptr) return;
  ++stream->writable_events;
  EXPECT_TRUE(stream->writable_due) << "writable, with no short write before";
  stream->writable_due = false;
  pumped_.push_back(id);
}

void Probe::on_stream_closed(StreamId id) {
  Stream* stream = live(id, "on_stream_closed");
  if (stream == nullptr) return;
  EXPECT_TRUE(stream->opened) << "closed before opened";
  stream->closed = true;
  stream->dead = true;
}

void Probe::on_stream_reset(StreamId id) {
  Stream* stream = live(id, "on_stream_reset");
  if (stream == nullptr) return;
  stream->reset = true;
  stream->dead = true;
}

void Probe::on_committed(CommitId, const Result<void>&) {
  ADD_FAILURE() << "on_committed without a commit";
}

void Probe::on_interfaces(std::span<const Endpoint> own) {
  event("on_interfaces");
  interfaces.assign(own.begin(), own.end());
}

}  // namespace shoal::conformance
