#include "node/os/command_output.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace shoal {

using nlohmann::json;

void print_json(const json& value) {
  fmt::print("{}\n", value.dump(-1, ' ', false, json::error_handler_t::replace));
}

int print_failure(bool as_json, const CommandFailure& failure) {
  const Error& error = failure.error;
  const std::string message = error.message.empty() ? to_string(error.code) : error.message;
  if (as_json) print_json({{"error", {{"code", to_string(error.code)}, {"message", message}}}});
  fmt::print(stderr, "shoal: {}\n", message);
  return failure.status;
}

}  // namespace shoal
