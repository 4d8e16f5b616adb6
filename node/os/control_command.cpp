#include "node/os/control_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "node/control/base64.h"
#include "node/control/cli_output.h"
#include "node/control/cli_text.h"
#include "node/os/command_output.h"
#include "node/os/control_client.h"
#include "node/os/files.h"
#include "node/os/standard_streams.h"
#include "node/os/verify_folder.h"
#include "node/os/wait_node.h"
#include "node/os/watch_status.h"
#include "node/wire/messages.h"

namespace shoal {
namespace {

using nlohmann::json;

int failed(const ControlOptions& options, const Error& error, int status) {
  return print_failure(options.json, {error, status});
}

int failed(const ControlOptions& options, const ControlClient::Failure& failure) {
  if (!failure.is_nodes && failure.error.code == ErrorCode::kIo) {
    return failed(options, failure.error, kExitUsage);
  }
  const bool refused = failure.is_nodes || failure.error.code == ErrorCode::kTimeout;
  return failed(options, failure.error, refused ? kExitRefused : kExitUnreachable);
}

Error foreign_answer() {
  return {ErrorCode::kMalformed,
          "the node's answer is not of the control protocol: is it of another version?"};
}

// get and lookup: takes the value out of the answer, if it is to be written rather than printed as JSON.
Result<void> write_value(const ControlOptions& options, json& answer) {
  const auto* lookup = std::get_if<LookupCommand>(&options.command);
  const bool is_lookup = lookup != nullptr && !lookup->all;
  if (!is_lookup && !std::holds_alternative<GetCommand>(options.command)) return {};
  if (options.json && options.value_to == "-") return {};
  json& holder = is_lookup ? answer.at("records").at(0) : answer;
  const std::optional<Bytes> value = from_base64(holder.at("value").get<std::string>());
  if (!value) return fail(ErrorCode::kMalformed, "the node's answer is not of the control protocol");
  holder.erase("value");
  holder["value_bytes"] = value->size();
  return write_output(options.value_to, *value);
}

// A last line that scripts can take.
std::string last_line(const Command& command, const json& answer) {
  if (!std::holds_alternative<PutCommand>(command) && !std::holds_alternative<PublishCommand>(command))
    return {};
  return answer.at("key").get<std::string>() + "\n";
}

// An answer that nevertheless says no.
std::optional<Error> refusal(const Command& command, const json& answer) {
  if (std::holds_alternative<PutCommand>(command) || std::holds_alternative<PublishCommand>(command)) {
    if (answer.at("stored_count") == 0) return Error{ErrorCode::kNotFound, "no host stored the value"};
  }
  if (std::holds_alternative<LookupCommand>(command) && answer.at("records").empty()) {
    return Error{ErrorCode::kNotFound, "nobody holds a value published under this key"};
  }
  const auto* folder = std::get_if<FolderCommand>(&command);
  if (folder != nullptr && folder->verb == FolderCommand::Verb::kVerify) return damage_in(answer);
  return std::nullopt;
}

int report_answer(const ControlOptions& options, json answer) {
  const std::optional<Error> refused = refusal(options.command, answer);
  if (!refused) {
    if (Result<void> written = write_value(options, answer); !written) {
      return failed(options, written.error(), kExitUsage);
    }
  }
  if (options.json) {
    print_json(answer);
  } else if (options.wait_for) {
    print_out("host {}, {}\n", answer.at("host").get<std::string>(),
              count_text(answer, "contacts", "contact", "contacts"));
  } else if (refused) {
    print_err("{}", describe(options.command, answer));
  } else {
    print_out("{}{}", describe(options.command, answer), last_line(options.command, answer));
  }
  if (refused) print_err("shoal: {}\n", refused->message);
  return refused ? kExitRefused : kExitOk;
}

Result<Bytes> read_value(const ControlOptions& options) {
  if (!options.value_text) return read_input(options.value_from, wire::kValueBytesMax);
  const ByteView value = view(*options.value_text);
  if (value.size() <= wire::kValueBytesMax) return Bytes(value.begin(), value.end());
  return fail(ErrorCode::kTooLarge,
              fmt::format("the text is too large: at most {} bytes are possible", wire::kValueBytesMax));
}

// What only this process knows: where it stands, and what time it is.
Result<void> complete(const ControlOptions& options, FolderCommand& command) {
  if (options.ago) {
    const auto now = std::chrono::system_clock::now() - *options.ago;
    command.at = std::max(WallTime{}, std::chrono::floor<std::chrono::milliseconds>(now));
  }
  if (command.folder.empty()) return {};
  std::error_code error;
  const auto directory =
      std::filesystem::weakly_canonical(std::filesystem::absolute(command.folder, error), error);
  if (!error) command.directory = directory.string();
  if (command.directory.size() > 1 && command.directory.ends_with('/')) command.directory.pop_back();
  return {};
}

}  // namespace

Result<void> read_files(ControlOptions& options) {
  if (auto* folder = std::get_if<FolderCommand>(&options.command)) return complete(options, *folder);
  Bytes* value = nullptr;
  if (auto* put = std::get_if<PutCommand>(&options.command)) value = &put->value;
  if (auto* publish = std::get_if<PublishCommand>(&options.command)) value = &publish->value;
  if (value == nullptr) return {};
  Result<Bytes> input = read_value(options);
  if (!input) return tl::unexpected(std::move(input.error()));
  *value = std::move(*input);
  if (auto* publish = std::get_if<PublishCommand>(&options.command)) {
    Result<Rng::Seed> seed =
        options.new_key ? create_key_file(options.key_file) : read_key_file(options.key_file);
    if (!seed) return tl::unexpected(std::move(seed.error()));
    publish->secret = *seed;
  }
  return {};
}

int report(const ControlOptions& options, ControlResult answer) {
  try {
    return answer ? report_answer(options, std::move(*answer)) : failed(options, answer.error());
  } catch (const json::exception&) {
    return failed(options, foreign_answer(), kExitUnreachable);
  }
}

int run_control_command(ControlOptions options) {
  if (options.wait_for) {
    try {
      return report(options, wait_node(options));
    } catch (const json::exception&) {
      return failed(options, foreign_answer(), kExitUnreachable);
    }
  }
  Result<ControlClient> client = ControlClient::connect(options.data);
  if (!client) return failed(options, client.error(), kExitUnreachable);
  if (Result<void> read = read_files(options); !read) return failed(options, read.error(), kExitUsage);
  if (options.watch) return report(options, tl::unexpected(watch_status(*client, options)));
  const auto* folder = std::get_if<FolderCommand>(&options.command);
  if (folder != nullptr && folder->verb == FolderCommand::Verb::kVerify) {
    return report(options, verify_folder(*client, *folder, options));
  }
  ControlResult answer = client->call(options.command, options.timeout);
  const bool stops = answer && std::holds_alternative<StopCommand>(options.command);
  if (stops && !client->wait_for_end(options.timeout)) {
    return failed(options, {ErrorCode::kTimeout, "the node did not end in time"}, kExitRefused);
  }
  return report(options, std::move(answer));
}

}  // namespace shoal
