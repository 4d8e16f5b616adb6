#include "node/control/protocol_folders.h"

#include <fmt/format.h>

#include <utility>

namespace shoal {
namespace {

using nlohmann::json;

// JSON has no bytes. Clean text stands in the field itself; other paths stand there as people see them, and
// exactly in base64 beside it.
void encode_path(json& out, const std::string& name, std::string_view path) {
  const bool clean = is_clean_text(path);
  out[name] = clean ? std::string(path) : shown(path);
  if (!clean) out[name + "_base64"] = to_base64(view(path));
}

// Empty when it is not there.
std::string decode_path(JsonFields& fields, const char* name, const char* name_base64) {
  const std::string* path = fields.string(name, false);
  const Bytes exact = fields.bytes(name_base64, kFolderPathBytesMax, false);
  std::string out = !exact.empty() ? std::string(text(exact)) : path == nullptr ? std::string() : *path;
  if (out.size() > kFolderPathBytesMax || out.find('\0') != std::string::npos) {
    fields.expected(name, fmt::format("a path of at most {} bytes, without NUL", kFolderPathBytesMax));
  }
  return out;
}

std::string decode_text(JsonFields& fields, const char* name, bool required) {
  const std::string* text = fields.string(name, required);
  return text == nullptr ? std::string() : *text;
}

FolderCommand::Verb decode_verb(JsonFields& fields) {
  const std::string name = decode_text(fields, "verb", true);
  std::string known;
  for (int i = 0; i <= static_cast<int>(FolderCommand::Verb::kVerify); ++i) {
    const auto verb = static_cast<FolderCommand::Verb>(i);
    if (name == to_string(verb)) return verb;
    known += (i == 0 ? "" : ", ") + std::string(to_string(verb));
  }
  fields.expected("verb", "one of " + known);
  return FolderCommand::Verb::kList;
}

std::vector<std::string> decode_patterns(JsonFields& fields) {
  std::vector<std::string> patterns;
  const json* array = fields.array("patterns");
  if (array == nullptr) return patterns;
  for (const json& pattern : *array) {
    if (patterns.size() == kIgnorePatternsMax || !pattern.is_string() ||
        !is_ignore_pattern(pattern.get_ref<const std::string&>())) {
      fields.expected("patterns", fmt::format("at most {} lines of 1 to {} bytes", kIgnorePatternsMax,
                                              kIgnorePatternBytesMax));
      break;
    }
    patterns.push_back(pattern.get<std::string>());
  }
  return patterns;
}

json encode_time(const std::optional<WallTime>& time) {
  return time ? json(time->time_since_epoch().count()) : json();
}

json encode_pass(const std::optional<FolderVerification>& pass) {
  if (!pass) return {};
  json out = {{"number", pass->number},
              {"began_ms", encode_time(pass->began)},
              {"ended_ms", encode_time(pass->ended)},
              {"percent", percent_done(*pass)},
              {"files", pass->files},
              {"bytes", pass->bytes},
              {"files_checked", pass->files_checked},
              {"bytes_checked", pass->bytes_checked},
              {"files_damaged", pass->files_damaged},
              {"files_repaired", pass->files_repaired},
              {"files_unreadable", pass->files_unreadable},
              {"rows_repaired", pass->rows_repaired},
              {"peers_equal", pass->peers_equal},
              {"peers_at_odds", pass->peers_at_odds},
              {"ok", !has_found_trouble(*pass)}};
  encode_path(out, "path", pass->path);
  return out;
}

json encode_folder(const FolderStatus& folder) {
  json out = {{"group", folder.group.hex()},
              {"name", folder.name},
              {"state", to_string(folder.state)},
              {"reason", folder.reason},
              {"next_step", folder.next_step},
              {"entries", folder.entries},
              {"files", folder.files},
              {"bytes", folder.bytes},
              {"files_needed", folder.files_needed},
              {"bytes_needed", folder.bytes_needed},
              {"bytes_done", folder.bytes_done},
              {"eta_s", folder.eta ? json(to_seconds(*folder.eta)) : json()},
              {"peers_connected", folder.peers_connected},
              {"watching", folder.watching},
              {"conflicts", folder.conflicts},
              {"forked_replicas", folder.forked_replicas},
              {"last_scan_ms", encode_time(folder.last_scan)},
              {"files_damaged", folder.files_damaged},
              {"verifying", encode_pass(folder.verifying)},
              {"verified", encode_pass(folder.verified)}};
  encode_path(out, "root", folder.root);
  return out;
}

json encode_path_status(const FolderPathStatus& status) {
  json who = json::array();
  for (const Id& host : status.who_has_it) who.push_back(host.hex());
  json out = {{"cause", status.cause}, {"next_step", status.next_step}, {"who_has_it", std::move(who)}};
  encode_path(out, "path", status.path);
  return out;
}

}  // namespace

void encode_fields(json& out, const AddFolderCommand& command) {
  out["group"] = command.group.hex();
  encode_path(out, "root", command.root);
  if (!command.name.empty()) out["name"] = command.name;
}

void encode_fields(json& out, const FolderCommand& command) {
  out["verb"] = to_string(command.verb);
  if (!command.folder.empty()) encode_path(out, "folder", command.folder);
  if (!command.directory.empty()) encode_path(out, "directory", command.directory);
  if (!command.path.empty()) encode_path(out, "path", command.path);
  if (command.at) out["at_ms"] = command.at->time_since_epoch().count();
  if (!command.patterns.empty()) out["patterns"] = command.patterns;
  if (command.pass != 0) out["pass"] = command.pass;
}

AddFolderCommand decode_add_folder(JsonFields& fields) {
  AddFolderCommand command{fields.id("group"), decode_path(fields, "root", "root_base64"),
                           decode_text(fields, "name", false)};
  if (!command.root.starts_with('/')) fields.expected("root", "an absolute path");
  if (!command.name.empty() && !is_group_name(command.name)) {
    fields.expected("name", fmt::format("1 to {} letters, digits, '.', '_' and '-', not beginning with a dot",
                                        kGroupNameBytesMax));
  }
  return command;
}

FolderCommand decode_folder(JsonFields& fields) {
  FolderCommand command;
  command.verb = decode_verb(fields);
  command.folder = decode_path(fields, "folder", "folder_base64");
  command.directory = decode_path(fields, "directory", "directory_base64");
  Result<std::string> path = folder_path(decode_path(fields, "path", "path_base64"));
  if (!path) fields.error(path.error().code, path.error().message);
  command.path = std::move(path).value_or(std::string());
  if (const auto at = fields.number("at_ms", std::uint64_t{1} << 53)) {
    command.at = WallTime(std::chrono::milliseconds(*at));
  }
  command.patterns = decode_patterns(fields);
  command.pass = fields.number("pass", std::uint64_t{1} << 53).value_or(0);
  using enum FolderCommand::Verb;
  const bool of_all = command.verb == kList || command.verb == kStatus;
  if (!of_all && command.folder.empty() && command.directory.empty()) {
    fields.error(ErrorCode::kInvalidArgument, "field 'folder' is missing");
  }
  if (command.verb == kRestore && command.path.empty()) {
    fields.error(ErrorCode::kInvalidArgument, "field 'path' is missing");
  }
  return command;
}

json encode_result(const AddFolderResult& result) {
  return {{"folder", encode_folder(result.folder)}};
}

json encode_result(const FoldersResult& result) {
  json folders = json::array();
  for (const FolderStatus& folder : result.folders) folders.push_back(encode_folder(folder));
  return {{"folders", std::move(folders)}};
}

json encode_result(const FolderStatusResult& result) {
  json paths = json::array();
  for (const FolderPathStatus& status : result.paths) paths.push_back(encode_path_status(status));
  return {{"folder", encode_folder(result.folder)}, {"paths", std::move(paths)}, {"more", result.more}};
}

json encode_result(const FolderConflictsResult& result) {
  json conflicts = json::array();
  for (const FolderConflictsResult::Conflict& conflict : result.conflicts) {
    json row = {{"replica", conflict.replica}, {"when_ms", encode_time(conflict.when)}};
    encode_path(row, "path", conflict.path);
    encode_path(row, "of_path", conflict.of_path);
    conflicts.push_back(std::move(row));
  }
  return {{"conflicts", std::move(conflicts)}, {"more", result.more}};
}

json encode_result(const FolderTrashResult& result) {
  json deleted = json::array();
  for (const FolderTrashResult::Deleted& file : result.deleted) {
    json row = {{"deleted_at_ms", encode_time(file.deleted_at)}, {"bytes", file.bytes}};
    encode_path(row, "path", file.path);
    deleted.push_back(std::move(row));
  }
  return {{"deleted", std::move(deleted)}, {"more", result.more}};
}

json encode_result(const RestoreResult& result) {
  json out = json::object();
  encode_path(out, "path", result.path);
  out["files"] = result.files;
  return out;
}

json encode_result(const FolderIgnoreResult& result) {
  return {{"lines", result.lines}};
}

json encode_result(const FolderVerifyResult& result) {
  json damaged = json::array();
  for (const FolderPathStatus& status : result.damaged) damaged.push_back(encode_path_status(status));
  return {{"pass", encode_pass(result.pass)}, {"damaged", std::move(damaged)}, {"more", result.more}};
}

json encode_result(const FolderDoneResult& result) {
  return {{"folder", encode_folder(result.folder)}};
}

}  // namespace shoal
