// The recorder's time series: every few seconds of a run the state of all hosts becomes one point of each.
#include <fmt/format.h>

#include <algorithm>

#include "node/base/check.h"
#include "sim/recorder.h"
#include "sim/recorder_state.h"

namespace shoal::sim {

namespace {

double share(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

void Recorder::Impl::add_point(std::string_view metric, Instant when, double value) {
  auto found = series_of_name.find(metric);
  if (found == series_of_name.end()) {
    found = series_of_name.emplace(metric, static_cast<std::uint32_t>(series_names.size())).first;
    series_names.emplace_back(metric);
  }
  series.push_back({when, found->second, value});
}

void Recorder::begin_sample(Instant when) {
  Impl& run = *impl_;
  check(!run.sampling, "a sample begins inside another");
  run.advance(when);
  run.sampling = true;
  run.sample_when = when;
  run.table_stride = (run.online + kTablesPerSample - 1) / kTablesPerSample;
  run.running = {};
  run.jobs_queued = run.requests_in_flight = 0;
  run.sample_tables = run.sample_contacts = run.sample_live = run.sample_clients = 0;
  run.oracle.begin_tables();
}

void Recorder::sample_host(HostIndex host, const HostSample& sample) {
  Impl& run = *impl_;
  run.running = sum(run.running, *sample.counters);
  if (host < kCountersKeptMax) {
    if (host >= run.running_counters.size()) run.running_counters.resize(std::size_t{host} + 1);
    run.running_counters[host] = *sample.counters;
  }
  run.jobs_queued = std::max(run.jobs_queued, sample.jobs_queued);
  run.requests_in_flight = std::max(run.requests_in_flight, sample.requests_in_flight);
  run.oracle.check_host(host, run.sample_when, sample);
  const std::optional<bool> client = run.oracle.is_settled_client(host, run.sample_when);
  if (!client || !run.after_warm_up(run.sample_when)) return;
  ++run.hosts_settled;
  if (*client == sample.client) return;
  ++run.hosts_mistaken;
  if (const std::size_t session = run.session_of_host[host]; session < run.sessions.size()) {
    ++run.sessions[session].mistaken_samples;
  }
}

// The choice moves on by one host a sample, so that all tables are looked at in the course of a run.
bool Recorder::wants_table(HostIndex host) const {
  return impl_->table_stride <= 1 || (host + impl_->samples) % impl_->table_stride == 0;
}

void Recorder::sample_table(HostIndex host, std::span<const Contact> contacts) {
  Impl& run = *impl_;
  const Oracle::TableContacts counts = run.oracle.check_table(host, run.sample_when, contacts);
  run.sample_live += counts.live;
  run.sample_clients += counts.clients;
  ++run.sample_tables;
  run.sample_contacts += contacts.size();
  if (run.after_warm_up(run.sample_when)) ++run.tables_of_size[contacts.size()];
}

void Recorder::sample_network(const NetworkTotals& totals) {
  const std::uint64_t sent = impl_->retired.datagrams_sent + impl_->running.datagrams_sent;
  impl_->oracle.check_traffic(impl_->sample_when, sent, totals.datagrams_sent);
}

void Recorder::end_sample() {
  Impl& run = *impl_;
  check(run.sampling, "a sample ends that did not begin");
  run.sampling = false;
  ++run.samples;
  run.judge_open_durations(run.sample_when);
  const Instant when = run.sample_when;
  const Account account{
      .when = when, .counters = sum(run.retired, run.running), .node_seconds = run.node_seconds};
  run.add_point("online", when, static_cast<double>(run.online));
  if (run.sample_tables > 0) {
    run.add_point("table.contacts", when, share(run.sample_contacts, run.sample_tables));
    if (run.sample_contacts > 0) {
      run.add_point("table.live_contact_ratio", when, share(run.sample_live, run.sample_contacts));
      run.add_point("table.client_ratio", when, share(run.sample_clients, run.sample_contacts));
    }
  }
  run.add_point("jobs_queued.max", when, static_cast<double>(run.jobs_queued));
  run.add_point("requests_in_flight.max", when, static_cast<double>(run.requests_in_flight));
  if (!run.sample_times.empty() && when > run.last_account.when) {
    run.add_traffic_points(when, difference(account.counters, run.last_account.counters),
                           to_seconds(when - run.last_account.when));
  }
  run.sample_times.push_back(when);
  run.last_account = account;
  if (run.after_warm_up(when)) {
    if (!run.first_account) run.first_account = account;
    run.tables += run.sample_tables;
    run.contacts += run.sample_contacts;
    run.live_contacts += run.sample_live;
    run.client_contacts += run.sample_clients;
  }
}

void Recorder::Impl::add_traffic_points(Instant when, const NodeCounters& sent, double seconds) {
  const auto rate = [seconds](std::uint64_t count) { return static_cast<double>(count) / seconds; };
  for (std::size_t i = 0; i < sent.kinds.size(); ++i) {
    const NodeCounters::Kind& kind = sent.kinds[i];
    const char* name = wire::to_string(static_cast<wire::RequestKind>(i));
    add_point(fmt::format("traffic.bytes_per_s.{}", name), when,
              rate(kind.request_bytes_sent + kind.response_bytes_sent));
    add_point(fmt::format("traffic.messages_per_s.{}", name), when,
              rate(kind.requests_sent + kind.responses_sent));
  }
  for (std::size_t i = 0; i < sent.purpose_bytes.size(); ++i) {
    add_point(fmt::format("purpose.bytes_per_s.{}", shoal::to_string(static_cast<Purpose>(i))), when,
              rate(sent.purpose_bytes[i]));
  }
  add_point("traffic.by_session_bytes_per_s", when, rate(sent.session_bytes_sent));
  for (const auto& [name, count] : named_counters(sent)) {
    if (name.starts_with("dropped_")) add_point("dropped_per_s." + name.substr(8), when, rate(count));
  }
}

}  // namespace shoal::sim
