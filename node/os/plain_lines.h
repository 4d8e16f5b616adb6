// PlainLines: the lines of a pipe or a file.
#pragma once

#include <uv.h>

#include <memory>
#include <string>

#include "node/os/event_loop.h"
#include "node/os/line_reader.h"
#include "node/os/socket.h"
#include "node/os/uv_handle.h"

namespace shoal {

class PlainLines final : public LineReader {
 public:
  static constexpr std::size_t kLineBytesMax = 128 * 1024;  // a longer line is cut, and so refused

  // Reads `fd`, which must stay open.
  PlainLines(EventLoop& loop, int fd, Listener& listener);
  ~PlainLines() override;
  void next() override;

 private:
  void read();
  void deliver();

  Listener& listener_;
  Descriptor input_;
  UvHandle<uv_poll_t> poll_;   // null: what cannot be polled is always ready, as files are
  UvHandle<uv_idle_t> ready_;  // stands for the poll then
  std::string unread_;
  bool wants_line_ = false;
  bool has_ended_ = false;
  bool delivers_ = false;
};

}  // namespace shoal
