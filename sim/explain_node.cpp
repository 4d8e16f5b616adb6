// The story of a node: where it is, its sessions, what hit it, what it asked for; and that of a violation.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "sim/explain.h"

namespace shoal::sim {
namespace {

constexpr int kSessionsToldMax = 40;
constexpr int kFailuresToldMax = 10;
// What lies so near to a violation may have to do with it.
constexpr double kAroundS = 60;
constexpr int kDeparturesToldMax = 10;

void tell_sessions(const RunReader& run, std::int64_t host, std::string& text) {
  SQLite::Statement rows = run.select(
      "SELECT name, id, begin_s, end_s, left_by, client, mistaken_samples FROM sessions WHERE host = ? ORDER "
      "BY begin_s LIMIT "
      "?",
      host, kSessionsToldMax);
  text += "\nSessions\n";
  while (rows.executeStep()) {
    const bool online = rows.getColumn(3).isNull();
    const std::int64_t mistaken = rows.getColumn(6).getInt64();
    text += fmt::format(
        "  {:<12} {}  from {} {}{}{}\n", rows.getColumn(0).getString(),
        short_key(rows.getColumn(1).getString()), seconds_text(rows.getColumn(2).getDouble()),
        online ? "to the end of the run"
               : fmt::format("to {} ({})", seconds_text(rows.getColumn(3).getDouble()),
                             rows.getColumn(4).getString()),
        rows.getColumn(5).getInt() != 0 ? ", a client" : "",
        mistaken > 0 ? fmt::format(", mistook itself in {}", count_text(mistaken, "sample")) : "");
  }
  const std::int64_t count = run.number("SELECT count(*) FROM sessions WHERE host = ?", host);
  if (count > kSessionsToldMax) text += fmt::format("  … {} in all\n", count);
}

void tell_faults(const RunReader& run, std::int64_t host, std::string& text) {
  SQLite::Statement rows = run.select(
      "SELECT f.begin_s, f.end_s, f.what, h.part FROM fault_hosts h JOIN faults f ON f.fault = h.fault "
      "WHERE h.host = ? ORDER BY f.begin_s",
      host);
  std::string lines;
  while (rows.executeStep()) {
    const double begin = rows.getColumn(0).getDouble(), end = rows.getColumn(1).getDouble();
    lines += fmt::format("  {}{}: {}", seconds_text(begin), end > begin ? " to " + seconds_text(end) : "",
                         rows.getColumn(2).getString());
    lines += rows.getColumn(3).isNull() ? "\n" : fmt::format(", in part {}\n", rows.getColumn(3).getInt64());
  }
  if (!lines.empty()) text += "\nFaults that hit it\n" + lines;
}

void tell_operations(const RunReader& run, std::int64_t host, std::string& text) {
  text += "\nWhat it was asked to do (as far as it was kept)\n";
  for (const char* const table : {"lookups", "items", "item_gets"}) {
    SQLite::Statement rows = run.select(
        fmt::format("SELECT outcome, count(*) FROM {} WHERE origin = ? GROUP BY outcome ORDER BY 2 DESC",
                    table),
        host);
    std::string counts;
    while (rows.executeStep()) {
      counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", rows.getColumn(1).getInt64(),
                            rows.getColumn(0).getString());
    }
    const std::string what = std::string(table) == "items"     ? "puts"
                             : std::string(table) == "lookups" ? table
                                                               : "gets";
    if (!counts.empty()) text += fmt::format("  {}: {}\n", what, counts);
  }
  SQLite::Statement rows = run.select(
      "SELECT lookup, started_s, target FROM lookups WHERE origin = ? AND outcome = 'failure' "
      "ORDER BY lookup LIMIT ?",
      host, kFailuresToldMax);
  while (rows.executeStep()) {
    text +=
        fmt::format("  failed: lookup {} of {} at {}\n", rows.getColumn(0).getInt64(),
                    short_key(rows.getColumn(2).getString()), seconds_text(rows.getColumn(1).getDouble()));
  }
}

void tell_violations(const RunReader& run, std::int64_t host, std::string& text) {
  SQLite::Statement rows = run.select(
      "SELECT violation, rule, t_s, text FROM violations WHERE host = ? ORDER BY violation LIMIT ?", host,
      kFailuresToldMax);
  std::string lines;
  while (rows.executeStep()) {
    lines += fmt::format("  violation {} at {}: {}: {}\n", rows.getColumn(0).getInt64(),
                         seconds_text(rows.getColumn(2).getDouble()), rows.getColumn(1).getString(),
                         rows.getColumn(3).getString());
  }
  if (!lines.empty()) text += "\nViolations of the oracle's rules\n" + lines;
}

void tell_counters(const RunReader& run, std::int64_t host, std::string& text) {
  SQLite::Statement rows =
      run.select("SELECT counter, value FROM host_counters WHERE host = ? ORDER BY counter", host);
  std::string lines;
  while (rows.executeStep()) {
    lines += fmt::format("  {:<36} {}\n", rows.getColumn(0).getString(), rows.getColumn(1).getInt64());
  }
  if (!lines.empty()) text += "\nCounters, over all its sessions\n" + lines;
}

}  // namespace

