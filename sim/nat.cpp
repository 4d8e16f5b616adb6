#include "sim/nat.h"

#include <algorithm>
#include <tuple>

#include "node/base/check.h"
#include "sim/split_mix.h"

namespace shoal::sim {
namespace {

constexpr std::uint16_t kFirstPort = 1024;  // RFC 4787 REQ-3: not among the well-known ones
constexpr std::uint64_t kPorts = 65536 - kFirstPort;
constexpr std::size_t kPurgeMin = 16;

}  // namespace

Nat::Nat(NatKind kind, Duration udp_timeout, std::uint64_t number)
    : purge_mappings_at_(kPurgeMin),
      purge_permits_at_(kPurgeMin),
      udp_timeout_(udp_timeout),
      next_port_(static_cast<std::uint16_t>(kFirstPort + mixed(number) % kPorts)),
      kind_(kind) {
  check(kind != NatKind::kNone && udp_timeout > Duration::zero());
}

std::uint64_t Nat::key(Protocol protocol, Remote remote) {
  return std::uint64_t{protocol == Protocol::kTcp} << 63 | std::uint64_t{remote.address} << 16 | remote.port;
}

Nat::Remote Nat::mapped_to(Remote remote) const {
  return kind_ == NatKind::kSymmetric ? remote : Remote{};
}

Nat::Remote Nat::permitted(Remote remote) const {
  return kind_ == NatKind::kRestricted ? Remote{remote.address, 0} : remote;
}

Nat::Entries::iterator Nat::place(Entries& entries, std::uint64_t remote, std::uint16_t port) {
  return std::lower_bound(
      entries.begin(), entries.end(), std::tuple(remote, port),
      [](const Entry& entry, const auto& wanted) { return std::tuple(entry.remote, entry.port) < wanted; });
}

Nat::Entry* Nat::take(Entries& entries, std::size_t& purge_at, std::uint64_t remote, std::uint16_t port,
                      Instant now) {
  auto entry = place(entries, remote, port);
  if (entry != entries.end() && entry->remote == remote && entry->port == port) return &*entry;
  if (entries.size() >= purge_at) {
    std::erase_if(entries, [now](const Entry& e) { return e.expires <= now; });
    purge_at = std::clamp(2 * entries.size(), kPurgeMin, kEntriesMax);
    if (entries.size() >= kEntriesMax) return nullptr;
    entry = place(entries, remote, port);
  }
  return &*entries.insert(entry, Entry{remote, port, 0, Instant{}});
}

std::optional<std::uint16_t> Nat::out(Protocol protocol, std::uint16_t inside_port, Remote to, Instant now) {
  const Duration timeout = protocol == Protocol::kTcp ? kTcpTimeout : udp_timeout_;
  Entry* const mapping = take(mappings_, purge_mappings_at_, key(protocol, mapped_to(to)), inside_port, now);
  if (mapping == nullptr) return std::nullopt;
  if (mapping->outside == 0 || mapping->expires <= now) mapping->outside = free_port(protocol, now);
  mapping->expires = now + timeout;
  if (kind_ == NatKind::kFullCone || kind_ == NatKind::kSymmetric) return mapping->outside;
  Entry* const permit =
      take(permits_, purge_permits_at_, key(protocol, permitted(to)), mapping->outside, now);
  if (permit == nullptr) return std::nullopt;
  permit->expires = now + timeout;
  return mapping->outside;
}

std::optional<std::uint16_t> Nat::in(Protocol protocol, std::uint16_t outside_port, Remote from,
                                     Instant now) const {
  const std::uint64_t remote = key(protocol, mapped_to(from));
  auto mapping = std::partition_point(mappings_.begin(), mappings_.end(),
                                      [remote](const Entry& entry) { return entry.remote < remote; });
  const auto meant = [&](const Entry& entry) { return entry.outside == outside_port && entry.expires > now; };
  while (mapping != mappings_.end() && mapping->remote == remote && !meant(*mapping)) ++mapping;
  if (mapping == mappings_.end() || mapping->remote != remote) return std::nullopt;
  if (kind_ == NatKind::kFullCone || kind_ == NatKind::kSymmetric) return mapping->port;
  const std::tuple wanted(key(protocol, permitted(from)), outside_port);
  const auto permit = std::lower_bound(
      permits_.begin(), permits_.end(), wanted,
      [](const Entry& entry, const auto& w) { return std::tuple(entry.remote, entry.port) < w; });
  const bool let_in =
      permit != permits_.end() && std::tuple(permit->remote, permit->port) == wanted && permit->expires > now;
  return let_in ? std::optional(mapping->port) : std::nullopt;
}

// The next that no live mapping of the protocol has: there are more ports than entries.
std::uint16_t Nat::free_port(Protocol protocol, Instant now) {
  const std::uint64_t of_protocol = key(protocol, {}) >> 63;
  for (;;) {
    const std::uint16_t port = next_port_;
    next_port_ = port == 65535 ? kFirstPort : static_cast<std::uint16_t>(port + 1);
    const bool taken = std::any_of(mappings_.begin(), mappings_.end(), [&](const Entry& entry) {
      return entry.remote >> 63 == of_protocol && entry.outside == port && entry.expires > now;
    });
    if (!taken) return port;
  }
}

}  // namespace shoal::sim
