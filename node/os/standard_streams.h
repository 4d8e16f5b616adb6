// Standard streams of a process that must survive without them: whoever starts it may have closed them, the
// disk behind them may be full, and their reader may go.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace shoal {

// To be called before anything else is opened: a stream that is closed would give its number to the next
// socket or file, which would then get what is printed. Closed ones fail when they are used.
void open_standard_streams();

void write_out(std::string_view text);

// To standard output; what cannot be written is lost, which finish_output() tells. (fmt::print would throw.)
template <class... Args>
void print_out(fmt::format_string<Args...> format, Args&&... args) {
  write_out(fmt::format(format, std::forward<Args>(args)...));
}

// To standard error; what cannot be written is lost.
template <class... Args>
void print_err(fmt::format_string<Args...> format, Args&&... args) {
  const std::string text = fmt::format(format, std::forward<Args>(args)...);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

// At the end of a command: kExitUsage, and a sentence on standard error, when it succeeded but not all of its
// output could be written; else `status`.
int finish_output(int status);

}  // namespace shoal
