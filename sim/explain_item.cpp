// The story of an item: its puts, who held it from census to census, who held it last, and its gets.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "sim/explain.h"

namespace shoal::sim {
namespace {

constexpr int kGetsToldMax = 12;
constexpr int kMatchesToldMax = 4;

std::string outcome_text(const std::string& outcome, const SQLite::Column& error) {
  return error.isNull() ? outcome : fmt::format("{} ({})", outcome, error.getString());
}

void tell_puts(const RunReader& run, const std::string& location, std::string& text) {
  SQLite::Statement rows = run.select(
      "SELECT item, origin, started_s, duration_ms, outcome, holders, sequence, bytes, error FROM items "
      "WHERE location = ? ORDER BY item",
      location);
  text += "\nPuts\n";
  while (rows.executeStep()) {
    const double started_s = rows.getColumn(2).getDouble();
    text += fmt::format("  put {} by {} at {}: {}", rows.getColumn(0).getInt64(),
                        run.name(rows.getColumn(1).getInt64(), started_s), seconds_text(started_s),
                        outcome_text(rows.getColumn(4).getString(), rows.getColumn(8)));
    if (!rows.getColumn(3).isNull()) {
      text += fmt::format(" after {}, on {}", milliseconds_text(rows.getColumn(3).getDouble()),
                          count_text(rows.getColumn(5).getInt64(), "host"));
    }
    if (!rows.getColumn(6).isNull() && rows.getColumn(6).getInt64() > 0) {
      text += fmt::format(", sequence number {}", rows.getColumn(6).getInt64());
    }
    text += fmt::format(", {} bytes\n", rows.getColumn(7).getInt64());
  }
}

// Who held it in the census before the one at `t_s`, and what became of each.
std::string last_holders(const RunReader& run, std::int64_t item, double t_s) {
  SQLite::Statement rows =
      run.select("SELECT host FROM item_last_holders WHERE item = ? AND t_s = ? ORDER BY host", item, t_s);
  std::vector<std::string> holders;
  while (rows.executeStep()) {
    const std::int64_t host = rows.getColumn(0).getInt64();
    holders.push_back(fmt::format("{} ({})", run.name(host, t_s), run.presence(host, t_s)));
  }
  return fmt::format("{}", fmt::join(holders, ", "));
}

void tell_holders(const RunReader& run, std::int64_t item, std::string& text) {
  SQLite::Statement rows =
      run.select("SELECT t_s, online, away, expected FROM item_census WHERE item = ? ORDER BY t_s", item);
  text += "\nHolders, at each census that found other numbers than the one before\n";
  bool any = false;
  while (rows.executeStep()) {
    any = true;
    const double t_s = rows.getColumn(0).getDouble();
    const std::int64_t online = rows.getColumn(1).getInt64();
    const bool expected = rows.getColumn(3).getInt() != 0;
    text += fmt::format("  {:>9}  {} online, {} away{}\n", seconds_text(t_s), online,
                        rows.getColumn(2).getInt64(), expected ? "" : "  [not acknowledged yet, or expired]");
    if (online > 0 || !expected) continue;
    if (const std::string last = last_holders(run, item, t_s); !last.empty()) {
      text += fmt::format("             Held until then by {}.\n", last);
    }
  }
  if (!any) text += "  No census has seen it, or it is not one of those that are followed.\n";
}

void tell_gets(const RunReader& run, const std::string& location, std::string& text) {
  text += "\nGets\n";
  SQLite::Statement counts = run.select(
      "SELECT outcome, count(*), sum(stale) FROM item_gets WHERE location = ? GROUP BY outcome ORDER BY 2 "
      "DESC",
      location);
  while (counts.executeStep()) {
    text += fmt::format("  {} {}", counts.getColumn(1).getInt64(), counts.getColumn(0).getString());
    const std::int64_t stale = counts.getColumn(2).getInt64();
    text += stale > 0 ? fmt::format(", of which {} stale\n", stale) : "\n";
  }
  SQLite::Statement rows = run.select(
      "SELECT item_get, origin, started_s, latency_ms, outcome, stale, sequence, error FROM item_gets "
      "WHERE location = ? AND (outcome = 'failure' OR stale) ORDER BY started_s LIMIT ?",
      location, kGetsToldMax);
  while (rows.executeStep()) {
    const double started_s = rows.getColumn(2).getDouble();
    text += fmt::format("  get {} by {} at {}: ", rows.getColumn(0).getInt64(),
                        run.name(rows.getColumn(1).getInt64(), started_s), seconds_text(started_s));
    text += rows.getColumn(5).getInt() != 0
                ? fmt::format("stale, sequence number {}\n", rows.getColumn(6).getInt64())
                : outcome_text(rows.getColumn(4).getString(), rows.getColumn(7)) + "\n";
  }
}

}  // namespace

Result<std::string> explain_item(const RunReader& run, const std::string& key) {
  if (key.empty() || key.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("item '{}': expected its key, or the beginning of it, in hexadecimal digits", key));
  }
  SQLite::Statement rows = run.select(
      "SELECT location, kind, min(item) FROM items WHERE location LIKE ? || '%' GROUP BY location LIMIT ?",
      key, kMatchesToldMax + 1);
  std::vector<std::string> locations;
  std::string kind;
  std::int64_t item = 0;
  while (rows.executeStep()) {
    locations.push_back(rows.getColumn(0).getString());
    kind = rows.getColumn(1).getString();
    item = rows.getColumn(2).getInt64();
  }
  if (locations.empty())
    return fail(ErrorCode::kNotFound, fmt::format("item {}: nothing was put there", key));
  if (locations.size() > 1) {
    const bool more = locations.size() > kMatchesToldMax;
    if (more) locations.pop_back();
    for (std::string& location : locations) location.resize(std::max<std::size_t>(16, key.size() + 4));
    return fail(ErrorCode::kNotFound, fmt::format("item {}: several begin so: {}{}", key,
                                                  fmt::join(locations, ", "), more ? ", …" : ""));
  }
  std::string text = fmt::format("Item {}, a {} item\n", locations.front(), kind);
  tell_puts(run, locations.front(), text);
  tell_holders(run, item, text);
  tell_gets(run, locations.front(), text);
  return text;
}

}  // namespace shoal::sim
