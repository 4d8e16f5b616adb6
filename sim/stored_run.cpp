#include "sim/stored_run.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace shoal::sim {
namespace {

Instant instant_of(const SQLite::Column& nanoseconds) {
  return Instant(Duration(nanoseconds.getInt64()));
}

std::string text_of(const SQLite::Database& database, const std::string& key) {
  SQLite::Statement row(database, "SELECT value FROM run WHERE key = ?");
  row.bind(1, key);
  return row.executeStep() ? row.getColumn(0).getString() : "";
}

void load_scenario(const SQLite::Database& database, StoredRun& out) {
  SQLite::Statement settings(database, "SELECT path, value FROM scenario_settings ORDER BY number");
  while (settings.executeStep()) {
    out.settings.push_back({settings.getColumn(0).getString(), settings.getColumn(1).getString()});
  }
  SQLite::Statement files(database, "SELECT name, content FROM scenario_files");
  while (files.executeStep()) {
    out.files.push_back({files.getColumn(0).getString(), files.getColumn(1).getString()});
  }
  out.scenario = text_of(database, "scenario_text");
  const std::string comments = text_with_settings("", out.settings);
  if (out.scenario.ends_with(comments)) out.scenario.resize(out.scenario.size() - comments.size());
}

// False: a row is not what a run writes.
bool load_trace(const SQLite::Database& database, TraceRecord& out) {
  SQLite::Statement checkpoints(database, "SELECT job, t_ns, hash FROM trace_checkpoints ORDER BY job");
  while (checkpoints.executeStep()) {
    const std::string hash = checkpoints.getColumn(2).getString();
    TraceCheckpoint at{static_cast<std::uint64_t>(checkpoints.getColumn(0).getInt64()),
                       instant_of(checkpoints.getColumn(1)), 0};
    const auto parsed = std::from_chars(hash.data(), hash.data() + hash.size(), at.hash, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != hash.data() + hash.size()) return false;
    out.checkpoints.push_back(at);
  }
  SQLite::Statement events(database,
                           "SELECT first_job, jobs, t_ns, events FROM trace_events ORDER BY first_job");
  while (events.executeStep()) {
    TraceChunk chunk;
    chunk.first_job = static_cast<std::uint64_t>(events.getColumn(0).getInt64());
    chunk.jobs = events.getColumn(1).getUInt();
    chunk.when = instant_of(events.getColumn(2));
    const std::string packed = events.getColumn(3).getString();
    chunk.events.assign(packed.begin(), packed.end());
    if (!chunk.unpack()) return false;
    out.chunks.push_back(std::move(chunk));
  }
  return !out.checkpoints.empty();
}

}  // namespace

Result<StoredRun> load_run(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "run.sqlite";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return fail(ErrorCode::kIo,
                fmt::format("{}: is not there, expected the directory of a result", path.string()));
  }
  try {
    const SQLite::Database database(path.string(), SQLite::OPEN_READONLY);
    if (!database.tableExists("trace_checkpoints")) {
      return fail(ErrorCode::kIo,
                  fmt::format("{}: has no trace, expected a result of this version", path.string()));
    }
    StoredRun run;
    load_scenario(database, run);
    run.commit = text_of(database, "run.commit");
    run.trace_hash = text_of(database, "run.trace_hash");
    SQLite::Statement reached(database, "SELECT value FROM run WHERE key = 'sim.duration_s'");
    if (reached.executeStep()) run.reached = from_seconds(reached.getColumn(0).getDouble());
    if (!load_trace(database, run.trace)) {
      return fail(ErrorCode::kIo, fmt::format("{}: its trace is damaged", path.string()));
    }
    return run;
  } catch (const SQLite::Exception& exception) {
    return fail(ErrorCode::kIo,
                fmt::format("{}: not the database of a run: {}", path.string(), exception.what()));
  }
}

ScenarioOrErrors parse_stored(const StoredRun& run, std::vector<Setting> more) {
  std::vector<Setting> settings = run.settings;
  std::move(more.begin(), more.end(), std::back_inserter(settings));
  const auto stored_file = [&run](const std::string& name) -> Result<std::string> {
    const auto found = std::find_if(run.files.begin(), run.files.end(),
                                    [&](const ReferencedFile& file) { return file.name == name; });
    if (found != run.files.end()) return found->content;
    return fail(ErrorCode::kNotFound, fmt::format("'{}' is no file that the result has stored", name));
  };
  return parse_scenario(run.scenario, "the stored scenario", settings, stored_file);
}

}  // namespace shoal::sim
