#include "bench/peers/cluster.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

namespace shoal::peers {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kOperationMaxS = 60;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Usage {
  double cpu_s = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // with the headers of IP and of Ethernet
};

Usage usage_so_far() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  Usage usage;
  usage.cpu_s = seconds(used.ru_utime) + seconds(used.ru_stime);
  std::ifstream file("/proc/self/net/dev");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.find("lo") > colon) continue;
    std::istringstream fields(line.substr(colon + 1));
    std::uint64_t field = 0;
    for (int i = 0; i < 10 && fields >> field; ++i) {
      if (i == 8) usage.bytes = field;
      if (i == 9) usage.packets = field;
    }
  }
  return usage;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * 4096;
}

struct Phase {
  std::vector<double> latencies_ms;  // of those that succeeded
  std::size_t failures = 0;
  double wall_s = 0;
  Usage used;
};

template <class Start>
Phase run_phase(Cluster& cluster, std::size_t operations, std::size_t in_flight, Start start) {
  Phase phase;
  const Usage before = usage_so_far();
  const auto begin = Clock::now();
  std::size_t begun = 0;
  std::size_t ended = 0;
  const auto is_over = [&] { return ended == operations; };
  const auto fill = [&] {
    while (begun < operations && begun - ended < in_flight) {
      const auto asked = Clock::now();
      start(begun++, [&phase, &ended, asked](bool success) {
        ++ended;
        if (success) {
          phase.latencies_ms.push_back(1e3 * seconds_since(asked));
        } else {
          ++phase.failures;
        }
      });
    }
  };
  while (!is_over() && seconds_since(begin) < kOperationMaxS + 0.2 * static_cast<double>(operations)) {
    fill();
    const std::size_t seen = ended;
    cluster.run(kOperationMaxS, [&] { return ended != seen; });
  }
  phase.failures += operations - ended;
  phase.wall_s = seconds_since(begin);
  const Usage after = usage_so_far();
  phase.used = {after.cpu_s - before.cpu_s, after.packets - before.packets, after.bytes - before.bytes};
  std::ranges::sort(phase.latencies_ms);
  return phase;
}

double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return sorted[at];
}

void print(const char* name, const Phase& phase, std::size_t operations) {
  const auto each = static_cast<double>(operations);
  std::printf(
      "\"%s\": {\"operations\": %zu, \"failures\": %zu, \"p50_ms\": %.4f, \"p90_ms\": %.4f, "
      "\"p99_ms\": %.4f, \"wall_s\": %.3f, \"cpu_ms\": %.5f, \"packets\": %.2f, \"bytes\": %.1f},\n",
      name, operations, phase.failures, quantile(phase.latencies_ms, 0.5), quantile(phase.latencies_ms, 0.9),
      quantile(phase.latencies_ms, 0.99), phase.wall_s, 1e3 * phase.used.cpu_s / each,
      static_cast<double>(phase.used.packets) / each, static_cast<double>(phase.used.bytes) / each);
}

}  // namespace

void ThreadedCluster::run(double seconds, const std::function<bool()>& is_over) {
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  while (!is_over()) {
    std::unique_lock lock(mutex_);
    if (!woken_.wait_until(lock, until, [this] { return !ended_.empty(); })) return;
    const std::vector<std::pair<Done, bool>> ended = std::exchange(ended_, {});
    lock.unlock();
    for (const auto& [done, success] : ended) done(success);
  }
}

void ThreadedCluster::end(Done done, bool success) {
  const std::lock_guard lock(mutex_);
  ended_.emplace_back(std::move(done), success);
  woken_.notify_one();
}

std::string value_of(std::size_t value, std::size_t bytes) {
  std::string text = "value " + std::to_string(value) + " ";
  // No two values share a part of any length.
  std::uint64_t state = 0x9e3779b97f4a7c15u * (value + 1);
  while (text.size() < bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    text.push_back(static_cast<char>('a' + state % 26));
  }
  text.resize(bytes);
  return text;
}

