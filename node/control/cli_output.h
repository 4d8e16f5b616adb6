// What the command line prints for people: one text for each kind of answer.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "node/control/command.h"

namespace shoal {

// Of the object under "ok" (protocol.h) in the answer to `command`. Ends with a newline, or is empty. Values
// are not part of it. Throws nlohmann::json::exception when the object is not of that kind.
std::string describe(const Command& command, const nlohmann::json& answer);

// Of a StatusCommand's answer after an earlier one of the same node, whose counters give rates; `before` may
// be null.
std::string describe_change(const nlohmann::json& before, const nlohmann::json& answer);

}  // namespace shoal
