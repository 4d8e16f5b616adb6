#include "node/os/console.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

#include "node/control/protocol.h"
#include "node/os/control_command.h"
#include "node/os/log.h"
#include "node/os/plain_lines.h"
#include "node/os/standard_streams.h"
#include "node/os/terminal_lines.h"

namespace shoal {
namespace {

bool is_pipe(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

// Reading anything but a file could make the node wait.
Result<void> check_file(const ControlOptions& options) {
  struct stat status {};
  const bool has_file = !options.value_text && options.value_from != "-";
  if (!has_file || ::stat(options.value_from.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return {};
  return fail(ErrorCode::kInvalidArgument, options.value_from + " is no file");
}

bool prints_value(const ControlOptions& options) {
  const auto* lookup = std::get_if<LookupCommand>(&options.command);
  return !options.json && options.value_to == "-" &&
         (std::holds_alternative<GetCommand>(options.command) || (lookup != nullptr && !lookup->all));
}

// As the command line would get it through the control socket.
ControlResult through_protocol(const CommandResult& result) {
  if (!result) return tl::unexpected(ControlClient::Failure{result.error(), true});
  return std::move(*decode_answer(encode_answer(0, result))->result);
}

}  // namespace

std::unique_ptr<Console> Console::open(EventLoop& loop, ConsoleMode mode, Listener& listener) {
  const bool has_terminal = is_in_terminal();
  const bool is_wanted =
      mode == ConsoleMode::kOn || (mode == ConsoleMode::kAuto && (has_terminal || is_pipe(STDIN_FILENO)));
  if (!is_wanted) return nullptr;
  std::unique_ptr<Console> console(new Console(has_terminal || mode == ConsoleMode::kOn, listener));
  LineReader::Listener& reads = *console;
  if (has_terminal) {
    auto terminal = std::make_unique<TerminalLines>(loop, console_phrases(), reads);
    console->terminal_ = terminal.get();
    console->lines_ = std::move(terminal);
    if (::isatty(STDERR_FILENO) == 1) {
      surround_log([lines = console->terminal_] { lines->hide(); },
                   [lines = console->terminal_] { lines->show(); });
    }
  } else {
    console->lines_ = std::make_unique<PlainLines>(loop, STDIN_FILENO, reads);
  }
  console->lines_->next();
  return console;
}

Console::~Console() {
  surround_log(nullptr, nullptr);
}

void Console::on_line(const std::string& text) {
  CommandLine line = parse_console_line(text);
  if (!line.what) {
    print_out("{}", line.output);
    print_err("{}", line.errors);
    std::fflush(stdout);
    return lines_->next();
  }
  asked_ = std::get<ControlOptions>(std::move(*line.what));
  Result<void> ready = check_file(*asked_);
  if (ready) ready = read_files(*asked_);
  if (!ready) {
    return answer(tl::unexpected(std::move(ready.error())));
  }
  listener_.on_console_command(asked_->command);
}

void Console::answer(const CommandResult& result) {
  if (!asked_) return;
  const ControlOptions options = std::move(*asked_);
  asked_.reset();
  report(options, through_protocol(result));
  if (result && prints_value(options)) print_out("\n");
  std::fflush(stdout);
  if (!std::holds_alternative<StopCommand>(options.command)) lines_->next();
}

void Console::on_end() {
  if (ends_node_) listener_.on_console_end();
}

}  // namespace shoal
