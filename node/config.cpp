// The one table of configuration keys: set() and keys() both read it.
#include "node/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <variant>

#include "node/dht/item.h"
#include "node/wire/messages.h"

namespace shoal {
namespace {

// One alternative for each type of member: where it is and the range it may lie in, ends included.
struct Count {
  std::size_t NodeConfig::*member;
  std::size_t min;
  std::size_t max;
};
struct SmallCount {
  std::uint8_t NodeConfig::*member;
  std::uint8_t min;
  std::uint8_t max;
};
struct Flag {
  bool NodeConfig::*member;
};
struct Time {
  Duration NodeConfig::*member;
  Duration min;
  Duration max;
};
struct Counts {  // separated by commas; the empty text is the empty list
  std::vector<std::size_t> NodeConfig::*member;
  std::size_t size_max;
  std::size_t min;
  std::size_t max;
};
struct Endpoints {  // as Counts
  std::vector<Endpoint> NodeConfig::*member;
  std::size_t size_max;
};
using Setting = std::variant<Count, SmallCount, Flag, Time, Counts, Endpoints>;

struct Entry {
  std::string_view name;
  Setting setting;
  std::string_view what;
};

constexpr Duration kDay = std::chrono::hours(24);
constexpr std::size_t kMillion = 1'000'000;
// To join under a new key and to leave under the old one takes some two minutes.
constexpr Duration kHostKeyLifetimeMin = 5min;
using Config = NodeConfig;

// Sorted by name. A response carries at most kContactsMax contacts, hence the bound of k.
constexpr auto kEntries = std::to_array<Entry>({
    {"alpha", Count{&Config::alpha, 1, 64}, "Requests that one lookup keeps in flight."},
    {"bootstrap", Endpoints{&Config::bootstrap, 256}, "Endpoints asked first when no host is known."},
    {"bootstrap_backoff_max", Time{&Config::bootstrap_backoff_max, 1ms, kDay},
     "Longest wait between two attempts to bootstrap."},
    {"bootstrap_backoff_min", Time{&Config::bootstrap_backoff_min, 1ms, kDay},
     "Wait after the first attempt to bootstrap that failed; it doubles each time."},
    {"bucket_refresh_interval", Time{&Config::bucket_refresh_interval, 1s, 30 * kDay},
     "A bucket without a lookup for this long is looked up."},
    {"cached_pairs_max", Count{&Config::cached_pairs_max, 1, kMillion},
     "Hosts whose shared keys are kept, least recently used out first."},
    {"client", Flag{&Config::client},
     "Strangers cannot reach this host: it asks, but enters no table. It finds out by itself too."},
    {"connection_item_lifetime", Time{&Config::connection_item_lifetime, 0s, kItemLifetimeMax},
     "Expiry of this host's connection item, which is refreshed at half of it; 0s: none is published."},
    {"first_buckets", Counts{&Config::first_buckets, 256, 1, 4096},
     "Sizes of the buckets farthest from this host; all further buckets hold k contacts."},
    {"folder_check_interval", Time{&Config::folder_check_interval, 1s, kDay},
     "How often peers of a folder compare what they know, though nobody told of a change."},
    {"folder_deletion_grace", Time{&Config::folder_deletion_grace, 0s, 1min},
     "How long a file must be missing before it counts as deleted, since it may have moved."},
    {"folder_free_floor", Count{&Config::folder_free_floor, 0, 1ull << 50},
     "Bytes that fetching leaves free on the disk of a folder, at most a sixteenth of the disk; 0: none."},
    {"folder_fsync", Flag{&Config::folder_fsync},
     "Files are flushed to the disk before they take their place; else a power failure may tear or lose "
     "them, and peers may take them for deleted."},
    {"folder_poll_interval", Time{&Config::folder_poll_interval, 1s, kDay},
     "How often a folder is scanned whose directories the host cannot all watch."},
    {"folder_rescan_interval", Time{&Config::folder_rescan_interval, 1min, 30 * kDay},
     "How often a folder is scanned though all of it is watched."},
    {"folder_settle", Time{&Config::folder_settle, 0s, 1min},
     "How long after the first hint of a change a directory is scanned."},
    {"folder_trash_lifetime", Time{&Config::folder_trash_lifetime, 0s, 3650 * kDay},
     "How long a folder's trash keeps what a peer deleted or overwrote; 0: it keeps nothing."},
    {"folder_verify_interval", Time{&Config::folder_verify_interval, 0s, 3650 * kDay},
     "How often all files of a folder are read again, to find and repair what the disk has damaged; 0s: only "
     "by shoal folder verify."},
    {"folder_verify_rate", Count{&Config::folder_verify_rate, 1024, 1ull << 40},
     "Bytes per second that are read of a folder for that; shoal folder verify reads faster."},
    {"half_open_max", Count{&Config::half_open_max, 1, 65'536},
     "Sessions that others have begun and that are not established yet."},
    {"half_open_per_source_max", Count{&Config::half_open_per_source_max, 1, 65'536},
     "The same of one IPv4 address or IPv6 /64."},
    {"handshake_timeout", Time{&Config::handshake_timeout, 10ms, 1h},
     "A session that is not established after this long is reset."},
    {"host_key_lifetime", Time{&Config::host_key_lifetime, 0s, 365 * kDay},
     "After this long the host joins under another key, and leaves under this one; 0s: never, else at least "
     "5min."},
    {"item_bytes_max", Count{&Config::item_bytes_max, 0, 1ull << 50},
     "Bytes of item bodies held for others."},
    {"item_count_max", Count{&Config::item_count_max, 0, 1'000'000'000}, "Items held for others."},
    {"item_lifetime", Time{&Config::item_lifetime, 1min, kItemLifetimeMax},
     "Expiry of hash items, and of publish items whose publisher names none."},
    {"jobs_max", Count{&Config::jobs_max, 16, kMillion}, "Jobs waiting in the queue."},
    {"k", Count{&Config::k, 1, wire::kContactsMax}, "Contacts of a bucket, and hosts that a lookup finds."},
    {"lan_ping_interval", Time{&Config::lan_ping_interval, 0s, 1h},
     "How often this host tells its LANs by multicast that it is there; 0s: it does not, nor listens."},
    {"lookups_in_flight_max", Count{&Config::lookups_in_flight_max, 1, 65'536}, "Lookups at a time."},
    {"lost_check_interval", Time{&Config::lost_check_interval, 100ms, kDay},
     "How often one of the contacts that were lost by silence is pinged again."},
    {"neighbour_checks_per_lifetime", SmallCount{&Config::neighbour_checks_per_lifetime, 0, 100},
     "How often within the mean lifetime of a contact each of the k closest is heard of, or pinged; 0: as "
     "the "
     "others."},
    {"neighbour_refresh_interval", Time{&Config::neighbour_refresh_interval, 1s, kDay},
     "How often this host looks up its own id, to know its neighbours."},
    {"peer_backoff_max", Time{&Config::peer_backoff_max, 1s, kDay},
     "Longest wait between two attempts to reach a peer."},
    {"peer_backoff_min", Time{&Config::peer_backoff_min, 100ms, 1h},
     "Wait after a peer could not be reached; it doubles each time."},
    {"peers_wanted", Count{&Config::peers_wanted, 1, 256},
     "Peers of each group that this host keeps sessions to."},
    {"per_subnet_max", Count{&Config::per_subnet_max, 0, 256},
     "Contacts of one /24 or IPv6 /48 in a bucket or a lookup's result; 0 for no limit."},
    {"primary_lease", Time{&Config::primary_lease, 1s, kDay},
     "A group's primary that is silent for this long is replaced."},
    {"reach_test_interval", Time{&Config::reach_test_interval, 0s, kDay},
     "A host that no stranger has reached for this long is tested again; 0s: it is taken to be reachable."},
    {"refreshes_per_lifetime", SmallCount{&Config::refreshes_per_lifetime, 0, 100},
     "How often within the mean lifetime of a contact neighbours and stale buckets are looked up and the "
     "connection "
     "item is published; 0: by their intervals only."},
    {"rendezvous_lifetime", Time{&Config::rendezvous_lifetime, 1min, kDay},
     "Expiry of what tells the peers of a group where this host is; it is renewed at half of it."},
    {"rendezvous_read_interval", Time{&Config::rendezvous_read_interval, 10s, kDay},
     "How often this host reads where its peers are, while it has a session with one."},
    {"renewals_per_lifetime", SmallCount{&Config::renewals_per_lifetime, 0, 100},
     "How often within the mean lifetime of a contact holders renew an item; 0: by republish_interval only."},
    {"replacements_max", Count{&Config::replacements_max, 0, 256},
     "Contacts kept for each bucket to replace those that leave."},
    {"replication", Count{&Config::replication, 1, wire::kContactsMax},
     "Hosts closest to an item that hold it."},
    {"republish_interval", Time{&Config::republish_interval, 1s, kItemLifetimeMax},
     "How often holders hand an item to those now closest."},
    {"request_attempts", SmallCount{&Config::request_attempts, 1, 8},
     "Sendings of a request before it counts as unanswered; one more when a lookup asks."},
    {"request_timeout_first", Time{&Config::request_timeout_first, 1ms, 1min},
     "Wait for an answer before any round-trip time is known; a contact that nothing is known of is silent "
     "after twice as long at the earliest."},
    {"request_timeout_max", Time{&Config::request_timeout_max, 1ms, 1min},
     "Longest wait for an answer by datagram."},
    {"request_timeout_min", Time{&Config::request_timeout_min, 1ms, 1min},
     "Shortest wait for an answer by datagram."},
    {"requests_in_flight_max", Count{&Config::requests_in_flight_max, 1, kMillion},
     "Own requests that await an answer."},
    {"requests_per_source_per_s", Count{&Config::requests_per_source_per_s, 1, kMillion},
     "Datagrams taken from each host each second, and from each address of strangers."},
    {"session_idle_timeout", Time{&Config::session_idle_timeout, 100ms, kDay},
     "A session without traffic for this long is closed."},
    {"session_keep_alive", Time{&Config::session_keep_alive, 100ms, 1h},
     "A session between peers says this often that it is there; after three of them in silence it is over."},
    {"session_rekey_interval", Time{&Config::session_rekey_interval, 1min, 30 * kDay},
     "How often a session between peers takes a new key."},
    {"sessions_max", Count{&Config::sessions_max, 0, 65'536}, "Sessions open at a time."},
    {"sessions_per_source_max", Count{&Config::sessions_per_source_max, 1, 65'536},
     "Sessions that strangers of one IPv4 address or IPv6 /64 have begun."},
    {"strangers_per_s", Count{&Config::strangers_per_s, 0, kMillion},
     "Datagrams each second that may cost a key agreement."},
    {"table_check_period", Time{&Config::table_check_period, 1s, kDay},
     "A contact silent for this long is pinged."},
    {"table_checks_per_lifetime", SmallCount{&Config::table_checks_per_lifetime, 0, 100},
     "How often within the mean lifetime of a contact every one is heard of, or pinged; 0: by "
     "table_check_period "
     "only."},
    {"tokens_max", Count{&Config::tokens_max, 1, kMillion},
     "Address tokens of other hosts that are kept; without one a find is padded and a store asks twice."},
});
static_assert(std::is_sorted(kEntries.begin(), kEntries.end(),
                             [](const Entry& a, const Entry& b) { return a.name < b.name; }));

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || text.empty()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split_at_commas(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) parts.push_back(text);  // a comma at the end: an empty part, which nothing accepts
  }
  return parts;
}

struct Unit {
  std::string_view name;
  Duration::rep nanoseconds;
};
constexpr auto kUnits = std::to_array<Unit>({{"d", 86'400'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"min", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000},
                                             {"us", 1'000},
                                             {"ns", 1}});

// In the largest unit that gives a whole number.
std::string print(Duration d) {
  if (d == Duration::zero()) return "0s";
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const Unit& u) { return d.count() % u.nanoseconds == 0; });
  return fmt::format("{}{}", d.count() / unit->nanoseconds, unit->name);
}

std::string value_of(const Count& s, const NodeConfig& config) {
  return std::to_string(config.*s.member);
}
std::string value_of(const SmallCount& s, const NodeConfig& config) {
  return std::to_string(config.*s.member);
}
std::string value_of(const Flag& s, const NodeConfig& config) {
  return config.*s.member ? "true" : "false";
}
std::string value_of(const Time& s, const NodeConfig& config) {
  return print(config.*s.member);
}
std::string value_of(const Counts& s, const NodeConfig& config) {
  return fmt::format("{}", fmt::join(config.*s.member, ","));
}
std::string value_of(const Endpoints& s, const NodeConfig& config) {
  std::vector<std::string> texts;
  for (const Endpoint& endpoint : config.*s.member) texts.push_back(endpoint.to_string());
  return fmt::format("{}", fmt::join(texts, ","));
}

// expected_by(): what assign() takes.
std::string expected_by(const Count& s) {
  return fmt::format("a whole number from {} to {}", s.min, s.max);
}
std::string expected_by(const SmallCount& s) {
  return fmt::format("a whole number from {} to {}", s.min, s.max);
}
std::string expected_by(const Flag&) {
  return "true or false";
}
std::string expected_by(const Time& s) {
  return fmt::format("a duration from {} to {}, such as 250ms, 30s or 10min", print(s.min), print(s.max));
}
std::string expected_by(const Counts& s) {
  return fmt::format("up to {} whole numbers from {} to {}, separated by commas", s.size_max, s.min, s.max);
}
std::string expected_by(const Endpoints& s) {
  return fmt::format("up to {} endpoints such as 192.0.2.1:4000 or [2001:db8::1]:4000, separated by commas",
                     s.size_max);
}

// assign(): false, and `config` as it was, when the text is not what is expected.
template <class Setting>
bool assign_integer(const Setting& s, std::string_view text, NodeConfig& config) {
  const auto value = parse_integer<decltype(s.min)>(text);
  if (!value || *value < s.min || *value > s.max) return false;
  config.*s.member = *value;
  return true;
}
bool assign(const Count& s, std::string_view text, NodeConfig& config) {
  return assign_integer(s, text, config);
}
bool assign(const SmallCount& s, std::string_view text, NodeConfig& config) {
  return assign_integer(s, text, config);
}

bool assign(const Flag& s, std::string_view text, NodeConfig& config) {
  if (text != "true" && text != "false") return false;
  config.*s.member = text == "true";
  return true;
}

bool assign(const Time& s, std::string_view text, NodeConfig& config) {
  const Result<Duration> value = parse_duration(text);
  if (!value || *value < s.min || *value > s.max) return false;
  config.*s.member = *value;
  return true;
}

bool assign(const Counts& s, std::string_view text, NodeConfig& config) {
  std::vector<std::size_t> values;
  const std::vector<std::string_view> parts = split_at_commas(text);
  if (parts.size() > s.size_max) return false;
  for (const std::string_view part : parts) {
    const auto value = parse_integer<std::size_t>(part);
    if (!value || *value < s.min || *value > s.max) return false;
    values.push_back(*value);
  }
  config.*s.member = std::move(values);
  return true;
}

bool assign(const Endpoints& s, std::string_view text, NodeConfig& config) {
  std::vector<Endpoint> values;
  const std::vector<std::string_view> parts = split_at_commas(text);
  if (parts.size() > s.size_max) return false;
  for (const std::string_view part : parts) {
    const Result<Endpoint> value = Endpoint::parse(part);
    if (!value || !*value || value->is_unspecified()) return false;
    values.push_back(*value);
  }
  config.*s.member = std::move(values);
  return true;
}

}  // namespace

Result<void> NodeConfig::set(std::string_view key, std::string_view value) {
  const auto* const entry =
      std::lower_bound(kEntries.begin(), kEntries.end(), key,
                       [](const Entry& e, std::string_view name) { return e.name < name; });
  if (entry == kEntries.end() || entry->name != key) {
    std::vector<std::string_view> names;
    for (const Entry& e : kEntries) names.push_back(e.name);
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is not a configuration key: expected one of {}", key, fmt::join(names, ", ")));
  }
  return std::visit(
      [&](const auto& s) -> Result<void> {
        if (assign(s, value, *this)) return {};
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("{}: '{}' was given, expected {}", key, value, expected_by(s)));
      },
      entry->setting);
}

std::vector<NodeConfig::Key> NodeConfig::values() const {
  std::vector<Key> keys;
  for (const Entry& entry : kEntries) {
    std::visit(
        [&](const auto& s) {
          keys.push_back(
              {std::string(entry.name), value_of(s, *this), expected_by(s), std::string(entry.what)});
        },
        entry.setting);
  }
  return keys;
}

Result<void> NodeConfig::validate() const {
  const auto ordered = [](const char* low, Duration min, const char* high, Duration max) -> Result<void> {
    if (min <= max) return {};
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} ({}) is longer than {} ({})", low, print(min), high, print(max)));
  };
  Result<void> timeouts =
      ordered("request_timeout_min", request_timeout_min, "request_timeout_max", request_timeout_max);
  if (!timeouts) return timeouts;
  if (host_key_lifetime > Duration::zero() && host_key_lifetime < kHostKeyLifetimeMin) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("host_key_lifetime ({}) is too short: expected 0s (never replaced) or at least {}",
                    print(host_key_lifetime), print(kHostKeyLifetimeMin)));
  }
  return ordered("bootstrap_backoff_min", bootstrap_backoff_min, "bootstrap_backoff_max",
                 bootstrap_backoff_max);
}

Result<Duration> parse_duration(std::string_view text) {
  const auto expected = [&] {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is not a duration: expected a number and a unit (ns, us, ms, s, min, h, d), "
                    "such as 250ms or 1.5h",
                    text));
  };
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || text.front() < '0' || text.front() > '9') return expected();
  const std::string_view name(stop, static_cast<std::size_t>(end - stop));
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
  if (unit == kUnits.end()) return expected();
  const double nanoseconds = number * static_cast<double>(unit->nanoseconds);
  if (nanoseconds >= static_cast<double>(std::numeric_limits<Duration::rep>::max())) return expected();
  return Duration(std::llround(nanoseconds));
}

}  // namespace shoal
