// Measures what each kind of job costs a node, with real cryptography, and prints the table that simulated
// CPUs go by:
//
//   shoal_job_costs > sim/job_costs.inc
//
// Whole nodes on a network in memory join, look up, put, get and publish, small values and large; what they
// spend between the begin of one job and that of the next is the job's. System calls are not in it (about 4
// us for a datagram on Linux). Medians of many jobs, so that what else the machine does hardly shows; do it
// on a machine that is idle all the same. An optional argument is the number of hosts (40).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "node/base/big_endian.h"
#include "tests/support/node_cluster.h"

namespace shoal {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Stopwatch final : public JobWatcher {
 public:
  struct Sample {
    std::size_t bytes;
    std::int64_t ns;
  };

  void on_job(Instant, JobKind kind, Guid, ByteView bytes) override {
    on_jobs_done();
    kind_ = kind;
    bytes_ = bytes.size();
    begun_ = SteadyClock::now();
  }
  void on_jobs_done() override {
    if (!kind_) return;
    const std::chrono::nanoseconds spent = SteadyClock::now() - begun_;
    samples_[static_cast<std::size_t>(*kind_)].push_back({bytes_, spent.count()});
    kind_.reset();
  }
  std::vector<Sample>& samples(JobKind kind) { return samples_[static_cast<std::size_t>(kind)]; }

 private:
  std::optional<JobKind> kind_;
  std::size_t bytes_ = 0;
  SteadyClock::time_point begun_;
  std::array<std::vector<Sample>, kJobKinds> samples_;
};

struct Cost {
  std::int64_t ns = 0;
  std::int64_t ps_per_byte = 0;
};

template <class Samples, class Member>
std::int64_t median(Samples samples, Member member) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::ranges::nth_element(samples, middle, {}, member);
  return static_cast<std::int64_t>(std::invoke(member, *middle));
}

// A line through the medians of the third with the fewest bytes and the third with the most (Tukey 1977).
Cost fit(std::vector<Stopwatch::Sample> samples) {
  if (samples.empty()) return {};
  using Sample = Stopwatch::Sample;
  std::ranges::stable_sort(samples, {}, &Sample::bytes);
  const auto third = static_cast<std::ptrdiff_t>((samples.size() + 2) / 3);
  const std::vector<Sample> small(samples.begin(), samples.begin() + third);
  const std::vector<Sample> large(samples.end() - third, samples.end());
  const std::int64_t bytes_small = median(small, &Sample::bytes), bytes_large = median(large, &Sample::bytes);
  const std::int64_t ns_small = median(small, &Sample::ns), ns_large = median(large, &Sample::ns);
  Cost cost;
  if (bytes_large > bytes_small) {
    cost.ps_per_byte = std::max<std::int64_t>(0, 1000 * (ns_large - ns_small) / (bytes_large - bytes_small));
  }
  cost.ns = std::max<std::int64_t>(
      0, median(samples, &Sample::ns) - cost.ps_per_byte * median(samples, &Sample::bytes) / 1000);
  return cost;
}

Bytes value_of(std::size_t bytes, std::uint64_t number) {
  Bytes value(bytes);
  Rng::keyed(number, "job costs", "value").fill(value);
  return value;
}

void work(NodeCluster& cluster, std::size_t hosts) {
  cluster.add_many(hosts);
  cluster.advance(60s);
  Rng rng = Rng::keyed(1, "job costs", "work");
  for (std::uint64_t n = 0; n < 10 * hosts; ++n) {
    const std::size_t host = rng.below(hosts);
    const std::size_t bytes = n % 10 == 0 ? 20'000 : 100 + n % 800;
    const CommandResult put = cluster.run(host, PutCommand{value_of(bytes, n)});
    if (put) (void)cluster.run(rng.below(hosts), GetCommand{std::get<StoreResult>(*put).key});
    PublishCommand publish;
    publish.secret[0] = static_cast<std::uint8_t>(n % 100);
    publish.value = value_of(100, n);
    const CommandResult published = cluster.run(host, publish);
    if (published)
      (void)cluster.run(rng.below(hosts), LookupCommand{std::get<StoreResult>(*published).key, {}, false});
    (void)cluster.run(rng.below(hosts), FindCommand{rng.id()});
  }
  cluster.advance(2h);
}

void print(Stopwatch& stopwatch) {
  fmt::print(
      "// What a job costs on a CPU of speed 1: its kind, ns, and ps for each byte of what it is about. Made "
      "by\n"
      "// bench/costs/job_costs.cpp (which says how to make it anew); read by sim/host_machine.cpp.\n");
  for (std::size_t i = 0; i < kJobKinds; ++i) {
    const auto kind = static_cast<JobKind>(i);
    std::string name = "k";
    bool upper = true;
    for (const char c : std::string_view(to_string(kind))) {
      if (c != '_') name += upper ? static_cast<char>(c - 'a' + 'A') : c;
      upper = c == '_';
    }
    const Cost cost = fit(stopwatch.samples(kind));
    fmt::print("{{JobKind::{}, {}, {}}},  // of {} jobs\n", name, cost.ns, cost.ps_per_byte,
               stopwatch.samples(kind).size());
  }
}

}  // namespace
}  // namespace shoal

int main(int argc, char** argv) {
  std::size_t hosts = 40;
  if (argc > 1) {
    const char* end = argv[1] + std::strlen(argv[1]);
    const auto parsed = std::from_chars(argv[1], end, hosts);
    if (argc > 2 || parsed.ec != std::errc() || parsed.ptr != end || hosts < 2 || hosts > 500) {
      fmt::print(stderr, "usage: shoal_job_costs [HOSTS]   (2 to 500 hosts, 40 unless told)\n");
      return 2;
    }
  }
  shoal::Stopwatch stopwatch;
  shoal::NodeCluster cluster(1, &stopwatch);
  shoal::work(cluster, hosts);
  shoal::print(stopwatch);
  return 0;
}
