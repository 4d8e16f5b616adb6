#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "node/base/check.h"
#include "sim/delay_matrix.h"

namespace shoal::sim {
namespace {

// The plane of the coordinates topology, in units of its scale. Clusters stand on a sunflower spiral, which
// spreads any number of them evenly over a disc, so that the law of distances is the same for every seed. A
// point's height is its distance from the plane (Dabek et al., Vivaldi, 2004, §5.4): a log-normal one gives
// the tail that the King data have. Calibrated with the default scale and access delay (tests/sim/world).
constexpr double kDiscRadius = 0.8;
constexpr double kClusterSpread = 0.12;
constexpr double kHeightMedian = 0.115;
constexpr double kHeightSigma = 1.4;

Duration scaled(Duration d, double factor) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * factor));
}

Duration uniform(Duration low, Duration high, double unit) {
  return low + scaled(std::max(high - low, Duration::zero()), unit);
}

struct Gaussians {
  double a, b;
};
// Box and Muller 1958.
Gaussians two_gaussians(Rng& rng) {
  const double u = 1.0 - rng.unit();
  const double v = rng.unit();
  const double radius = std::sqrt(-2.0 * std::log(u));
  return {radius * std::cos(2 * std::numbers::pi * v), radius * std::sin(2 * std::numbers::pi * v)};
}

}  // namespace

std::uint32_t region_count(const TopologySpec& topology) {
  switch (topology.kind) {
    case TopologySpec::Kind::kMatrix:
      return topology.matrix ? topology.matrix->size() : 1;
    case TopologySpec::Kind::kLan:
      return topology.lans;
    case TopologySpec::Kind::kRouters:
      return RouterPlan(topology.levels).edge_count();
    default:
      return topology.regions;
  }
}

World::World(const NetworkSpec& spec, std::uint64_t seed)
    : topology_(spec.topology),
      routers_(has_routers() ? spec.topology.levels : std::vector<RouterLevel>{}),
      access_delay_(spec.access_delay),
      down_bits_per_s_(spec.down_bits_per_s),
      up_bits_per_s_(spec.up_bits_per_s),
      queue_delay_max_(spec.queue_delay_max),
      jitter_(std::max(spec.jitter, Duration::zero())),
      seed_(seed),
      disturbances_({spec.loss, std::nullopt, spec.duplicate, spec.reorder}, seed),
      nat_spec_(spec.nat) {
  check(down_bits_per_s_ > 0 && up_bits_per_s_ > 0, "access rates must be positive");
  check(topology_.kind != TopologySpec::Kind::kMatrix || (topology_.matrix && topology_.matrix->size() > 0),
        "a topology of kind matrix needs its matrix");
  topology_.regions = std::max(topology_.regions, 1u);
  topology_.lans = std::clamp(topology_.lans, 1u, kLansMax);
}

HostIndex World::add_host() {
  check(hosts_.size() < capacity(), "too many hosts");
  const auto index = static_cast<HostIndex>(hosts_.size());
  Host& host = hosts_.emplace_back(Host{.draws = SplitMix(seed_, index)});
  place(host, index);
  if (nat_spec_.shares[0] < 1) nats_.push_back(make_nat(index));
  return index;
}

HostIndex World::capacity() const {
  if (has_lans()) return kHostsPerLanMax * topology_.lans;
  return has_routers() ? kHostsPerEdgeRouterMax * routers_.edge_count() : kHostsMax;
}

// A pure function of (seed, host), as the place.
std::unique_ptr<Nat> World::make_nat(HostIndex index) const {
  if (index < nat_spec_.public_hosts) return nullptr;
  double unit = Rng::keyed(seed_, fmt::format("host {}", index), "nat").unit();
  auto kind = NatKind::kNone;
  for (std::size_t i = 0; i < kNatKinds && unit >= 0; ++i) {
    if (nat_spec_.shares[i] > 0) kind = static_cast<NatKind>(i);
    unit -= nat_spec_.shares[i];
  }
  if (kind == NatKind::kNone) return nullptr;
  return std::make_unique<Nat>(kind, nat_spec_.udp_timeout, mixed(seed_) + index);
}

