// What commands of the command line print, whichever they are.
#pragma once

#include <nlohmann/json.hpp>

#include "node/base/result.h"
#include "node/control/cli.h"

namespace shoal {

// One line on standard output.
void print_json(const nlohmann::json& value);

// Why a command did not come to pass, and what the process ends with.
struct CommandFailure {
  Error error;
  int status = kExitUsage;
};

// The sentence on standard error; as_json: also the error as an object on standard output. Returns the
// status.
int print_failure(bool as_json, const CommandFailure& failure);

}  // namespace shoal
