#include "sim/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "node/dht/item.h"
#include "node/secure/keys.h"
#include "sim/host_name.h"

namespace shoal::sim {
namespace {

// Of a published record: an address book entry, say; well within a datagram.
constexpr std::size_t kRecordBytes = 200;
// The first publishes are spread over this.
constexpr Duration kFirstPublishesOver = 1min;

// Where an item lies that has not been put.
constexpr Id kNotPut{};

Guid guid_of(CommandId id) {
  return {static_cast<std::uint32_t>(id.value), static_cast<std::uint32_t>(id.value >> 32)};
}

std::string item_stream(std::uint32_t item) {
  return fmt::format("item-{}", item);
}
std::string record_stream(std::uint32_t record) {
  return fmt::format("record-{}", record);
}

Duration uniform(Duration over, Rng& rng) {
  return Duration(static_cast<Duration::rep>(rng.unit() * static_cast<double>(over.count())));
}

// How many times as often as on average each of `count` things is wanted.
std::vector<double> weights_of(const Popularity& popularity, std::uint32_t count) {
  std::vector<double> weights(count);
  double sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) sum += weights[i] = std::pow(i + 1.0, -popularity.zipf_exponent);
  for (double& weight : weights) weight *= count / sum;
  return weights;
}

}  // namespace

Workload::Workload(const Scenario& scenario, Network& network, Population& population, Recorder& recorder)
    : scenario_(scenario),
      network_(network),
      population_(population),
      recorder_(recorder),
      start_(network.now()),
      end_(network.now() + scenario.duration) {}

void Workload::start() {
  if (scenario_.workload.lookups) {
    lookups_.resize(population_.size());
    if (const auto times = scenario_.workload.lookups->times)
      lookups_left_.resize(population_.size(), *times);
    for (HostIndex host = 0; host < lookups_.size(); ++host) next_lookup(host);
  }
  if (scenario_.workload.items) schedule_items();
  if (scenario_.workload.publish) schedule_records();
  if (scenario_.workload.groups) schedule_broadcasts();
  if (scenario_.workload.folders) schedule_edits();
}

Duration Workload::poisson_gap(Duration every, double weight, Rng& rng) const {
  const double gap = Distribution::exponential(to_seconds(every) / weight).draw(rng);
  return from_seconds(std::min(gap, to_seconds(scenario_.duration)));
}

void Workload::after(Duration wait, void (Workload::*what)(std::uint32_t), std::uint32_t subject) {
  const Instant when = network_.now() + wait;
  if (when < end_) network_.at(when, [this, what, subject] { (this->*what)(subject); });
}

void Workload::begin(const Operation& operation, Command command) {
  const Guid guid = operations_.insert(operation);
  // A million commands in flight: the network has long stopped answering, and one more says nothing.
  if (!guid) return;
  recorder_.commanded(operation.recorded, guid);
  population_.command(operation.host, CommandId{guid.value()}, std::move(command));
}

void Workload::on_host_gone(HostIndex host) {
  std::vector<Guid> gone;
  operations_.for_each([&](Guid guid, const Operation& operation) {
    if (operation.host == host) gone.push_back(guid);
  });
  for (const Guid guid : gone) operations_.erase(guid);
}

void Workload::on_command_result(HostIndex, CommandId command, const CommandResult& result) {
  const auto operation = operations_.take(guid_of(command));
  if (!operation) return;
  switch (operation->kind) {
    case Kind::kLookup:
      return on_lookup_result(*operation, result);
    case Kind::kPut:
    case Kind::kPublish:
      return on_store_result(*operation, result);
    case Kind::kGet:
      return on_get_result(*operation, result);
    case Kind::kRead:
      return on_read_result(*operation, result);
    case Kind::kBroadcast:
      return;  // what matters is whom the event reaches
  }
}

// Lookups: each host has a Poisson process of its own, which goes on while the host is away.

void Workload::next_lookup(HostIndex host) {
  Rng rng = Rng::keyed(scenario_.seed, host_name(host), fmt::format("lookup gap {}", lookups_[host]));
  after(poisson_gap(scenario_.workload.lookups->every, 1, rng), &Workload::lookup, host);
}

void Workload::lookup(HostIndex host) {
  const std::uint32_t number = lookups_[host]++;
  const bool begins = population_.is_settled(host);
  const bool last = begins && !lookups_left_.empty() && --lookups_left_[host] == 0;
  if (!last) next_lookup(host);
  if (!begins) return;
  const auto wanted = lookup_target(host, number);
  if (!wanted) return;
  const Id target = *wanted;
  Operation operation{.kind = Kind::kLookup, .host = host, .recorded = {}};
  operation.recorded = recorder_.lookup_started(host, target, network_.now());
  begin(operation, FindCommand{target});
}

