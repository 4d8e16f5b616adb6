// How full the parts of a node are.
#include <algorithm>

#include "node/node_impl.h"

namespace shoal {

std::vector<Load> Node::Impl::loads() const {
  const NodeConfig& config = context.config;
  const ItemTotals held = ports.items.totals();
  const LanDiscovery::Status on_lan = lan.status();
  const std::size_t in_groups = groups.size();
  return {
      {"jobs", context.jobs.size(), config.jobs_max},
      {"contacts", table.size(), table.size_max()},
      {"replacements", table.replacements(), kIdBits * config.replacements_max},
      {"lost_contacts", reunion.lost(), Reunion::kLostMax},
      {"verifying", maintenance.verifying(), Maintenance::kVerifyingMax},
      {"leaving", leaving.size(), kLeavingMax},
      {"pairs", cipher->pairs(), config.cached_pairs_max},
      {"tokens", rpc.tokens(), config.tokens_max},
      {"requests", rpc.in_flight(), config.requests_in_flight_max},
      {"lookups", lookups.size(), config.lookups_in_flight_max},
      {"operations", operations.size(), ItemOperations::kOperationsMax},
      {"commands", commands.size(), kCommandsMax},
      {"items", items.size(), config.item_count_max},
      {"item_bytes", held.body_bytes, config.item_bytes_max},
      {"commits", items.commits_pending(), Items::kCommitsPendingMax},
      {"sessions", connections.size(), config.sessions_max},
      {"invitations", session_groups.invitations_remembered(), SessionGroups::kSeenMax},
      {"peers", groups.summary().peers, in_groups * PeerBook::kPeersMax},
      {"events", groups.events_remembered(), in_groups * Groups::kEventsRememberedMax},
      {"errands", groups.errands(), ItemOperations::kOperationsMax},
      {"shutdowns", groups.shutdowns_remembered(), Groups::kShutdownsRememberedMax},
      {"lan_hosts", on_lan.hosts, LanHosts::kHostsMax},
      {"lan_asking", on_lan.asking, LanDiscovery::kAskingMax},
  };
}

}  // namespace shoal
