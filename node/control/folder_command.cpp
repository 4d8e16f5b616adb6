#include "node/control/folder_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace shoal {
namespace {

constexpr std::size_t kFileNameBytesMax = 255;

// The length of the code point of valid UTF-8 that `bytes` begins with, which goes to `code_point`; 0: none.
std::size_t take_code_point(std::string_view bytes, char32_t& code_point) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::size_t length = byte(0) < 0x80             ? 1
                             : (byte(0) & 0xe0) == 0xc0 ? 2
                             : (byte(0) & 0xf0) == 0xe0 ? 3
                             : (byte(0) & 0xf8) == 0xf0 ? 4
                                                        : 0;
  if (length == 0 || length > bytes.size()) return 0;
  static constexpr std::array<std::uint8_t, 5> kFirstBits = {0, 0x7f, 0x1f, 0x0f, 0x07};
  static constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  code_point = static_cast<char32_t>(byte(0) & kFirstBits[length]);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code_point = code_point << 6 | static_cast<char32_t>(byte(i) & 0x3f);
  }
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  return code_point < kLeast[length] || code_point > 0x10ffff || surrogate ? 0 : length;
}

// What would let a name move the cursor, or look like another one (Unicode TR 36, §2.5).
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

// The clean code point at the beginning; 0: what stands there is none.
std::size_t take_clean(std::string_view bytes) {
  char32_t code_point = 0;
  const std::size_t length = take_code_point(bytes, code_point);
  return length > 0 && is_control(code_point) ? 0 : length;
}

std::string names_of(std::span<const FolderStatus> folders) {
  std::string names;
  for (const FolderStatus& folder : folders) names += (names.empty() ? "" : ", ") + shown(folder.name);
  return names;
}

// `count` digits at the beginning of `text`, which lose their place in it.
std::optional<unsigned> take_number(std::string_view& text, std::size_t count, std::string_view then) {
  unsigned number = 0;
  if (text.size() < count + then.size() || text.substr(count, then.size()) != then) return std::nullopt;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + count, number);
  if (error != std::errc{} || stop != text.data() + count) return std::nullopt;
  text.remove_prefix(count + then.size());
  return number;
}

}  // namespace

const char* to_string(FolderStatus::State state) {
  static constexpr std::array kNames = {"scanning", "syncing", "in_sync", "paused", "waiting", "stopped"};
  return kNames[static_cast<std::size_t>(state)];
}

const char* to_string(FolderCommand::Verb verb) {
  static constexpr std::array kNames = {"list",      "status",  "pause", "resume", "remove", "rescan",
                                        "conflicts", "restore", "trash", "ignore", "verify"};
  return kNames[static_cast<std::size_t>(verb)];
}

double percent_done(const FolderVerification& pass) {
  if (pass.ended) return 100;
  constexpr double kBytesPerFile = 4096;  // what finding and opening it costs, reckoned in bytes
  const auto cost = [](std::uint64_t files, std::uint64_t bytes) {
    return kBytesPerFile * static_cast<double>(files) + static_cast<double>(bytes);
  };
  const double all = cost(pass.files, pass.bytes);
  return all == 0 ? 0 : std::min(99.9, 100 * cost(pass.files_checked, pass.bytes_checked) / all);
}

bool has_found_trouble(const FolderVerification& pass) {
  return pass.files_damaged > pass.files_repaired || pass.files_unreadable > 0 || pass.peers_at_odds > 0;
}

bool is_group_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kGroupNameBytesMax && name[0] != '.' &&
         std::ranges::all_of(name, allowed);
}

bool is_ignore_pattern(std::string_view pattern) {
  return !pattern.empty() && pattern.size() <= kIgnorePatternBytesMax && is_clean_text(pattern);
}

