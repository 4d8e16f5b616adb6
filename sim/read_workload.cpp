#include "sim/scenario_sections.h"

#include "node/wire/messages.h"

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

}  // namespace

void read_workload(Section workload, const Duration& duration, WorkloadSpec& out) {
  read_optional(workload, "lookups", out.lookups,
                [](Section& s, LookupsSpec& lookups) { s.interval("every", lookups.every, 1ms); });
  read_optional(workload, "items", out.items, [&](Section& s, ItemsSpec& items) {
    s.choice("kind", {"hash"});
    s.count("count", items.count, 1, 10'000'000);
    s.bytes_range("size", items.size_min, items.size_max, wire::kValueBytesMax);
    s.duration("put_over", items.put_over, Duration::zero(), duration);
    read_every(s, "get_every", items.get_every);
  });
  read_optional(workload, "publish", out.publish, [](Section& s, PublishSpec& publish) {
    s.count("count", publish.count, 1, 1'000'000);
    s.interval("update_every", publish.update_every, 1ms);
    read_every(s, "get_every", publish.get_every);
  });
  workload.not_yet("folders");
  workload.finish();
}

}  // namespace shoal::sim
