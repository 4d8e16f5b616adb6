#include "node/os/plain_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace shoal {
namespace {

// A description of our own where there can be one: libuv makes it non-blocking, and others may hold the same.
int opened_anew(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int again = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  return again >= 0 ? again : ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

}  // namespace

PlainLines::PlainLines(EventLoop& loop, int fd, Listener& listener)
    : listener_(listener), input_(opened_anew(fd)), ready_(new uv_idle_t) {
  uv_idle_init(loop.uv(), ready_.get());
  ready_->data = this;
  auto poll = std::make_unique<uv_poll_t>();
  if (uv_poll_init(loop.uv(), poll.get(), input_.get()) != 0) return;  // a file
  poll_.reset(poll.release());
  poll_->data = this;
}

PlainLines::~PlainLines() {
  poll_.reset();  // before its descriptor is closed
}

void PlainLines::next() {
  wants_line_ = true;
  deliver();
}

// Lines asked for from inside on_line() come from this loop, not from within each other.
void PlainLines::deliver() {
  if (delivers_) return;
  delivers_ = true;
  while (wants_line_) {
    const std::size_t end = unread_.find('\n');
    if (end == std::string::npos && !(has_ended_ && !unread_.empty())) break;
    const std::string line = unread_.substr(0, end);
    unread_.erase(0, std::min(line.size() + 1, unread_.size()));
    wants_line_ = false;
    listener_.on_line(line);
  }
  delivers_ = false;
  if (!wants_line_) return;
  if (has_ended_) {
    wants_line_ = false;
    listener_.on_end();
  } else if (poll_ != nullptr) {
    uv_poll_start(poll_.get(), UV_READABLE,
                  [](uv_poll_t* poll, int, int) { static_cast<PlainLines*>(poll->data)->read(); });
  } else {
    uv_idle_start(ready_.get(), [](uv_idle_t* idle) { static_cast<PlainLines*>(idle->data)->read(); });
  }
}

void PlainLines::read() {
  std::array<char, 4096> bytes;
  const ssize_t count = ::read(input_.get(), bytes.data(), bytes.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    has_ended_ = true;
  } else {
    const bool is_too_long = unread_.size() > kLineBytesMax;
    if (is_too_long) unread_.resize(kLineBytesMax);
    unread_.append(bytes.data(), static_cast<std::size_t>(count));
  }
  if (poll_ != nullptr) {
    uv_poll_stop(poll_.get());
  } else {
    uv_idle_stop(ready_.get());
  }
  deliver();
}

}  // namespace shoal
