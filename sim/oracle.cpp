// The oracle's hosts, the truth about who is closest, and its book of violations.
#include "sim/oracle.h"

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "sim/host_name.h"
#include "sim/oracle_state.h"

namespace shoal::sim {

namespace {

// Leading bits that two ids share, 0 to 256.
int common_bits(const Id& a, const Id& b) {
  return kIdBits - 1 - bucket_index(a, b);
}

}  // namespace

std::string name_text(const ItemName& name) {
  const std::string place = name.location.short_hex();
  return name.salt.empty() ? place : fmt::format("{}/{}", place, to_hex(name.salt));
}

OracleConfig oracle_config_for(const NodeConfig& node) {
  OracleConfig config;
  config.k = node.k;
  config.bucket_sizes = node.first_buckets;
  config.per_subnet_max = node.per_subnet_max;
  config.items_max = node.item_count_max;
  config.item_bytes_max = node.item_bytes_max;
  config.held_for_min = std::min<Duration>(10s, node.republish_interval / 4);
  config.copies_max = 3 * std::max(node.k, node.replication);
  // A contact is pinged within one period of its last answer, and again within the next.
  // A session in which nothing is heard for three of these ends.
  config.event_within = 6 * node.session_keep_alive;
  config.primary_agreed_within = 2 * node.primary_lease + config.event_within;
  config.gone_contact_max = 3 * node.table_check_period;
  config.silence_max = 2 * std::max({node.table_check_period, node.bucket_refresh_interval,
                                     node.neighbour_refresh_interval, node.bootstrap_backoff_max});
  return config;
}

Oracle::Oracle(OracleConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Oracle::~Oracle() = default;

void Oracle::set_witness(const Witness* witness) {
  impl_->witness = witness;
}

// --- hosts

void Oracle::host_online(HostIndex host, const Id& id, bool client, Instant when) {
  Impl::Host& state = impl_->host_at(host);
  check(!state.online, "a host comes online that is online");
  const bool distrusted = state.distrusted && state.id == id;
  impl_->distrusted -= state.distrusted && !distrusted ? 1 : 0;
  const std::uint32_t life = state.life == 0 || state.id != id ? state.life + 1 : state.life;
  state = {.id = id,
           .since = when,
           .online = true,
           .distrusted = distrusted,
           .client = client,
           .life = life,
           .silent_since = when};
  impl_->lives[id] = {.host = host, .number = life, .since = when, .until = kNever, .client = client};
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

void Oracle::distrust(HostIndex host) {
  Impl::Host& state = impl_->host_at(host);
  impl_->distrusted += state.distrusted ? 0 : 1;
  state.distrusted = true;
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

std::uint32_t Oracle::life_of(const Id& id) const {
  const auto life = impl_->lives.find(id);
  return life == impl_->lives.end() ? 0 : life->second.number;
}

std::optional<Instant> Oracle::online_since(HostIndex host) const {
  if (host >= impl_->hosts.size() || !impl_->hosts[host].online) return std::nullopt;
  return impl_->hosts[host].since;
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

// --- violations

std::string Oracle::Impl::name_of(HostIndex host) const {
  return host_name(host, hosts[host].life);
}

std::string Oracle::Impl::name_of(const Life& life) {
  return host_name(life.host, life.number);
}

void Oracle::Impl::violated(Rule rule, HostIndex host, Instant when, std::string text) {
  keep({.rule = rule,
        .host = host,
        .when = when,
        .job = {},
        .operation = {},
        .guid = {},
        .text = std::move(text)});
}

void Oracle::Impl::violated(Rule rule, const Command& command, Instant when, std::string text) {
  keep({.rule = rule,
        .host = command.host,
        .when = when,
        .job = {},
        .operation = command.operation,
        .guid = command.guid,
        .text = std::move(text)});
}

void Oracle::Impl::keep(Violation violation) {
  Tally& tally = tallies[static_cast<std::size_t>(violation.rule)];
  if (++tally.violations > config.violations_kept_max) return;
  const auto job = witness != nullptr ? witness->last_job(violation.host) : std::nullopt;
  if (job) {
    violation.job = job->kind;
    if (!violation.guid) violation.guid = job->guid;
  }
  kept.push_back(std::move(violation));
}

std::uint64_t Oracle::checks() const {
  std::uint64_t total = 0;
  for (const Impl::Tally& tally : impl_->tallies) total += tally.checks;
  return total;
}

std::uint64_t Oracle::violations() const {
  std::uint64_t total = 0;
  for (const Impl::Tally& tally : impl_->tallies) total += tally.violations;
  return total;
}

std::uint64_t Oracle::checks(Rule rule) const {
  return impl_->tallies[static_cast<std::size_t>(rule)].checks;
}

std::uint64_t Oracle::violations(Rule rule) const {
  return impl_->tallies[static_cast<std::size_t>(rule)].violations;
}

const std::vector<Violation>& Oracle::kept_violations() const {
  return impl_->kept;
}

}  // namespace shoal::sim