// Nothing: there is nobody else, or no such item yet, to look for.
std::optional<Id> Workload::lookup_target(HostIndex host, std::uint32_t number) {
  using Targets = LookupsSpec::Targets;
  Rng rng = Rng::keyed(scenario_.seed, host_name(host), fmt::format("lookup target {}", number));
  switch (scenario_.workload.lookups->targets) {
    case Targets::kRandom:
      break;
    case Targets::kHosts: {
      const auto other = population_.random_settled(rng);
      return other && *other != host ? std::optional(population_.id(*other)) : std::nullopt;
    }
    case Targets::kItems: {
      const Id& location = items_[rng.below(scenario_.workload.items->count)].name.location;
      return location == kNotPut ? std::nullopt : std::optional(location);
    }
  }
  return rng.id();
}

void Workload::on_lookup_result(const Operation& operation, const CommandResult& result) {
  if (!result) return recorder_.lookup_failed(operation.recorded, result.error().code, network_.now());
  recorder_.lookup_ended(operation.recorded, std::get<FindResult>(*result).lookup, network_.now());
}

// Hash items

Bytes item_value(const Scenario& scenario, std::uint32_t item) {
  const ItemsSpec& spec = *scenario.workload.items;
  Rng rng = Rng::keyed(scenario.seed, item_stream(item), "value");
  // Log-uniform: as many between 1 and 2 KiB as between 32 and 64.
  const double low = std::log(static_cast<double>(spec.size_min) + 1);
  const double high = std::log(static_cast<double>(spec.size_max) + 1);
  const double size = std::exp(low + (high - low) * rng.unit()) - 1;
  Bytes value(std::clamp(static_cast<std::uint32_t>(std::lround(size)), spec.size_min, spec.size_max));
  rng.fill(value);
  return value;
}

void Workload::add_item() {
  const std::string stream = item_stream(static_cast<std::uint32_t>(items_.size()));
  Item& item = items_.emplace_back(
      Item{Rng::keyed(scenario_.seed, stream, "use"), Rng::keyed(scenario_.seed, stream, "crowd"), {}});
  item.name.kind = ItemKind::kHash;
}

void Workload::schedule_items() {
  const ItemsSpec& spec = *scenario_.workload.items;
  item_weights_ = weights_of(spec.popularity, spec.count);
  items_.reserve(spec.count);
  for (std::uint32_t i = 0; i < spec.count; ++i) {
    add_item();
    const Duration wait = uniform(spec.put_over, items_[i].rng);
    after(scenario_.population.arrival_over + wait, &Workload::put, i);
  }
  if (spec.put_every) next_further_put(0);
  if (!spec.flash_crowd) return;
  for (std::uint32_t i = 0; i < spec.flash_crowd->items; ++i) {
    after(spec.flash_crowd->at, &Workload::next_crowd_get, i);
  }
}

// Further items: a Poisson process of the whole network, once the first are put.
void Workload::next_further_put(std::uint32_t number) {
  const ItemsSpec& spec = *scenario_.workload.items;
  Rng rng = Rng::keyed(scenario_.seed, "items", fmt::format("put gap {}", number));
  Duration wait = poisson_gap(*spec.put_every, 1, rng);
  if (number == 0) wait += scenario_.population.arrival_over + spec.put_over;
  after(wait, &Workload::put_further, number);
}

void Workload::put_further(std::uint32_t number) {
  next_further_put(number + 1);
  add_item();
  put(static_cast<std::uint32_t>(items_.size() - 1));
}

void Workload::put(std::uint32_t index) {
  Item& item = items_[index];
  const auto host = population_.random_settled(item.rng);
  // Nobody is there yet (hosts join at once): a little later, then.
  if (!host) return after(Population::kSettledAfter, &Workload::put, index);
  Bytes value = item_value(scenario_, index);
  item.name.location = hash_item_location(value);
  Operation operation{.kind = Kind::kPut, .host = *host, .subject = index, .recorded = {}};
  operation.recorded = recorder_.put_started(*host, item.name, value, network_.now());
  begin(operation, PutCommand{std::move(value)});
  // From now on, whatever becomes of the put: when gets come is no matter of what the network does.
  next_get(index);
}

void Workload::on_store_result(const Operation& operation, const CommandResult& result) {
  if (!result) return recorder_.put_failed(operation.recorded, result.error().code, network_.now());
  const StoreResult& store = std::get<StoreResult>(*result);
  recorder_.put_ended(operation.recorded, store, network_.wall_time() + item_lifetime(), network_.now());
}

std::chrono::milliseconds Workload::item_lifetime() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(scenario_.population.node.item_lifetime);
}

void Workload::next_get(std::uint32_t index) {
  const auto& every = scenario_.workload.items->get_every;
  if (!every) return;
  const double weight = item_weights_[index % item_weights_.size()];
  after(poisson_gap(*every, weight, items_[index].rng), &Workload::get, index);
}

