// Explain: the story of one thing of a run, told from its run.sqlite alone: of a lookup, an item, a node, or
// a violation of the oracle's rules.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>

#include "node/base/result.h"
#include "sim/run_reader.h"

namespace shoal::sim {

struct Subject {
  enum class Kind : std::uint8_t { kLookup, kItem, kNode, kViolation };
  Kind kind = Kind::kLookup;
  std::string name;  // a number; of an item its key or the beginning of it; of a node "host-17" or "17"
};
const char* to_string(Subject::Kind kind);  // as on the command line

// The story, in lines. Error kNotFound: the run has no such thing, or several; the message says what it has.
Result<std::string> explain(const RunReader& run, const Subject& subject);

// One of them each (explain_lookup.cpp, …). `number` and `host` need not exist.
Result<std::string> explain_lookup(const RunReader& run, std::int64_t number);
Result<std::string> explain_item(const RunReader& run, const std::string& key);
Result<std::string> explain_node(const RunReader& run, std::int64_t host, const std::string& name);
Result<std::string> explain_violation(const RunReader& run, std::int64_t number);

// `run_scenario explain …`: argv[0] is "explain". The exit status: 0 told, 2 the command line is wrong, or
// the directory does not hold such a run, or the run no such thing.
int explain_main(int argc, char** argv);

}  // namespace shoal::sim
