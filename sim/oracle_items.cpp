// The oracle's items: every value that was put, what readers get, and the census of who holds what.
#include <algorithm>

#include "node/dht/item.h"
#include "node/secure/keys.h"
#include "node/wire/messages.h"
#include "sim/oracle_state.h"

namespace shoal::sim {

namespace {

// Held items that a census verifies, evenly chosen among all.
constexpr std::uint64_t kVerifiedPerCensus = 64;

}  // namespace

Oracle::ValueId Oracle::value_put(const ItemName& name, ByteView value) {
  const auto [entry, fresh] =
      impl_->item_of_name.try_emplace(name, static_cast<std::uint32_t>(impl_->items.size()));
  if (fresh) impl_->items.emplace_back().name = name;
  const auto version = static_cast<std::uint32_t>(impl_->versions.size());
  impl_->versions.push_back({.digest = sha256(value)});
  impl_->item_of_version.push_back(entry->second);
  impl_->items[entry->second].versions.push_back(version);
  return {.value = version, .item = entry->second};
}

void Oracle::value_acknowledged(ValueId value, std::uint64_t sequence, WallTime expires) {
  Impl::Version& version = impl_->versions[value.value];
  version.acknowledged = true;
  version.sequence = sequence;
  version.expires = expires;
  Impl::Item& item = impl_->items[impl_->item_of_version[value.value]];
  if (!item.acknowledged || sequence >= item.sequence) {
    item.acknowledged = true;
    item.sequence = sequence;
    item.expires = expires;
  }
}

void Oracle::check_holders(const Command& command, const ItemName& name, const StoreResult& result,
                           Instant end) {
  if (impl_->witness == nullptr || end - command.started > impl_->config.held_for_min) return;
  for (const StoreResult::Holder& holder : result.holders) {
    if (holder.refusal != ErrorCode::kNone) continue;
    const auto life = impl_->lives.find(holder.contact.key);
    bool holds = false;
    if (life != impl_->lives.end()) {
      const Impl::Host& host = impl_->hosts[life->second.host];
      const bool stayed = host.online && host.id == holder.contact.key && host.since <= command.started;
      if (!stayed || host.distrusted) continue;
      const auto held = impl_->witness->held(life->second.host, name);
      holds = held && held->header.sequence >= result.sequence;
    }
    if (impl_->fails(Rule::kAcknowledgedUnheld, holds)) {
      impl_->violated(Rule::kAcknowledgedUnheld, command, end,
                      fmt::format("item {}: {} is said to hold it, and does not", name_text(name),
                                  holder.contact.key.short_hex()));
    }
  }
}

const Oracle::Impl::Item* Oracle::Impl::find_item(const ItemName& name) const {
  const auto found = item_of_name.find(name);
  return found == item_of_name.end() ? nullptr : &items[found->second];
}

std::optional<std::uint64_t> Oracle::acknowledged_sequence(const ItemName& name) const {
  const Impl::Item* item = impl_->find_item(name);
  if (item == nullptr || !item->acknowledged) return std::nullopt;
  return item->sequence;
}

bool Oracle::is_acknowledged(const ItemName& name, WallTime now) const {
  const Impl::Item* item = impl_->find_item(name);
  return item != nullptr && item->acknowledged && item->expires > now;
}

// Only what is known: when a put was not acknowledged, nobody knows which expiry its value has.
bool Oracle::Impl::has_expired(const Item& item, const Id& digest, WallTime now) const {
  return std::ranges::all_of(item.versions, [&](std::uint32_t index) {
    const Version& version = versions[index];
    return version.digest != digest || (version.acknowledged && version.expires <= now);
  });
}

bool Oracle::value_got(const Command& command, const ItemName& name, std::uint64_t sequence, ByteView value,
                       WallTime started, Instant when) {
  const Impl::Item* item = impl_->find_item(name);
  const Id digest = sha256(value);
  const bool genuine =
      item != nullptr && std::ranges::any_of(item->versions, [&](std::uint32_t index) {
        const Impl::Version& version = impl_->versions[index];
        return version.digest == digest && (!version.acknowledged || version.sequence == sequence);
      });
  if (impl_->fails(Rule::kForgedValue, genuine)) {
    impl_->violated(Rule::kForgedValue, command, when,
                    fmt::format("item {}: {} bytes with sequence number {}, which nobody put",
                                name_text(name), value.size(), sequence));
    return false;
  }
  // Hosts whose clocks are wrong keep items for longer than they should, and no reader can tell whose.
  if (impl_->distrusted == 0 &&
      impl_->fails(Rule::kExpiredServed, !impl_->has_expired(*item, digest, started))) {
    impl_->violated(Rule::kExpiredServed, command, when,
                    fmt::format("item {}: the value got had expired before the get began", name_text(name)));
  }
  if (name.kind != ItemKind::kPublish) return true;
  std::uint64_t& highest = impl_->read[command.host][name];
  if (impl_->fails(Rule::kSequenceBackwards, sequence >= highest)) {
    impl_->violated(Rule::kSequenceBackwards, command, when,
                    fmt::format("item {}: sequence number {} after {}", name_text(name), sequence, highest));
  }
  highest = std::max(highest, sequence);
  return true;
}

// --- census

void Oracle::begin_census(Instant when, WallTime wall_time) {
  impl_->census_when = when;
  impl_->census_wall_time = wall_time;
  impl_->census_held_before = std::exchange(impl_->census_held, 0);
  ++impl_->censuses;
  for (Impl::Item& item : impl_->items) {
    item.holders_next.clear();
    item.returning = 0;
  }
}

void Oracle::count_store(HostIndex host, const ItemTotals& totals) {
  const bool within =
      totals.count <= impl_->config.items_max && totals.body_bytes <= impl_->config.item_bytes_max;
  if (impl_->fails(Rule::kStoreBound, within)) {
    impl_->violated(Rule::kStoreBound, host, impl_->census_when,
                    fmt::format("it holds {} items of {} bytes, the bounds are {} and {}", totals.count,
                                totals.body_bytes, impl_->config.items_max, impl_->config.item_bytes_max));
  }
}

void Oracle::count_holder(HostIndex host, const ItemHeader& held) {
  if (held.name.kind == ItemKind::kConnection) return;
  const auto found = impl_->item_of_name.find(held.name);
  if (found == impl_->item_of_name.end()) return;
  const std::uint64_t stride = impl_->census_held_before / kVerifiedPerCensus + 1;
  if (impl_->census_held++ % stride == impl_->censuses % stride) {
    impl_->verify_held(host, held.name, held.sequence);
  }
  Impl::Item& item = impl_->items[found->second];
  if (held.expires <= impl_->census_wall_time) return;
  const Impl::Host& state = impl_->host_at(host);
  if (state.online) {
    item.holders_next.push_back({host, state.since, held.sequence});
  } else if (held.sequence >= item.sequence) {
    ++item.returning;
  }
}

void Oracle::Impl::verify_held(HostIndex host, const ItemName& name, std::uint64_t sequence) {
  if (witness == nullptr || host_at(host).distrusted) return;
  const auto held = witness->held(host, name);
  if (!held) return;
  const auto verified = verify_item(wire::Item{.kind = name.kind, .body = *held->body});
  const bool genuine = verified && verified->name == name && verified->sequence == sequence;
  if (fails(Rule::kForgedHeld, genuine)) {
    violated(Rule::kForgedHeld, host, census_when,
             fmt::format("item {}: the {} bytes it holds are not that item{}", name_text(name),
                         held->body->size(), verified ? "" : ": " + verified.error().message));
  }
}

// Who holds the newest acknowledged version, or a newer one.
std::vector<HostIndex> Oracle::Impl::current_holders(const Item& item,
                                                     const std::vector<Holder>& holders) const {
  std::vector<HostIndex> current;
  for (const Holder& holder : holders) {
    if (holder.sequence >= item.sequence) current.push_back(holder.host);
  }
  return current;
}

void Oracle::Impl::check_survival(const Item& item, bool anybody) {
  const auto stayed = [this, &item](const Holder& holder) {
    const Host& host = hosts[holder.host];
    return host.online && host.since == holder.since && !host.distrusted && holder.sequence >= item.sequence;
  };
  const auto survivor = std::ranges::find_if(item.holders, stayed);
  if (survivor == item.holders.end()) return;
  if (fails(Rule::kItemVanished, anybody)) {
    violated(Rule::kItemVanished, survivor->host, census_when,
             fmt::format("item {}: nobody online holds it, though {} did and never left",
                         name_text(item.name), name_of(survivor->host)));
  }
}

void Oracle::Impl::check_downgrades(const Item& item) {
  if (item.name.kind != ItemKind::kPublish) return;
  for (const Holder& before : item.holders) {
    const auto now = std::ranges::find(item.holders_next, before.host, &Holder::host);
    if (now == item.holders_next.end() || now->since != before.since) continue;
    if (hosts[before.host].distrusted) continue;
    if (fails(Rule::kRecordDowngraded, now->sequence >= before.sequence)) {
      violated(Rule::kRecordDowngraded, before.host, census_when,
               fmt::format("item {}: it holds sequence number {}, and held {}", name_text(item.name),
                           now->sequence, before.sequence));
    }
  }
}

void Oracle::end_census() {
  Impl& impl = *impl_;
  impl.lost = 0;
  impl.census.resize(impl.items.size());
  for (std::size_t i = 0; i < impl.items.size(); ++i) {
    Impl::Item& item = impl.items[i];
    ItemCensus& census = impl.census[i];
    const std::vector<HostIndex> current = impl.current_holders(item, item.holders_next);
    census = {.expected = item.acknowledged && item.expires > impl.census_wall_time,
              .online = static_cast<std::uint32_t>(current.size()),
              .returning = item.returning,
              .held_until = {}};
    if (census.expected) {
      impl.check_survival(item, !current.empty());
      if (current.empty()) census.held_until = impl.current_holders(item, item.holders);
      if (current.empty() && item.returning == 0) ++impl.lost;
    }
    impl.check_downgrades(item);
    if (impl.fails(Rule::kOverReplicated, item.holders_next.size() <= impl.config.copies_max)) {
      impl.violated(Rule::kOverReplicated, item.holders_next.front().host, impl.census_when,
                    fmt::format("item {}: {} online hosts hold it, the bound is {}", name_text(item.name),
                                item.holders_next.size(), impl.config.copies_max));
    }
    std::swap(item.holders, item.holders_next);
  }
}

const std::vector<Oracle::ItemCensus>& Oracle::census() const {
  return impl_->census;
}

std::size_t Oracle::lost_count() const {
  return impl_->lost;
}

}  // namespace shoal::sim
