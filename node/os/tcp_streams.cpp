#include "node/os/tcp_streams.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "node/base/check.h"

namespace shoal {
namespace {

constexpr std::size_t kStreamsMax = 4096;
constexpr std::size_t kLingeringMax = 256;
constexpr Duration kLingerTimeout = 60s;  // for the other side to read and to close
constexpr Duration kAcceptPause = 1s;     // when there is no descriptor left
constexpr int kAcceptsPerTurn = 64;
constexpr int kUnsentBytesMax = 128 * 1024;  // beyond what the connection has in flight (tcp(7))

int socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

bool no_descriptor_left() {
  return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
}

void tune(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytesMax);
}

// Makes the coming close() a reset.
void reset_on_close(int fd) {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

TcpStreams::TcpStreams(EventLoop& loop, HostLink& link, Descriptor socket, const Endpoint& listen)
    : loop_(loop),
      link_(link),
      listen_(listen),
      listener_(std::move(socket)),
      timer_(new uv_timer_t),
      waste_(64 * 1024) {
  uv_timer_init(loop.uv(), timer_.get());
  timer_->data = this;
  auto* poll = new uv_poll_t;
  check(uv_poll_init(loop.uv(), poll, listener_.get()) == 0, "the loop refused a socket");
  poll->data = this;
  listener_poll_.reset(poll);
}

TcpStreams::~TcpStreams() = default;

Result<StreamId> TcpStreams::connect(const Endpoint& to) {
  if (link_.events == nullptr || streams_.size() >= kStreamsMax) {
    return fail(ErrorCode::kBusy, "no stream left for " + to.to_string());
  }
  const int family = family_of(listen_);
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return fail(ErrorCode::kBusy, "no descriptor left for a stream to " + to.to_string());
  tune(socket.get());
  if (!listen_.is_unspecified()) {  // so that the other side sees the address at which we listen
    set_option(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    Endpoint from = listen_;
    from.port = 0;
    const SocketAddress address(family, from);
    bind(socket.get(), address.raw(), address.length);
  }
  bool refused = !reaches(listen_, to);
  if (!refused) {
    const SocketAddress address(family, to);
    refused = ::connect(socket.get(), address.raw(), address.length) != 0 && errno != EINPROGRESS;
  }
  Result<Stream*> stream = add(std::move(socket), to, State::kConnecting);
  if (!stream) return tl::unexpected(stream.error());
  if (refused) {
    defer(**stream, End::kReset);
  } else {
    watch(**stream, UV_WRITABLE);
    connecting_.push_back({clock_.now() + kConnectTimeout, (*stream)->id});
    arm_timer();
  }
  return (*stream)->id;
}

Result<TcpStreams::Stream*> TcpStreams::add(Descriptor socket, const Endpoint& peer, State state) {
  const StreamId id{next_id_++};
  auto stream = std::make_unique<Stream>();
  auto* poll = new uv_poll_t;
  if (uv_poll_init(loop_.uv(), poll, socket.get()) != 0) {
    delete poll;
    return fail(ErrorCode::kBusy, "the loop has no room for a stream to " + peer.to_string());
  }
  stream->owner = this;
  stream->id = id;
  stream->peer = peer;
  stream->state = state;
  stream->socket = std::move(socket);
  stream->poll.reset(poll);
  poll->data = stream.get();
  return (streams_[id.value] = std::move(stream)).get();
}

TcpStreams::Stream* TcpStreams::find(StreamId stream) {
  const auto found = streams_.find(stream.value);
  return found == streams_.end() ? nullptr : found->second.get();
}

void TcpStreams::erase(Stream& stream) {
  if (stream.state == State::kLingering) --lingering_count_;
  streams_.erase(stream.id.value);
  if (accept_again_ != kNever) watch_listener();
}

void TcpStreams::watch(Stream& stream, int events) {
  if (events == stream.watched) return;
  stream.watched = events;
  if (events == 0) {
    uv_poll_stop(stream.poll.get());
    return;
  }
  uv_poll_start(stream.poll.get(), events, [](uv_poll_t* poll, int status, int seen) {
    auto* from = static_cast<Stream*>(poll->data);
    from->owner->on_poll(*from, status, seen);
  });
}

void TcpStreams::defer(Stream& stream, End end) {
  if (stream.ending) return;
  stream.ending = true;
  watch(stream, 0);
  deferred_.emplace_back(stream.id, end);
  link_.turn_wanted = true;
}

void TcpStreams::deliver_deferred() {
  std::vector<std::pair<StreamId, End>> due;
  due.swap(deferred_);
  for (const auto& [id, how] : due) {
    Stream* stream = find(id);
    if (stream != nullptr && stream->ending) end(*stream, how);
  }
}

void TcpStreams::end(Stream& stream, End end) {
  const StreamId id = stream.id;
  erase(stream);
  link_.turn_wanted = true;
  if (end == End::kClosed) return link_.events->on_stream_closed(id);
  link_.events->on_stream_reset(id);
}

void TcpStreams::on_poll(Stream& stream, int status, int events) {
  if (status < 0) stream.watched = 0;  // libuv stopped watching
  switch (stream.state) {
    case State::kConnecting:
      return on_connected(stream);
    case State::kOpen:
      return status < 0 ? end(stream, End::kReset) : on_open(stream, events);
    case State::kLingering:
      return status < 0 ? erase(stream) : discard(stream);
  }
}

void TcpStreams::on_connected(Stream& stream) {
  if (socket_error(stream.socket.get()) != 0) return end(stream, End::kReset);
  stream.state = State::kOpen;
  watch(stream, UV_READABLE | UV_DISCONNECT);
  link_.turn_wanted = true;
  link_.events->on_stream_opened(stream.id, stream.peer, false);
}

void TcpStreams::on_open(Stream& stream, int events) {
  if ((events & UV_DISCONNECT) != 0) {
    stream.finished = true;
    watch(stream, stream.watched & ~UV_DISCONNECT);
    if (ended_behind_reads(stream)) return;
  }
  if ((events & UV_READABLE) != 0) {
    if (stream.readable_armed) {
      stream.readable_armed = false;
      link_.turn_wanted = true;
      link_.events->on_stream_readable(stream.id);
    } else {
      watch(stream, stream.watched & ~UV_READABLE);
    }
  }
  if ((events & UV_WRITABLE) != 0) {
    watch(stream, stream.watched & ~UV_WRITABLE);
    stream.writable_due = false;
    link_.turn_wanted = true;
    link_.events->on_stream_writable(stream.id);
  }
}

// Once the other side has finished: defers the end when nothing is left to read.
bool TcpStreams::ended_behind_reads(Stream& stream) {
  std::uint8_t next;
  const ssize_t left = recv(stream.socket.get(), &next, 1, MSG_PEEK);
  if (left > 0) return false;
  defer(stream, left == 0 ? End::kClosed : End::kReset);
  return true;
}

std::size_t TcpStreams::read(StreamId id, MutableByteView out) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->state != State::kOpen || stream->ending || out.empty()) return 0;
  const ssize_t got = recv(stream->socket.get(), out.data(), out.size(), 0);
  if (got == 0) {
    defer(*stream, End::kClosed);
    return 0;
  }
  if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    defer(*stream, End::kReset);
    return 0;
  }
  const auto count = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  if (stream->finished && ended_behind_reads(*stream)) return count;
  if (count < out.size()) {
    stream->readable_armed = true;
    watch(*stream, stream->watched | UV_READABLE);
  }
  return count;
}

