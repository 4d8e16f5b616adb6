// The story of a lookup: what was true, who was asked in what order and told by whom, and why it failed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string>
#include <vector>

#include "sim/explain.h"
#include "sim/host_name.h"

namespace shoal::sim {
namespace {

struct Step {
  std::optional<std::int64_t> asked;
  std::string asked_name;
  std::optional<std::int64_t> told_by;
  std::int64_t hops = 0;
  double sent_ms = 0;
  std::optional<double> ended_ms;
  std::string outcome;
  std::optional<bool> knew_truth;
};

struct Lookup {
  std::int64_t number = 0;
  double started_s = 0;
  std::int64_t origin = 0;
  std::string target, outcome, error;
  bool exact = false;
  std::optional<std::int64_t> truth;
  std::optional<double> latency_ms, duration_ms;
  std::int64_t hops = 0, messages = 0;
  std::optional<bool> origin_knew;
  std::int64_t truth_tables = 0, tables_seen = 0;
  std::vector<Step> steps;

  double ended_s() const { return started_s + duration_ms.value_or(0) / 1e3; }
};

std::optional<double> real(const SQLite::Column& column) {
  return column.isNull() ? std::nullopt : std::optional(column.getDouble());
}
std::optional<std::int64_t> whole(const SQLite::Column& column) {
  return column.isNull() ? std::nullopt : std::optional<std::int64_t>(column.getInt64());
}
std::optional<bool> yes_or_no(const SQLite::Column& column) {
  return column.isNull() ? std::nullopt : std::optional(column.getInt() != 0);
}

std::optional<Lookup> read_lookup(const RunReader& run, std::int64_t number) {
  SQLite::Statement row = run.select(
      "SELECT started_s, origin, target, outcome, coalesce(error, ''), exact, truth, latency_ms, "
      "duration_ms, "
      "hops, messages, origin_knew, truth_tables, tables_seen FROM lookups WHERE lookup = ?",
      number);
  if (!row.executeStep()) return std::nullopt;
  Lookup lookup;
  lookup.number = number;
  lookup.started_s = row.getColumn(0).getDouble();
  lookup.origin = row.getColumn(1).getInt64();
  lookup.target = row.getColumn(2).getString();
  lookup.outcome = row.getColumn(3).getString();
  lookup.error = row.getColumn(4).getString();
  lookup.exact = row.getColumn(5).getInt() != 0;
  lookup.truth = whole(row.getColumn(6));
  lookup.latency_ms = real(row.getColumn(7));
  lookup.duration_ms = real(row.getColumn(8));
  lookup.hops = row.getColumn(9).getInt64();
  lookup.messages = row.getColumn(10).getInt64();
  lookup.origin_knew = yes_or_no(row.getColumn(11));
  lookup.truth_tables = row.getColumn(12).getInt64();
  lookup.tables_seen = row.getColumn(13).getInt64();
  SQLite::Statement steps = run.select(
      "SELECT asked, told_by, hops, sent_ms, ended_ms, outcome, knew_truth, asked_life FROM lookup_steps "
      "WHERE lookup = "
      "? "
      "ORDER BY step",
      number);
  while (steps.executeStep()) {
    const auto asked = whole(steps.getColumn(0));
    const auto life = static_cast<std::uint32_t>(steps.getColumn(7).getInt64());
    lookup.steps.push_back(
        {.asked = asked,
         .asked_name = asked ? host_name(static_cast<HostIndex>(*asked), life) : "somebody who never lived",
         .told_by = whole(steps.getColumn(1)),
         .hops = steps.getColumn(2).getInt64(),
         .sent_ms = steps.getColumn(3).getDouble(),
         .ended_ms = real(steps.getColumn(4)),
         .outcome = steps.getColumn(5).getString(),
         .knew_truth = yes_or_no(steps.getColumn(6))});
  }
  return lookup;
}

class Teller {
 public:
  Teller(const RunReader& run, const Lookup& lookup) : run_(run), lookup_(lookup) {}

  std::string story() {
    head();
    truth();
    steps();
    why();
    faults();
    return text_;
  }

 private:
  template <class... Values>
  void line(fmt::format_string<Values...> format, Values&&... values) {
    text_ += fmt::format(format, std::forward<Values>(values)...) + "\n";
  }
  std::string name(std::optional<std::int64_t> host) const {
    return host ? run_.name(*host, lookup_.ended_s()) : "somebody who never lived";
  }
  std::string teller(const Step& step) const {
    if (step.told_by == lookup_.origin) return "its own table";
    return step.told_by ? "told by " + name(step.told_by) : "told by somebody who never lived";
  }

  void head() {
    line("Lookup {} of {} by {} at {}: {}", lookup_.number, short_key(lookup_.target), name(lookup_.origin),
         seconds_text(lookup_.started_s), lookup_.outcome);
    if (lookup_.duration_ms) {
      line("  It took {} and {}, requests and answers.", milliseconds_text(*lookup_.duration_ms),
           count_text(lookup_.messages, "message"));
    }
    if (lookup_.latency_ms) {
      line("  The closest host answered after {}, {} away{}.", milliseconds_text(*lookup_.latency_ms),
           count_text(lookup_.hops, "hop"),
           lookup_.exact ? "; all of the k closest were found" : "; not all of the k closest were found");
    }
    if (!lookup_.error.empty()) line("  The node gave no result: {}.", lookup_.error);
  }

