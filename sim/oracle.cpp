// The oracle's knowledge: hosts in the order of their ids, every id that ever lived, every value ever put.
#include "sim/oracle.h"

#include <fmt/format.h>
#include <tsl/robin_map.h>

#include <algorithm>
#include <map>
#include <utility>

#include "node/base/check.h"
#include "node/secure/keys.h"

namespace shoal::sim {

namespace {

constexpr std::string_view kAnswerOrder = "answer_order";
constexpr std::string_view kPhantomAnswer = "phantom_answer";
constexpr std::string_view kForgedValue = "forged_value";
constexpr std::string_view kSequenceBackwards = "sequence_backwards";
constexpr std::string_view kItemVanished = "item_vanished";
constexpr std::string_view kTableUnhealed = "table_unhealed";
constexpr std::string_view kQueueBound = "queue_bound";

// By chance alone a table holds none of so many expected contacts once in e^20 tables.
constexpr double kContactsExpectedMin = 20;

// Leading bits that two ids share, 0 to 256.
int common_bits(const Id& a, const Id& b) {
  return kIdBits - 1 - bucket_index(a, b);
}

std::string name_text(const ItemName& name) {
  const std::string place = name.location.short_hex();
  return name.salt.empty() ? place : fmt::format("{}/{}", place, to_hex(name.salt));
}

}  // namespace

struct Oracle::Impl {
  struct Host {
    Id id;
    Instant since{};
    bool online = false;
  };
  // The latest life of an id.
  struct Life {
    HostIndex host = 0;
    Instant since{};
    Instant until = kNever;
  };
  struct Member {
    HostIndex host = 0;
    Instant since{};
  };
  struct Version {
    Id digest;
    std::uint64_t sequence = 0;
    bool acknowledged = false;
  };
  struct Holder {
    HostIndex host = 0;
    Instant since{};
    std::uint64_t sequence = 0;
  };
  struct Item {
    ItemName name;
    std::vector<std::uint32_t> versions;  // indexes of versions_
    bool acknowledged = false;
    std::uint64_t sequence = 0;        // the highest acknowledged
    WallTime expires{};                // of that one
    std::vector<Holder> holders;       // online ones, of the last census that has ended
    std::vector<Holder> holders_next;  // of the census under way
    bool held_offline = false;         // by a host that will return
  };
  struct Heal {
    std::vector<std::uint8_t> group_of_host;
    Instant when{};
    std::vector<bool> judged;
    std::vector<std::size_t> online_of_group;  // counted when the first table is judged
  };

  explicit Impl(OracleConfig c) : config(c) {}

  Host& host_at(HostIndex index) {
    if (index >= hosts.size()) hosts.resize(std::size_t{index} + 1);
    return hosts[index];
  }
  bool settled(const Member& member, HostIndex origin, Instant start) const {
    return member.host != origin && member.since + config.settled_after <= start;
  }
  void violated(std::string_view rule, HostIndex host, Instant when, std::string text) {
    ++violation_count;
    if (kept.size() < config.violations_kept_max) kept.push_back({rule, host, when, std::move(text)});
  }
  // Counts one check; true: it failed.
  bool fails(bool holds) {
    ++check_count;
    return !holds;
  }

  void check_answer(HostIndex origin, const LookupReport& report, Instant start, Instant end);
  bool is_exact(const std::vector<TrueHost>& truth, HostIndex origin, const LookupReport& report,
                Instant start) const;
  void check_survival(const Item& item);
  void judge_table(Heal& heal, HostIndex host, Instant when, std::span<const Id> contacts);

  OracleConfig config;
  std::vector<Host> hosts;
  std::map<Id, Member> members;  // online, no clients
  tsl::robin_map<Id, Life, std::hash<Id>> lives;
  std::size_t online = 0;

  std::map<ItemName, std::uint32_t> item_of_name;
  std::vector<Item> items;
  std::vector<Version> versions;
  std::vector<std::uint32_t> item_of_version;
  // What each running host has read: publish item -> highest sequence number.
  tsl::robin_map<HostIndex, std::map<ItemName, std::uint64_t>> read;

  Instant census_when{};
  WallTime census_wall_time{};
  std::size_t lost = 0;
  std::vector<Heal> heals;

