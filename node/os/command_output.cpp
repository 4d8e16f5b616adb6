#include "node/os/command_output.h"

#include <cstdio>
#include <string>

#include "node/os/standard_streams.h"

namespace shoal {

using nlohmann::json;

void print_json(const json& value) {
  print_out("{}\n", value.dump(-1, ' ', false, json::error_handler_t::replace));
}

int print_failure(bool as_json, const CommandFailure& failure) {
  const Error& error = failure.error;
  const std::string message = error.message.empty() ? to_string(error.code) : error.message;
  if (as_json) print_json({{"error", {{"code", to_string(error.code)}, {"message", message}}}});
  print_err("shoal: {}\n", message);
  return failure.status;
}

}  // namespace shoal
