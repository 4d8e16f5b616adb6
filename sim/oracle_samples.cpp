// The oracle's looks at running hosts: their queues, their requests, their routing tables.
#include <algorithm>
#include <limits>

#include "sim/oracle_state.h"

namespace shoal::sim {

namespace {

// By chance alone a table holds none of so many expected contacts once in e^20 tables.
constexpr double kContactsExpectedMin = 20;
// For a few tests of its reachability, each of some seconds.
constexpr Duration kKnowsItselfWithin = std::chrono::minutes(1);
// Hosts whose tables are followed from look to look.
constexpr HostIndex kFollowedHosts = 1000;

std::uint64_t requests_sent(const NodeCounters& counters) {
  std::uint64_t total = 0;
  for (const NodeCounters::Kind& kind : counters.kinds) total += kind.requests_sent;
  return total;
}

}  // namespace

void Oracle::check_host(HostIndex host, Instant when, const HostSample& sample) {
  if (impl_->fails(Rule::kQueueBound, sample.jobs_queued <= sample.jobs_max)) {
    impl_->violated(Rule::kQueueBound, host, when,
                    fmt::format("{} jobs queued, the bound is {}", sample.jobs_queued, sample.jobs_max));
  }
  if (impl_->fails(Rule::kQueueBound, sample.requests_in_flight <= sample.requests_in_flight_max)) {
    impl_->violated(Rule::kQueueBound, host, when,
                    fmt::format("{} requests in flight, the bound is {}", sample.requests_in_flight,
                                sample.requests_in_flight_max));
  }
  if (sample.counters == nullptr) return;
  Impl::Host& state = impl_->host_at(host);
  const std::uint64_t requests = requests_sent(*sample.counters);
  if (requests != state.requests || sample.contacts == 0) {
    state.requests = requests;
    state.silent_since = when;
  }
  if (impl_->fails(Rule::kAsleep, when - state.silent_since < impl_->config.silence_max)) {
    impl_->violated(Rule::kAsleep, host, when,
                    fmt::format("it knows {} hosts and has sent no request for {:.0f} s", sample.contacts,
                                to_seconds(when - state.silent_since)));
    state.silent_since = when;
  }
}

void Oracle::check_traffic(Instant when, std::uint64_t sent_by_nodes, std::uint64_t sent_on_network) {
  if (impl_->fails(Rule::kUnaccountedTraffic, sent_on_network <= sent_by_nodes)) {
    impl_->violated(Rule::kUnaccountedTraffic, 0, when,
                    fmt::format("the network was given {} datagrams, all nodes together sent {}",
                                sent_on_network, sent_by_nodes));
  }
}

// --- tables

void Oracle::begin_tables() {
  impl_->tables = 0;
  for (Impl::Host& host : impl_->hosts) host.tables = 0;
}

Oracle::Standing Oracle::standing(HostIndex host) const {
  return {.tables = host < impl_->hosts.size() ? impl_->hosts[host].tables : 0, .of = impl_->tables};
}

std::optional<bool> Oracle::is_settled_client(HostIndex host, Instant when) const {
  const Impl::Host& state = impl_->hosts.at(host);
  if (when - state.since < kKnowsItselfWithin) return std::nullopt;
  return state.client;
}

Oracle::TableContacts Oracle::check_table(HostIndex host, Instant when, std::span<const Contact> contacts) {
  ++impl_->tables;
  ++impl_->tables_ever;
  impl_->host_at(host);
  TableContacts counts;
  for (const Contact& contact : contacts) impl_->check_contact(host, when, contact, counts);
  impl_->check_places(host, when, contacts);
  if (host < kFollowedHosts) impl_->follow(host, when, contacts);
  for (Impl::Heal& heal : impl_->heals) {
    const bool due = when >= heal.when + impl_->config.table_recovery_max;
    const bool was_there = host < heal.judged.size() && impl_->hosts[host].since <= heal.when;
    if (due && was_there && !heal.judged[host]) impl_->judge_table(heal, host, when, contacts);
  }
  return counts;
}

void Oracle::Impl::check_contact(HostIndex host, Instant when, const Contact& contact,
                                 TableContacts& counts) {
  const auto life = lives.find(contact.key);
  if (fails(Rule::kTablePhantom, life != lives.end())) {
    violated(Rule::kTablePhantom, host, when,
             fmt::format("it holds {} at {}, which never lived", contact.key.short_hex(),
                         contact.endpoint.to_string()));
    return;
  }
  const bool is_live = life->second.until == kNever;
  bool repeated = false;
  if (is_live) {
    ++counts.live;
    counts.clients += life->second.client ? 1 : 0;
    Host& known = hosts[life->second.host];
    repeated = known.last_table == tables_ever;
    known.last_table = tables_ever;
    ++known.tables;
  }
  if (fails(Rule::kTableSelf, !repeated && contact.key != hosts[host].id)) {
    violated(Rule::kTableSelf, host, when,
             repeated ? fmt::format("it holds {} twice", name_of(life->second))
                      : std::string("it holds its own host"));
  }
  const bool long_client =
      is_live && life->second.client && when - life->second.since > config.gone_contact_max;
  if (fails(Rule::kTableClient, !long_client)) {
    violated(Rule::kTableClient, host, when, fmt::format("it holds {}, a client", name_of(life->second)));
  }
}

void Oracle::Impl::check_places(HostIndex host, Instant when, std::span<const Contact> contacts) {
  places.clear();
  for (const Contact& contact : contacts) {
    const int bucket = bucket_index(hosts[host].id, contact.key);
    // Contacts of local addresses are free of the limit: each counts as a subnet of its own.
    const std::uint64_t subnet = contact.endpoint.is_local()
                                     ? std::numeric_limits<std::uint64_t>::max() - places.size()
                                     : subnet_of(contact.endpoint.address);
    places.emplace_back(bucket, subnet);
  }
  std::ranges::sort(places);
  for (auto begin = places.begin(); begin != places.end();) {
    const int bucket = begin->first;
    const auto end = std::find_if(begin, places.end(), [&](const auto& p) { return p.first != bucket; });
    const auto depth = static_cast<std::size_t>(kIdBits - 1 - bucket);
    const std::size_t size = depth < config.bucket_sizes.size() ? config.bucket_sizes[depth] : config.k;
    const auto count = static_cast<std::size_t>(end - begin);
    if (fails(Rule::kBucketBound, count <= size)) {
      violated(Rule::kBucketBound, host, when,
               fmt::format("bucket {} holds {} contacts, its size is {}", bucket, count, size));
    }
    std::size_t most = 0;
    for (auto first = begin; first != end;) {
      const auto last = std::find_if(first, end, [&](const auto& p) { return p != *first; });
      most = std::max(most, static_cast<std::size_t>(last - first));
      first = last;
    }
    if (config.per_subnet_max > 0 && fails(Rule::kSubnetBound, most <= config.per_subnet_max)) {
      violated(Rule::kSubnetBound, host, when,
               fmt::format("bucket {} holds {} contacts of one subnet, the limit is {}", bucket, most,
                           config.per_subnet_max));
    }
    begin = end;
  }
}

void Oracle::Impl::follow(HostIndex host, Instant when, std::span<const Contact> contacts) {
  if (host >= followed.size()) followed.resize(std::size_t{host} + 1);
  FollowedTable& table = followed[host];
  if (table.session != hosts[host].since) table = {.session = hosts[host].since, .gone = {}};
  std::vector<GoneContact> gone;
  for (const Contact& contact : contacts) {
    const auto life = lives.find(contact.key);
    if (life == lives.end() || life->second.until == kNever) continue;
    const auto before = std::ranges::find(table.gone, contact.key, &GoneContact::id);
    gone.push_back(before != table.gone.end() ? *before : GoneContact{.id = contact.key, .since = when});
    const bool forgotten_in_time = when - gone.back().since <= config.gone_contact_max;
    if (fails(Rule::kTableGone, forgotten_in_time || gone.back().reported)) {
      gone.back().reported = true;
      violated(Rule::kTableGone, host, when,
               fmt::format("it still holds {}, which left {:.0f} s ago", name_of(life->second),
                           to_seconds(when - life->second.until)));
    }
  }
  table.gone = std::move(gone);
}

// --- heals

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

void Oracle::Impl::judge_table(Heal& heal, HostIndex host, Instant when, std::span<const Contact> contacts) {
  heal.judged[host] = true;
  const auto group_of = [&heal](HostIndex h) {
    return h < heal.group_of_host.size() ? heal.group_of_host[h] : std::uint8_t{0};
  };
  if (heal.online_of_group.empty()) {
    heal.online_of_group.resize(256);
    for (HostIndex h = 0; h < hosts.size(); ++h) heal.online_of_group[group_of(h)] += hosts[h].online ? 1 : 0;
  }
  if (fails(Rule::kTableUnhealed, !contacts.empty() || online < 2)) {
    violated(Rule::kTableUnhealed, host, when, "its table is empty");
    return;
  }
  const auto foreign = std::ranges::count_if(contacts, [&](const Contact& contact) {
    const auto life = lives.find(contact.key);
    return life != lives.end() && group_of(life->second.host) != group_of(host);
  });
  const double foreign_share =
      1 - static_cast<double>(heal.online_of_group[group_of(host)]) / static_cast<double>(online);
  const bool expected = static_cast<double>(contacts.size()) * foreign_share >= kContactsExpectedMin;
  if (expected && fails(Rule::kTableUnhealed, foreign > 0)) {
    violated(Rule::kTableUnhealed, host, when,
             fmt::format("none of its {} contacts is from beyond the former cut, {:.0f} s after the heal",
                         contacts.size(), to_seconds(when - heal.when)));
  }
}

}  // namespace shoal::sim
