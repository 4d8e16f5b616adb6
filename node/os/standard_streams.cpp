#include "node/os/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "node/control/cli.h"

namespace shoal {
namespace {

// Why the first write to standard output failed. A later flush, with nothing left to write, succeeds.
int first_failure = 0;

}  // namespace

void write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size() && first_failure == 0) {
    first_failure = errno;
  }
}

void open_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The other way round, so that a read of standard input or a write to standard output fails. The lowest
    // number that is free is `fd`.
    if (::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) std::_Exit(kExitUsage);
  }
}

int finish_output(int status) {
  if (std::fflush(stdout) != 0 && first_failure == 0) first_failure = errno;
  if (first_failure == 0) return status;
  print_err("shoal: cannot write to standard output: {}\n", std::generic_category().message(first_failure));
  return status == kExitOk ? kExitUsage : status;
}

}  // namespace shoal
