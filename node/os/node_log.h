// NodeLog: turns what a node does into lines of the log, at a bounded rate. It only looks: the node knows
// nothing of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/base/endpoint.h"
#include "node/base/instant.h"
#include "node/control/folder_command.h"
#include "node/counters.h"
#include "node/os/log.h"

namespace shoal {

class NodeLog {
 public:
  static constexpr Duration kRepeatAfter = 60s;  // of refusals, and of each trouble of the store
  // A folder that tries again goes on for a moment: only longer than this is it told as going on.
  static constexpr Duration kGoesOnAfter = 5s;
  static constexpr std::size_t kTroublesMax = 64;  // told apart; with more all are forgotten
  static constexpr std::size_t kRefusalKinds = 13;
  using Write = std::function<void(LogLevel, std::string_view message, const LogFields& fields)>;

  explicit NodeLog(Write write = log) : write_(std::move(write)) {}

  // What a node shows of itself.
  struct View {
    std::size_t contacts = 0;
    std::string_view reachability = "unknown";  // StatusResult::reachability
    std::size_t sessions = 0;
    Duration clock_ahead{};                        // StatusResult::clock_ahead
    std::vector<Endpoint> bootstrap_unanswered{};  // as in StatusResult
    std::vector<FolderStop> folders_stopped{};
    const NodeCounters& counters;
  };
  // Call after each turn of the node.
  void observe(const View& view, Instant now);

  // Something that the store could not do, or had to repair.
  void store_trouble(const std::string& message, Instant now);
  void commit_failed(const std::string& message, Instant now);
  void commit_succeeded();

 private:
  void observe_folders(const std::vector<FolderStop>& stopped, Instant now);
  void observe_refusals(const NodeCounters& counters, Instant now);

  struct Trouble {
    std::optional<Instant> told;
    std::uint64_t untold = 0;
  };

  Write write_;
  bool has_joined_ = false;
  std::string_view reachability_ = "unknown";
  std::size_t sessions_ = 0;
  bool clock_is_off_ = false;
  bool told_unanswered_ = false;
  struct Stopped {
    FolderStop stop;
    std::optional<Instant> goes_on_since{};
  };
  std::map<Id, Stopped> folders_;                       // that were told as stopped
  std::array<std::uint64_t, kRefusalKinds> refused_{};  // when they were told last
  std::optional<Instant> refusals_told_;
  std::map<std::string, Trouble> troubles_;
  bool commits_fail_ = false;
};

}  // namespace shoal
