#include "tests/support/manual_host.h"

#include <algorithm>

#include "node/base/check.h"
#include "tests/support/manual_streams.h"

namespace shoal {
namespace {

constexpr WallTime kEpoch = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

bool is_multicast(const Endpoint& endpoint) {
  return endpoint.is_v4() ? endpoint.v4_address() >> 28 == 0xe : endpoint.address[0] == 0xff;
}

// Does this interface carry what goes to the group? Both may leave the number open.
bool carries(const ManualInterface& interface, const Endpoint& group) {
  return interface.lan != 0 && interface.endpoint.is_v4() == group.is_v4() &&
         (group.interface == 0 || group.interface == interface.endpoint.interface);
}

// As the receiver sees it: a number means something to one host only, and only where the address needs it.
Endpoint seen_from(const ManualInterface& receiver, Endpoint source) {
  source.interface = source.is_v6_link_local() ? receiver.endpoint.interface : 0;
  return source;
}

}  // namespace

struct ManualNetwork::Host final : Clock, Alarm, Datagrams, Streams {
  Host(ManualNetwork& network, HostIndex index, const Endpoint& endpoint)
      : network_(network), index_(index), interfaces_{{endpoint, 0}} {}

  Instant now() const override { return network_.now_; }
  WallTime wall_time() const override {
    return network_.wall_time() + std::chrono::duration_cast<std::chrono::milliseconds>(wall_offset_);
  }
  void wake_at(Instant when) override { network_.wake_at(index_, when); }
  bool send(const Endpoint& to, ByteView datagram) override { return network_.send(index_, to, datagram); }
  Result<void> join(const Endpoint& group) override { return network_.join(index_, group); }
  void leave(const Endpoint& group) override { groups_.erase(group); }
  Result<StreamId> connect(const Endpoint& to) override { return network_.streams_->connect(index_, to); }
  Result<void> listen() override {
    network_.streams_->listen(index_);
    return {};
  }
  std::size_t write(StreamId stream, ByteView bytes) override {
    return network_.streams_->write(stream, bytes);
  }
  std::size_t read(StreamId stream, MutableByteView out) override {
    return network_.streams_->read(stream, out);
  }
  void close(StreamId stream, CloseMode mode) override { network_.streams_->close(stream, mode); }

  ManualNetwork& network_;
  HostIndex index_;
  std::vector<ManualInterface> interfaces_;  // never empty
  HostedNode* node_ = nullptr;
  std::uint64_t attachment_ = 0;  // counts attach and detach, so that an event for an earlier one is void
  Instant armed_ = kNever;
  Duration wall_offset_{};
  bool hidden_ = false;
  std::map<Address, Instant> permits_;  // of a hidden host: to whom it sent last when
  std::set<Endpoint> groups_;
};

ManualNetwork::ManualNetwork(std::uint64_t seed)
    : rng_(Rng::keyed(seed, "manual network", "datagrams")),
      streams_(std::make_unique<ManualStreamEngine>(*this)) {}

ManualNetwork::~ManualNetwork() = default;

ManualNetwork::HostIndex ManualNetwork::add_host() {
  const auto index = static_cast<std::uint32_t>(hosts_.size());
  check(index < 512, "198.18.0.0/15 is full");
  return add_host(Endpoint::v4(0xc6120001u + (index << 8), 4000));
}

ManualNetwork::HostIndex ManualNetwork::add_host(const Endpoint& endpoint) {
  const auto index = static_cast<HostIndex>(hosts_.size());
  check(by_address_.emplace(endpoint.address, index).second, "two hosts at one address");
  hosts_.push_back(std::make_unique<Host>(*this, index, endpoint));
  return index;
}

Endpoint ManualNetwork::endpoint(HostIndex host) const {
  return hosts_.at(host)->interfaces_.front().endpoint;
}

void ManualNetwork::set_interfaces(HostIndex host, std::vector<ManualInterface> interfaces) {
  check(!interfaces.empty(), "a host has at least one interface");
  Host& h = *hosts_.at(host);
  for (const ManualInterface& old : h.interfaces_) by_address_.erase(old.endpoint.address);
  h.interfaces_ = std::move(interfaces);
  for (const ManualInterface& each : h.interfaces_) {
    check(by_address_.emplace(each.endpoint.address, host).second, "two hosts at one address");
  }
  if (up(host)) introduce(host);
}

void ManualNetwork::introduce(HostIndex host) {
  post(now_, true, [this, host, attachment = hosts_[host]->attachment_] {
    if (hosts_[host]->attachment_ != attachment) return;
    std::vector<Endpoint> own;
    for (const ManualInterface& each : hosts_[host]->interfaces_) own.push_back(each.endpoint);
    deliver(host, [&](PortEvents& events) { events.on_interfaces(own); });
  });
}

void ManualNetwork::attach(HostIndex host, HostedNode& node) {
  Host& h = *hosts_.at(host);
  check(h.node_ == nullptr, "a node is attached already");
  h.node_ = &node;
  ++h.attachment_;
  introduce(host);
}

void ManualNetwork::detach(HostIndex host) {
  Host& h = *hosts_.at(host);
  h.node_ = nullptr;
  ++h.attachment_;
  h.armed_ = kNever;
  h.groups_.clear();
  streams_->crash(host);
}

HostPorts ManualNetwork::ports(HostIndex host) {
  Host& h = *hosts_.at(host);
  return {h, h, h, h};
}

void ManualNetwork::wake(HostIndex host) {
  post(now_, true, [this, host] { deliver(host, [](PortEvents&) {}); });
}

WallTime ManualNetwork::wall_time() const {
  return kEpoch +
         std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch() + wall_offset_);
}