void Workload::get(std::uint32_t index) {
  next_get(index);
  get_from(index, items_[index].rng);
}

// What a flash crowd gets beyond the usual.
void Workload::next_crowd_get(std::uint32_t index) {
  const ItemsSpec& spec = *scenario_.workload.items;
  const double weight = item_weights_[index] * (spec.flash_crowd->factor - 1);
  if (weight <= 0) return;
  const Duration wait = poisson_gap(*spec.get_every, weight, items_[index].crowd);
  const Instant over = start_ + spec.flash_crowd->at + spec.flash_crowd->lasts;
  if (network_.now() + wait < over) after(wait, &Workload::crowd_get, index);
}

void Workload::crowd_get(std::uint32_t index) {
  next_crowd_get(index);
  get_from(index, items_[index].crowd);
}

void Workload::get_from(std::uint32_t index, Rng& rng) {
  const auto host = population_.random_settled(rng);
  if (!host || items_[index].name.location == kNotPut) return;
  Operation operation{.kind = Kind::kGet, .host = *host, .subject = index, .recorded = {}};
  operation.recorded = recorder_.get_started(*host, items_[index].name, network_.now());
  begin(operation, GetCommand{items_[index].name.location});
}

void Workload::on_get_result(const Operation& operation, const CommandResult& result) {
  if (!result) return recorder_.get_failed(operation.recorded, result.error().code, network_.now());
  recorder_.get_ended(operation.recorded, std::get<GetResult>(*result).value, 0, network_.now());
}

// Published records: any host that holds the secret may update one, here whoever is drawn.

Bytes Workload::record_value(std::uint32_t record, std::uint64_t sequence) const {
  Bytes value(kRecordBytes);
  Rng::keyed(scenario_.seed, record_stream(record), fmt::format("value {}", sequence)).fill(value);
  return value;
}

void Workload::schedule_records() {
  const PublishSpec& spec = *scenario_.workload.publish;
  record_weights_ = weights_of(spec.popularity, spec.count);
  records_.reserve(spec.count);
  for (std::uint32_t i = 0; i < spec.count; ++i) {
    const std::string stream = record_stream(i);
    const Rng::Seed secret = Rng::keyed(scenario_.seed, stream, "key").seed();
    const Id public_key = KeyPair::from_seed(secret).public_key();
    records_.push_back({Rng::keyed(scenario_.seed, stream, "updates"),
                        Rng::keyed(scenario_.seed, stream, "reads"),
                        secret,
                        public_key,
                        {publish_item_location(public_key), ItemKind::kPublish, {}}});
    const Duration wait = uniform(kFirstPublishesOver, records_[i].updates);
    after(scenario_.population.arrival_over + wait, &Workload::publish, i);
  }
}

void Workload::next_update(std::uint32_t index) {
  after(poisson_gap(scenario_.workload.publish->update_every, 1, records_[index].updates), &Workload::publish,
        index);
}

void Workload::publish(std::uint32_t index) {
  Record& record = records_[index];
  next_update(index);
  const auto host = population_.random_settled(record.updates);
  if (!host) return;
  // A number is never used for two values, whatever became of the first.
  const std::uint64_t sequence = ++record.sequence;
  Bytes value = record_value(index, sequence);
  if (sequence == 1) next_read(index);
  Operation operation{.kind = Kind::kPublish, .host = *host, .subject = index, .recorded = {}};
  operation.recorded = recorder_.put_started(*host, record.name, value, network_.now());
  PublishCommand command;
  command.secret = record.secret;
  command.value = std::move(value);
  command.sequence = sequence;
  begin(operation, std::move(command));
}

void Workload::next_read(std::uint32_t index) {
  const auto& every = scenario_.workload.publish->get_every;
  if (!every) return;
  after(poisson_gap(*every, record_weights_[index], records_[index].reads), &Workload::read, index);
}

void Workload::read(std::uint32_t index) {
  Record& record = records_[index];
  next_read(index);
  const auto host = population_.random_settled(record.reads);
  if (!host) return;
  Operation operation{.kind = Kind::kRead, .host = *host, .subject = index, .recorded = {}};
  operation.recorded = recorder_.get_started(*host, record.name, network_.now());
  begin(operation, LookupCommand{record.public_key, record.name.salt});
}

void Workload::on_read_result(const Operation& operation, const CommandResult& result) {
  if (!result) return recorder_.get_failed(operation.recorded, result.error().code, network_.now());
  const auto& records = std::get<PublishedResult>(*result).records;
  if (records.empty()) {
    return recorder_.get_failed(operation.recorded, ErrorCode::kNotFound, network_.now());
  }
  const PublishRecord& record = records.front();
  recorder_.get_ended(operation.recorded, record.value, record.sequence, network_.now());
}

}  // namespace shoal::sim
