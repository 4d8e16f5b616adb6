// RunReader: what a run.sqlite (sim/run_schema.h) says, in the words in which stories are told. Throws
// SQLite::Exception when the database cannot be read.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/host_index.h"

namespace shoal::sim {

class RunReader {
 public:
  explicit RunReader(SQLite::Database& database) : database_(database) {}

  // One row or many: `select("SELECT … WHERE a = ? AND b = ?", 1, "x")`.
  template <class... Values>
  SQLite::Statement select(const std::string& sql, const Values&... values) const {
    SQLite::Statement statement(database_, sql);
    int parameter = 0;
    (statement.bind(++parameter, values), ...);
    return statement;
  }
  // The first column of the first row; 0 when there is none.
  template <class... Values>
  std::int64_t number(const std::string& sql, const Values&... values) const {
    SQLite::Statement rows = select(sql, values...);
    return rows.executeStep() ? rows.getColumn(0).getInt64() : 0;
  }
  std::optional<std::string> fact(const std::string& key) const;  // of the table `run`

  // "host-17.2": as it was called at this time, or before.
  std::string name(std::int64_t host, double t_s) const;
  // "online since 12.0 s", "left at 80.3 s (crash)", "not yet there".
  std::string presence(std::int64_t host, double t_s) const;
  // The same of one of the hosts that took this place in turn, by its name.
  std::string presence(const std::string& name, double t_s) const;
  // Did a partition keep the two apart? Only of partitions that were healed before the run's end.
  bool apart(std::int64_t host, std::int64_t other, double t_s) const;
  // Lines about the faults that were in force, or struck, between the two times.
  std::vector<std::string> faults_between(double from_s, double to_s) const;

 private:
  SQLite::Database& database_;
};

// "912.4 s" since the start of the run.
std::string seconds_text(double t_s);
// "5,812 ms", "3.2 ms".
std::string milliseconds_text(double ms);
// "1 host", "3 hosts".
std::string count_text(std::int64_t count, const std::string& thing);
// "5c0ffee1…"
std::string short_key(const std::string& hex);

}  // namespace shoal::sim
