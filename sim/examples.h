// Examples: for each expectation of a run that does not hold, the stories of its three worst cases, written
// into the run's database for its report.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

namespace shoal::sim {

// Fills the table `examples`. The rest of the database must be complete.
void add_examples(SQLite::Database& database);

}  // namespace shoal::sim
