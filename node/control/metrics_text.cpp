#include "node/control/metrics_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace shoal {
namespace {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// What the format asks to be escaped in the value of a label.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

std::string labels(Labels all) {
  std::string out;
  for (const auto& [name, value] : all) {
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value));
  }
  return "{" + out + "}";
}

std::string label(std::string_view name, std::string_view value) {
  return labels({{name, value}});
}

class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    name_ = name;
  }
  template <class Number>
  void sample(Number value, std::string_view labels = {}) {
    out_ += fmt::format("{}{} {}\n", name_, labels, value);
  }
  template <class Number>
  void gauge(std::string_view name, std::string_view help, Number value) {
    family(name, "gauge", help);
    sample(value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::string name_;
};

// Counters whose names differ by one part only are one family; that part is the value of its label.
struct Family {
  std::string_view begin;  // of the counter's name
  std::string_view end;
  std::string_view name;
  std::string_view label;  // empty: there is one sample
  std::string_view help;
};

constexpr auto kFamilies = std::to_array<Family>({
    {"", ".requests_sent", "shoal_requests_sent_total", "kind", "Requests sent, each sending."},
    {"", ".requests_received", "shoal_requests_received_total", "kind", "Requests received."},
    {"", ".responses_sent", "shoal_responses_sent_total", "kind", "Responses sent."},
    {"", ".responses_received", "shoal_responses_received_total", "kind", "Responses received in time."},
    {"", ".request_bytes_sent", "shoal_request_bytes_sent_total", "kind", "Bytes of requests sent, sealed."},
    {"", ".response_bytes_sent", "shoal_response_bytes_sent_total", "kind",
     "Bytes of responses sent, sealed."},
    {"purpose_bytes.", "", "shoal_purpose_bytes_total", "purpose",
     "Bytes of own requests and of their responses, by what they were for."},
    {"purpose_messages.", "", "shoal_purpose_messages_total", "purpose",
     "Own requests and their responses, by what they were for."},
    {"dropped_", "", "shoal_dropped_total", "reason", "Messages dropped, by reason."},
    {"lan.dropped_", "", "shoal_lan_dropped_total", "reason", "Multicast datagrams dropped, by reason."},
    {"lan.asks_refused", "", "shoal_lan_asks_refused_total", "",
     "Datagrams that multicast would have made the node send, refused."},
    {"lan.asks_sent", "", "shoal_lan_asks_sent_total", "", "Datagrams that multicast made the node send."},
    {"lan.joins_failed", "", "shoal_lan_joins_failed_total", "",
     "Times that joining a multicast group failed."},
    {"lan.pings_heard", "", "shoal_lan_pings_heard_total", "", "Multicast pings of other hosts."},
    {"lan.pings_sent", "", "shoal_lan_pings_sent_total", "", "Multicast pings sent."},
    {"bytes_received", "", "shoal_datagram_bytes_received_total", "", "Bytes of datagrams received."},
    {"bytes_sent", "", "shoal_datagram_bytes_sent_total", "", "Bytes of datagrams sent."},
    {"datagrams_received", "", "shoal_datagrams_received_total", "", "Datagrams received."},
    {"datagrams_sent", "", "shoal_datagrams_sent_total", "", "Datagrams sent."},
    {"session_bytes_received", "", "shoal_session_bytes_received_total", "", "Bytes received by session."},
    {"session_bytes_sent", "", "shoal_session_bytes_sent_total", "", "Bytes sent by session."},
    {"commits_failed", "", "shoal_commits_failed_total", "",
     "Batches of items that the store could not keep."},
    {"items_damaged", "", "shoal_items_damaged_total", "",
     "Values that the store gave back otherwise than it took them."},
    {"items_gave_way", "", "shoal_items_gave_way_total", "",
     "Items put out of the full store by those of others."},
    {"listen_failures", "", "shoal_listen_failures_total", "", "Times that listening for streams failed."},
    {"lookups_refused", "", "shoal_lookups_refused_total", "", "Own lookups refused: too many in flight."},
    {"rendezvous_refused", "", "shoal_rendezvous_refused_total", "",
     "Records under a group's key that do not verify."},
    {"requests_timed_out", "", "shoal_requests_timed_out_total", "", "Own requests that nobody answered."},
    {"sessions_gave_way", "", "shoal_sessions_gave_way_total", "",
     "Sessions of strangers that were ended for others."},
    {"sessions_refused", "", "shoal_sessions_refused_total", "",
     "Sessions refused: too many half-open, or of one source."},
    {"stores_refused", "", "shoal_stores_refused_total", "", "Stores of others that were refused."},
});

bool is_of(const Family& family, std::string_view counter) {
  if (family.label.empty()) return counter == family.begin;
  return counter.starts_with(family.begin) && counter.ends_with(family.end);
}

bool is_known(std::string_view counter) {
  return std::any_of(kFamilies.begin(), kFamilies.end(),
                     [&](const Family& family) { return is_of(family, counter); });
}

// All samples of a family stand together. A counter without a family is one by itself.
void add_counters(Text& text, const StatusResult& status) {
  for (const Family& family : kFamilies) {
    text.family(family.name, "counter", family.help);
    for (const auto& [name, value] : status.counters) {
      if (!is_of(family, name)) continue;
      std::string_view rest = name;
      rest.remove_prefix(family.begin.size());
      rest.remove_suffix(family.end.size());
      text.sample(value, family.label.empty() ? "" : label(family.label, rest));
    }
  }
  for (const auto& [name, value] : status.counters) {
    if (is_known(name)) continue;
    std::string plain = name;
    std::replace(plain.begin(), plain.end(), '.', '_');
    text.family(fmt::format("shoal_{}_total", plain), "counter", "As shoal status shows it.");
    text.sample(value);
  }
}

void add_state(Text& text, const MetricsInput& input) {
  const StatusResult& status = input.status;
  text.gauge("shoal_contacts", "Contacts in the routing table.", status.contacts);
  text.gauge("shoal_replacements", "Contacts that would replace those that leave.", status.replacements);
  text.gauge("shoal_sessions", "Sessions open.", status.sessions);
  text.gauge("shoal_items", "Items held for the network.", status.items);
  text.gauge("shoal_item_bytes", "Bytes of the items held.", status.item_bytes);
  text.gauge("shoal_lan_links", "Interfaces with multicast, for IPv4 and for IPv6.", status.lan.links);
  text.gauge("shoal_lan_hosts", "Hosts of the LAN heard lately.", status.lan.hosts);
  text.gauge("shoal_groups", "Groups of this host.", status.groups.count);
  text.gauge("shoal_peers", "Peers of its groups that are known.", status.groups.peers);
  text.gauge("shoal_peers_connected", "Peers with a session.", status.groups.connected);
  text.gauge("shoal_clock_ahead_seconds",
             "How far our wall clock is ahead of that of most hosts; 0: close enough.",
             to_seconds(status.clock_ahead));
  text.gauge("shoal_jobs_queued", "Jobs that wait in the queue.", input.jobs_queued);
  text.gauge("shoal_requests_in_flight", "Own requests that await an answer.", input.requests_in_flight);
  text.gauge("shoal_client", "1 while the node takes part as a client only.", status.client ? 1 : 0);
  text.gauge("shoal_boot_number", "Starts of this host so far.", status.boot_number);
  text.family("shoal_reachability", "gauge", "1 for what is known of whether strangers can reach the node.");
  for (const std::string_view state : {"unknown", "reachable", "unreachable"}) {
    text.sample(status.reachability == state ? 1 : 0, label("state", state));
  }
  text.family("shoal_build_info", "gauge", "1, for the version that runs.");
  text.sample(1, label("version", input.version));
  text.family("shoal_host_info", "gauge", "1, for the host's id.");
  text.sample(1, label("host", status.host.hex()));
}

void add_loads(Text& text, const std::vector<Load>& loads) {
  text.family("shoal_load", "gauge", "What is in each part of the node that others can fill.");
  for (const Load& load : loads) text.sample(load.size, label("part", load.part));
  text.family("shoal_load_max", "gauge",
              "What fits into it; more is refused, or takes the place of the oldest.");
  for (const Load& load : loads) text.sample(load.size_max, label("part", load.part));
}

constexpr auto kFolderStates = std::to_array<FolderStatus::State>(
    {FolderStatus::State::kScanning, FolderStatus::State::kSyncing, FolderStatus::State::kInSync,
     FolderStatus::State::kPaused, FolderStatus::State::kWaiting, FolderStatus::State::kStopped});

// Names are people's, and two folders may have the same: so the group tells them apart.
void add_folders(Text& text, const std::vector<FolderStatus>& folders) {
  const auto add = [&](std::string_view name, const char* type, std::string_view help, auto value_of) {
    text.family(name, type, help);
    for (const FolderStatus& folder : folders) {
      text.sample(value_of(folder), labels({{"folder", folder.name}, {"group", folder.group.hex()}}));
    }
  };
  const auto gauge = [&](std::string_view name, std::string_view help, auto value_of) {
    add(name, "gauge", help, value_of);
  };
  const auto counter = [&](std::string_view name, std::string_view help, auto value_of) {
    add(name, "counter", help, value_of);
  };
  text.family("shoal_folder_state", "gauge", "1 for the state that the folder is in.");
  for (const FolderStatus& folder : folders) {
    for (const FolderStatus::State state : kFolderStates) {
      text.sample(
          folder.state == state ? 1 : 0,
          labels({{"folder", folder.name}, {"group", folder.group.hex()}, {"state", to_string(state)}}));
    }
  }
  gauge("shoal_folder_files", "Files in the folder.", [](const FolderStatus& f) { return f.files; });
  gauge("shoal_folder_bytes", "Bytes of its files.", [](const FolderStatus& f) { return f.bytes; });
  gauge("shoal_folder_files_needed", "Files that are still to come.",
        [](const FolderStatus& f) { return f.files_needed; });
  gauge("shoal_folder_bytes_needed", "Bytes that are still to come.",
        [](const FolderStatus& f) { return f.bytes_needed; });
  gauge("shoal_folder_peers_connected", "Peers of the folder with a session.",
        [](const FolderStatus& f) { return f.peers_connected; });
  gauge("shoal_folder_conflicts", "Conflict copies that wait for somebody to look at them.",
        [](const FolderStatus& f) { return f.conflicts; });
  gauge("shoal_folder_files_damaged", "Files that the disk has damaged, and no peer has repaired yet.",
        [](const FolderStatus& f) { return f.files_damaged; });
  counter("shoal_folder_damage_found_total", "Files that were found damaged.",
          [](const FolderStatus& f) { return f.damage_found; });
  counter("shoal_folder_damage_repaired_total", "Of them, those that were repaired.",
          [](const FolderStatus& f) { return f.damage_repaired; });
  gauge("shoal_folder_watching", "1 while changes are seen at once; 0: by scans only.",
        [](const FolderStatus& f) { return f.watching ? 1 : 0; });
  gauge("shoal_folder_last_scan_seconds", "End of the last whole scan since the Unix epoch; 0: none yet.",
        [](const FolderStatus& f) {
          return std::chrono::duration<double>(f.last_scan.value_or(WallTime{}).time_since_epoch()).count();
        });
}

void add_process(Text& text, const ProcessUsage& process) {
  text.family("process_cpu_seconds_total", "counter", "User and system CPU time spent in seconds.");
  text.sample(process.cpu_s);
  text.gauge("process_start_time_seconds", "Start time since the Unix epoch in seconds.",
             process.started_at_s);
  text.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", process.resident_bytes);
  text.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", process.virtual_bytes);
  text.gauge("process_open_fds", "Number of open file descriptors.", process.open_descriptors);
  text.gauge("process_max_fds", "Maximum number of open file descriptors.", process.descriptors_max);
  text.gauge("process_threads", "Number of threads.", process.threads);
}

}  // namespace

std::string metrics_text(const MetricsInput& input) {
  Text text;
  add_state(text, input);
  add_loads(text, input.loads);
  add_folders(text, input.folders);
  add_counters(text, input.status);
  add_process(text, input.process);
  return text.take();
}

}  // namespace shoal
