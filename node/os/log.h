// The log of a program: lines on standard error, each with its time (UTC), its level, a sentence and fields.
//
//   text   2026-11-20T17:00:00.000Z info joined the network contacts=3
//   json   {"time":"2026-11-20T17:00:00.000Z","level":"info","message":"joined the network","contacts":3}
//
// To the journal of systemd, text has its level as the journal wants it, and no time: `<6>joined the network
// …`. Control characters are escaped in both, so that what a stranger sent cannot forge a line.
#pragma once

#include <functional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "node/control/daemon_config.h"

namespace shoal {

// Name and value, in their order.
using LogFields = nlohmann::ordered_json;

// Before the first line. One thread logs.
void open_log(LogFormat format, LogLevel level);
void set_log_level(LogLevel level);
LogLevel log_level();

// Called before and after each line is written, for whoever else writes to the same terminal; null for
// nobody.
void surround_log(std::function<void()> before, std::function<void()> after);

void log(LogLevel level, std::string_view message, const LogFields& fields = LogFields::object());

}  // namespace shoal
