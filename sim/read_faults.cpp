#include "sim/scenario_sections.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <numeric>
#include <string>

#include "sim/read_host_faults.h"
#include "sim/units.h"

namespace shoal::sim {
namespace {

// Shares of all hosts; nothing: absent, or wrong and reported.
std::optional<std::vector<double>> read_groups(Section& partition) {
  std::vector<double> groups;
  for (const YAML::Node& entry : partition.list("groups")) {
    const auto share = entry.IsScalar() ? parse_share(entry.Scalar()) : parse_share("");
    if (!share) {
      partition.document().error(partition.path_of("groups"), entry.Mark(),
                                 fmt::format("{}: {}", partition.path_of("groups"), share.error().message));
      return std::nullopt;
    }
    groups.push_back(*share);
  }
  if (!partition.has("groups")) return std::nullopt;
  const double sum = std::accumulate(groups.begin(), groups.end(), 0.0);
  if (groups.size() >= 2 && groups.size() <= 256 && std::abs(sum - 1) < 1e-9) return groups;
  partition.error("groups", fmt::format("{} shares that add up to {:g}% were given, expected 2 to 256 that "
                                        "add up to 100%",
                                        groups.size(), 100 * sum));
  return std::nullopt;
}

PartitionFault read_partition(Section fault) {
  PartitionFault out;
  Section partition = fault.section("partition");
  if (const auto groups = read_groups(partition)) out.groups = *groups;
  if (const auto by = partition.choice("by", {"host", "region"})) out.by_region = *by == 1;
  if (const auto direction = partition.choice("direction", {"both_ways", "one_way"})) {
    out.one_way = *direction == 1;
  }
  if (partition.has("flap")) {
    Section flap = partition.section("flap");
    PartitionFault::Flap& period = out.flap.emplace(PartitionFault::Flap{10s, 10s});
    flap.require("up");
    flap.duration("up", period.up, 1ms, kDurationMax);
    flap.require("down");
    flap.duration("down", period.down, 1ms, kDurationMax);
    flap.finish();
  }
  partition.finish();
  return out;
}

LossFault read_loss(Section fault) {
  LossFault out;
  fault.share("loss", out.share);
  return out;
}

DelayFault read_delay(Section fault) {
  DelayFault out;
  if (const auto law = read_law(fault, "delay")) out.more = *law;
  return out;
}

DuplicateFault read_duplicate(Section fault) {
  DuplicateFault out;
  fault.share("duplicate", out.share);
  return out;
}

ReorderFault read_reorder_fault(Section fault) {
  ReorderFault out;
  read_reorder(fault, out.reorder);
  return out;
}

// 64 hex digits, `item N` or `random key`.
void read_key(Section& where, VictimSpec& out) {
  std::string text;
  where.text("closest_to", text);
  std::uint32_t item = 0;
  if (const auto id = Id::from_hex(text)) {
    out.key = *id;
  } else if (const char* const end = text.data() + text.size();
             text.starts_with("item ") && std::from_chars(text.data() + 5, end, item).ptr == end &&
             text.size() > 5) {
    out.item = item;
  } else if (text != "random key") {
    where.error("closest_to",
                fmt::format("'{}' was given, expected 64 hex digits, `item N` or `random key`", text));
  }
}

void read_where(Section& fault, VictimSpec& out) {
  using Where = VictimSpec::Where;
  static constexpr Where kPlain[] = {Where::kAnywhere, Where::kRegion, Where::kPrimary};
  const auto value = fault.value("where");
  if (!value) return;
  if (value->IsScalar()) {
    if (const auto where = fault.choice("where", {"random", "region", "primary"})) out.where = kPlain[*where];
    return;
  }
  Section where = fault.section("where");
  if (where.has("region")) {
    out.where = Where::kRegion;
    where.count("region", out.region.emplace(), 0, 255);
  }
  if (where.has("closest_to")) {
    out.where = Where::kClosest;
    read_key(where, out);
  }
  if (where.has("group")) {
    out.where = Where::kGroup;
    where.count("group", out.group, 0, UINT32_MAX);
  }
  where.finish();
  if (value->IsMap() && value->size() != 1) fault.error("where", "expected one of region, closest_to, group");
}

// A share, or a number of hosts. Named places are hit as a whole unless the file says otherwise.
void read_victims(Section& fault, VictimSpec& out) {
  using Where = VictimSpec::Where;
  read_where(fault, out);
  const bool named = out.where != Where::kAnywhere && out.where != Where::kClosest;
  if (named) out.share = 1;
  fault.share("share", out.share);
  if (fault.has("count")) fault.count("count", out.count.emplace(), 1, kPopulationMax);
  if (fault.has("count") && fault.has("share")) fault.error("count", "expected one of share, count");
  if (const auto spare = fault.choice("spare_bootstrap", {"true", "false"}))
    out.spare_bootstrap = *spare == 0;
}

KillFault read_kill(Section fault) {
  KillFault out;
  Section kill = fault.section("kill");
  read_victims(kill, out.whom);
  kill.duration("return_over", out.return_over, Duration::zero(), kDurationMax);
  if (kill.has("return_over") && !fault.has("for")) {
    kill.error("return_over", "nobody comes back, expected `for` beside `kill`");
  }
  kill.finish();
  return out;
}

ChangeAddressFault read_change_address(Section fault) {
  ChangeAddressFault out;
  Section change = fault.section("change_address");
  read_victims(change, out.whom);
  change.finish();
  if (fault.has("for")) fault.error("for", "an address changes at once and for good, expected no `for`");
  return out;
}

// The kinds of faults by their keys.
struct Kind {
  std::string_view key;
  void (*read)(Section& fault, FaultSpec& out);
};
constexpr Kind kKinds[] = {
    {"partition", [](Section& fault, FaultSpec& out) { out.what = read_partition(fault); }},
    {"loss", [](Section& fault, FaultSpec& out) { out.what = read_loss(fault); }},
    {"delay", [](Section& fault, FaultSpec& out) { out.what = read_delay(fault); }},
    {"duplicate", [](Section& fault, FaultSpec& out) { out.what = read_duplicate(fault); }},
    {"reorder", [](Section& fault, FaultSpec& out) { out.what = read_reorder_fault(fault); }},
    {"kill", [](Section& fault, FaultSpec& out) { out.what = read_kill(fault); }},
    {"change_address", [](Section& fault, FaultSpec& out) { out.what = read_change_address(fault); }},
    {"slow", [](Section& fault, FaultSpec& out) { out.what = read_slow(fault); }},
    {"clock", [](Section& fault, FaultSpec& out) { out.what = read_clock_fault(fault); }},
    {"store", [](Section& fault, FaultSpec& out) { out.what = read_store_fault(fault); }},
    {"bit_rot", [](Section& fault, FaultSpec& out) { out.what = read_bit_rot(fault); }},
};

std::string kinds_text() {
  std::vector<std::string_view> names;
  for (const Kind& kind : kKinds) names.push_back(kind.key);
  return fmt::format("{}", fmt::join(names, ", "));
}

FaultSpec read_fault(Section fault, const Duration& duration) {
  FaultSpec out;
  fault.duration("at", out.at, Duration::zero(), duration);
  if (fault.has("for")) {
    out.lasts = 1s;
    fault.duration("for", *out.lasts, 1ms, kDurationMax);
  }
  int kinds = 0;
  for (const Kind& kind : kKinds) {
    if (!fault.has(kind.key)) continue;
    ++kinds;
    kind.read(fault, out);
  }
  fault.finish();
  if (kinds != 1) {
    fault.error("", fmt::format("{} faults were given, expected one of {}", kinds, kinds_text()));
  }
  return out;
}

// Of those that are a state of the network, one of a kind at a time.
bool overlap(const FaultSpec& a, const FaultSpec& b) {
  const bool adds_up =
      std::holds_alternative<KillFault>(a.what) || std::holds_alternative<ChangeAddressFault>(a.what) ||
      std::holds_alternative<ClockFault>(a.what) || std::holds_alternative<BitRotFault>(a.what);
  if (a.what.index() != b.what.index() || adds_up) return false;
  const FaultSpec& first = a.at <= b.at ? a : b;
  const FaultSpec& second = a.at <= b.at ? b : a;
  return !first.lasts || first.at + *first.lasts > second.at;
}

// What a fault names of other sections, and is not there; nothing: all is.
std::optional<std::string> missing_target(const VictimSpec& whom, const Scenario& scenario) {
  using Where = VictimSpec::Where;
  const std::uint32_t regions = region_count(scenario.network.topology);
  if (whom.region && *whom.region >= regions)
    return fmt::format("region {} was given, expected 0 to {}", *whom.region, regions - 1);
  const std::uint32_t items = scenario.workload.items ? scenario.workload.items->count : 0;
  if (whom.item && *whom.item >= items)
    return fmt::format("item {} was given, but workload.items has {}", *whom.item, items);
  const WorkloadSpec& workload = scenario.workload;
  const std::uint32_t groups =
      (workload.groups ? workload.groups->count : 0) + (workload.folders ? workload.folders->count : 0);
  if (whom.where == Where::kGroup && whom.group >= groups)
    return fmt::format("group {} was given, but workload.groups has {}", whom.group, groups);
  if (whom.where == Where::kPrimary && groups == 0) return "there are none, expected workload.groups";
  return std::nullopt;
}

}  // namespace

void check_targets(Section& root, const Scenario& scenario) {
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const auto& what = scenario.faults[i].what;
    const auto* const kill = std::get_if<KillFault>(&what);
    const auto* const change = std::get_if<ChangeAddressFault>(&what);
    if (kill == nullptr && change == nullptr) continue;
    const auto missing = missing_target(kill != nullptr ? kill->whom : change->whom, scenario);
    if (!missing) continue;
    const std::string path = fmt::format("faults.{}", i);
    root.document().error(
        path, root.list("faults")[i].Mark(),
        fmt::format("{}.{}.where: {}", path, kill != nullptr ? "kill" : "change_address", *missing));
  }
}

void read_faults(Section& root, const Duration& duration, std::vector<FaultSpec>& out) {
  const std::vector<YAML::Node> entries = root.list("faults");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string path = fmt::format("faults.{}", i);
    const FaultSpec fault =
        read_fault(Section(root.document(), entries[i], path, entries[i].Mark()), duration);
    for (std::size_t j = 0; j < out.size(); ++j) {
      if (!overlap(out[j], fault)) continue;
      root.document().error(path, entries[i].Mark(),
                            fmt::format("{}: overlaps faults.{}, expected one of a kind at a time", path, j));
    }
    out.push_back(fault);
  }
}

}  // namespace shoal::sim
