#include "sim/examples.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "sim/explain.h"

namespace shoal::sim {
namespace {

constexpr int kExamplesPerMetric = 3;

// What the worst cases of a metric are: a query whose rows name them, worst first.
struct Choice {
  std::string_view metrics;  // the beginning of their names
  Subject::Kind kind;
  const char* what;   // in the report
  const char* query;  // one column
};

// The first that fits is taken. Lookups that took many steps have the most to tell; a host or an item stands
// for the worst of what it did.
constexpr Choice kChoices[] = {
    {"lookup.success_ratio", Subject::Kind::kLookup, "lookups that failed, those with most messages first",
     "SELECT lookup FROM lookups WHERE outcome = 'failure' AND counted ORDER BY messages DESC, lookup"},
    {"lookup.exact_ratio", Subject::Kind::kLookup, "lookups that did not find the true k closest",
     "SELECT lookup FROM lookups WHERE NOT exact AND counted ORDER BY messages DESC, lookup"},
    {"lookup.latency_ms", Subject::Kind::kLookup, "the slowest lookups",
     "SELECT lookup FROM lookups WHERE outcome = 'success' AND counted ORDER BY latency_ms DESC, lookup"},
    {"lookup.duration_ms", Subject::Kind::kLookup, "the lookups that took longest",
     "SELECT lookup FROM lookups WHERE outcome = 'success' AND counted ORDER BY duration_ms DESC, lookup"},
    {"lookup.hops", Subject::Kind::kLookup, "the lookups with most hops",
     "SELECT lookup FROM lookups WHERE outcome = 'success' AND counted ORDER BY hops DESC, latency_ms DESC"},
    {"lookup.messages", Subject::Kind::kLookup, "the lookups with most messages",
     "SELECT lookup FROM lookups WHERE counted ORDER BY messages DESC, lookup"},
    {"heal.", Subject::Kind::kLookup, "lookups that failed after a heal",
     "SELECT lookup FROM lookups WHERE outcome = 'failure' AND started_s >= "
     "(SELECT min(end_s) FROM faults WHERE kind = 'partition') ORDER BY lookup DESC"},
    {"item.lost_count", Subject::Kind::kItem, "items that were lost",
     "SELECT i.location FROM item_census c JOIN items i ON i.item = c.item WHERE c.expected AND c.online = 0 "
     "AND "
     "c.away = 0 AND c.t_s = (SELECT max(t_s) FROM item_census WHERE item = c.item) ORDER BY c.t_s, "
     "c.item"},
    {"item.get_success_ratio", Subject::Kind::kItem, "items whose gets failed most often",
     "SELECT location FROM item_gets WHERE outcome = 'failure' AND counted GROUP BY location "
     "ORDER BY count(*) DESC, location"},
    {"item.get_latency_ms", Subject::Kind::kItem, "items with the slowest gets",
     "SELECT location FROM item_gets WHERE outcome = 'success' AND counted GROUP BY location "
     "ORDER BY max(latency_ms) DESC, location"},
    {"item.put_success_ratio", Subject::Kind::kItem, "items whose puts failed",
     "SELECT DISTINCT location FROM items WHERE outcome = 'failure' ORDER BY item"},
    {"publish.stale_read_ratio", Subject::Kind::kItem, "records with most stale reads",
     "SELECT location FROM item_gets WHERE stale AND counted GROUP BY location ORDER BY count(*) DESC, "
     "location"},
    {"population.mistaken_ratio", Subject::Kind::kNode,
     "nodes that took themselves longest for what they are not",
     "SELECT host FROM sessions WHERE mistaken_samples > 0 GROUP BY host "
     "ORDER BY sum(mistaken_samples) DESC, host"},
    {"oracle.violations", Subject::Kind::kViolation, "violations, the first of each rule",
     "SELECT min(violation) FROM violations GROUP BY rule ORDER BY 1"},
    {"maintenance.", Subject::Kind::kNode, "the nodes that sent most",
     "SELECT host FROM host_counters WHERE counter = 'bytes_sent' ORDER BY value DESC, host"},
    {"traffic.", Subject::Kind::kNode, "the nodes that sent most",
     "SELECT host FROM host_counters WHERE counter = 'bytes_sent' ORDER BY value DESC, host"},
};

const Choice* choice_for(std::string_view metric) {
  for (const Choice& choice : kChoices) {
    if (metric.starts_with(choice.metrics)) return &choice;
  }
  return nullptr;
}

void add_examples_of(const RunReader& run, const std::string& metric, SQLite::Statement& insert) {
  const Choice* choice = choice_for(metric);
  if (choice == nullptr) return;
  SQLite::Statement rows = run.select(fmt::format("{} LIMIT {}", choice->query, kExamplesPerMetric));
  for (int rank = 1; rows.executeStep(); ++rank) {
    Subject subject{choice->kind, rows.getColumn(0).getString()};
    if (subject.kind == Subject::Kind::kNode) subject.name = "host-" + subject.name;
    const auto story = explain(run, subject);
    if (!story) continue;
    insert.bind(1, metric);
    insert.bind(2, rank);
    insert.bind(3, choice->what);
    insert.bind(4, fmt::format("{} {}", to_string(subject.kind), subject.name));
    insert.bind(5, *story);
    insert.exec();
    insert.reset();
  }
}

}  // namespace

void add_examples(SQLite::Database& database) {
  const RunReader run(database);
  SQLite::Statement insert(database, "INSERT OR REPLACE INTO examples VALUES (?,?,?,?,?)");
  std::vector<std::string> metrics;
  SQLite::Statement failed = run.select("SELECT DISTINCT metric FROM expectations WHERE NOT met");
  while (failed.executeStep()) metrics.push_back(failed.getColumn(0).getString());
  for (const std::string& metric : metrics) add_examples_of(run, metric, insert);
}

}  // namespace shoal::sim
