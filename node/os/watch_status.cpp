#include "node/os/watch_status.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>

#include "node/control/cli_output.h"
#include "node/os/files.h"
#include "node/os/socket.h"

namespace shoal {
namespace {

// Of terminals that know ECMA-48 and xterm's alternate screen.
constexpr std::string_view kEnter = "\033[?1049h\033[?25l";  // the other screen, no cursor
constexpr std::string_view kLeave = "\033[?25h\033[?1049l";

class Screen {
 public:
  Screen() : is_terminal_(::isatty(STDOUT_FILENO) == 1) {
    if (is_terminal_) write_all(STDOUT_FILENO, view(kEnter));
    struct sigaction action {};
    action.sa_handler = is_terminal_ ? leave_and_end : end;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
  }
  ~Screen() {
    if (is_terminal_) write_all(STDOUT_FILENO, view(kLeave));
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // In place, cut to the terminal's size; elsewhere one after the other. False with errno set.
  bool show(std::string_view text) const {
    if (!is_terminal_) return write_all(STDOUT_FILENO, view(text));
    winsize size{};
    ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    if (size.ws_row == 0 || size.ws_col == 0) size = {24, 80, 0, 0};  // a terminal that does not know its own
    std::string out = "\033[H";
    for (int row = 1; row <= size.ws_row && !text.empty(); ++row) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (row > 1) out += "\r\n";
      out += std::string(text.substr(0, std::min<std::size_t>(end, size.ws_col))) + "\033[K";
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return write_all(STDOUT_FILENO, view(out + "\033[J"));
  }

 private:
  static void end(int) { ::_exit(kExitOk); }
  static void leave_and_end(int) {
    write_all(STDOUT_FILENO, view(kLeave));
    ::_exit(kExitOk);
  }

  bool is_terminal_;
};

}  // namespace

ControlClient::Failure watch_status(ControlClient& client, const ControlOptions& options) {
  const Screen screen;
  nlohmann::json before;
  try {
    for (;;) {
      auto answer = client.call(StatusCommand{}, options.timeout);
      if (!answer) return std::move(answer.error());
      const std::string text = options.json
                                   ? answer->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                                   : describe_change(before, *answer);
      if (!screen.show(text + "\n")) return {fail_with_errno("write to standard output").value()};
      before = std::move(*answer);
      std::this_thread::sleep_for(*options.watch);
    }
  } catch (const nlohmann::json::exception&) {
    return {{ErrorCode::kMalformed, "the node's answer is not of the control protocol"}};
  }
}

}  // namespace shoal