Result<std::string> explain_node(const RunReader& run, std::int64_t host, const std::string& name) {
  const bool has_life = name.find('.') != std::string::npos;
  const bool exists = has_life ? run.number("SELECT count(*) FROM sessions WHERE name = ?", name) > 0
                               : run.number("SELECT count(*) FROM sessions WHERE host = ?", host) > 0;
  if (!exists) {
    return fail(ErrorCode::kNotFound,
                fmt::format("node {}: no session of it was kept; the run's hosts are host-0 to host-{}", name,
                            std::stoll(run.fact("population.size").value_or("1")) - 1));
  }
  std::string text = fmt::format("host-{}", host);
  SQLite::Statement place = run.select("SELECT address, region, nat FROM hosts WHERE host = ?", host);
  if (place.executeStep()) {
    const std::string nat = place.getColumn(2).getString();
    text +=
        fmt::format(", at {}, in region {}", place.getColumn(0).getString(), place.getColumn(1).getInt64());
    if (nat != "none") text += fmt::format(", behind a NAT ({})", nat);
  }
  text += "\n";
  tell_sessions(run, host, text);
  tell_faults(run, host, text);
  tell_operations(run, host, text);
  tell_violations(run, host, text);
  tell_counters(run, host, text);
  return text;
}

Result<std::string> explain_violation(const RunReader& run, std::int64_t number) {
  SQLite::Statement row = run.select(
      "SELECT v.rule, v.host, v.t_s, v.job, v.operation, v.number, v.guid, v.text, r.holds_when, "
      "r.violations "
      "FROM violations v JOIN oracle_rules r ON r.rule = v.rule WHERE v.violation = ?",
      number);
  if (!row.executeStep()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("violation {}: the run keeps {}, numbered from 1", number,
                            count_text(run.number("SELECT count(*) FROM violations"), "violation")));
  }
  const std::int64_t host = row.getColumn(1).getInt64();
  const double t_s = row.getColumn(2).getDouble();
  std::string text = fmt::format("Violation {}: {} on {} at {}\n  {}\n", number, row.getColumn(0).getString(),
                                 run.name(host, t_s), seconds_text(t_s), row.getColumn(7).getString());
  text += fmt::format("\nThe rule holds when\n  {}.\n  The run has {} of it.\n", row.getColumn(8).getString(),
                      count_text(row.getColumn(9).getInt64(), "violation"));
  text += fmt::format("\nWhere it was seen\n  {} was {}", run.name(host, t_s), run.presence(host, t_s));
  text += row.getColumn(3).isNull() ? ".\n"
                                    : fmt::format("; its last job was {}.\n", row.getColumn(3).getString());
  if (!row.getColumn(4).isNull()) {
    text += fmt::format("  In {} {}", row.getColumn(4).getString(), row.getColumn(5).getInt64());
    text += row.getColumn(6).isNull() ? ".\n" : fmt::format(", guid {}.\n", row.getColumn(6).getString());
  }
  text += fmt::format("\nWithin {:.0f} s of it\n", kAroundS);
  for (const std::string& fault : run.faults_between(t_s - kAroundS, t_s + kAroundS))
    text += "  " + fault + "\n";
  SQLite::Statement left = run.select(
      "SELECT name, end_s, left_by FROM sessions WHERE end_s BETWEEN ? AND ? ORDER BY abs(end_s - ?) LIMIT ?",
      t_s - kAroundS, t_s + kAroundS, t_s, kDeparturesToldMax);
  while (left.executeStep()) {
    text += fmt::format("  {} left at {} ({})\n", left.getColumn(0).getString(),
                        seconds_text(left.getColumn(1).getDouble()), left.getColumn(2).getString());
  }
  const std::int64_t departures =
      run.number("SELECT count(*) FROM sessions WHERE end_s BETWEEN ? AND ?", t_s - kAroundS, t_s + kAroundS);
  if (departures > kDeparturesToldMax) {
    text += fmt::format("  … and {} more\n", departures - kDeparturesToldMax);
  }
  return text;
}

}  // namespace shoal::sim
