#include "sim/session_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "sim/csv_line.h"

namespace shoal::sim {
namespace {

constexpr std::string_view kHeader = "host,joins_s,leaves_s";
constexpr std::string_view kLongHeader = "host,joins_s,leaves_s,leave";
constexpr double kSecondsMax = 3.2e8;  // ten years
// Of a file that is something else altogether, a few errors say it.
constexpr std::size_t kErrorsMax = 20;

class TraceReader {
 public:
  explicit TraceReader(const std::string& name) : name_(name) {}

  void read(std::string_view text) {
    while (!text.empty() && errors_.size() < kErrorsMax) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      read_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (columns_ == 0 && errors_.empty()) {
      line_ = 1;
      error(1, fmt::format("expected the header {}", kLongHeader));
    }
    for (Host& host : hosts_) sort(host);
  }

  SessionTraceOrErrors take() {
    SessionTraceOrErrors out;
    out.errors = std::move(errors_);
    for (const Host& host : hosts_) {
      std::vector<TracedSession>& sessions = out.trace.hosts.emplace_back();
      for (const Row& row : host.rows) sessions.push_back(row.session);
    }
    return out;
  }

 private:
  struct Row {
    TracedSession session;
    std::size_t line;
  };
  struct Host {
    std::string name;
    std::vector<Row> rows;
  };

  void error(std::size_t column, std::string message) {
    errors_.push_back({fmt::format("{}:{}:{}", name_, line_, column), std::move(message)});
  }

  void read_line(std::string_view line) {
    if (csv_line_is_empty(line)) return;
    if (columns_ == 0) {
      const std::string_view plain = csv_trimmed(line);
      columns_ = plain == kHeader ? 3 : 4;
      if (plain != kHeader && plain != kLongHeader) {
        error(1, fmt::format("'{}' was given, expected the header {} or {}", plain, kHeader, kLongHeader));
      }
      return;
    }
    const std::vector<CsvField> fields = csv_fields(line);
    if (fields.size() != columns_) {
      return error(1, fmt::format("{} fields were given, expected {}", fields.size(), columns_));
    }
    read_row(fields);
  }

  void read_row(const std::vector<CsvField>& fields) {
    Row row{{}, line_};
    if (fields[0].text.empty()) return error(fields[0].column, "host: expected a name");
    const auto joins = seconds(fields[1], "joins_s");
    if (!joins) return;
    row.session.joins = *joins;
    if (!fields[2].text.empty()) {
      const auto leaves = seconds(fields[2], "leaves_s");
      if (!leaves) return;
      row.session.leaves = *leaves;
      if (*leaves <= *joins) {
        return error(fields[2].column,
                     fmt::format("leaves_s: '{}' was given, expected more than joins_s '{}'", fields[2].text,
                                 fields[1].text));
      }
    }
    if (columns_ == 4 && !fields[3].text.empty()) {
      if (fields[3].text != "crash" && fields[3].text != "clean") {
        return error(fields[3].column,
                     fmt::format("leave: '{}' was given, expected crash or clean", fields[3].text));
      }
      row.session.crash = fields[3].text == "crash";
    }
    const auto [entry, fresh] = host_of_name_.try_emplace(std::string(fields[0].text), hosts_.size());
    if (fresh) hosts_.push_back({std::string(fields[0].text), {}});
    hosts_[entry->second].rows.push_back(row);
  }

  std::optional<Duration> seconds(const CsvField& field, std::string_view key) {
    double value = 0;
    const char* const end = field.text.data() + field.text.size();
    const auto [stop, failure] = std::from_chars(field.text.data(), end, value, std::chars_format::fixed);
    if (failure == std::errc{} && stop == end && value >= 0 && value <= kSecondsMax)
      return from_seconds(value);
    error(field.column,
          fmt::format("{}: '{}' was given, expected seconds since the start of the run", key, field.text));
    return std::nullopt;
  }

  void sort(Host& host) {
    std::ranges::stable_sort(host.rows, {}, [](const Row& row) { return row.session.joins; });
    for (std::size_t i = 1; i < host.rows.size() && errors_.size() < kErrorsMax; ++i) {
      const Row& before = host.rows[i - 1];
      const Row& row = host.rows[i];
      if (before.session.leaves <= row.session.joins) continue;
      const Row& later = before.line > row.line ? before : row;
      line_ = later.line;
      error(1, fmt::format("this session of '{}' overlaps the one of line {}, expected one at a time",
                           host.name, std::min(before.line, row.line)));
    }
  }

  const std::string& name_;
  std::size_t line_ = 0;
  std::size_t columns_ = 0;  // 0: before the header
  std::vector<Host> hosts_;
  std::map<std::string, std::size_t> host_of_name_;
  std::vector<ScenarioError> errors_;
};

}  // namespace

SessionTraceOrErrors parse_session_trace(std::string_view text, const std::string& name) {
  TraceReader reader(name);
  reader.read(text);
  return reader.take();
}

}  // namespace shoal::sim
