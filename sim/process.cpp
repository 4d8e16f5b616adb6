#include "sim/process.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace shoal::sim {

Result<pid_t> spawn(std::span<const std::string> argv) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int error = posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
  if (error == 0) return child;
  return fail(ErrorCode::kIo, fmt::format("cannot start {}: {}", argv[0], std::strerror(error)));
}

Ended wait_for(pid_t child) {
  int status = 0;
  pid_t ended = -1;
  do {
    ended = waitpid(child, &status, 0);
  } while (ended < 0 && errno == EINTR);
  return {ended, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
}

int run_program(std::span<const std::string> argv) {
  const Result<pid_t> child = spawn(argv);
  return child ? wait_for(*child).status : 127;
}

}  // namespace shoal::sim