std::size_t TcpStreams::write(StreamId id, ByteView bytes) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->state != State::kOpen || stream->ending) return 0;
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const ssize_t sent =
        ::send(stream->socket.get(), bytes.data() + taken, bytes.size() - taken, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
      defer(*stream, End::kReset);
      return taken;
    }
    if (sent < 0) {
      stream->writable_due = true;
      watch(*stream, stream->watched | UV_WRITABLE);
      return taken;
    }
    taken += static_cast<std::size_t>(sent);
  }
  return taken;
}

void TcpStreams::close(StreamId id, CloseMode mode) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->state == State::kLingering) return;
  if (mode == CloseMode::kReset) reset_on_close(stream->socket.get());
  const bool graceful = mode == CloseMode::kGraceful && stream->state == State::kOpen && !stream->ending;
  if (!graceful || shutdown(stream->socket.get(), SHUT_WR) != 0) return erase(*stream);
  stream->state = State::kLingering;
  watch(*stream, UV_READABLE);
  ++lingering_count_;
  lingering_.push_back({clock_.now() + kLingerTimeout, id});
  while (lingering_count_ > kLingeringMax) drop_oldest_lingering();
  arm_timer();
}

void TcpStreams::drop_oldest_lingering() {
  Stream* stream = find(lingering_.front().stream);  // null: the other side closed long ago
  lingering_.pop_front();
  if (stream != nullptr) erase(*stream);
}

