// ControlClient: the other end of a ControlSocket, for the command line. Its calls block.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "node/base/instant.h"
#include "node/base/result.h"
#include "node/control/protocol.h"

namespace shoal {

class ControlClient {
 public:
  // To the node that runs in this data directory. Error kNotConnected: none does.
  static Result<ControlClient> connect(const std::filesystem::path& directory);

  ControlClient(ControlClient&& other) noexcept;
  ControlClient& operator=(ControlClient&& other) noexcept;
  ~ControlClient();

  struct Failure {
    Error error;
    bool is_nodes = false;  // the node's own answer; else it could not be reached, or fell silent
  };
  using Answer = tl::expected<nlohmann::json, Failure>;  // the object under "ok"
  // One command, with no other under way.
  Answer call(const Command& command, Duration timeout);

  // Many at a time, at most ControlSocket::kInFlightPerClientMax, each under a number of the caller's.
  Result<void> send(std::uint64_t number, const Command& command, Duration timeout);
  struct Numbered {
    std::uint64_t number = 0;
    Answer answer;
  };
  // The next answer to any of them. An error here, rather than in the answer, is the end of the connection.
  Result<Numbered> receive(Duration timeout);

  // Until the node hangs up, as it does when it has stopped; false after `timeout`.
  bool wait_for_end(Duration timeout);

 private:
  explicit ControlClient(int fd) : fd_(fd) {}
  Result<void> send_line(std::string_view line, Instant deadline);
  Result<std::string> receive_line(Instant deadline);
  // True when the socket is ready for `events` (poll) before the deadline.
  bool wait(short events, Instant deadline) const;

  int fd_ = -1;
  std::string unread_;
};

}  // namespace shoal
