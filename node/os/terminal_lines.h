// TerminalLines: the lines that a person types in a terminal, with editing, history and completion (libedit).
// Output of others is to pass through hide() and show(), so that it does not mix with the line being typed.
// While the process is not the terminal's foreground job it leaves the terminal alone.
#pragma once

#include <histedit.h>
#include <uv.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/os/event_loop.h"
#include "node/os/line_reader.h"
#include "node/os/socket.h"
#include "node/os/uv_handle.h"

namespace shoal {

// Are standard input and output a terminal, and this process in its foreground?
bool is_in_terminal();

class TerminalLines final : public LineReader {
 public:
  static constexpr int kHistoryLines = 500;
  static constexpr const char* kPrompt = "shoal> ";

  // `phrases`, sorted, are what the Tab key completes a line to.
  TerminalLines(EventLoop& loop, std::vector<std::string> phrases, Listener& listener);
  // The terminal is as it was.
  ~TerminalLines() override;
  void next() override;

  // Takes the line being typed off the terminal; puts it back, below what was written meanwhile.
  void hide();
  void show();

 private:
  struct EndEditLine {
    void operator()(EditLine* line) const { el_end(line); }
  };
  struct EndHistory {
    void operator()(History* history) const { history_end(history); }
  };

  void follow_terminal();
  void end_editing();
  void on_readable();
  void take_line(std::string line);
  int read_char(wchar_t* out);
  unsigned char complete();
  unsigned char end_of_file();
  UvHandle<uv_signal_t> watch(EventLoop& loop, int signal);

  Listener& listener_;
  std::vector<std::string> phrases_;
  Descriptor input_;  // opened anew: it does not block, standard input does
  std::unique_ptr<History, EndHistory> history_;
  std::unique_ptr<EditLine, EndEditLine> line_;
  UvHandle<uv_poll_t> poll_;
  UvHandle<uv_timer_t> timer_;
  UvHandle<uv_signal_t> resized_;
  UvHandle<uv_signal_t> continued_;
  bool wants_line_ = false;
  bool is_editing_ = false;
  bool is_suspended_ = false;  // what it has set in the terminal may not hold any more
  bool has_ended_ = false;
};

}  // namespace shoal