  void truth() {
    SQLite::Statement rows = run_.select(
        "SELECT host, online_since_s FROM lookup_truth WHERE lookup = ? ORDER BY rank", lookup_.number);
    line("");
    line("What was true");
    bool first = true;
    std::vector<std::string> others;
    while (rows.executeStep()) {
      const std::int64_t host = rows.getColumn(0).getInt64();
      const std::string since = seconds_text(rows.getColumn(1).getDouble());
      if (!first) {
        others.push_back(fmt::format("{} (since {})", name(host), since));
        continue;
      }
      first = false;
      line("  The closest host was {}, online since {}.", name(host), since);
      if (lookup_.tables_seen > 0) {
        line("  It stood in {} of the {} looked at in the sample before.", lookup_.truth_tables,
             count_text(lookup_.tables_seen, "table"));
      }
      if (lookup_.origin_knew) {
        line("  It stood in {}'s own table when the lookup ended: {}.", name(lookup_.origin),
             *lookup_.origin_knew ? "yes" : "no");
      }
    }
    if (first) line("  Nobody had been online for long enough to say.");
    if (!others.empty()) line("  After it came {}.", fmt::join(others, ", "));
  }

  void steps() {
    line("");
    line("Who was asked, by the time since the start");
    for (const Step& step : lookup_.steps) {
      std::string came_back = step.outcome == "timed_out" ? "no answer" : step.outcome;
      if (step.ended_ms) came_back += " after " + milliseconds_text(*step.ended_ms - step.sent_ms);
      std::vector<std::string> remarks;
      if (lookup_.truth && step.asked_name == name(lookup_.truth)) remarks.emplace_back("the closest");
      if (step.knew_truth.value_or(false)) remarks.emplace_back("has the closest in its table");
      if (step.asked && step.outcome == "timed_out") {
        const double sent_s = lookup_.started_s + step.sent_ms / 1e3;
        remarks.push_back(run_.presence(step.asked_name, sent_s));
        if (run_.apart(lookup_.origin, *step.asked, sent_s)) remarks.emplace_back("beyond the cut");
      }
      line("  {:>8}  {:<12} {:<26} {}{}", milliseconds_text(step.sent_ms), step.asked_name,
           fmt::format("({}, hop {})", teller(step), step.hops), came_back,
           remarks.empty() ? "" : fmt::format("  [{}]", fmt::join(remarks, "; ")));
    }
    if (lookup_.steps.empty()) line("  Nobody, or nothing is known of it.");
  }

  void why() {
    if (lookup_.outcome != "failure") return;
    line("");
    line("Why it failed");
    if (!lookup_.truth || lookup_.steps.empty()) {
      line("  It came to no result{}.", lookup_.error.empty() ? "" : " (" + lookup_.error + ")");
      return;
    }
    const std::string truth = name(lookup_.truth);
    for (const Step& step : lookup_.steps) {
      if (step.asked_name == truth) return why_of_asked(step, truth);
    }
    std::vector<std::string> knew;
    for (const Step& step : lookup_.steps) {
      if (step.knew_truth.value_or(false)) knew.push_back(step.asked_name);
    }
    line("  Nobody named {} in time, so it was never asked.", truth);
    if (lookup_.origin_knew.value_or(false)) {
      line("  {} itself had it in its table by the end.", name(lookup_.origin));
    }
    if (knew.empty()) {
      line("  Of those asked, none that could be looked into had it in its table.");
    } else {
      line("  By the end it stood in the tables of {}: they learnt of it too late, or did not answer.",
           fmt::join(knew, ", "));
    }
  }

  void why_of_asked(const Step& step, const std::string& truth) {
    const double sent_s = lookup_.started_s + step.sent_ms / 1e3;
    if (step.outcome == "timed_out") {
      const bool apart = run_.apart(lookup_.origin, *step.asked, sent_s);
      line("  {} was asked at {} ({}) and did not answer, though it was {}: {}.", truth, seconds_text(sent_s),
           teller(step), run_.presence(step.asked_name, sent_s),
           apart ? "a partition kept the two apart"
                 : "what was sent was lost, or came too late, or its node had no time for it");
    } else if (step.outcome == "refused") {
      line("  {} was asked at {} and refused to answer.", truth, seconds_text(sent_s));
    } else if (step.outcome == "unasked") {
      line("  {} was named ({}), but the lookup ended before asking it.", truth, teller(step));
    } else {
      line(
          "  {} answered, but stands not in the result: its answer came too late, or somebody else took its "
          "place.",
          truth);
    }
  }

  void faults() {
    const std::vector<std::string> faults = run_.faults_between(lookup_.started_s, lookup_.ended_s());
    if (faults.empty()) return;
    line("");
    line("Faults at that time");
    for (const std::string& fault : faults) line("  {}", fault);
  }

  const RunReader& run_;
  const Lookup& lookup_;
  std::string text_;
};

}  // namespace

Result<std::string> explain_lookup(const RunReader& run, std::int64_t number) {
  const std::optional<Lookup> lookup = read_lookup(run, number);
  if (lookup) return Teller(run, *lookup).story();
  const std::int64_t started = std::stoll(run.fact("lookups_started").value_or("0"));
  if (number < 1 || number > started) {
    return fail(ErrorCode::kNotFound, fmt::format("lookup {}: the run has {}, numbered from 1", number,
                                                  count_text(started, "lookup")));
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("lookup {}: its story was not kept: of {} lookups the run keeps {}, and those that "
                          "failed before the others",
                          number, started, run.number("SELECT count(*) FROM lookups")));
}

}  // namespace shoal::sim
