#include "node/os/terminal_lines.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cwchar>
#include <utility>

#include "node/base/check.h"
#include "node/os/standard_streams.h"

namespace shoal {
namespace {

// The rest of an arrow key's sequence comes with its beginning, or soon after it.
constexpr int kSequenceMs = 50;
constexpr std::uint64_t kLookMs = 500;  // for the terminal, in the background

bool is_in_foreground() {
  return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

TerminalLines* owner_of(EditLine* line) {
  void* owner = nullptr;
  el_get(line, EL_CLIENTDATA, &owner);
  return static_cast<TerminalLines*>(owner);
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// The first word of `rest` that is not there yet, with the blank behind it.
std::string_view up_to_next_word(std::string_view rest) {
  const std::size_t blank = rest.find(' ');
  return blank == std::string_view::npos ? rest : rest.substr(0, blank + 1);
}

}  // namespace

bool is_in_terminal() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 && is_in_foreground();
}

TerminalLines::TerminalLines(EventLoop& loop, std::vector<std::string> phrases, Listener& listener)
    : listener_(listener),
      phrases_(std::move(phrases)),
      input_(::open("/dev/tty", O_RDONLY | O_NONBLOCK | O_CLOEXEC)),
      history_(history_init()),
      line_(el_init("shoal", stdin, stdout, stderr)),
      timer_(new uv_timer_t),
      resized_(watch(loop, SIGWINCH)),
      continued_(watch(loop, SIGCONT)) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  HistEvent event;
  history(history_.get(), &event, H_SETSIZE, kHistoryLines);
  history(history_.get(), &event, H_SETUNIQUE, 1);
  EditLine* const line = line_.get();
  el_set(line, EL_CLIENTDATA, this);
  el_set(
      line, EL_PROMPT, +[](EditLine*) { return const_cast<char*>(kPrompt); });
  el_set(line, EL_EDITOR, "emacs");
  el_set(line, EL_SIGNAL, 0);
  el_set(line, EL_HIST, history, history_.get());
  el_set(
      line, EL_GETCFN, +[](EditLine* el, wchar_t* out) { return owner_of(el)->read_char(out); });
  el_set(
      line, EL_ADDFN, "shoal-complete", "Complete a command",
      +[](EditLine* el, int) { return owner_of(el)->complete(); });
  el_set(
      line, EL_ADDFN, "shoal-end", "End at an empty line, else delete",
      +[](EditLine* el, int) { return owner_of(el)->end_of_file(); });
  el_set(line, EL_BIND, "^I", "shoal-complete", nullptr);
  el_set(line, EL_BIND, "^D", "shoal-end", nullptr);
  uv_timer_init(loop.uv(), timer_.get());
  timer_->data = this;
  poll_.reset(new uv_poll_t);
  check(uv_poll_init(loop.uv(), poll_.get(), input_.get()) == 0, "the terminal cannot be polled");
  poll_->data = this;
}

TerminalLines::~TerminalLines() {
  if (is_in_foreground()) {
    hide();
    end_editing();
  } else {
    static_cast<void>(line_.release());  // its end would change the terminal, which is another job's
  }
  poll_.reset();  // before its descriptor is closed
}

UvHandle<uv_signal_t> TerminalLines::watch(EventLoop& loop, int signal) {
  UvHandle<uv_signal_t> handle(new uv_signal_t);
  uv_signal_init(loop.uv(), handle.get());
  handle->data = this;
  uv_signal_start(
      handle.get(),
      [](uv_signal_t* source, int number) {
        auto& lines = *static_cast<TerminalLines*>(source->data);
        if (number == SIGCONT) {
          lines.is_suspended_ = true;  // the shell has set the terminal as it likes
          lines.follow_terminal();
        } else if (is_in_foreground()) {
          el_resize(lines.line_.get());
        }
      },
      signal);
  return handle;
}

void TerminalLines::next() {
  wants_line_ = true;
  follow_terminal();
}

// Edits in the foreground, and waits for it otherwise: nobody tells a job that it is there again.
void TerminalLines::follow_terminal() {
  if (!wants_line_) return;
  if (!is_in_foreground()) {
    is_suspended_ = true;
    uv_poll_stop(poll_.get());
    uv_timer_start(
        timer_.get(), [](uv_timer_t* timer) { static_cast<TerminalLines*>(timer->data)->follow_terminal(); },
        kLookMs, 0);
    return;
  }
  EditLine* const line = line_.get();
  if (!is_editing_) {
    is_editing_ = true;
    el_set(line, EL_UNBUFFERED, 1);  // prepares the terminal, and shows the prompt
  } else if (is_suspended_) {
    el_set(line, EL_PREP_TERM, 0);
    el_set(line, EL_PREP_TERM, 1);
    el_set(line, EL_REFRESH);
  }
  is_suspended_ = false;
  uv_timer_stop(timer_.get());
  uv_poll_start(poll_.get(), UV_READABLE,
                [](uv_poll_t* poll, int, int) { static_cast<TerminalLines*>(poll->data)->on_readable(); });
}

void TerminalLines::end_editing() {
  wants_line_ = false;
  if (!is_editing_) return;
  is_editing_ = false;
  uv_poll_stop(poll_.get());
  el_set(line_.get(), EL_UNBUFFERED, 0);
}

void TerminalLines::on_readable() {
  if (!is_in_foreground()) return follow_terminal();
  int size = 0;
  const char* const text = el_gets(line_.get(), &size);
  if (has_ended_) {
    end_editing();
    std::fputs("\n", stdout);
    std::fflush(stdout);
    return listener_.on_end();
  }
  if (text == nullptr || size <= 0 || text[size - 1] != '\n') return;
  take_line(std::string(text, static_cast<std::size_t>(size) - 1));
}

void TerminalLines::take_line(std::string line) {
  end_editing();
  HistEvent event;
  const bool is_blank = line.find_first_not_of(" \t") == std::string::npos;
  if (!is_blank) history(history_.get(), &event, H_ENTER, line.c_str());
  listener_.on_line(line);
}

// For libedit: 1 and a character, or 0. It must not wait, the node runs on this thread too.
int TerminalLines::read_char(wchar_t* out) {
  std::mbstate_t state{};
  for (;;) {
    char byte = 0;
    const ssize_t count = ::read(input_.get(), &byte, 1);
    if (count < 0 && errno == EAGAIN) {
      pollfd more{input_.get(), POLLIN, 0};
      if (::poll(&more, 1, kSequenceMs) != 1) return 0;
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      has_ended_ = true;
      return 0;
    }
    const std::size_t decoded = std::mbrtowc(out, &byte, 1, &state);
    if (decoded == static_cast<std::size_t>(-2)) continue;  // more bytes belong to it
    if (decoded == static_cast<std::size_t>(-1)) *out = L'?';
    return 1;
  }
}

unsigned char TerminalLines::end_of_file() {
  const LineInfo* const info = el_line(line_.get());
  if (info->buffer == info->lastchar) {
    has_ended_ = true;
    return CC_EOF;
  }
  if (info->cursor == info->lastchar) return CC_ERROR;
  el_deletestr1(line_.get(), static_cast<int>(info->cursor - info->buffer),
                static_cast<int>(info->cursor - info->buffer) + 1);
  return CC_REFRESH;
}

// As far as all phrases that begin so agree; what they go on with is listed when that is nowhere.
unsigned char TerminalLines::complete() {
  const LineInfo* const info = el_line(line_.get());
  const std::string typed(info->buffer, info->cursor);
  std::vector<std::string_view> possible;
  for (const std::string& phrase : phrases_) {
    if (phrase.starts_with(typed)) possible.push_back(phrase);
  }
  if (possible.empty()) return CC_ERROR;
  const std::size_t agreed = common_prefix(possible.front(), possible.back());
  if (agreed > typed.size() || possible.size() == 1) {
    std::string more(possible.front().substr(typed.size(), agreed - typed.size()));
    if (possible.size() == 1) more += ' ';
    el_insertstr(line_.get(), more.c_str());
    return CC_REFRESH;
  }
  std::string list;
  std::string_view before;
  const std::size_t word = typed.rfind(' ') == std::string::npos ? 0 : typed.rfind(' ') + 1;
  for (const std::string_view phrase : possible) {
    const std::string_view choice = up_to_next_word(phrase.substr(word));
    if (choice != std::exchange(before, choice)) list += fmt::format(" {}", choice);
  }
  print_out("\n{}\n", list);
  std::fflush(stdout);
  return CC_REDISPLAY;
}

void TerminalLines::hide() {
  if (!is_editing_ || is_suspended_ || !is_in_foreground()) return;
  winsize size{};
  ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
  const LineInfo* const info = el_line(line_.get());
  const auto cursor =
      std::char_traits<char>::length(kPrompt) + static_cast<std::size_t>(info->cursor - info->buffer);
  const std::size_t rows_above = size.ws_col == 0 ? 0 : cursor / size.ws_col;
  // To where the prompt begins; from there all is cleared.
  if (rows_above > 0) print_out("\033[{}A", rows_above);
  print_out("\r\033[J");
  std::fflush(stdout);
}

void TerminalLines::show() {
  if (is_editing_ && !is_suspended_ && is_in_foreground()) el_set(line_.get(), EL_REFRESH);
}

}  // namespace shoal