Result<std::string> folder_path(std::string_view typed) {
  const auto refused = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no path in a folder: {}", shown(typed.substr(0, kFileNameBytesMax)), why));
  };
  std::string_view path = typed;
  while (path.starts_with("./")) path.remove_prefix(2);
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "." || path.empty()) return std::string();
  if (path.size() > kFolderPathBytesMax)
    return refused(fmt::format("it has more than {} bytes", kFolderPathBytesMax));
  if (path.starts_with('/')) return refused("it is absolute; write it as it is seen from the folder's root");
  if (path.find('\0') != std::string_view::npos) return refused("it holds a NUL byte");
  for (std::string_view rest = path;;) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    if (name.empty()) return refused("it has an empty name");
    if (name == "." || name == "..") return refused("'.' and '..' are not possible in it");
    if (name.size() > kFileNameBytesMax) return refused("it has a name of more than 255 bytes");
    if (name.size() == rest.size()) return std::string(path);
    rest.remove_prefix(name.size() + 1);
  }
}

Result<std::size_t> find_folder(std::span<const FolderStatus> folders, const FolderCommand& command) {
  const auto place = [&](auto found) { return static_cast<std::size_t>(found - folders.begin()); };
  const auto named = std::ranges::find(folders, command.folder, &FolderStatus::name);
  if (!command.folder.empty() && named != folders.end()) return place(named);
  const auto rooted = std::ranges::find(folders, command.directory, &FolderStatus::root);
  if (!command.directory.empty() && rooted != folders.end()) return place(rooted);
  const auto has_id = [&](const FolderStatus& folder) {
    return command.folder.size() >= kFolderIdDigitsMin && folder.group.hex().starts_with(command.folder);
  };
  const auto found = std::ranges::find_if(folders, has_id);
  const std::string what = shown(command.folder.empty() ? command.directory : command.folder);
  if (found == folders.end()) {
    return fail(ErrorCode::kNotFound,
                folders.empty() ? "this host syncs no folder; see shoal share --help"
                                : fmt::format("no folder is called {}, has its root there or begins its id "
                                              "so (with 8 digits or more): there are {}",
                                              what, names_of(folders)));
  }
  if (std::any_of(found + 1, folders.end(), has_id)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("several folders have ids that begin with {}", what));
  }
  return place(found);
}

Result<WallTime> parse_utc_time(std::string_view text) {
  const auto refused = [&] {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no time: expected one in UTC such as 2026-11-28T09:30:00Z or 2026-11-28",
                            shown(text)));
  };
  std::string_view rest = text;
  const auto year = take_number(rest, 4, "-");
  const auto month = take_number(rest, 2, "-");
  const auto day = take_number(rest, 2, rest.size() > 2 ? "T" : "");
  if (!year || !month || !day) return refused();
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok() || *year < 1970) return refused();
  const WallTime midnight = std::chrono::sys_days(date);
  if (rest.empty()) return text.ends_with('T') ? Result<WallTime>(refused()) : midnight;
  const auto hours = take_number(rest, 2, ":");
  const bool has_seconds = rest.size() > 3;
  const auto minutes = take_number(rest, 2, has_seconds ? ":" : "Z");
  const auto seconds = has_seconds ? take_number(rest, 2, "Z") : std::optional(0u);
  if (!hours || !minutes || !seconds || !rest.empty()) return refused();
  if (*hours > 23 || *minutes > 59 || *seconds > 59) return refused();
  return midnight + std::chrono::hours(*hours) + std::chrono::minutes(*minutes) +
         std::chrono::seconds(*seconds);
}

bool is_clean_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = take_clean(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string shown(std::string_view bytes) {
  if (is_clean_text(bytes) && !bytes.starts_with("$'")) return std::string(bytes);
  std::string out = "$'";
  while (!bytes.empty()) {
    const std::size_t length = take_clean(bytes);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(bytes[0]));
    } else {
      if (bytes[0] == '\'' || bytes[0] == '\\') out += '\\';
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out + "'";
}

}  // namespace shoal
