#include "node/overlay/peer_book.h"

#include <algorithm>
#include <utility>

namespace shoal {

PeerBook::Peer& PeerBook::insert(const Id& host, Instant now) {
  const auto known = peers_.find(host);
  if (known != peers_.end()) return known->second;
  if (peers_.size() >= kPeersMax) make_room();
  Peer& peer = peers_[host];
  peer.host = host;
  peer.next_attempt = now;
  return peer;
}

void PeerBook::make_room() {
  auto oldest = peers_.end();
  for (auto peer = peers_.begin(); peer != peers_.end(); ++peer) {
    if (peer->second.connection || peer->second.attempt) continue;
    if (oldest == peers_.end() || peer->second.heard < oldest->second.heard) oldest = peer;
  }
  if (oldest != peers_.end()) peers_.erase(oldest);
}

void PeerBook::add_endpoint(Peer& peer, const Endpoint& endpoint, Instant now) {
  const bool link_is_missing = endpoint.is_v6_link_local() && endpoint.interface == 0;
  if (!endpoint || link_is_missing) return;
  const auto known =
      std::ranges::find_if(peer.endpoints, [&](const Endpoint& e) { return e.same_place(endpoint); });
  if (known == peer.endpoints.end()) {
    peer.endpoints.insert(peer.endpoints.begin(), endpoint);
    peer.endpoints.resize(std::min(peer.endpoints.size(), kEndpointsMax));
    peer.next_attempt = now;
    peer.next_endpoint = 0;
  } else {
    if (endpoint.interface != 0) known->interface = endpoint.interface;  // of a link-local one
    std::rotate(peer.endpoints.begin(), known, known + 1);
  }
}

void PeerBook::heard(const Id& host, std::span<const Endpoint> endpoints, Instant now) {
  if (host == self_) return;
  Peer& peer = insert(host, now);
  peer.heard = now;
  peer.attempts = 0;
  for (auto endpoint = endpoints.rbegin(); endpoint != endpoints.rend(); ++endpoint) {
    add_endpoint(peer, *endpoint, now);
  }
}

void PeerBook::remembered(const Id& host, std::span<const Endpoint> endpoints, Instant heard, Instant now) {
  if (host == self_ || peers_.contains(host)) return;
  this->heard(host, endpoints, now);
  Peer& peer = peers_.at(host);
  peer.heard = std::min(heard, now);
  peer.known = true;
}

std::vector<const PeerBook::Peer*> PeerBook::to_remember() const {
  std::vector<const Peer*> peers;
  for (const auto& [host, peer] : peers_) {
    if (peer.known && !peer.endpoints.empty()) peers.push_back(&peer);
  }
  std::ranges::stable_sort(peers, [](const Peer* a, const Peer* b) {
    if (a->connection && b->connection) return false;
    return a->connection || (!b->connection && a->heard > b->heard);
  });
  peers.resize(std::min(peers.size(), kMissedMax));
  return peers;
}

void PeerBook::vouched_for(const Id& host, Instant now) {
  const auto peer = peers_.find(host);
  if (peer != peers_.end()) peer->second.next_attempt = std::min(peer->second.next_attempt, now);
}

std::optional<PeerBook::Attempt> PeerBook::next_attempt(Instant now) const {
  const Peer* first = nullptr;
  for (const auto& [host, peer] : peers_) {
    if (peer.connection || peer.attempt || peer.endpoints.empty() || peer.next_attempt > now) continue;
    if (first == nullptr || peer.next_attempt < first->next_attempt) first = &peer;
  }
  if (first == nullptr) return std::nullopt;
  return Attempt{first->host, first->endpoints[first->next_endpoint % first->endpoints.size()]};
}

Instant PeerBook::next_due() const {
  Instant due = kNever;
  for (const auto& [host, peer] : peers_) {
    if (!peer.connection && !peer.attempt && !peer.endpoints.empty()) due = std::min(due, peer.next_attempt);
  }
  return due;
}

Instant PeerBook::next_overdue() const {
  Instant due = kNever;
  for (const auto& [host, peer] : peers_) {
    if (peer.attempt) due = std::min(due, peer.attempt_until);
  }
  return due;
}

std::optional<Id> PeerBook::overdue(Instant now) const {
  for (const auto& [host, peer] : peers_) {
    if (peer.attempt && peer.attempt_until <= now) return host;
  }
  return std::nullopt;
}

void PeerBook::attempt_began(const Id& host, Guid attempt, Instant until) {
  const auto peer = peers_.find(host);
  if (peer == peers_.end()) return;
  peer->second.attempt = attempt;
  peer->second.attempt_until = until;
}

void PeerBook::try_all(Instant now) {
  for (auto& [host, peer] : peers_) {
    if (peer.connection || peer.attempt) continue;
    peer.attempts = 0;
    peer.next_attempt = std::min(peer.next_attempt, now);
  }
}

bool PeerBook::attempt_failed(const Id& host, Instant now, Rng& rng) {
  const auto found = peers_.find(host);
  if (found == peers_.end()) return false;
  Peer& peer = found->second;
  peer.attempt = {};
  ++peer.next_endpoint;
  ++peer.attempts;
  if (is_missed(peer) && (!peer.known || peer.heard + kKnownKept <= now)) {
    peers_.erase(found);
    return true;
  }
  // All endpoints are tried once before the wait grows.
  const std::size_t rounds = (peer.attempts - 1) / peer.endpoints.size();
  const Duration wait = std::min(backoff_.max, backoff_.min * (1 << std::min<std::size_t>(rounds, 16)));
  peer.next_attempt = now + rng.jittered(wait, 0.25);
  const auto missed =
      std::ranges::count_if(peers_, [this](const auto& entry) { return is_missed(entry.second); });
  if (static_cast<std::size_t>(missed) <= kMissedMax) return false;
  peers_.erase(missed_for_longest());
  return true;
}

// Precondition: somebody is missed.
Id PeerBook::missed_for_longest() const {
  const Peer* longest = nullptr;
  for (const auto& [host, peer] : peers_) {
    if (!is_missed(peer) || peer.attempt) continue;
    if (longest == nullptr || peer.heard < longest->heard) longest = &peer;
  }
  return longest->host;
}

bool PeerBook::connected(const Contact& contact, Guid connection, bool outbound, Instant now) {
  Peer& peer = insert(contact.key, now);
  peer.heard = now;
  peer.attempts = 0;
  peer.attempt = {};
  peer.connection = connection;
  // Where a connection comes from is no place to connect to.
  if (outbound) add_endpoint(peer, contact.endpoint, now);
  peer.known = true;
  return !std::exchange(peer.met, true);
}

void PeerBook::disconnected(const Id& host, Instant now, Rng& rng) {
  const auto found = peers_.find(host);
  if (found == peers_.end()) return;
  found->second.connection = {};
  found->second.heard = now;
  found->second.next_attempt = now + rng.jittered(backoff_.min, 0.5);
}

std::optional<Id> PeerBook::host_with(Guid Peer::*member, Guid guid) const {
  for (const auto& [host, peer] : peers_) {
    if (guid && peer.*member == guid) return host;
  }
  return std::nullopt;
}

std::optional<Id> PeerBook::connected_by(Guid connection) const {
  return host_with(&Peer::connection, connection);
}
std::optional<Id> PeerBook::attempted_by(Guid attempt) const {
  return host_with(&Peer::attempt, attempt);
}

const PeerBook::Peer* PeerBook::find(const Id& host) const {
  const auto found = peers_.find(host);
  return found == peers_.end() ? nullptr : &found->second;
}

std::size_t PeerBook::count_with(Guid Peer::*member) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      peers_, [&](const auto& entry) { return static_cast<bool>(entry.second.*member); }));
}

std::size_t PeerBook::connected_count() const {
  return count_with(&Peer::connection);
}
std::size_t PeerBook::attempts_count() const {
  return count_with(&Peer::attempt);
}

}  // namespace shoal
