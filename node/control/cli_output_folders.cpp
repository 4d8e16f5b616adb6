#include "node/control/cli_output_folders.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/control/base64.h"
#include "node/control/cli_text.h"

namespace shoal {
namespace {

using nlohmann::json;
using Verb = FolderCommand::Verb;

// protocol.h: exact in base64 when it is no clean text.
std::string path_text(const json& object, const std::string& field) {
  const auto exact = object.find(field + "_base64");
  if (exact == object.end()) return shown(text_of(object, field.c_str()));
  const Bytes bytes = from_base64(exact->get<std::string>()).value_or(Bytes());
  return shown(text(bytes));
}

std::string time_text(const json& milliseconds, const char* unknown) {
  return milliseconds.is_null() ? unknown : wall_time_text(milliseconds.get<std::int64_t>());
}

std::string restored_text(const json& answer) {
  const auto files = answer.at("files").get<std::uint64_t>();
  return fmt::format("{}restored to {}\n", files == 1 ? "" : fmt::format("{} files ", files),
                     path_text(answer, "path"));
}

// "syncing, 42 %, 1.2 GiB of 7 files needed, 3min 10s left"
std::string state_text(const json& folder) {
  std::string state = text_of(folder, "state");
  std::ranges::replace(state, '_', ' ');
  const std::string reason = text_of(folder, "reason");
  if (!reason.empty()) state += fmt::format(" ({})", reason);
  const double needed = number_of(folder, "bytes_needed");
  const double done = number_of(folder, "bytes_done");
  const auto files = folder.at("files_needed").get<std::uint64_t>();
  if (files == 0 && needed == 0) return state;
  if (done + needed > 0) state += fmt::format(", {:.0f} %", 100 * done / (done + needed));
  state += fmt::format(", {} of {} files needed", bytes_text(needed), files);
  if (!folder.at("eta_s").is_null())
    state += fmt::format(", {} left", duration_text(number_of(folder, "eta_s")));
  return state;
}

std::string list_text(const json& answer) {
  const json& folders = answer.at("folders");
  std::size_t width = 0;
  for (const json& folder : folders) width = std::max(width, path_text(folder, "name").size());
  std::string out;
  for (const json& folder : folders) {
    out += fmt::format("{:<{}}  {}  {}  {}\n", path_text(folder, "name"), width,
                       text_of(folder, "group").substr(0, kFolderIdDigitsMin), path_text(folder, "root"),
                       state_text(folder));
  }
  return out.empty() ? "this host syncs no folder; see shoal share --help\n" : out;
}

std::string folders_text(const json& answer) {
  std::string out;
  for (const json& folder : answer.at("folders")) out += (out.empty() ? "" : "\n") + folder_text(folder);
  return out.empty() ? list_text(answer) : out;
}

std::string and_more(const json& answer) {
  return answer.at("more").get<bool>() ? "and more\n" : "";
}

std::string one_text(const json& answer) {
  std::string out = folder_text(answer.at("folder"));
  const json& paths = answer.at("paths");
  if (!paths.empty()) out += "not in sync:\n";
  for (const json& path : paths) {
    out += fmt::format("  {}  {}", path_text(path, "path"), text_of(path, "cause"));
    if (const std::string next = text_of(path, "next_step"); !next.empty()) out += ": " + next;
    std::string who;
    for (const json& host : path.at("who_has_it")) who += " " + host.get<std::string>().substr(0, 8);
    out += who.empty() ? "\n" : fmt::format(" (it is at{})\n", who);
  }
  return out + and_more(answer);
}

std::string conflicts_text(const json& answer) {
  std::string out;
  for (const json& conflict : answer.at("conflicts")) {
    out += fmt::format("{}  of {}, by {}, {}\n", path_text(conflict, "path"), path_text(conflict, "of_path"),
                       text_of(conflict, "replica"), time_text(conflict.at("when_ms"), "at an unknown time"));
  }
  return out.empty() ? "no conflicts\n" : out + and_more(answer);
}

std::string trash_text(const json& answer) {
  std::string out;
  for (const json& file : answer.at("deleted")) {
    out += fmt::format("{}  {:>10}  {}\n", time_text(file.at("deleted_at_ms"), ""),
                       bytes_text(number_of(file, "bytes")), path_text(file, "path"));
  }
  return out.empty() ? "the trash is empty\n" : out + and_more(answer);
}

// "2 damaged, 1 repaired"
std::string findings_text(const json& pass) {
  std::string out = count_text(pass, "files_damaged", "file damaged", "files damaged");
  if (pass.at("files_damaged") != 0) out += fmt::format(", {} repaired", pass.at("files_repaired").dump());
  if (pass.at("files_unreadable") != 0)
    out += fmt::format(", {} unreadable", pass.at("files_unreadable").dump());
  if (pass.at("rows_repaired") != 0)
    out += fmt::format(", {} repaired",
                       count_text(pass, "rows_repaired", "row of the index", "rows of the index"));
  if (pass.at("peers_at_odds") != 0)
    out += fmt::format(", {}", count_text(pass, "peers_at_odds", "peer differs", "peers differ"));
  return out;
}

// "1023 of 1023 files, 1.2 GiB, 2 peers equal: 0 files damaged"
std::string pass_text(const json& pass) {
  return fmt::format("{} of {}, {}, {}: {}", pass.at("files_checked").dump(),
                     count_text(pass, "files", "file", "files"), bytes_text(number_of(pass, "bytes_checked")),
                     count_text(pass, "peers_equal", "peer equal", "peers equal"), findings_text(pass));
}

std::string verify_text(const json& answer) {
  const json& pass = answer.at("pass");
  if (pass.at("ended_ms").is_null()) {
    return fmt::format("verifying, {:.0f} %; see shoal folder status\n", number_of(pass, "percent"));
  }
  std::string out = fmt::format("verified {}\n", pass_text(pass));
  for (const json& path : answer.at("damaged")) {
    out += fmt::format("  {}  damaged: {}\n", path_text(path, "path"), text_of(path, "next_step"));
  }
  return out + and_more(answer);
}

std::string ignore_text(const json& answer) {
  std::string out;
  for (const json& line : answer.at("lines")) {
    const std::string text = line.get<std::string>();
    out += (is_clean_text(text) ? text : shown(text)) + "\n";
  }
  return out;
}

}  // namespace

std::string folder_text(const json& folder) {
  std::string out = fmt::format("folder        {}\n", path_text(folder, "name"));
  out += fmt::format("root          {}\n", path_text(folder, "root"));
  out += fmt::format("group         {}\n", text_of(folder, "group"));
  out += fmt::format("state         {}\n", state_text(folder));
  if (const std::string next = text_of(folder, "next_step"); !next.empty())
    out += fmt::format("next step     {}\n", next);
  out += fmt::format("content       {}, {}, {}\n", count_text(folder, "entries", "entry", "entries"),
                     count_text(folder, "files", "file", "files"), bytes_text(number_of(folder, "bytes")));
  out += fmt::format("peers         {} connected\n", folder.at("peers_connected").dump());
  out += fmt::format("conflicts     {}\n", folder.at("conflicts").dump());
  if (const double forked = number_of(folder, "forked_replicas"); forked > 0) {
    out += fmt::format("forked        {} times a host was cloned or rolled back: all versions are kept\n",
                       forked);
  }
  out += fmt::format("last scan     {}, {}\n", time_text(folder.at("last_scan_ms"), "none yet"),
                     folder.at("watching").get<bool>() ? "and watched" : "not watched: scanned now and then");
  if (const json& pass = folder.at("verified"); !pass.is_null()) {
    out += fmt::format("verified      {}, {}\n", time_text(pass.at("began_ms"), ""), pass_text(pass));
  }
  if (const json& pass = folder.at("verifying"); !pass.is_null()) {
    out += fmt::format("verifying     {:.0f} %, {}\n", number_of(pass, "percent"), findings_text(pass));
  }
  if (folder.at("files_damaged") != 0) {
    out += fmt::format("damaged       {}\n", count_text(folder, "files_damaged", "file", "files"));
  }
  return out;
}

std::string describe_folders(const FolderCommand& command, const json& answer) {
  switch (command.verb) {
    case Verb::kList:
      return list_text(answer);
    case Verb::kStatus:
      return answer.contains("folders") ? folders_text(answer) : one_text(answer);
    case Verb::kPause:
      return "paused\n";
    case Verb::kResume:
      return "resumed\n";
    case Verb::kRemove:
      return "no longer synced; the files are where they were\n";
    case Verb::kRescan:
      return "scanning\n";
    case Verb::kConflicts:
      return conflicts_text(answer);
    case Verb::kRestore:
      return restored_text(answer);
    case Verb::kTrash:
      return trash_text(answer);
    case Verb::kIgnore:
      return ignore_text(answer);
    case Verb::kVerify:
      return verify_text(answer);
  }
  return {};
}

}  // namespace shoal
