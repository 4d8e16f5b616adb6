#include "node/dht/maintenance.h"

#include <algorithm>
#include <utility>

namespace shoal {
namespace {

// Known hosts are saved on joining and soon after it, lest an early crash loses them, then ever less often.
constexpr Duration kSaveHostsFirst = std::chrono::seconds(5);
constexpr Duration kSaveHostsInterval = std::chrono::minutes(5);
// Contacts are looked over this often within the shortest period in which one is heard of.
constexpr int kLooksPerPeriod = 4;
// However short lives are.
constexpr Duration kCheckPeriodMin = std::chrono::seconds(5);
constexpr Duration kRefreshPeriodMin = std::chrono::seconds(30);
// Hosts that start together do not meet all of their neighbours when they join: each looks again soon.
constexpr Duration kFirstNeighbourRefresh = std::chrono::minutes(5);
// A refresh only has to meet the hosts of a bucket, not to find the closest of all.
constexpr std::size_t kRefreshWanted = 4;
constexpr Duration kCheckPaceMin = std::chrono::milliseconds(20);
// A host with two addresses answers at one and may ask from the other: it does not move each time.
constexpr Duration kMovedAfter = std::chrono::seconds(5);
// A join that found no room among the lookups under way.
constexpr Duration kJoinAgainAfter = std::chrono::seconds(1);

}  // namespace

Maintenance::Maintenance(NodeContext& context, Rpc& rpc, Lookups& lookups, const RoutingTable& table,
                         HostStore& hosts)
    : context_(context), rpc_(rpc), lookups_(lookups), table_(table), hosts_(hosts) {}

void Maintenance::start() {
  const NodeConfig& config = context_.config;
  const auto first = [&](Duration interval, DeadlineKind kind) {
    context_.after(context_.rng.jittered(interval, 0.5), kind);
  };
  check_in(context_.rng.jittered(check_periods().look, 0.5));
  first(refresh_period(config.bucket_refresh_interval), DeadlineKind::kRefreshBuckets);
  first(refresh_period(std::min(kFirstNeighbourRefresh, config.neighbour_refresh_interval)),
        DeadlineKind::kRefreshNeighbours);
  save_interval_ = kSaveHostsFirst;
  first(save_interval_, DeadlineKind::kSaveHosts);
}

void Maintenance::on_deadline(DeadlineKind kind) {
  const NodeConfig& config = context_.config;
  switch (kind) {
    case DeadlineKind::kCheckContacts:
      if (context_.now() >= next_check_) check_contacts();
      break;
    case DeadlineKind::kRefreshBuckets: {
      const Duration period = refresh_period(config.bucket_refresh_interval);
      context_.after(context_.rng.jittered(period, 0.25), kind);
      to_refresh_ = table_.stale_buckets(context_.now() - period, config.k);
      refresh_next_bucket();
      break;
    }
    case DeadlineKind::kRefreshNeighbours:
      context_.after(context_.rng.jittered(refresh_period(config.neighbour_refresh_interval), 0.25), kind);
      if (table_.size() > 0) look_up(table_.self(), config.k, LookupOwner::Part::kNobody);
      break;
    case DeadlineKind::kJoin:
      if (!joined_ && !joining_) join();
      break;
    case DeadlineKind::kSaveHosts:
      save_interval_ = std::min(2 * save_interval_, kSaveHostsInterval);
      context_.after(save_interval_, kind);
      save_hosts();
      break;
    default:
      break;
  }
}

// ---- Contacts

void Maintenance::consider(const Contact& possible, Purpose purpose) {
  if (table_.wants(possible)) verify(possible, purpose);
}

void Maintenance::heard_from(const Contact& contact, std::uint8_t attempts) {
  const std::optional<RoutingTable::Row> known = table_.row(contact.key);
  const bool moved = known && known->contact.endpoint != contact.endpoint &&
                     known->last_seen + kMovedAfter <= context_.now();
  if (moved || (!known && table_.wants(contact))) verify(contact, Purpose::kMaintenance, attempts, true);
}

bool Maintenance::verify(const Contact& contact, Purpose purpose) {
  return verify(contact, purpose, context_.config.request_attempts, true);
}

bool Maintenance::verify(const Contact& contact, Purpose purpose, std::uint8_t attempts, bool prompted) {
  if (verifying_.contains(contact.key)) return true;
  if (verifying_.size() >= kVerifyingMax) return false;
  OutRequest out{contact, wire::Ping{}, purpose, {Completion::Owner::kVerify, 0, {}}};
  out.attempts_max = attempts;
  out.prompted = prompted;
  if (!rpc_.request(std::move(out))) return false;
  verifying_.insert(contact.key);
  return true;
}

// One that was silent once more is asked again at once: either it leaves, or it is no longer under suspicion.
void Maintenance::on_verified(const Contact& contact, bool answered) {
  verifying_.erase(contact.key);
  if (!answered) on_silent(contact);
}

void Maintenance::on_silent(const Contact& contact) {
  // Nearly all of them are dead: that several sendings of one request were lost is rare.
  if (table_.find(contact.key) == contact) verify(contact, Purpose::kMaintenance, 1, false);
}

Maintenance::CheckPeriods Maintenance::check_periods() const {
  const NodeConfig& config = context_.config;
  const Duration lifetime = table_.contact_lifetime();
  CheckPeriods periods;
  periods.others =
      paced(lifetime, config.table_checks_per_lifetime, kCheckPeriodMin, config.table_check_period);
  periods.neighbours = paced(lifetime, config.neighbour_checks_per_lifetime, kCheckPeriodMin, periods.others);
  periods.look = periods.neighbours / kLooksPerPeriod;
  return periods;
}

Duration Maintenance::refresh_period(Duration longest) const {
  return paced(table_.contact_lifetime(), context_.config.refreshes_per_lifetime, kRefreshPeriodMin, longest);
}

void Maintenance::ping_all() {
  to_check_.clear();
  for (const RoutingTable::Row& row : table_.rows()) to_check_.push_back(row.contact.key);
  looked_at_ = context_.now();
}

void Maintenance::tell_all() {
  ping_all();
  hurried_ = true;
  check_in(Duration::zero());
}

void Maintenance::check_in(Duration wait) {
  next_check_ = context_.now() + wait;
  context_.at(next_check_, DeadlineKind::kCheckContacts);
}

// Looks the table over, then pings what it found one by one, spread over the time until the next look.
void Maintenance::check_contacts() {
  const CheckPeriods periods = check_periods();
  if (to_check_.empty()) {
    looked_at_ = context_.now();
    to_check_ = table_.silent_since(looked_at_ - periods.others + periods.look, context_.config.k,
                                    looked_at_ - periods.neighbours + periods.look);
    if (to_check_.empty()) {
      check_in(context_.rng.jittered(periods.look, 0.25));
      return;
    }
  }
  const Duration leisure = periods.look / static_cast<int>(to_check_.size() + 1);
  const Duration pace = hurried_ ? kCheckPaceMin : std::max(kCheckPaceMin, leisure);
  // One that was heard of while it waited needs no ping.
  for (bool asked = false; !asked && !to_check_.empty(); to_check_.pop_back()) {
    const std::optional<RoutingTable::Row> row = table_.row(to_check_.back());
    asked = row && row->last_seen < looked_at_;
    if (asked) verify(row->contact, Purpose::kMaintenance, context_.config.request_attempts, false);
  }
  if (to_check_.empty()) {
    to_check_.shrink_to_fit();
    hurried_ = false;
  }
  check_in(pace);
}

// Hosts of earlier times stay after those of now: when a cut network has left us with few, who starts on the
// other side of the cut needs the others.
void Maintenance::save_hosts() {
  const std::vector<RoutingTable::Row> rows = table_.rows();
  if (rows.empty()) return;  // a host that lost the network keeps what it knew of it
  std::vector<KnownHost> known;
  for (const RoutingTable::Row& row : rows) {
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(context_.now() - row.last_seen);
    known.push_back({row.contact, context_.wall_time() - age});
  }
  for (KnownHost& before : hosts_.load_hosts()) {
    if (!table_.find(before.contact.key)) known.push_back(std::move(before));
  }
  std::ranges::stable_sort(known, std::ranges::greater(), &KnownHost::last_seen);
  known.resize(std::min(known.size(), kKnownHostsMax));
  hosts_.save_hosts(known);
}

// ---- Lookups

bool Maintenance::look_up(const Id& target, std::size_t wanted, LookupOwner::Part part) {
  LookupRequest request;
  request.target = target;
  request.wanted = wanted;
  request.purpose = Purpose::kMaintenance;
  request.owner.part = part;
  return static_cast<bool>(lookups_.start(std::move(request)));
}

void Maintenance::join() {
  joined_ = false;
  joining_ = true;
  if (look_up(table_.self(), context_.config.k, LookupOwner::Part::kJoin)) return;
  joining_ = false;
  context_.after(kJoinAgainAfter, DeadlineKind::kJoin);
}

void Maintenance::on_join_done() {
  joining_ = false;
  joined_ = true;
  joined_at_ = context_.now();
  save_hosts();
  to_refresh_ = table_.stale_buckets(context_.now(), context_.config.k);
  std::reverse(to_refresh_.begin(), to_refresh_.end());
  refresh_next_bucket();
}

void Maintenance::on_bucket_refreshed() {
  refreshing_ = false;
  refresh_next_bucket();
}

void Maintenance::refresh_next_bucket() {
  if (refreshing_ || to_refresh_.empty()) return;
  const int bucket = to_refresh_.back();
  to_refresh_.pop_back();
  refreshing_ = true;
  if (!look_up(random_id_in(bucket), kRefreshWanted, LookupOwner::Part::kBucketRefresh)) refreshing_ = false;
}

Id Maintenance::random_id_in(int bucket) {
  Id id = context_.rng.id();
  const auto bit = static_cast<std::size_t>(kIdBits - 1 - bucket);  // from the most significant
  for (std::size_t i = 0; i <= bit; ++i) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> (i % 8));
    const bool ours = (table_.self().bytes[i / 8] & mask) != 0;
    const bool set = i == bit ? !ours : ours;
    id.bytes[i / 8] = static_cast<std::uint8_t>(set ? id.bytes[i / 8] | mask : id.bytes[i / 8] & ~mask);
  }
  return id;
}

}  // namespace shoal
