#include "sim/run_reader.h"

#include <fmt/format.h>

#include "sim/host_name.h"

namespace shoal::sim {

std::string seconds_text(double t_s) {
  return fmt::format("{:.1f} s", t_s);
}

std::string milliseconds_text(double ms) {
  return ms < 10 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
}

std::string count_text(std::int64_t count, const std::string& thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string short_key(const std::string& hex) {
  return hex.substr(0, 8) + "…";
}

std::optional<std::string> RunReader::fact(const std::string& key) const {
  SQLite::Statement rows = select("SELECT value FROM run WHERE key = ?", key);
  if (!rows.executeStep()) return std::nullopt;
  return rows.getColumn(0).getString();
}

std::string RunReader::name(std::int64_t host, double t_s) const {
  SQLite::Statement rows =
      select("SELECT name FROM sessions WHERE host = ? ORDER BY begin_s > ?, abs(begin_s - ?) LIMIT 1", host,
             t_s, t_s);
  return rows.executeStep() ? rows.getColumn(0).getString() : host_name(static_cast<HostIndex>(host));
}

namespace {

// Of the last session before `t_s`, or the one it lies in.
std::string presence_text(SQLite::Statement& session, double t_s) {
  if (!session.executeStep()) return "not yet there";
  if (session.getColumn(1).isNull() || session.getColumn(1).getDouble() > t_s) {
    return "online since " + seconds_text(session.getColumn(0).getDouble());
  }
  return fmt::format("left at {} ({})", seconds_text(session.getColumn(1).getDouble()),
                     session.getColumn(2).getString());
}

}  // namespace

std::string RunReader::presence(std::int64_t host, double t_s) const {
  SQLite::Statement session = select(
      "SELECT begin_s, end_s, left_by FROM sessions WHERE host = ? AND begin_s <= ? "
      "ORDER BY begin_s DESC LIMIT 1",
      host, t_s);
  return presence_text(session, t_s);
}

std::string RunReader::presence(const std::string& name, double t_s) const {
  SQLite::Statement session = select(
      "SELECT begin_s, end_s, left_by FROM sessions WHERE name = ? AND begin_s <= ? "
      "ORDER BY begin_s DESC LIMIT 1",
      name, t_s);
  return presence_text(session, t_s);
}

bool RunReader::apart(std::int64_t host, std::int64_t other, double t_s) const {
  return number(
             "SELECT count(*) FROM faults f JOIN fault_hosts a ON a.fault = f.fault AND a.host = ? "
             "JOIN fault_hosts b ON b.fault = f.fault AND b.host = ? "
             "WHERE f.kind = 'partition' AND f.begin_s <= ? AND f.end_s >= ? AND a.part != b.part",
             host, other, t_s, t_s) > 0;
}

std::vector<std::string> RunReader::faults_between(double from_s, double to_s) const {
  std::vector<std::string> lines;
  SQLite::Statement rows =
      select("SELECT begin_s, end_s, what FROM faults WHERE begin_s <= ? AND end_s >= ? ORDER BY begin_s",
             to_s, from_s);
  while (rows.executeStep()) {
    const double begin = rows.getColumn(0).getDouble(), end = rows.getColumn(1).getDouble();
    const std::string what = rows.getColumn(2).getString();
    lines.push_back(end > begin
                        ? fmt::format("{}, from {} to {}", what, seconds_text(begin), seconds_text(end))
                        : fmt::format("{}, at {}", what, seconds_text(begin)));
  }
  return lines;
}

}  // namespace shoal::sim