bool measure_floods(const std::string& flooder_options, double seconds,
                    const std::function<void(const std::string& what)>& before) {
  const std::string flooder =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "shoal_peer_flooder";
  nlohmann::ordered_json floods;
  for (const std::string what : {"ping", "find"}) {
    if (before) before(what);
    const std::string command =
        flooder + " --seconds " + std::to_string(seconds) + " --what " + what + " " + flooder_options;
    const double cpu_s_before = usage_so_far().cpu_s;
    std::FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return false;
    std::string line(1024, 0);
    const bool told = std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr;
    if (pclose(pipe) != 0 || !told) return false;
    const double cpu_s = usage_so_far().cpu_s - cpu_s_before;
    nlohmann::ordered_json flood = nlohmann::ordered_json::parse(line.c_str());
    flood["cpu_s"] = cpu_s;
    flood["cpu_us_per_reply"] = 1e6 * cpu_s / flood["replies"].get<double>();
    floods[what] = std::move(flood);
  }
  std::printf("\"flood\": %s\n", floods.dump().c_str());
  return true;
}

int measure(Cluster& cluster, const Options& options) {
  const auto never = [] { return false; };
  cluster.run(options.settle_s, never);
  const std::size_t nodes = options.nodes;
  const Phase puts = run_phase(cluster, options.operations, options.in_flight, [&](std::size_t i, Done done) {
    cluster.put(i % nodes, i, options.value_bytes, std::move(done));
  });
  // By a node that has not stored it, and one at a time: the time of a get alone.
  const Phase gets = run_phase(cluster, options.operations, 1, [&](std::size_t i, Done done) {
    cluster.get((i * 7 + nodes / 2) % nodes, i, std::move(done));
  });
  cluster.run(2, never);  // whatever is still under way
  const Usage before = usage_so_far();
  cluster.run(options.idle_s, never);
  const Usage after = usage_so_far();
  const double share = 1 / (options.idle_s * static_cast<double>(nodes));
  std::printf("{\n");
  print("put", puts, options.operations);
  print("get", gets, options.operations);
  std::printf("\"idle\": {\"cpu_ms_per_node_per_s\": %.5f, \"packets_per_node_per_s\": %.4f},\n",
              1e3 * (after.cpu_s - before.cpu_s) * share,
              static_cast<double>(after.packets - before.packets) * share);
  std::printf("\"memory_bytes_per_node\": %.0f, \"nodes\": %zu, \"value_bytes\": %zu,\n",
              static_cast<double>(resident_bytes()) / static_cast<double>(nodes), nodes, options.value_bytes);
  const bool flooded = measure_floods(cluster.flooder_options(), options.flood_s);
  std::printf("}\n");
  return puts.failures + gets.failures == 0 && flooded ? 0 : 1;
}

Options read_options(std::span<char*> arguments) {
  Options options;
  const std::map<std::string, std::size_t*> counts{{"--nodes", &options.nodes},
                                                   {"--value-bytes", &options.value_bytes},
                                                   {"--operations", &options.operations},
                                                   {"--in-flight", &options.in_flight}};
  const std::map<std::string, double*> durations{
      {"--settle", &options.settle_s}, {"--idle", &options.idle_s}, {"--flood", &options.flood_s}};
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    const std::string name = arguments[i];
    const std::string value = i + 1 < arguments.size() ? arguments[i + 1] : "";
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    const bool is_number = !value.empty() && *end == '\0' && number > 0;
    if (const auto count = counts.find(name); count != counts.end() && is_number) {
      *count->second = static_cast<std::size_t>(number);
    } else if (const auto duration = durations.find(name); duration != durations.end() && is_number) {
      *duration->second = number;
    } else {
      std::fprintf(stderr,
                   "%s: '%s %s': expected --nodes, --value-bytes, --operations, --in-flight, --settle, "
                   "--idle or --flood with a number above 0\n",
                   arguments[0], name.c_str(), value.c_str());
      std::exit(2);
    }
  }
  return options;
}

}  // namespace shoal::peers
