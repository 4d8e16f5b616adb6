// folder_histories: runs random histories of folders until one ends wrong, shortens it and prints it.
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <iostream>

#include "tests/unit/sync/folder_history.h"

namespace {

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Runs random histories of a folder on two to five hosts in memory. After each it checks that all "
      "hosts\n"
      "come to rest with the same files, and that nothing is lost.\n"
      "Exit status: 0 all are right, 1 some are wrong, 2 wrong command line.\n"
      "Example: folder_histories --first-seed 1 --count 10000");
  std::uint64_t first = 1;
  std::uint64_t count = 1000;
  std::uint64_t failures_max = 1;
  bool is_short = true;
  bool with_state = false;
  app.add_option("--first-seed", first, "the seed of the first history")->capture_default_str();
  app.add_option("--count", count, "how many histories, each of the next seed")->capture_default_str();
  app.add_option("--failures", failures_max, "stop after so many that are wrong")->capture_default_str();
  app.add_flag("!--whole", is_short, "print a wrong history as it is, not shortened");
  app.add_flag("--state", with_state, "print also what the hosts have on their disks and in their trees");
  CLI11_PARSE(app, argc, argv);

  std::uint64_t failures = 0;
  const auto began = std::chrono::steady_clock::now();
  auto told = began;
  std::uint64_t done = 0;
  for (; done < count && failures < failures_max; ++done) {
    const std::uint64_t seed = first + done;
    const shoal::FolderHistory::Steps steps = shoal::FolderHistory::steps_of(seed);
    if (!shoal::FolderHistory::run(seed, steps).empty()) {
      ++failures;
      std::cout << shoal::FolderHistory::tell(
                       seed, is_short ? shoal::FolderHistory::shorten(seed, steps) : steps, with_state)
                << "\n"
                << std::endl;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - told < std::chrono::seconds(10)) continue;
    told = now;
    std::cerr << done + 1 << " of " << count << " histories, " << failures << " wrong, "
              << static_cast<std::uint64_t>(3600.0 * static_cast<double>(done + 1) / cpu_seconds())
              << " per core-hour" << std::endl;
  }
  std::cout << done << " histories from seed " << first << ", " << failures << " wrong, "
            << static_cast<std::uint64_t>(3600.0 * static_cast<double>(done) / cpu_seconds())
            << " per core-hour" << std::endl;
  return failures == 0 ? 0 : 1;
}
