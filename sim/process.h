// Child processes: one run of the simulator each, and the program that draws a report.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "node/base/result.h"

namespace shoal::sim {

// Starts the program argv[0] (found on the PATH when it names no directory), with our own standard streams.
// Error kIo.
Result<pid_t> spawn(std::span<const std::string> argv);

// Waits for `child`, or for any when it is -1. 128 + n stands for death by signal n.
struct Ended {
  pid_t child = -1;
  int status = 0;
};
Ended wait_for(pid_t child);

// spawn() and wait_for(); 127 when it cannot be started.
int run_program(std::span<const std::string> argv);

}  // namespace shoal::sim
