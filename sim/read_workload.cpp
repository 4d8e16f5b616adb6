#include <fmt/format.h>

#include <algorithm>

#include "node/wire/messages.h"
#include "sim/scenario_sections.h"

namespace shoal::sim {
namespace {

// Absent: nothing. Present, even as {}: the defaults and what it says.
template <class Spec, class Read>
void read_optional(Section& outer, std::string_view key, std::optional<Spec>& out, Read&& read) {
  if (!outer.has(key)) return;
  out.emplace();
  Section section = outer.section(key);
  read(section, *out);
  section.finish();
}

// An interval that may be absent: `never` keeps it so.
void read_every(Section& section, std::string_view key, std::optional<Duration>& out) {
  std::string text;
  if (const auto node = section.value(key); node && node->IsScalar() && node->Scalar() == "never") {
    out.reset();
    return;
  }
  Duration every = out.value_or(60s);
  section.interval(key, every, 1ms);
  out = every;
}

// uniform, or {zipf: {exponent: 0.9}}.
void read_popularity(Section& outer, Popularity& out) {
  const auto value = outer.value("popularity");
  if (!value) return;
  if (value->IsScalar()) {
    outer.choice("popularity", {"uniform"});
    return;
  }
  Section popularity = outer.section("popularity");
  Section zipf = popularity.section("zipf");
  if (popularity.has("zipf")) {
    zipf.require("exponent");
    zipf.number("exponent", out.zipf_exponent, 0, 10);
  }
  zipf.finish();
  popularity.finish();
}

void read_flash_crowd(Section crowd, const Duration& duration, const ItemsSpec& items, FlashCrowdSpec& out) {
  crowd.require("at");
  crowd.duration("at", out.at, Duration::zero(), duration);
  crowd.duration("for", out.lasts, 1ms, kDurationMax);
  crowd.number("factor", out.factor, 1, 1e6);
  crowd.count("items", out.items, 1, items.count);
  crowd.finish();
  if (!items.get_every) crowd.error("", "multiplies how often items are got, expected a get_every");
}

void read_items(Section& s, const Duration& duration, ItemsSpec& items) {
  s.choice("kind", {"hash"});
  s.count("count", items.count, 1, 10'000'000);
  s.bytes_range("size", items.size_min, items.size_max, wire::kValueBytesMax);
  s.duration("put_over", items.put_over, Duration::zero(), duration);
  if (s.has("put_every")) read_every(s, "put_every", items.put_every);
  read_every(s, "get_every", items.get_every);
  read_popularity(s, items.popularity);
  if (s.has("flash_crowd")) {
    read_flash_crowd(s.section("flash_crowd"), duration, items, items.flash_crowd.emplace());
  }
}

void read_lookups(Section& s, LookupsSpec& lookups) {
  using Targets = LookupsSpec::Targets;
  static constexpr Targets kTargets[] = {Targets::kRandom, Targets::kHosts, Targets::kItems};
  s.interval("every", lookups.every, 1ms);
  if (std::uint32_t times = 1; s.has("times")) {
    s.count("times", times, 1, 1'000'000);
    lookups.times = times;
  }
  if (const auto targets = s.choice("targets", {"random", "hosts", "items"})) {
    lookups.targets = kTargets[*targets];
  }
}

void read_groups(Section& s, GroupsSpec& groups) {
  s.count("count", groups.count, 1, 1'000'000);
  s.count("hosts_per_group", groups.hosts_per_group, 2, kHostsPerGroupMax);
  if (s.has("same_region")) {
    s.count("same_region", groups.same_region.emplace(groups.hosts_per_group), 1, groups.hosts_per_group);
  }
  read_every(s, "broadcast_every", groups.broadcast_every);
}

void read_folders(Section& s, const Duration& duration, FoldersSpec& folders) {
  s.count("groups", folders.count, 1, 1'000'000);
  s.count("hosts_per_group", folders.hosts_per_group, 2, kHostsPerGroupMax);
  s.count("files", folders.files, 0, 100'000);
  s.bytes_range("size", folders.size_min, folders.size_max, kFolderFileBytesMax);
  read_every(s, "edits_every", folders.edits_every);
  folders.quiet = duration / 5;
  s.duration("quiet", folders.quiet, Duration::zero(), duration);
}

void check_members(Section& root, const PopulationSpec& population, const char* key, std::uint32_t members) {
  const std::uint32_t others = population.size - std::min(population.size, population.bootstrap_hosts);
  if (population.size == 0 || members <= others) return;
  Section workload = root.section("workload");
  Section section = workload.section(key);
  section.error("hosts_per_group",
                fmt::format("{} were given, but besides bootstrap hosts there are {}", members, others));
}

}  // namespace

void check_groups(Section& root, const Scenario& scenario) {
  const auto& [lookups, items, publish, groups, folders] = scenario.workload;
  if (groups) check_members(root, scenario.population, "groups", groups->hosts_per_group);
  if (folders) check_members(root, scenario.population, "folders", folders->hosts_per_group);
}

void read_workload(Section workload, const Duration& duration, WorkloadSpec& out) {
  read_optional(workload, "lookups", out.lookups, read_lookups);
  read_optional(workload, "items", out.items,
                [&](Section& s, ItemsSpec& items) { read_items(s, duration, items); });
  read_optional(workload, "publish", out.publish, [](Section& s, PublishSpec& publish) {
    s.count("count", publish.count, 1, 1'000'000);
    s.interval("update_every", publish.update_every, 1ms);
    read_every(s, "get_every", publish.get_every);
    read_popularity(s, publish.popularity);
  });
  if (out.lookups && out.lookups->targets == LookupsSpec::Targets::kItems && !out.items) {
    workload.section("lookups").error("targets", "there are none, expected workload.items");
  }
  read_optional(workload, "groups", out.groups, read_groups);
  read_optional(workload, "folders", out.folders,
                [&](Section& s, FoldersSpec& folders) { read_folders(s, duration, folders); });
  workload.finish();
}

}  // namespace shoal::sim