void ManualNetwork::jump_wall_time(HostIndex host, Duration by) {
  hosts_.at(host)->wall_offset_ += by;
}

void ManualNetwork::at(Instant when, std::function<void()> event) {
  post(when, true, std::move(event));
}

void ManualNetwork::post(Instant when, bool traffic, std::function<void()> run) {
  if (traffic) ++traffic_pending_;
  agenda_.add(std::max(when, now_), Event{std::move(run), traffic});
}

bool ManualNetwork::step(Instant until) {
  const Instant when = agenda_.next();
  if (when > until) return false;
  now_ = when;
  const Event event = *agenda_.pop_due(when);
  event.run();
  if (event.traffic) --traffic_pending_;
  return true;
}

void ManualNetwork::advance(Duration by) {
  check(by >= Duration::zero());
  const Instant until = now_ + by;
  while (step(until)) {
  }
  now_ = until;
}

bool ManualNetwork::run_until_idle(Duration at_most) {
  return run_until([this] { return traffic_pending_ == 0; }, at_most);
}

bool ManualNetwork::run_until(const std::function<bool()>& done, Duration at_most) {
  const Instant until = now_ + at_most;
  while (!done()) {
    if (step(until)) continue;
    now_ = until;
    return done();
  }
  return true;
}

void ManualNetwork::deliver(HostIndex host, const std::function<void(PortEvents&)>& event) {
  Host& h = *hosts_[host];
  if (h.node_ == nullptr) return;
  const std::uint64_t attachment = h.attachment_;
  event(h.node_->events());
  while (h.attachment_ == attachment && h.node_->run_jobs()) {
  }
}

bool ManualNetwork::up(HostIndex host) const {
  return hosts_[host]->node_ != nullptr;
}

ManualNetwork::Host* ManualNetwork::host_at(const Address& address) {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : hosts_[found->second].get();
}

void ManualNetwork::wake_at(HostIndex host, Instant when) {
  Host& h = *hosts_[host];
  if (h.node_ == nullptr || when >= h.armed_) return;
  h.armed_ = when;
  post(when, false, [this, host, when, attachment = h.attachment_] {
    Host& armed = *hosts_[host];
    if (armed.attachment_ != attachment || armed.armed_ != when) return;
    armed.armed_ = kNever;
    deliver(host, [](PortEvents& events) { events.on_alarm(); });
  });
}

bool ManualNetwork::send(HostIndex from, const Endpoint& to, ByteView datagram) {
  if (!up(from) || datagram.size() > kDatagramBytesMax || to.port == 0) return false;
  ++totals_.datagrams_sent;
  totals_.datagram_bytes_sent += datagram.size();
  if (hosts_[from]->hidden_) hosts_[from]->permits_[to.address] = now_;
  if (is_multicast(to)) {
    multicast(from, to, datagram);
    return true;
  }
  const Host* host = host_at(to.address);
  const ManualInterface* own = way(from, to);
  if (host == nullptr || own == nullptr) return true;
  for (const ManualInterface& theirs : host->interfaces_) {
    if (theirs.endpoint.address != to.address || theirs.endpoint.port != to.port) continue;
    const bool same_lan = own->lan != 0 && own->lan == theirs.lan;
    send_copies({from, host->index_, seen_from(theirs, own->endpoint), to.address, same_lan}, datagram);
  }
  return true;
}

const ManualInterface* ManualNetwork::way(HostIndex from, const Endpoint& to) const {
  const auto receiver = by_address_.find(to.address);
  if (receiver == by_address_.end()) return nullptr;
  std::uint32_t lan = 0;
  for (const ManualInterface& theirs : hosts_[receiver->second]->interfaces_) {
    if (theirs.endpoint.address == to.address) lan = theirs.lan;
  }
  const ManualInterface* any = nullptr;
  for (const ManualInterface& own : hosts_[from]->interfaces_) {
    if (own.endpoint.is_v4() != to.is_v4()) continue;
    const bool same_lan = lan != 0 && own.lan == lan;
    const bool same_scope = own.endpoint.is_v6_link_local() == to.is_v6_link_local();
    if (to.is_v6_link_local()) {
      if (same_lan && same_scope && own.endpoint.interface == to.interface) return &own;
    } else if (same_lan && same_scope) {
      return &own;
    } else if (any == nullptr && same_scope) {
      any = &own;
    }
  }
  return any;
}

