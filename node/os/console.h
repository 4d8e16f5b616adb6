// Console: commands of `shoal` typed at a node itself, on its standard input (control/cli.h). One at a time:
// the next line is read when the one before has been answered.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "node/control/cli.h"
#include "node/os/event_loop.h"
#include "node/os/line_reader.h"

namespace shoal {

class TerminalLines;

class Console final : private LineReader::Listener {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // To be posted to the node; answer() is to be called once.
    virtual void on_console_command(Command command) = 0;
    // A person has ended the input, or whoever insisted on a console (ConsoleMode::kOn).
    virtual void on_console_end() = 0;
  };

  // Nothing when none is wanted: by the mode, or because standard input is neither a terminal nor a pipe.
  static std::unique_ptr<Console> open(EventLoop& loop, ConsoleMode mode, Listener& listener);
  ~Console() override;

  void answer(const CommandResult& result);

 private:
  Console(bool ends_node, Listener& listener) : ends_node_(ends_node), listener_(listener) {}
  void on_line(const std::string& line) override;
  void on_end() override;

  bool ends_node_;
  Listener& listener_;
  std::optional<ControlOptions> asked_;
  TerminalLines* terminal_ = nullptr;
  std::unique_ptr<LineReader> lines_;
};

}  // namespace shoal