// Hosts of one site share their place; the access delay is each one's own.
void World::place(Host& host, HostIndex index) {
  Rng of_host = Rng::keyed(seed_, fmt::format("host {}", index), "access");
  host.edge = std::max(from_seconds(access_delay_.draw(of_host)), Duration::zero());

  if (has_lans()) {
    host.region = index % topology_.lans;
    return;
  }
  if (has_routers()) {
    host.region = index % routers_.edge_count();
    return;
  }
  Rng of_site = Rng::keyed(seed_, fmt::format("site {}", site_of(index)), "place");
  host.region = static_cast<std::uint32_t>(of_site.below(topology_.regions));
  if (topology_.kind == TopologySpec::Kind::kTransitStub) {
    host.edge += uniform(topology_.stub_delay_min, topology_.stub_delay_max, of_site.unit());
  } else if (topology_.kind == TopologySpec::Kind::kCoordinates) {
    place_at_coordinates(host, of_site);
  } else if (topology_.kind == TopologySpec::Kind::kMatrix) {
    const std::uint32_t places = topology_.matrix->size();
    host.region =
        topology_.at_random_places ? static_cast<std::uint32_t>(of_site.below(places)) : index % places;
  }
}

void World::place_at_coordinates(Host& host, Rng& rng) {
  static constexpr double kGoldenAngle = std::numbers::pi * (3.0 - 2.23606797749978969641);
  const double radius = kDiscRadius * std::sqrt((host.region + 0.5) / topology_.regions);
  const double angle = kGoldenAngle * host.region;
  const Gaussians spread = two_gaussians(rng);
  host.x = static_cast<float>(radius * std::cos(angle) + kClusterSpread * spread.a);
  host.y = static_cast<float>(radius * std::sin(angle) + kClusterSpread * spread.b);
  const double height = Distribution::lognormal(kHeightMedian, kHeightSigma).draw(rng);
  host.edge += scaled(topology_.coordinates_scale, height);
}

std::optional<HostIndex> World::host_at(const Endpoint& endpoint) const {
  return endpoint.is_v4() ? host_at(endpoint.v4_address()) : std::nullopt;
}

std::optional<HostIndex> World::host_at(std::uint32_t v4_address) const {
  const std::optional<HostIndex> place = has_lans()      ? lan_host_of(v4_address, topology_.lans)
                                         : has_routers() ? edge_host_of(v4_address, routers_.edge_count())
                                                         : host_of(v4_address);
  if (!place) return std::nullopt;
  if (!moved_.empty()) return moved_.host_at(*place, hosts_.size());
  return *place < hosts_.size() ? place : std::nullopt;
}

std::uint32_t World::networks() const {
  if (has_lans()) return topology_.lans;
  return has_routers() ? routers_.edge_count() : 1;
}

// In the same LAN or at the same edge router. Places are taken from the plan's end, where no host is yet.
bool World::change_address(HostIndex host) {
  const HostIndex in_network = ++moves_;
  const std::uint64_t from_end = std::uint64_t{in_network} * networks() - host % networks();
  if (from_end > capacity() || capacity() - from_end < hosts_.size()) return false;
  moved_.move(host, static_cast<HostIndex>(capacity() - from_end));
  if (behind_nat(host)) nats_[host] = make_nat(host);
  return true;
}

Duration World::delay(HostIndex from, HostIndex to) const {
  if (from == to) return Duration::zero();
  const Host& a = hosts_[from];
  const Host& b = hosts_[to];
  return a.edge + b.edge + between(a, b);
}

Duration World::between(const Host& a, const Host& b) const {
  switch (topology_.kind) {
    case TopologySpec::Kind::kStar:
      return topology_.star_delay;
    case TopologySpec::Kind::kTransitStub:
      return a.region == b.region ? Duration::zero() : transit_delay(a.region, b.region);
    case TopologySpec::Kind::kCoordinates: {
      const double dx = double{a.x} - double{b.x};
      const double dy = double{a.y} - double{b.y};
      return scaled(topology_.coordinates_scale, std::sqrt(dx * dx + dy * dy));
    }
    case TopologySpec::Kind::kMatrix:
      return topology_.matrix->one_way(a.region, b.region);
    case TopologySpec::Kind::kLan:
      return a.region == b.region ? topology_.lan_delay : topology_.between_lans_delay;
    case TopologySpec::Kind::kRouters:
      return routers_.delay(a.region, b.region);
  }
  return Duration::zero();
}