void ManualNetwork::multicast(HostIndex from, const Endpoint& group, ByteView datagram) {
  for (const ManualInterface& own : hosts_[from]->interfaces_) {
    if (!carries(own, group)) continue;
    for (const auto& host : hosts_) {
      if (host->index_ == from) continue;
      for (const ManualInterface& theirs : host->interfaces_) {
        const bool member = std::ranges::any_of(host->groups_, [&](const Endpoint& joined) {
          return joined.address == group.address && joined.port == group.port && carries(theirs, joined);
        });
        if (!member || theirs.lan != own.lan) continue;
        const Endpoint source = seen_from(theirs, own.endpoint);
        send_copies({from, host->index_, source, theirs.endpoint.address, true, true}, datagram);
      }
    }
  }
}

void ManualNetwork::hide(HostIndex host) {
  hosts_[host]->hidden_ = true;
  hosts_[host]->permits_.clear();
}

void ManualNetwork::unhide(HostIndex host) {
  hosts_[host]->hidden_ = false;
}

bool ManualNetwork::let_in(HostIndex host, const Endpoint& from) const {
  if (!hosts_[host]->hidden_) return true;
  const auto permit = hosts_[host]->permits_.find(from.address);
  return permit != hosts_[host]->permits_.end() && now_ - permit->second < kManualNatTimeout;
}

void ManualNetwork::send_copies(const Wire& wire, ByteView datagram) {
  if (tap_) {
    const auto kind = wire.multicast ? ManualPassage::Kind::kMulticast : ManualPassage::Kind::kDatagram;
    tap_({kind, wire.from, wire.to, wire.source, 0, false, Bytes(datagram.begin(), datagram.end())});
  }
  const ManualLink& between = link(wire.from, wire.to);
  const int copies = rng_.unit() < between.duplication ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    const bool lost = rng_.unit() < between.loss;
    const Duration later =
        Duration(static_cast<Duration::rep>(rng_.unit() * static_cast<double>(between.jitter.count())));
    if (lost) {
      ++totals_.datagrams_lost;
      continue;
    }
    post(now_ + between.delay + later, true,
         [this, wire, attachment = hosts_[wire.to]->attachment_,
          bytes = Bytes(datagram.begin(), datagram.end())] {
           if (hosts_[wire.to]->attachment_ == attachment) return arrive(wire, bytes);
           ++totals_.datagrams_lost;
         });
  }
}

void ManualNetwork::arrive(const Wire& wire, ByteView datagram) {
  const Host* receiver = host_at(wire.destination);
  if (receiver == nullptr || receiver->index_ != wire.to || !up(wire.to) || link(wire.from, wire.to).cut ||
      !(wire.same_lan || let_in(wire.to, wire.source))) {
    ++totals_.datagrams_lost;
    return;
  }
  ++totals_.datagrams_delivered;
  deliver_datagram(wire.source, wire.to, datagram, wire.multicast);
}

void ManualNetwork::deliver_datagram(const Endpoint& source, HostIndex to, ByteView datagram,
                                     bool multicast) {
  const auto receive = multicast ? &PortEvents::on_multicast : &PortEvents::on_datagram;
  deliver(to, [&](PortEvents& events) { (events.*receive)(source, datagram); });
}

Result<void> ManualNetwork::join(HostIndex host, const Endpoint& group) {
  if (!is_multicast(group)) return fail(ErrorCode::kIo, group.to_string() + " is not a multicast group");
  Host& h = *hosts_[host];
  if (std::ranges::none_of(h.interfaces_, [&](const ManualInterface& own) { return carries(own, group); })) {
    return fail(ErrorCode::kIo, "no interface on a LAN carries " + group.to_string());
  }
  if (up(host)) h.groups_.insert(group);
  return {};
}

void ManualNetwork::set_link(const ManualLink& link) {
  pair_links_.clear();
  link_ = link;
}

void ManualNetwork::set_link(HostIndex a, HostIndex b, const ManualLink& link) {
  pair_links_[std::minmax(a, b)] = link;
}

const ManualLink& ManualNetwork::link(HostIndex a, HostIndex b) const {
  const auto found = pair_links_.find(std::minmax(a, b));
  return found == pair_links_.end() ? link_ : found->second;
}

void ManualNetwork::cut(HostIndex a, HostIndex b) {
  ManualLink between = link(a, b);
  between.cut = true;
  set_link(a, b, between);
}

void ManualNetwork::heal(HostIndex a, HostIndex b) {
  ManualLink between = link(a, b);
  between.cut = false;
  set_link(a, b, between);
}

}  // namespace shoal
