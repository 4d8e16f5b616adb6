// The oracle's rules: what must hold in every run, whatever the network does. Each has a name, by which
// violations and tests call it, and one sentence that says when it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace shoal::sim {

enum class Rule : std::uint8_t {
  // Lookups
  kAnswerOrder,
  kPhantomAnswer,
  kLookupSteps,
  // Items
  kForgedValue,
  kForgedHeld,
  kExpiredServed,
  kSequenceBackwards,
  kRecordDowngraded,
  kAcknowledgedUnheld,
  kItemVanished,
  kOverReplicated,
  kStoreBound,
  // Tables
  kTableSelf,
  kTablePhantom,
  kTableClient,
  kTableGone,
  kBucketBound,
  kSubnetBound,
  kTableUnhealed,
  // Nodes
  kQueueBound,
  kUnanswered,
  kAsleep,
  kUnaccountedTraffic,
  // Groups
  kGroupStranger,
  kEventForged,
  kEventLost,
  kPrimaryDisputed,
  kEpochBackwards,
  // Folders
  kFolderDiverged,
  kFolderContentLost,
  kFolderForeign,
  kFolderTorn,
  kScanUnpaired,
};
inline constexpr std::size_t kRules = 33;

struct RuleText {
  std::string_view name;
  std::string_view holds_when;
};
const RuleText& text_of(Rule rule);
inline std::string_view to_string(Rule rule) {
  return text_of(rule).name;
}

}  // namespace shoal::sim
