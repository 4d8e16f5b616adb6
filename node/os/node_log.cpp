#include "node/os/node_log.h"

#include <algorithm>

namespace shoal {
namespace {

struct RefusalKind {
  const char* name;
  std::uint64_t NodeCounters::*count;
};
// Late responses and requests without an answer are no refusals: every network has them.
constexpr std::array<RefusalKind, NodeLog::kRefusalKinds> kRefusals = {{
    {"malformed", &NodeCounters::dropped_malformed},
    {"unverified", &NodeCounters::dropped_unverified},
    {"queue_full", &NodeCounters::dropped_queue_full},
    {"stranger_budget", &NodeCounters::dropped_stranger_budget},
    {"rate_limit", &NodeCounters::dropped_rate_limit},
    {"amplification", &NodeCounters::dropped_amplification},
    {"unsendable", &NodeCounters::dropped_send},
    {"lookups", &NodeCounters::lookups_refused},
    {"stores", &NodeCounters::stores_refused},
    {"sessions", &NodeCounters::sessions_refused},
    {"rendezvous", &NodeCounters::rendezvous_refused},
    {"listen_failures", &NodeCounters::listen_failures},
    {"items_damaged", &NodeCounters::items_damaged},
}};

bool is_due(const std::optional<Instant>& told, Instant now) {
  return !told || now - *told >= NodeLog::kRepeatAfter;
}

}  // namespace

void NodeLog::observe(const View& view, Instant now) {
  const bool has_joined = view.contacts > 0;
  if (has_joined != has_joined_) {
    has_joined_ = has_joined;
    if (has_joined) {
      write_(LogLevel::kInfo, "joined the network", {{"contacts", view.contacts}});
    } else {
      write_(LogLevel::kWarn, "lost the network: no contact is left", LogFields::object());
    }
  }
  if (view.reachability != reachability_) {
    reachability_ = view.reachability;
    write_(LogLevel::kInfo,
           reachability_ == "unreachable" ? "strangers cannot reach this host: it acts as a client"
                                          : "reachability has changed",
           {{"reachability", reachability_}});
  }
  if (view.sessions != sessions_) {
    sessions_ = view.sessions;
    write_(LogLevel::kDebug, "sessions have changed", {{"sessions", sessions_}});
  }
  if (const bool is_off = view.clock_ahead != Duration::zero(); is_off != clock_is_off_) {
    clock_is_off_ = is_off;
    if (is_off) {
      write_(LogLevel::kWarn, "the clock of this machine is not that of other hosts: set the wrong one right",
             {{"ahead_s", to_seconds(view.clock_ahead)}});
    } else {
      write_(LogLevel::kInfo, "the clock of this machine is right again", LogFields::object());
    }
  }
  if (const bool is_in_vain = !view.bootstrap_unanswered.empty(); is_in_vain != told_unanswered_) {
    told_unanswered_ = is_in_vain;
    std::vector<std::string> tried;
    for (const Endpoint& endpoint : view.bootstrap_unanswered) tried.push_back(endpoint.to_string());
    if (is_in_vain) {
      write_(LogLevel::kWarn, "nobody answers where the network is to be joined: check these addresses",
             {{"bootstrap", tried}});
    }
  }
  observe_folders(view.folders_stopped, now);
  observe_refusals(view.counters, now);
}

void NodeLog::observe_folders(const std::vector<FolderStop>& stopped, Instant now) {
  for (const FolderStop& stop : stopped) {
    const auto [told, is_new] = folders_.try_emplace(stop.group, Stopped{stop});
    const bool is_other = told->second.stop.reason != stop.reason;
    told->second = {stop};
    if (!is_new && !is_other) continue;
    const bool by_user = stop.reason == "paused_by_user";
    const char* text = by_user                      ? "a folder is paused"
                       : stop.reason == "disk_full" ? "files of a folder do not fit on its disk"
                       : stop.reason == "damaged"   ? "the disk has damaged files of a folder"
                                                    : "a folder has stopped";
    write_(
        by_user ? LogLevel::kInfo : LogLevel::kWarn, text,
        {{"folder", stop.name}, {"root", stop.root}, {"reason", stop.reason}, {"next_step", stop.next_step}});
  }
  for (auto told = folders_.begin(); told != folders_.end();) {
    const bool is_stopped = std::ranges::find(stopped, told->first, &FolderStop::group) != stopped.end();
    if (is_stopped) {
      ++told;
      continue;
    }
    const Instant since = *(told->second.goes_on_since = told->second.goes_on_since.value_or(now));
    if (now - since < kGoesOnAfter) {
      ++told;
      continue;
    }
    write_(LogLevel::kInfo, "a folder goes on",
           {{"folder", told->second.stop.name}, {"reason", told->second.stop.reason}});
    told = folders_.erase(told);
  }
}

void NodeLog::observe_refusals(const NodeCounters& counters, Instant now) {
  if (!is_due(refusals_told_, now)) return;
  LogFields since = LogFields::object();
  for (std::size_t i = 0; i < kRefusals.size(); ++i) {
    const std::uint64_t count = counters.*kRefusals[i].count;
    if (count != refused_[i]) since[kRefusals[i].name] = count - refused_[i];
    refused_[i] = count;
  }
  if (since.empty()) return;
  refusals_told_ = now;
  write_(LogLevel::kInfo, "refused or dropped since this was told last", since);
}

void NodeLog::store_trouble(const std::string& message, Instant now) {
  if (troubles_.size() >= kTroublesMax && !troubles_.contains(message)) troubles_.clear();
  Trouble& trouble = troubles_[message];
  if (!is_due(trouble.told, now)) {
    ++trouble.untold;
    return;
  }
  LogFields fields = LogFields::object();
  if (trouble.untold > 0) fields["repeated"] = trouble.untold;
  trouble = {now, 0};
  write_(LogLevel::kWarn, message, fields);
}

void NodeLog::commit_failed(const std::string& message, Instant now) {
  commits_fail_ = true;
  store_trouble(message, now);
}

void NodeLog::commit_succeeded() {
  if (!commits_fail_) return;
  commits_fail_ = false;
  troubles_.clear();
  write_(LogLevel::kInfo, "the store keeps items again", LogFields::object());
}

}  // namespace shoal
