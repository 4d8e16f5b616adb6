#include "node/os/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

namespace shoal {
namespace {

enum class Form { kText, kJournal, kJson };
Form form_in_use = Form::kText;
LogLevel level_in_use = LogLevel::kInfo;
std::function<void()> before_line;
std::function<void()> after_line;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

// As syslog counts them (sd-daemon(3)).
int journal_priority(LogLevel level) {
  return level <= LogLevel::kDebug ? 7 : level == LogLevel::kInfo ? 6 : level == LogLevel::kWarn ? 4 : 3;
}

// systemd names the stream that it gave the service; somebody may have put another in its place.
bool is_journal(int fd) {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(fd, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

// Bytes that are no UTF-8 can only come from a message that quotes a stranger's; they must not end the
// process.
std::string json_text(const LogFields& value) {
  return value.dump(-1, ' ', false, LogFields::error_handler_t::replace);
}

// As it is, or in JSON's quotes where it would not be told from what stands around it.
std::string field_text(const LogFields& value) {
  if (!value.is_string()) return json_text(value);
  const auto& text = value.get_ref<const std::string&>();
  const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c != '"' && c != '=' && c < 127;
  });
  return is_plain ? text : json_text(value);
}

std::string text_line(std::string_view message, const LogFields& fields) {
  const std::string quoted = json_text(std::string(message));
  const bool is_plain = quoted.size() == message.size() + 2;
  std::string line = is_plain ? std::string(message) : quoted;
  for (const auto& [name, value] : fields.items()) line += fmt::format(" {}={}", name, field_text(value));
  return line;
}

// Goes behind the time in the pattern of open_log().
std::string json_line(LogLevel level, std::string_view message, const LogFields& fields) {
  LogFields line = {{"level", to_string(level)}, {"message", std::string(message)}};
  for (const auto& [name, value] : fields.items()) line[name] = value;
  return json_text(line).substr(1);
}

}  // namespace

void open_log(LogFormat format, LogLevel level) {
  form_in_use = format == LogFormat::kJson  ? Form::kJson
                : is_journal(STDERR_FILENO) ? Form::kJournal
                                            : Form::kText;
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("shoal", std::make_shared<spdlog::sinks::stderr_color_sink_st>()));
  constexpr const char* kPatterns[] = {"%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", "%v",
                                       R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v)"};
  spdlog::set_pattern(kPatterns[static_cast<int>(form_in_use)], spdlog::pattern_time_type::utc);
  set_log_level(level);
}

void set_log_level(LogLevel level) {
  level_in_use = level;
  spdlog::set_level(spdlog_level(level));
}

void surround_log(std::function<void()> before, std::function<void()> after) {
  before_line = std::move(before);
  after_line = std::move(after);
}

LogLevel log_level() {
  return level_in_use;
}

void log(LogLevel level, std::string_view message, const LogFields& fields) {
  if (level < level_in_use || level == LogLevel::kOff) return;
  std::string line =
      form_in_use == Form::kJson ? json_line(level, message, fields) : text_line(message, fields);
  if (form_in_use == Form::kJournal) line = fmt::format("<{}>{}", journal_priority(level), line);
  if (before_line) before_line();
  spdlog::default_logger_raw()->log(spdlog_level(level), line);
  if (after_line) after_line();
}

}  // namespace shoal
