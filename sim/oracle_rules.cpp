#include "sim/oracle_rules.h"

#include <iterator>

namespace shoal::sim {
namespace {

// In the order of Rule. Bounds are those of OracleConfig (sim/oracle.h).
constexpr RuleText kTexts[] = {
    {"answer_order", "the hosts of a lookup's result are sorted, nearest first, without repeats"},
    {"phantom_answer", "every host of a lookup's result was online at some time during the lookup"},
    {"lookup_steps",
     "a lookup asks nobody twice and never its own host, and whoever it asks stood in its own table or was "
     "named by a host that had answered before"},
    {"forged_value", "a value got is one that was put under that name and that sequence number"},
    {"forged_held",
     "what a host holds under a name verifies as that item: hash, signature and sequence number (up to 64 "
     "held items are verified in each census)"},
    {"expired_served", "no get brings a value that had expired before the get began"},
    {"sequence_backwards",
     "a reader never sees an older sequence number of a publish item than it has seen; a reader is one run "
     "of a host, from its start to its end"},
    {"record_downgraded",
     "a host that stays does not hold an older sequence number of a publish item than in the census before"},
    {"acknowledged_unheld",
     "when a put ends, every host that it names as a holder, and that has not left since, holds the value "
     "or a newer one"},
    {"item_vanished",
     "an acknowledged, unexpired item stays online while one of the holders of the last census stays online"},
    {"over_replicated", "no item is held by more than `copies_max` online hosts"},
    {"store_bound", "no host holds more items, or more bytes of items, than it is configured to"},
    {"table_self", "a routing table holds neither its own host nor a host twice"},
    {"table_phantom", "every contact of a routing table is a host that has lived"},
    {"table_client",
     "no routing table holds a host that has been a client (a host that cannot be reached) for longer than "
     "`gone_contact_max`"},
    {"table_gone",
     "no contact stays in a routing table for longer than `gone_contact_max` after its host has gone (the "
     "tables of 1,000 hosts are followed)"},
    {"bucket_bound", "no bucket of a routing table holds more contacts than its size"},
    {"subnet_bound", "no bucket of a routing table holds more contacts of one subnet than configured"},
    {"table_unhealed",
     "`table_recovery_max` after a heal a table is not empty, and holds hosts of other groups when chance "
     "alone would have put 20 of them there"},
    {"queue_bound", "the job queue and the requests in flight keep within their configured maxima"},
    {"unanswered", "every command gets its result within `answer_max`, unless its host leaves"},
    {"asleep", "a host that knows others sends a request of its own at least every `silence_max`"},
    {"unaccounted_traffic",
     "the network carries no datagram that no host of the population sent, so nobody sends before its start "
     "or after its end"},
    {"group_stranger",
     "a host has sessions of a group only with members of the group, and is given events of no other groups "
     "than its own"},
    {"event_forged",
     "an event that a host is given is one that its origin has broadcast in that group, and a run of a host "
     "is given it once"},
    {"event_lost",
     "an event reaches every member that sessions join to its origin, one through the other, within "
     "`event_within` when none of these sessions begins or ends, and none of these members gets another "
     "address, from 10 s before it until then"},
    {"primary_disputed",
     "members whom the same sessions have joined for `primary_agreed_within`, at the same addresses, go by "
     "the same one of them as primary"},
    {"epoch_backwards", "the epoch by which a member goes never becomes smaller while it runs"},
    {"folder_diverged",
     "`folder_agreed_within` after the last edit, the members of a folder that have been online since, and "
     "could meet directly or through others, hold the same names and contents, and the same tree"},
    {"folder_content_lost",
     "every content that a person wrote, and that nobody has overwritten or deleted who saw it, lies in the "
     "folder or the trash of some member, online or not"},
    {"folder_foreign", "no file in a folder holds what nobody wrote there"},
    {"folder_torn",
     "every file in a folder holds all of a content that somebody wrote, and has a name that a person gave, "
     "or the mark of a conflict added to it"},
    {"scan_unpaired", "of the scans that a folder has begun since its start, all but one at most have ended"},
};
static_assert(std::size(kTexts) == kRules);

}  // namespace

const RuleText& text_of(Rule rule) {
  return kTexts[static_cast<std::size_t>(rule)];
}

}  // namespace shoal::sim
