// run_scenario replay: runs a result again from what it stored, and says whether it came out the same; if
// not, where the two runs part.
#pragma once

namespace shoal::sim {

// The subcommand: argv[0] is "replay". `commit` is this build's. The exit status: 0 the runs are the same, 1
// they differ, 2 the command line or the directory is wrong, 3 it could not be run.
int replay_main(int argc, char** argv, const char* commit);

}  // namespace shoal::sim
