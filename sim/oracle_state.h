// The oracle's knowledge: hosts in the order of their ids, every id that ever lived, every value ever put;
// shared by the files that judge lookups, items, and samples of hosts and tables.
#pragma once

#include <fmt/format.h>
#include <tsl/robin_map.h>

#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/oracle.h"

namespace shoal::sim {

struct Oracle::Impl {
  struct Host {
    Id id;
    Instant since{};
    bool online = false;
    bool distrusted = false;
    bool client = false;
    std::uint32_t life = 0;  // as in host_name()
    // Tables, of the looks since begin_tables
    std::uint32_t tables = 0;
    std::uint32_t last_table = 0;
    // Since when it has sent no request of its own, and how many it had sent
    std::uint64_t requests = 0;
    Instant silent_since{};
  };
  // The latest life of an id.
  struct Life {
    HostIndex host = 0;
    std::uint32_t number = 0;  // as in host_name()
    Instant since{};
    Instant until = kNever;
    bool client = false;
  };
  struct Member {
    HostIndex host = 0;
    Instant since{};
  };
  struct Version {
    Id digest;
    std::uint64_t sequence = 0;
    bool acknowledged = false;
    WallTime expires{};
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
    std::uint32_t returning = 0;       // holders that are not online
  };
  struct Heal {
    std::vector<std::uint8_t> group_of_host;
    Instant when{};
    std::vector<bool> judged;
    std::vector<std::size_t> online_of_group;  // counted when the first table is judged
  };
  // Contacts of a followed table whose hosts have gone, each since it was first seen so.
  struct GoneContact {
    Id id;
    Instant since{};
    bool reported = false;
  };
  struct FollowedTable {
    Instant session{};  // the host's
    std::vector<GoneContact> gone;
  };
  // A member's run: a host that comes back is another.
  struct MemberRun {
    HostIndex host = 0;
    Instant since{};
    friend auto operator<=>(const MemberRun&, const MemberRun&) = default;
  };
  struct GroupEvent {
    Id origin;
    Bytes event;
    Instant sent{};
    std::vector<MemberRun> given;
  };
  struct Group {
    std::vector<HostIndex> members;
    std::map<MemberRun, std::uint64_t> epochs;
    // The runs that sessions join, and since when there are these sessions and no others
    std::vector<std::pair<MemberRun, MemberRun>> sessions;
    Instant same_since{};
    bool dispute_reported = false;
    std::vector<GroupEvent> events;  // in the order of time
    std::size_t judged = 0;          // of these
  };
  struct WrittenContent {
    HostIndex host = 0;
    std::string path;
    Instant when{};
    bool let_go = false;
  };
  struct FolderKnown {
    std::map<ContentKey, WrittenContent> written;
    Instant edited{};
    // Who is there and who can meet whom, and since when
    std::vector<std::pair<MemberRun, MemberRun>> links;
    Instant same_since{};
    bool divergence_reported = false;
    std::set<std::pair<HostIndex, std::string>> reported;  // paths that hold what they should not
  };
  struct Tally {
    std::uint64_t checks = 0;
    std::uint64_t violations = 0;
  };

  explicit Impl(OracleConfig c) : config(std::move(c)) {}

  Host& host_at(HostIndex index) {
    if (index >= hosts.size()) hosts.resize(std::size_t{index} + 1);
    return hosts[index];
  }
  bool settled(const Member& member, HostIndex origin, Instant start) const {
    return member.host != origin && member.since + config.settled_after <= start;
  }
  std::string name_of(HostIndex host) const;
  static std::string name_of(const Life& life);

  // Counts one check of the rule; true: it failed.
  bool fails(Rule rule, bool holds) {
    ++tallies[static_cast<std::size_t>(rule)].checks;
    return !holds;
  }
  void violated(Rule rule, HostIndex host, Instant when, std::string text);
  void violated(Rule rule, const Command& command, Instant when, std::string text);
  void keep(Violation violation);

  void check_answer(const Command& command, const LookupReport& report, Instant end);
  void check_steps(const Command& command, const LookupReport& report, Instant end);
  bool is_exact(const std::vector<TrueHost>& truth, const Command& command, const LookupReport& report) const;

  const Item* find_item(const ItemName& name) const;
  bool has_expired(const Item& item, const Id& digest, WallTime now) const;
  void verify_held(HostIndex host, const ItemName& name, std::uint64_t sequence);
  std::vector<HostIndex> current_holders(const Item& item, const std::vector<Holder>& holders) const;
  void check_survival(const Item& item, bool anybody);
  void check_downgrades(const Item& item);

  void check_contact(HostIndex host, Instant when, const Contact& contact, TableContacts& counts);
  void check_places(HostIndex host, Instant when, std::span<const Contact> contacts);
  void follow(HostIndex host, Instant when, std::span<const Contact> contacts);
  void judge_table(Heal& heal, HostIndex host, Instant when, std::span<const Contact> contacts);

  bool is_member(const Group& group, HostIndex host) const;
  void check_sessions(const Group& group, const GroupPicture& picture, Instant when);
  void check_epochs(Group& group, const GroupPicture& picture, Instant when);
  void check_primaries(Group& group, const GroupPicture& picture, Instant when);
  void judge_events(Group& group, const GroupPicture& picture, Instant when);

  FolderKnown& folder_at(std::uint32_t folder);
  void check_scans(const std::vector<FolderMember>& all, Instant when);
  void check_contents(FolderKnown& folder, const std::vector<FolderMember>& all, Instant when);
  std::optional<bool> check_agreement(FolderKnown& folder, const std::vector<FolderMember>& all,
                                      Instant when);

  OracleConfig config;
  const Witness* witness = nullptr;
  std::vector<Host> hosts;
  std::map<Id, Member> members;  // online, no clients
  tsl::robin_map<Id, Life, std::hash<Id>> lives;
  std::size_t online = 0;
  std::size_t distrusted = 0;  // hosts, online or not

  std::map<ItemName, std::uint32_t> item_of_name;
  std::vector<Item> items;
  std::vector<Version> versions;
  std::vector<std::uint32_t> item_of_version;
  // What each running host has read: publish item -> highest sequence number.
  tsl::robin_map<HostIndex, std::map<ItemName, std::uint64_t>> read;

  Instant census_when{};
  WallTime census_wall_time{};
  std::uint64_t census_held = 0, census_held_before = 0;  // items counted in this census and the last
  std::uint64_t censuses = 0;
  std::vector<ItemCensus> census;
  std::size_t lost = 0;

  std::uint32_t tables = 0;  // looked at since begin_tables
  std::uint32_t tables_ever = 0;
  std::vector<std::pair<int, std::uint64_t>> places;  // bucket and subnet of each contact; reused
  std::vector<FollowedTable> followed;
  std::vector<Heal> heals;

  std::map<Id, Group> groups;
  std::vector<FolderKnown> folders;

  std::array<Tally, kRules> tallies{};
  std::vector<Violation> kept;
};

// "5c0ffee1", with the salt if there is one.
std::string name_text(const ItemName& name);

}  // namespace shoal::sim
