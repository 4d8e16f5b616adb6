// check(): states a fact that only a bug in Shoal itself can make false. It stays on in every build and ends
// the process. Input from the network, a file or a user is never checked with it: that is a Result.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace shoal {

inline void check(bool holds, const char* what = "",
                  std::source_location where = std::source_location::current()) {
  if (holds) [[likely]] {
    return;
  }
  std::fprintf(stderr, "%s:%u: check failed in %s %s\n", where.file_name(), where.line(),
               where.function_name(), what);
  std::abort();
}

}  // namespace shoal
