#include "node/lan/lan_discovery.h"

#include <algorithm>

namespace shoal {
namespace {

// After a start or a change of address: messages get lost, and IPv6 addresses are not usable at once
// (RFC 4862 §5.4).
constexpr auto kFirstWaits = std::to_array<Duration>({1s, 2s});
// Hosts whose power comes back at the same time do not speak at the same time.
constexpr Duration kFirstWithin = std::chrono::milliseconds(50);

LanTag digest_of(const std::vector<LanTag>& tags) {
  const ByteView bytes(tags.front().data(), tags.size() * kLanTagBytes);
  const std::array<std::uint8_t, 32> hash = blake2b_256({bytes});
  LanTag digest;
  std::copy_n(hash.begin(), digest.size(), digest.begin());
  return digest;
}

// A host that speaks from many ports is one source all the same.
Endpoint without_port(Endpoint source) {
  source.port = 0;
  return source;
}

}  // namespace

struct LanDiscovery::Active {
  explicit Active(Rng& rng)
      : tags(Secret(rng.seed())),
        messages(kMessagesPerSecond),
        sources(kMessagesPerSourcePerSecond, rng),
        asks(kAsksPerSecond) {}

  std::vector<Link> links;    // joined
  std::vector<Endpoint> own;  // as it was told
  LanTagList tags;
  LanHosts hosts;
  RateLimiter messages;
  SourceLimiter sources;
  RateLimiter asks;
  std::uint64_t counter = 0;
  std::uint64_t rounds = 0;
  std::size_t first_rounds = 0;  // of those after the last change
  Instant ping_due = kNever;
  std::vector<std::pair<Instant, Id>> to_ask;  // soonest first
  std::size_t asking = 0;
};

LanDiscovery::LanDiscovery(NodeContext& context, const KeyPair& keys, std::uint64_t boot_number,
                           Datagrams& datagrams, Rpc& rpc, const RoutingTable& table, const OwnAddresses& own)
    : context_(context),
      keys_(keys),
      boot_number_(boot_number),
      datagrams_(datagrams),
      rpc_(rpc),
      table_(table),
      own_(own) {}

LanDiscovery::~LanDiscovery() = default;

void LanDiscovery::serve(std::vector<LanGroup> groups, LanPeerListener& listener) {
  groups_ = std::move(groups);
  listener_ = &listener;
  if (active_ == nullptr) return;
  active_->hosts.forget_groups();
  if (!active_->links.empty()) ping_soon();
}

// ---- Interfaces

Endpoint LanDiscovery::group_of(const Link& link) {
  Endpoint group;
  if (link.v4) {
    group = Endpoint::v4(kLanGroupV4, kLanPort);
  } else {
    group.address = kLanGroupV6;
    group.port = kLanPort;
  }
  group.interface = link.interface;
  return group;
}

std::vector<LanDiscovery::Link> LanDiscovery::links_of(std::span<const Endpoint> own) {
  std::vector<Link> links;
  for (const Endpoint& endpoint : own) {
    if (endpoint.is_loopback() || endpoint.is_unspecified()) continue;
    links.push_back({endpoint.interface, endpoint.is_v4(), endpoint.port});
  }
  std::ranges::sort(links);
  links.erase(std::unique(links.begin(), links.end()),
              links.end());  // clang 14 cannot read std::ranges::unique
  return links;
}

// One that cannot be joined (a tunnel, a network that carries no multicast) is tried again at the next
// change.
void LanDiscovery::on_interfaces(std::span<const Endpoint> own) {
  if (context_.config.lan_ping_interval == Duration::zero()) return;
  const std::vector<Link> wanted = links_of(own);
  std::vector<Link> joined;
  for (const Link& link : wanted) {
    const bool already =
        active_ != nullptr && std::ranges::find(active_->links, link) != active_->links.end();
    if (already || datagrams_.join(group_of(link))) {
      joined.push_back(link);
    } else {
      ++context_.counters.lan.joins_failed;
    }
  }
  if (active_ == nullptr) {
    if (joined.empty()) return;
    active_ = std::make_unique<Active>(context_.rng);
  }
  for (const Link& link : active_->links) {
    if (std::ranges::find(joined, link) == joined.end()) datagrams_.leave(group_of(link));
  }
  const bool changed = !std::ranges::equal(active_->own, own);
  active_->own.assign(own.begin(), own.end());
  active_->links = std::move(joined);
  if (changed && !active_->links.empty()) ping_soon();
}

// ---- Speaking

void LanDiscovery::ping_at(Instant when) {
  active_->ping_due = when;
  context_.at(when, DeadlineKind::kLanPing);
}

void LanDiscovery::ping_soon() {
  active_->first_rounds = 0;
  const auto spread = static_cast<std::uint64_t>(kFirstWithin.count());
  ping_at(context_.now() + Duration(static_cast<Duration::rep>(context_.rng.below(spread))));
}

void LanDiscovery::on_ping_deadline() {
  if (active_ == nullptr || context_.now() < active_->ping_due) return;
  Active& a = *active_;
  a.hosts.forget_silent(context_.now());
  if (a.links.empty()) {
    a.ping_due = kNever;
    return;
  }
  const WallTime now = context_.wall_time();
  const std::vector<LanTag> tags = a.tags.make(groups_, keys_.public_key(), now, a.rounds++);
  for (const Link& link : a.links) send(link, tags, now);
  const Duration wait =
      a.first_rounds < kFirstWaits.size() ? kFirstWaits[a.first_rounds++] : context_.config.lan_ping_interval;
  ping_at(context_.now() + context_.rng.jittered(std::min(wait, context_.config.lan_ping_interval), 0.25));
}

bool LanDiscovery::send(const Link& link, const std::vector<LanTag>& tags, WallTime now) {
  const LanMessage message{keys_.public_key(), boot_number_, ++active_->counter, now, link.port, tags};
  const Bytes datagram = write_lan_message(message, keys_);
  NodeCounters& counters = context_.counters;
  if (!datagrams_.send(group_of(link), datagram)) {
    ++counters.dropped_send;
    return false;
  }
  ++counters.lan.pings_sent;
  ++counters.datagrams_sent;
  counters.bytes_sent += datagram.size();
  return true;
}

// ---- Listening

void LanDiscovery::on_multicast(const Endpoint& from, ByteView datagram) {
  if (active_ == nullptr) return;
  const Result<LanMessage> message = read_lan_message(datagram);
  const std::optional<Id> sender = message ? std::optional(message->host) : peek_sender(datagram);
  if (sender == keys_.public_key()) {  // our own comes back, or that of a copy of this host
    if (listener_ != nullptr && message && message->port == from.port) {
      listener_->on_own_key_on_lan({*sender, from});
    }
    return;
  }
  NodeCounters& counters = context_.counters;
  const Instant now = context_.now();
  if (!sender || *sender == Id{} || (message && message->port != from.port)) {
    ++counters.lan.dropped_malformed;
  } else if (message && active_->hosts.has_heard(*message)) {
    ++counters.lan.dropped_replayed;
  } else if (!active_->sources.allow(without_port(from), now)) {
    ++counters.lan.dropped_rate_limit;
  } else if (!active_->messages.allow(now)) {
    ++counters.lan.dropped_budget;
  } else if (!message) {
    rpc_.on_datagram(from, datagram);  // a request, if it is sealed for us
  } else {
    ++counters.datagrams_received;
    counters.bytes_received += datagram.size();
    context_.post(JobClass::kStrangers, HandleDatagram{from, Bytes(datagram.begin(), datagram.end()), true});
  }
}

bool LanDiscovery::is_late(const LanMessage& message) const {
  if (!context_.network_time.is_known()) return false;
  const WallTime now = context_.wall_time();
  return (message.time > now ? message.time - now : now - message.time) > kAgeMax;
}

void LanDiscovery::handle(const HandleDatagram& job) {
  NodeCounters& counters = context_.counters;
  const Result<LanMessage> message = read_lan_message(job.datagram);
  const Contact contact{message->host, job.from};
  if (active_->hosts.has_heard(*message)) {  // copies that came together
    ++counters.lan.dropped_replayed;
  } else if (is_late(*message)) {
    ++counters.lan.dropped_expired;
  } else if (!is_signed_by_host(job.datagram, *message)) {
    ++counters.lan.dropped_unverified;
  } else if (!own_.is_other(contact)) {
    ++counters.lan.dropped_malformed;
  } else {
    ++counters.lan.pings_heard;
    LanHost& host = active_->hosts.take(*message, job.from, context_.now());
    match_groups(contact.key, host, message->tags);
    const bool has_answered = host.confirmed == contact.endpoint || table_.find(contact.key) == contact;
    if (has_answered) report(contact, host);
    if (worth_asking(contact, host)) ask_soon(contact.key, host);
  }
}

// ---- Groups

void LanDiscovery::match_groups(const Id& key, LanHost& host, const std::vector<LanTag>& tags) {
  if (groups_.empty()) return;
  const LanTag digest = digest_of(tags);
  if (digest == host.tags_digest) return;
  host.tags_digest = digest;
  const std::vector<UtcDay> days = utc_days_at(context_.wall_time());
  for (const LanGroup& group : groups_) {
    if (std::ranges::find(host.groups, group.id) != host.groups.end()) continue;
    const bool shown = std::ranges::any_of(days, [&](UtcDay day) {
      return std::ranges::find(tags, lan_tag(lan_day_key(group, day), key)) != tags.end();
    });
    if (!shown) continue;
    host.groups.push_back(group.id);
    host.reported.reset();
  }
}

// Of several places the first serves, as long as it is one.
void LanDiscovery::report(const Contact& contact, LanHost& host) {
  if (listener_ == nullptr || host.groups.empty()) return;
  if (host.reported && host.is_at(*host.reported)) return;
  host.reported = contact.endpoint;
  for (const Id& group : host.groups) listener_->on_lan_peer(group, contact);
}

// ---- Asking

bool LanDiscovery::worth_asking(const Contact& contact, const LanHost& host) const {
  const Instant now = context_.now();
  if (host.asking || now < host.ask_after) return false;
  if (!host.groups.empty() && !host.is_confirmed(now)) return true;
  const std::optional<Contact> known = table_.find(contact.key);
  if (!known) return !host.is_confirmed(now) && table_.wants(contact);
  if (known->endpoint.is_v6_link_local() && !contact.endpoint.is_v6_link_local()) return true;
  // One that has moved. Where it can be reached from elsewhere too, others are told of that.
  return known->endpoint.is_local() && !host.is_at(known->endpoint);
}

// Not at once: its message comes by its other links too, and then there is a choice.
void LanDiscovery::ask_soon(const Id& key, LanHost& host) {
  Active& a = *active_;
  const Instant now = context_.now();
  if (a.to_ask.size() + a.asking >= kAskingMax || !a.asks.allow(now)) {
    ++context_.counters.lan.asks_refused;
    return;
  }
  host.asking = true;
  const Duration spread = table_.size() > 0 ? kAskWithin : kAskAtOnceWithin;
  const auto wait =
      static_cast<Duration::rep>(context_.rng.below(static_cast<std::uint64_t>(spread.count())));
  const Instant when = now + kOtherLinksWithin + Duration(wait);
  const auto later = [](Instant due, const auto& entry) { return due < entry.first; };
  a.to_ask.emplace(std::upper_bound(a.to_ask.begin(), a.to_ask.end(), when, later), when, key);
  context_.at(when, DeadlineKind::kLanAsk);
}

void LanDiscovery::on_ask_deadline() {
  if (active_ == nullptr) return;
  std::vector<std::pair<Instant, Id>>& waiting = active_->to_ask;
  while (!waiting.empty() && waiting.front().first <= context_.now()) {
    const Id key = waiting.front().second;
    waiting.erase(waiting.begin());
    if (LanHost* const host = active_->hosts.find(key)) ask({key, host->best_place()}, *host);
  }
}

void LanDiscovery::ask(const Contact& contact, LanHost& host) {
  OutRequest out{contact, wire::Ping{}, Purpose::kMaintenance, {Completion::Owner::kLan, 0, {}}};
  out.attempts_max = 1;  // its next message is reason enough to try again
  host.asking = static_cast<bool>(rpc_.request(std::move(out)));
  host.ask_after = context_.now() + kAskAgainAfter;
  if (!host.asking) return;
  ++active_->asking;
  ++context_.counters.lan.asks_sent;
}

void LanDiscovery::on_answer(const Answer& answer) {
  --active_->asking;
  LanHost* const host = active_->hosts.find(answer.from.key);
  if (host == nullptr) return;
  host->asking = false;
  if (answer.response == nullptr) {
    host->backoff = std::clamp(2 * host->backoff, kAskSilentAfter, kAskSilentAfterMax);
    host->ask_after = context_.now() + host->backoff;
    return;
  }
  host->backoff = Duration::zero();
  host->confirmed = answer.from.endpoint;
  host->confirmed_at = context_.now();
  report(answer.from, *host);
}

void LanDiscovery::on_silent(const Contact& contact) {
  LanHost* const host = active_ == nullptr ? nullptr : active_->hosts.find(contact.key);
  if (host != nullptr && host->confirmed == contact.endpoint) host->confirmed.reset();
}

bool LanDiscovery::request(const Id& host, const wire::RequestBody& body, Purpose purpose,
                           const Completion& completion) {
  if (active_ == nullptr) return false;
  bool sent = false;
  for (const Link& link : active_->links) {
    if (rpc_.request({{host, group_of(link)}, body, purpose, completion})) sent = true;
  }
  return sent;
}

// ---- What is known

std::optional<Contact> LanDiscovery::find(const Id& key) const {
  const LanHost* const host = active_ == nullptr ? nullptr : active_->hosts.find(key);
  if (host == nullptr) return std::nullopt;
  return Contact{key, host->confirmed ? *host->confirmed : host->places.front().endpoint};
}

LanDiscovery::Status LanDiscovery::status() const {
  Status status;
  if (active_ == nullptr) return status;
  status.links = active_->links.size();
  status.hosts = active_->hosts.size();
  status.asking = active_->to_ask.size() + active_->asking;
  active_->hosts.for_each(
      [&](const Id&, const LanHost& host) { status.confirmed += host.confirmed ? 1 : 0; });
  return status;
}

}  // namespace shoal
