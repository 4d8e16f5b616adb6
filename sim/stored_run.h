// StoredRun: what the directory of a result says about its run: enough to run it again, and to tell whether
// that comes out the same.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "node/base/result.h"
#include "sim/referenced_file.h"
#include "sim/scenario_reader.h"
#include "sim/setting.h"
#include "sim/trace_record.h"

namespace shoal::sim {

struct StoredRun {
  std::string scenario;  // its text, without what --set changed
  std::vector<Setting> settings;
  std::vector<ReferencedFile> files;
  std::string commit;      // of the build that ran it
  std::string trace_hash;  // 16 hexadecimal digits
  Duration reached{};      // simulated; less than the scenario's duration when it was interrupted
  TraceRecord trace;       // well-formed
};

// Error kIo, with a message that says what is wrong with the directory.
Result<StoredRun> load_run(const std::filesystem::path& directory);

// Its scenario, read anew: nothing is read from disk, the files that it names are the stored ones. `more` are
// settings on top of its own.
ScenarioOrErrors parse_stored(const StoredRun& run, std::vector<Setting> more = {});

}  // namespace shoal::sim
