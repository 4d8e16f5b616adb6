// The protocol of the control socket: JSON, one object a line, any number in flight, answers in any order.
//
//   request   {"id": 7, "command": "get", "key": "<64 hex digits>"}
//   answer    {"id": 7, "ok": {"value": "<base64>", "lookup": {…}}}
//         or  {"id": 7, "error": {"code": "not_found", "message": "…"}}
//
//   find      target                                next     target, [ask: {host, endpoint}]
//   ping      host, [endpoint]                      put      value
//   get       key                                   resolve  host
//   publish   secret, value, [salt], [sequence], [expected_sequence], [lifetime_ms]
//   lookup    public_key, [salt], [all: true]       status, peers, stop
//   log_level [level]
//   add_folder  group, root, [name]
//   folder    verb: list, status, pause, resume, remove, rescan, conflicts, restore, trash or ignore; folder
//   or
//             directory (list needs none, status may do without), [path], [at_ms], [patterns: […]]
//
// A path (root, folder, directory, path) that is not UTF-8, or has control characters, stands in base64 in a
// field of its own, "path_base64"; answers have it there and, for people, escaped in "path".
//
// `id` is the client's own number. Ids, keys and secrets are hexadecimal; values and salts base64 (RFC 4648
// §4); endpoints "192.0.2.1:4000"; durations numbers in the unit of the name. Error codes are those of
// base/result.h by name. A field that a command does not know is refused, so that a mistyped one does not
// pass unseen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "node/control/command.h"

namespace shoal {

// Of a request: the largest value in base64, and room for the rest.
inline constexpr std::size_t kRequestLineBytesMax = 128 * 1024;
// Of an answer: `lookup` with `all` brings up to 64 records of the largest size.
inline constexpr std::size_t kAnswerLineBytesMax = 64 * 128 * 1024;

struct ControlRequest {
  std::uint64_t id = 0;
  Command command;
};

// Why a line is no request; with its id, where one could be read, so that the answer finds its way.
struct BadRequest {
  std::uint64_t id = 0;
  Error error;
};

// Without the newline, all of them.
std::string encode_request(const ControlRequest& request);
tl::expected<ControlRequest, BadRequest> decode_request(std::string_view line);
std::string encode_answer(std::uint64_t id, const CommandResult& result);

struct ControlAnswer {
  std::uint64_t id = 0;
  Result<nlohmann::json> result;  // the object under "ok", or the error
};
// Error kMalformed.
Result<ControlAnswer> decode_answer(std::string_view line);

// "bad_token" → ErrorCode::kBadToken; nothing for a name that is none.
std::optional<ErrorCode> error_code_of(std::string_view name);

}  // namespace shoal
