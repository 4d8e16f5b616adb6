// Scenario: what one file of the scenario language says, as plain values. The reader (scenario_reader.h) is
// the only way to make one from text; whoever holds one may rely on every bound that is named here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/base/instant.h"
#include "node/config.h"
#include "node/node.h"
#include "sim/distribution.h"
#include "sim/fault_spec.h"
#include "sim/metrics.h"
#include "sim/network_spec.h"
#include "sim/referenced_file.h"
#include "sim/session_trace.h"
#include "sim/setting.h"

namespace shoal::sim {

// How true the hosts' clocks are.
struct ClockSpec {
  std::int64_t drift_max = 0;  // billionths; each host's is uniform up to it, either way
  std::optional<Distribution>
      offset;  // seconds that a wall clock is off, either way alike; nothing: it is right
};

struct PopulationSpec {
  std::uint32_t size = 0;  // 1 to kPopulationMax
  // The first hosts, which everybody knows; they are there from the start and never leave. At most `size`; 0
  // in a LAN, where hosts find each other by multicast.
  std::uint32_t bootstrap_hosts = 3;
  Duration arrival_over{};    // the others first join at instants uniform in this period
  NodeConfig node;            // `bootstrap` is filled in by the simulation
  std::optional<double> cpu;  // speed of each host's; 1 is that of the cost table; nothing: jobs take no time
  ClockSpec clock;
};
inline constexpr std::uint32_t kPopulationMax = 10'000'000;

// The hours of the day: the number of hosts online follows 1 + amplitude cos(2 pi (t - peak) / period).
struct DiurnalSpec {
  Duration period = 24h;
  double amplitude = 0.5;   // of the mean number online
  Duration peak = 20h;      // the first, after the run's start
  Duration region_shift{};  // the peak of each region is so much later than that of the one before
};

struct ChurnSpec {
  Distribution session = Distribution::exponential(3600);  // seconds
  // Instead of session and absence. Its hosts are those after the bootstrap hosts, in its order; what is left
  // of the population never comes.
  std::shared_ptr<const SessionTrace> trace;
  double correlation = 0;               // of the normal scores of two sessions of one host; 0 to below 1
  std::optional<DiurnalSpec> diurnal;   // only with `absence`
  std::optional<Distribution> absence;  // nothing: a departed host is replaced at once
  double crash_share = 1;               // of the departures; the others leave cleanly
  double keep_share = 1;                // come back with their key and store; the others as strangers
};

struct LookupsSpec {
  enum class Targets : std::uint8_t { kRandom, kHosts, kItems };
  Duration every = 60s;                // per host, Poisson
  std::optional<std::uint32_t> times;  // of each host; nothing: to the end of the run
  // Ids drawn at random; of hosts that are online; or where items of the workload lie.
  Targets targets = Targets::kRandom;
};

// How often one of `count` things is wanted: the n-th in proportion to n^-exponent; 0: all alike.
struct Popularity {
  double zipf_exponent = 0;
};

// Of a sudden, for a while, everybody wants the same few items.
struct FlashCrowdSpec {
  Duration at{};
  Duration lasts = 2min;
  double factor = 100;      // times as many gets of them, all told; at least 1
  std::uint32_t items = 1;  // the first ones, which are the most popular; at most the items' count
};

struct ItemsSpec {
  std::uint32_t count = 100;
  std::uint32_t size_min = 100, size_max = 1000;  // bytes, log-uniform between them; at most 64 KiB
  Duration put_over = 1min;                       // after the arrival of the hosts
  std::optional<Duration> put_every;              // after that: one more item, in the whole network, Poisson
  std::optional<Duration> get_every = 60s;        // per item, on average over them, Poisson; nothing: never
  Popularity popularity;                          // of gets; items put later repeat the first ones'
  std::optional<FlashCrowdSpec> flash_crowd;      // only with `get_every`
};

struct PublishSpec {
  std::uint32_t count = 10;
  Duration update_every = 5min;             // per record, Poisson
  std::optional<Duration> get_every = 60s;  // per record, on average over them, Poisson; nothing: never
  Popularity popularity;                    // of gets
};

// Places of the population whose hosts share a key string, whoever runs there; a place may be in several
// groups. Bootstrap hosts are in none.
struct GroupsSpec {
  std::uint32_t count = 1;
  std::uint32_t hosts_per_group = 3;  // 2 to kHostsPerGroupMax
  // So many of each group are in one region (a LAN, say), the others elsewhere, as far as there are such
  // hosts; nothing: anywhere.
  std::optional<std::uint32_t> same_region;
  std::optional<Duration> broadcast_every = 60s;  // per group, by one of its hosts, Poisson; nothing: never
};
inline constexpr std::uint32_t kHostsPerGroupMax = 256;

// Hosts that keep a folder in step, chosen as those of groups are, and people who work in it.
struct FoldersSpec {
  std::uint32_t count = 1;
  std::uint32_t hosts_per_group = 3;              // 2 to kHostsPerGroupMax
  std::uint32_t files = 20;                       // of the first member, at its first start
  std::uint32_t size_min = 100, size_max = 4096;  // bytes, log-uniform between them
  std::optional<Duration> edits_every =
      30s;           // per group, by a member that is online, Poisson; nothing: never
  Duration quiet{};  // before the run's end nobody edits
};
inline constexpr std::uint32_t kFolderFileBytesMax = 64 * 1024 * 1024;

struct WorkloadSpec {
  std::optional<LookupsSpec> lookups;
  std::optional<ItemsSpec> items;
  std::optional<PublishSpec> publish;
  std::optional<GroupsSpec> groups;
  std::optional<FoldersSpec> folders;
};

struct Scenario {
  std::string name;  // letters, digits, _ and -: it names the directory of the results
  std::string description;
  std::string source;
  std::string figure = "success";  // the one that shows what the scenario shows
  std::uint64_t seed = 1;
  Duration duration{};
  Duration warm_up{};  // less than the duration
  NetworkSpec network;
  CipherKind crypto = CipherKind::kReal;
  PopulationSpec population;
  std::optional<ChurnSpec> churn;
  std::vector<FaultSpec> faults;  // in the order of the file; those of one kind do not overlap
  WorkloadSpec workload;
  std::vector<Expectation> expect;
  std::string text;                   // the file as it was run, what --set changed as comments at its end
  std::vector<Setting> settings;      // of --set, in their order
  std::vector<ReferencedFile> files;  // that it names
};

}  // namespace shoal::sim