// Drawn anew each time from the pair's own stream: no table of regions squared.
Duration World::transit_delay(std::uint32_t region_a, std::uint32_t region_b) const {
  const std::uint64_t low = std::min(region_a, region_b);
  const std::uint64_t high = std::max(region_a, region_b);
  SplitMix draws(~seed_, high << 32 | low);
  return uniform(topology_.transit_delay_min, topology_.transit_delay_max, draws.unit());
}

Duration World::transmission(std::size_t bytes, std::uint64_t bits_per_s) {
  return Duration(static_cast<Duration::rep>(bytes * 8'000'000'000u / bits_per_s));
}

Duration World::up_backlog(HostIndex host, Instant now) const {
  return std::max(hosts_[host].up_free - now, Duration::zero());
}

Duration World::down_backlog(HostIndex host, Instant now) const {
  return std::max(hosts_[host].down_free - now, Duration::zero());
}

Result<void> World::join(HostIndex host, const Endpoint& group) {
  const std::string what = "join the multicast group " + group.to_string();
  if (!group.is_v4() || !is_multicast(group.v4_address()) || group.port == 0) {
    return fail(ErrorCode::kIo, "cannot " + what + ": not an IPv4 multicast address and port");
  }
  if (!has_lans())
    return fail(ErrorCode::kIo, "cannot " + what + ": only the topology lan carries multicast");
  groups_.join({hosts_[host].region, group.v4_address(), group.port}, host);
  return {};
}

void World::leave(HostIndex host, const Endpoint& group) {
  if (!group.is_v4()) return;
  groups_.leave({hosts_[host].region, group.v4_address(), group.port}, host);
}

World::Departure World::depart(HostIndex from, HostIndex to, std::size_t bytes, Instant now) {
  const std::optional<Instant> leaves = enter_up_link(from, bytes, now);
  return leaves ? cross(from, to, *leaves) : Departure{Fate::kQueueFull, {}};
}

std::optional<Instant> World::enter_up_link(HostIndex from, std::size_t bytes, Instant now) {
  Host& sender = hosts_[from];
  const Instant starts = std::max(now, sender.up_free);
  if (starts - now > queue_delay_max_) return std::nullopt;
  return sender.up_free = starts + up_time(bytes);
}

World::Departure World::depart_paced(HostIndex from, HostIndex to, std::size_t bytes, std::size_t packets,
                                     Instant now) {
  Host& sender = hosts_[from];
  sender.up_free = std::max(now, sender.up_free) + up_time(bytes);
  double loss = disturbances_.loss();
  if (loss > 0) loss = 1.0 - std::pow(1.0 - loss, static_cast<double>(packets));
  return cross(from, to, sender.up_free, loss);
}

World::Departure World::cross(HostIndex from, HostIndex to, Instant leaves, double loss) {
  SplitMix& draws = hosts_[from].draws;
  if (cut(from, to)) return {Fate::kCut, {}};
  if (loss > 0 && draws.unit() < loss) return {Fate::kLost, {}};
  Instant arrives = leaves + delay(from, to);
  if (jitter_ > Duration::zero()) arrives += scaled(jitter_, draws.unit());
  if (disturbances_.delaying()) arrives += disturbances_.delay(from);
  return {Fate::kArrives, arrives};
}

std::optional<Instant> World::receive(HostIndex to, std::size_t bytes, Instant earliest) {
  Host& receiver = hosts_[to];
  const Instant leaves = std::max(earliest, receiver.down_free + down_time(bytes));
  if (leaves - earliest > queue_delay_max_) return std::nullopt;
  receiver.down_free = leaves;
  return leaves;
}

Instant World::receive_paced(HostIndex to, std::size_t bytes, Instant earliest) {
  Host& receiver = hosts_[to];
  receiver.down_free = std::max(earliest, receiver.down_free + down_time(bytes));
  return receiver.down_free;
}

}  // namespace shoal::sim
