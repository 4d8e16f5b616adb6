#include "node/os/control_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace shoal {
namespace {

Instant now() {
  return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

Error no_node(const std::filesystem::path& directory) {
  return {ErrorCode::kNotConnected,
          fmt::format("no node runs in {0}: start one with shoal run --data {0}", directory.string())};
}

Error hung_up() {
  return {ErrorCode::kNotConnected, "the node ended before it answered"};
}
Error too_late() {
  return {ErrorCode::kTimeout, "the node did not answer in time (see --timeout)"};
}

}  // namespace

Result<ControlClient> ControlClient::connect(const std::filesystem::path& directory) {
  const std::string path = (directory / "control").string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return tl::unexpected(no_node(directory));
  std::copy(path.begin(), path.end(), address.sun_path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(ErrorCode::kIo, fmt::format("no socket to be had: {}", std::strerror(errno)));
  ControlClient client(fd);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return client;
  if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR) return tl::unexpected(no_node(directory));
  return fail(ErrorCode::kNotConnected,
              fmt::format("cannot reach the node at {}: {}", path, std::strerror(errno)));
}

ControlClient::ControlClient(ControlClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), unread_(std::move(other.unread_)) {}

ControlClient& ControlClient::operator=(ControlClient&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(unread_, other.unread_);
  return *this;
}

ControlClient::~ControlClient() {
  if (fd_ >= 0) ::close(fd_);
}

ControlClient::Answer ControlClient::call(const Command& command, Duration timeout) {
  const Instant deadline = now() + timeout;
  if (Result<void> sent = send(1, command, timeout); !sent) {
    return tl::unexpected(Failure{std::move(sent.error())});
  }
  Result<Numbered> answer = receive(std::max(deadline - now(), Duration::zero()));
  if (!answer) return tl::unexpected(Failure{std::move(answer.error())});
  return std::move(answer->answer);
}

Result<void> ControlClient::send(std::uint64_t number, const Command& command, Duration timeout) {
  return send_line(encode_request({number, command}) + '\n', now() + timeout);
}

Result<ControlClient::Numbered> ControlClient::receive(Duration timeout) {
  Result<std::string> line = receive_line(now() + timeout);
  if (!line) return tl::unexpected(std::move(line.error()));
  Result<ControlAnswer> answer = decode_answer(*line);
  if (!answer) return tl::unexpected(std::move(answer.error()));
  if (!answer->result) return Numbered{answer->id, tl::unexpected(Failure{answer->result.error(), true})};
  return Numbered{answer->id, std::move(*answer->result)};
}

bool ControlClient::wait_for_end(Duration timeout) {
  const Instant deadline = now() + timeout;
  for (;;) {
    const Result<std::string> line = receive_line(deadline);
    if (!line) return line.error().code == ErrorCode::kNotConnected;
  }
}

Result<void> ControlClient::send_line(std::string_view line, Instant deadline) {
  while (!line.empty()) {
    if (!wait(POLLOUT, deadline)) return tl::unexpected(too_late());
    const ssize_t n = ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return tl::unexpected(hung_up());
    if (n > 0) line.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string> ControlClient::receive_line(Instant deadline) {
  std::array<char, 65536> buffer;
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = unread_.find('\n', searched);
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    searched = unread_.size();
    if (searched > kAnswerLineBytesMax) return fail(ErrorCode::kMalformed, "the node's answer is too long");
    if (!wait(POLLIN, deadline)) return tl::unexpected(too_late());
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return tl::unexpected(hung_up());
    if (n > 0) unread_.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

bool ControlClient::wait(short events, Instant deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now()).count();
    pollfd poll_fd{fd_, events, 0};
    const int ready = ::poll(&poll_fd, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
    if (ready > 0) return true;
    if (ready == 0 && now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return true;  // the call that follows tells what is wrong
  }
}

}  // namespace shoal
