#include "node/os/process_usage.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

namespace shoal {
namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The fields of /proc/self/stat from the third on: the second is the program's name, which may hold anything
// but ends with the last parenthesis.
struct Stat {
  double user_ticks = 0;
  double system_ticks = 0;
  double start_ticks = 0;  // after the machine's start
  std::uint64_t threads = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;
};
Stat read_stat() {
  std::ifstream file("/proc/self/stat");
  const std::string line(std::istreambuf_iterator<char>(file), {});
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  Stat stat;
  std::string skipped;
  const auto skip = [&](int count) {
    for (int i = 0; i < count; ++i) fields >> skipped;
  };
  skip(11);  // 3 to 13
  fields >> stat.user_ticks >> stat.system_ticks;
  skip(4);  // 16 to 19
  fields >> stat.threads;
  skip(1);
  fields >> stat.start_ticks >> stat.virtual_bytes >> stat.resident_pages;
  return stat;
}

std::uint64_t open_descriptors() {
  std::error_code failed;
  const std::filesystem::directory_iterator files("/proc/self/fd", failed);
  if (failed) return 0;
  const auto count = std::distance(begin(files), end(files));
  return static_cast<std::uint64_t>(count) - 1;  // without the one that lists them
}

}  // namespace

ProcessUsage process_usage() {
  // When the machine was started. Taken once: the wall clock may be set.
  static const double kBootTime = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
  const auto ticks_per_s = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const Stat stat = read_stat();
  ProcessUsage usage;
  usage.cpu_s = (stat.user_ticks + stat.system_ticks) / ticks_per_s;
  usage.started_at_s = kBootTime + stat.start_ticks / ticks_per_s;
  usage.resident_bytes = stat.resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  usage.virtual_bytes = stat.virtual_bytes;
  usage.threads = stat.threads;
  usage.open_descriptors = open_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.descriptors_max = limit.rlim_cur;
  return usage;
}

}  // namespace shoal