void TcpStreams::discard(Stream& stream) {
  const ssize_t got = recv(stream.socket.get(), waste_.data(), waste_.size(), 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) erase(stream);
}

Result<void> TcpStreams::listen() {
  if (link_.events == nullptr || listening_) return {};
  if (::listen(listener_.get(), SOMAXCONN) != 0) {
    return fail_with_errno("listen at " + listen_.to_string() + " (TCP)");
  }
  listening_ = true;
  watch_listener();
  return {};
}

void TcpStreams::watch_listener() {
  accept_again_ = kNever;
  uv_poll_start(listener_poll_.get(), UV_READABLE,
                [](uv_poll_t* poll, int, int) { static_cast<TcpStreams*>(poll->data)->accept_some(); });
}

void TcpStreams::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (streams_.size() >= kStreamsMax) return pause_accepting();
    SocketAddress peer;
    Descriptor socket(accept4(listener_.get(), peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket && no_descriptor_left()) return pause_accepting();
    if (!socket && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (!socket) continue;  // it went away before we took it
    tune(socket.get());
    const Endpoint from = peer.endpoint();
    const Result<Stream*> stream = add(std::move(socket), from, State::kOpen);
    if (!stream) continue;
    watch(**stream, UV_READABLE | UV_DISCONNECT);
    link_.turn_wanted = true;
    link_.events->on_stream_opened((*stream)->id, from, true);
  }
}

void TcpStreams::pause_accepting() {
  uv_poll_stop(listener_poll_.get());
  accept_again_ = clock_.now() + kAcceptPause;
  arm_timer();
}

void TcpStreams::arm_timer() {
  Instant next = accept_again_;
  if (!connecting_.empty()) next = std::min(next, connecting_.front().when);
  if (!lingering_.empty()) next = std::min(next, lingering_.front().when);
  if (next == kNever) return;
  start_timer_at(timer_.get(), next,
                 [](uv_timer_t* timer) { static_cast<TcpStreams*>(timer->data)->on_timer(); });
}

void TcpStreams::on_timer() {
  const Instant now = clock_.now();
  while (!connecting_.empty() && connecting_.front().when <= now) {
    Stream* stream = find(connecting_.front().stream);
    connecting_.pop_front();
    if (stream != nullptr && stream->state == State::kConnecting) end(*stream, End::kReset);
  }
  while (!lingering_.empty() && lingering_.front().when <= now) {
    drop_oldest_lingering();
  }
  if (accept_again_ <= now) watch_listener();
  arm_timer();
}

void TcpStreams::stop() {
  for (const auto& [id, stream] : streams_) reset_on_close(stream->socket.get());
  streams_.clear();
  deferred_.clear();
  connecting_.clear();
  lingering_.clear();
  lingering_count_ = 0;
  accept_again_ = kNever;
  uv_timer_stop(timer_.get());
  uv_poll_stop(listener_poll_.get());
}

}  // namespace shoal