  std::uint64_t check_count = 0;
  std::uint64_t violation_count = 0;
  std::vector<Violation> kept;
};

Oracle::Oracle(OracleConfig config) : impl_(std::make_unique<Impl>(config)) {}
Oracle::~Oracle() = default;

// --- hosts

void Oracle::host_online(HostIndex host, const Id& id, bool client, Instant when) {
  Impl::Host& state = impl_->host_at(host);
  check(!state.online, "a host comes online that is online");
  state = {.id = id, .since = when, .online = true};
  impl_->lives[id] = {.host = host, .since = when, .until = kNever};
  if (!client) impl_->members[id] = {.host = host, .since = when};
  ++impl_->online;
}

void Oracle::host_offline(HostIndex host, Instant when) {
  Impl::Host& state = impl_->host_at(host);
  check(state.online, "a host goes offline that is not online");
  state.online = false;
  impl_->lives[state.id].until = when;
  impl_->members.erase(state.id);
  impl_->read.erase(host);
  --impl_->online;
}

bool Oracle::is_online(const Id& id) const {
  const auto life = impl_->lives.find(id);
  return life != impl_->lives.end() && life->second.until == kNever;
}

std::size_t Oracle::online_count() const {
  return impl_->online;
}

std::optional<HostIndex> Oracle::host_of(const Id& id) const {
  const auto life = impl_->lives.find(id);
  if (life == impl_->lives.end()) return std::nullopt;
  return life->second.host;
}

// Ids in ascending order around the target fall into groups by the number of leading bits they share with it.
// A group is contiguous, lies on one side, and is nearer as a whole than every group that shares fewer bits:
// so whole groups are taken, deepest first.
std::vector<Oracle::TrueHost> Oracle::closest(const Id& target, std::size_t n, HostIndex origin,
                                              Instant start) const {
  const auto& members = impl_->members;
  std::vector<TrueHost> found;
  auto last = members.lower_bound(target);
  auto first = last;
  while (found.size() < n && (first != members.begin() || last != members.end())) {
    const int below = first == members.begin() ? -1 : common_bits(target, std::prev(first)->first);
    const int above = last == members.end() ? -1 : common_bits(target, last->first);
    const std::size_t group_begin = found.size();
    const auto take = [&](const auto& entry) {
      if (impl_->settled(entry.second, origin, start)) found.push_back({entry.second.host, entry.first});
    };
    if (above > below) {
      for (; last != members.end() && common_bits(target, last->first) == above; ++last) take(*last);
    } else {
      for (; first != members.begin() && common_bits(target, std::prev(first)->first) == below; --first) {
        take(*std::prev(first));
      }
    }
    std::sort(found.begin() + static_cast<std::ptrdiff_t>(group_begin), found.end(),
              [&target](const TrueHost& a, const TrueHost& b) { return closer(target, a.id, b.id); });
  }
  if (found.size() > n) found.resize(n);
  return found;
}

void Oracle::Impl::check_answer(HostIndex origin, const LookupReport& report, Instant start, Instant end) {
  const auto not_nearer = [&report](const LookupReport::Host& a, const LookupReport::Host& b) {
    return !closer(report.target, a.contact.key, b.contact.key);
  };
  const auto misplaced = std::ranges::adjacent_find(report.closest, not_nearer);
  if (fails(misplaced == report.closest.end())) {
    violated(kAnswerOrder, origin, end,
             fmt::format("a lookup of {} names {} before one that is not farther", report.target.short_hex(),
                         misplaced->contact.key.short_hex()));
  }
  for (const LookupReport::Host& host : report.closest) {
    const auto life = lives.find(host.contact.key);
    if (fails(life != lives.end() && life->second.since <= end && life->second.until >= start)) {
      violated(kPhantomAnswer, origin, end,
               fmt::format("a lookup of {} names {} at {} as having answered, which was not online",
                           report.target.short_hex(), host.contact.key.short_hex(),
                           host.contact.endpoint.to_string()));
    }
  }
}

bool Oracle::Impl::is_exact(const std::vector<TrueHost>& truth, HostIndex origin, const LookupReport& report,
                            Instant start) const {
  std::size_t matched = 0;
  std::size_t passed_over = 0;
  for (const LookupReport::Host& host : report.closest) {
    if (matched + passed_over == config.k) break;
    const auto member = members.find(host.contact.key);
    if (member == members.end() || !settled(member->second, origin, start)) {
      ++passed_over;
    } else if (matched < truth.size() && truth[matched].id == host.contact.key) {
      ++matched;
    } else {
      return false;
    }
  }
  return matched + passed_over >= truth.size();
}

Oracle::Judgement Oracle::judge_lookup(HostIndex origin, const LookupReport& report, Instant start,
                                       Instant end) {
  impl_->check_answer(origin, report, start, end);
  Judgement judgement;
  const std::vector<TrueHost> truth = closest(report.target, impl_->config.k, origin, start);
  if (truth.empty()) return judgement;
  judgement.truth = truth.front();
  for (const LookupReport::Host& host : report.closest) {
    if (host.contact.key == truth.front().id) judgement.found = &host;
  }
  judgement.exact = impl_->is_exact(truth, origin, report, start);
  return judgement;
}

// --- items

Oracle::ValueId Oracle::value_put(const ItemName& name, ByteView value) {
  const auto [entry, fresh] =
      impl_->item_of_name.try_emplace(name, static_cast<std::uint32_t>(impl_->items.size()));
  if (fresh) impl_->items.emplace_back().name = name;
  const auto version = static_cast<std::uint32_t>(impl_->versions.size());
  impl_->versions.push_back({.digest = sha256(value)});
  impl_->item_of_version.push_back(entry->second);
  impl_->items[entry->second].versions.push_back(version);
  return {version};
}

void Oracle::value_acknowledged(ValueId value, std::uint64_t sequence, WallTime expires) {
  Impl::Version& version = impl_->versions[value.value];
  version.acknowledged = true;
  version.sequence = sequence;
  Impl::Item& item = impl_->items[impl_->item_of_version[value.value]];
  if (!item.acknowledged || sequence >= item.sequence) {
    item.acknowledged = true;
    item.sequence = sequence;
    item.expires = expires;
  }
}

std::optional<std::uint64_t> Oracle::acknowledged_sequence(const ItemName& name) const {
  const auto found = impl_->item_of_name.find(name);
  if (found == impl_->item_of_name.end() || !impl_->items[found->second].acknowledged) return std::nullopt;
  return impl_->items[found->second].sequence;
}

bool Oracle::is_acknowledged(const ItemName& name, WallTime now) const {
  const auto found = impl_->item_of_name.find(name);
  if (found == impl_->item_of_name.end()) return false;
  const Impl::Item& item = impl_->items[found->second];
  return item.acknowledged && item.expires > now;
}

bool Oracle::value_got(HostIndex reader, const ItemName& name, std::uint64_t sequence, ByteView value,
                       Instant when) {
  const auto found = impl_->item_of_name.find(name);
  bool genuine = false;
  if (found != impl_->item_of_name.end()) {
    const Id digest = sha256(value);
    for (const std::uint32_t index : impl_->items[found->second].versions) {
      const Impl::Version& version = impl_->versions[index];
      genuine |= version.digest == digest && (!version.acknowledged || version.sequence == sequence);
    }
  }
  if (impl_->fails(genuine)) {
    impl_->violated(kForgedValue, reader, when,
                    fmt::format("item {}: {} bytes with sequence number {}, which nobody put",
                                name_text(name), value.size(), sequence));
  }
  if (name.kind != ItemKind::kPublish) return genuine;
  std::uint64_t& highest = impl_->read[reader][name];
  if (impl_->fails(sequence >= highest)) {
    impl_->violated(kSequenceBackwards, reader, when,
                    fmt::format("item {}: sequence number {} after {}", name_text(name), sequence, highest));
  }
  highest = std::max(highest, sequence);
  return genuine;
}

void Oracle::begin_census(Instant when, WallTime wall_time) {
  impl_->census_when = when;
  impl_->census_wall_time = wall_time;
  for (Impl::Item& item : impl_->items) {
    item.holders_next.clear();
    item.held_offline = false;
  }
}

void Oracle::count_holder(HostIndex host, const ItemHeader& held) {
  if (held.name.kind == ItemKind::kConnection) return;
  const auto found = impl_->item_of_name.find(held.name);
  if (found == impl_->item_of_name.end()) return;
  Impl::Item& item = impl_->items[found->second];
  if (held.sequence < item.sequence || held.expires <= impl_->census_wall_time) return;
  const Impl::Host& state = impl_->host_at(host);
  if (state.online) {
    item.holders_next.push_back({host, state.since, held.sequence});
  } else {
    item.held_offline = true;
  }
}

void Oracle::Impl::check_survival(const Item& item) {
  const auto stayed = [this, &item](const Holder& holder) {
    const Host& host = hosts[holder.host];
    return host.online && host.since == holder.since && holder.sequence >= item.sequence;
  };
  const auto survivor = std::ranges::find_if(item.holders, stayed);
  if (survivor == item.holders.end()) return;
  if (fails(!item.holders_next.empty())) {
    violated(
        kItemVanished, survivor->host, census_when,
        fmt::format("item {}: nobody online holds it, though a holder never left", name_text(item.name)));
  }
}

void Oracle::end_census() {
  impl_->lost = 0;
  for (Impl::Item& item : impl_->items) {
    if (item.acknowledged && item.expires > impl_->census_wall_time) {
      impl_->check_survival(item);
      if (item.holders_next.empty() && !item.held_offline) ++impl_->lost;
    }
    std::swap(item.holders, item.holders_next);
  }
}

std::size_t Oracle::lost_count() const {
  return impl_->lost;
}

// --- samples of running hosts

void Oracle::check_queues(HostIndex host, Instant when, std::size_t jobs_queued, std::size_t jobs_max,
                          std::size_t requests_in_flight, std::size_t requests_in_flight_max) {
  if (impl_->fails(jobs_queued <= jobs_max)) {
    impl_->violated(kQueueBound, host, when,
                    fmt::format("{} jobs queued, the bound is {}", jobs_queued, jobs_max));
  }
  if (impl_->fails(requests_in_flight <= requests_in_flight_max)) {
    impl_->violated(
        kQueueBound, host, when,
        fmt::format("{} requests in flight, the bound is {}", requests_in_flight, requests_in_flight_max));
  }
}

void Oracle::partition_began() {
  impl_->heals.clear();
}

void Oracle::partition_healed(std::vector<std::uint8_t> group_of_host, Instant when) {
  group_of_host.resize(std::max(group_of_host.size(), impl_->hosts.size()));
  Impl::Heal heal;
  heal.group_of_host = std::move(group_of_host);
  heal.when = when;
  heal.judged.resize(heal.group_of_host.size());
  impl_->heals.push_back(std::move(heal));
}

void Oracle::check_table(HostIndex host, Instant when, std::span<const Id> contacts) {
  for (Impl::Heal& heal : impl_->heals) {
    const bool due = when >= heal.when + impl_->config.table_recovery_max;
    const bool was_there = host < heal.judged.size() && impl_->hosts[host].since <= heal.when;
    if (due && was_there && !heal.judged[host]) impl_->judge_table(heal, host, when, contacts);
  }
}

void Oracle::Impl::judge_table(Heal& heal, HostIndex host, Instant when, std::span<const Id> contacts) {
  heal.judged[host] = true;
  const auto group_of = [&heal](HostIndex h) {
    return h < heal.group_of_host.size() ? heal.group_of_host[h] : std::uint8_t{0};
  };
  if (heal.online_of_group.empty()) {
    heal.online_of_group.resize(256);
    for (HostIndex h = 0; h < hosts.size(); ++h) heal.online_of_group[group_of(h)] += hosts[h].online ? 1 : 0;
  }
  if (fails(!contacts.empty() || online < 2)) {
    violated(kTableUnhealed, host, when, "its table is empty");
    return;
  }
  const auto foreign = std::ranges::count_if(contacts, [&](const Id& id) {
    const auto life = lives.find(id);
    return life != lives.end() && group_of(life->second.host) != group_of(host);
  });
  const double foreign_share =
      1 - static_cast<double>(heal.online_of_group[group_of(host)]) / static_cast<double>(online);
  const bool expected = static_cast<double>(contacts.size()) * foreign_share >= kContactsExpectedMin;
  if (expected && fails(foreign > 0)) {
    violated(kTableUnhealed, host, when,
             fmt::format("none of its {} contacts is from beyond the former cut, {:.0f} s after the heal",
                         contacts.size(), to_seconds(when - heal.when)));
  }
}

std::uint64_t Oracle::checks() const {
  return impl_->check_count;
}

std::uint64_t Oracle::violations() const {
  return impl_->violation_count;
}

const std::vector<Violation>& Oracle::kept_violations() const {
  return impl_->kept;
}

}  // namespace shoal::sim
