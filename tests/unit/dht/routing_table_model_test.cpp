// The table against a naive model of the same rules, over random operations.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "node/base/rng.h"
#include "node/dht/routing_table.h"

namespace shoal {
namespace {

using Added = RoutingTable::Added;

struct ModelEntry {
  Contact contact;
  Instant seen;
  Duration rtt{};
  int failures = 0;
};
using Entries = std::vector<ModelEntry>;

struct ModelBucket {
  Entries contacts;
  Entries waiting;
};

Entries::iterator find_key(Entries& entries, const Id& key) {
  return std::find_if(entries.begin(), entries.end(),
                      [&](const ModelEntry& e) { return e.contact.key == key; });
}

// Times and RTTs in the test are all different, so that every choice has one right answer.
class Model {
 public:
  Model(const Id& self, const TableConfig& config) : self_(self), config_(config) {}

  Added add(const Contact& contact, Instant now, Duration rtt) {
    const int index = bucket_index(self_, contact.key);
    if (index < 0) return Added::kSelf;
    ModelBucket& bucket = buckets_[index];
    const ModelEntry entry{contact, now, rtt};
    for (Entries* entries : {&bucket.contacts, &bucket.waiting}) {
      const auto known = find_key(*entries, contact.key);
      if (known == entries->end()) continue;
      if (known->contact.endpoint != contact.endpoint && in_subnet(bucket, contact) >= limit(contact)) {
        return Added::kSubnetFull;
      }
      if (entries == &bucket.contacts) {
        *known = entry;
        return Added::kRefreshed;
      }
      bucket.waiting.erase(known);
      if (ModelEntry* failed = worst(bucket, nullptr)) {
        *failed = entry;
        return Added::kNew;
      }
      bucket.waiting.push_back(entry);
      return Added::kReplacement;
    }
    if (in_subnet(bucket, contact) >= limit(contact)) {
      if (ModelEntry* failed = worst(bucket, &contact)) {
        *failed = entry;
        return Added::kNew;
      }
      const auto oldest = oldest_waiting(bucket, &contact);
      if (oldest == bucket.waiting.end()) return Added::kSubnetFull;
      bucket.waiting.erase(oldest);
    }
    if (bucket.contacts.size() < capacity(index)) {
      bucket.contacts.push_back(entry);
      return Added::kNew;
    }
    if (ModelEntry* failed = worst(bucket, nullptr)) {
      *failed = entry;
      return Added::kNew;
    }
    if (config_.replacements_max != 0) {
      if (bucket.waiting.size() == config_.replacements_max) {
        bucket.waiting.erase(oldest_waiting(bucket, nullptr));
      }
      bucket.waiting.push_back(entry);
    }
    return Added::kReplacement;
  }

  // A removal is a failure that is the last straw.
  bool failed(const Id& key, bool removal) {
    ModelBucket& bucket = buckets_[bucket_index(self_, key)];
    if (const auto waits = find_key(bucket.waiting, key); waits != bucket.waiting.end()) {
      bucket.waiting.erase(waits);
      return false;
    }
    const auto known = find_key(bucket.contacts, key);
    if (known == bucket.contacts.end()) return false;
    if (!removal && ++known->failures < config_.failures_max) return false;
    bucket.contacts.erase(known);
    if (bucket.waiting.empty()) return true;
    Instant freshest = bucket.waiting.front().seen;
    for (const ModelEntry& e : bucket.waiting) freshest = std::max(freshest, e.seen);
    auto best = bucket.waiting.end();
    for (auto i = bucket.waiting.begin(); i != bucket.waiting.end(); ++i) {
      if (i->seen < freshest - 1min) continue;
      if (best == bucket.waiting.end() || i->rtt < best->rtt) best = i;
    }
    bucket.contacts.push_back(*best);
    bucket.waiting.erase(best);
    return true;
  }

  // Contacts by key.
  std::map<Id, ModelEntry> contacts() const {
    std::map<Id, ModelEntry> all;
    for (const auto& [index, bucket] : buckets_) {
      for (const ModelEntry& e : bucket.contacts) all.emplace(e.contact.key, e);
    }
    return all;
  }

  std::size_t waiting() const {
    std::size_t count = 0;
    for (const auto& [index, bucket] : buckets_) count += bucket.waiting.size();
    return count;
  }

  std::vector<int> stale(Instant before, std::size_t nearest) const {
    std::vector<int> stale;
    int last = kIdBits;
    std::size_t within = 0;
    for (const auto& [index, bucket] : buckets_) {
      within += bucket.contacts.size();
      if (within < nearest) continue;
      last = index;
      break;
    }
    for (int index = kIdBits - 1; index >= last; --index) {
      const auto found = buckets_.find(index);
      const Entries contacts = found == buckets_.end() ? Entries{} : found->second.contacts;
      const bool fresh = std::any_of(contacts.begin(), contacts.end(),
                                     [&](const ModelEntry& e) { return e.seen >= before; });
      if (!fresh || contacts.size() < capacity(index)) stale.push_back(index);
    }
    return stale;
  }

  void expect_invariants() const {
    for (const auto& [index, bucket] : buckets_) {
      ASSERT_LE(bucket.contacts.size(), capacity(index));
      ASSERT_LE(bucket.waiting.size(), config_.replacements_max);
      ASSERT_TRUE(bucket.waiting.empty() || bucket.contacts.size() == capacity(index));
      std::map<std::uint64_t, std::size_t> subnets;
      for (const Entries* entries : {&bucket.contacts, &bucket.waiting}) {
        for (const ModelEntry& e : *entries) {
          const std::size_t count = ++subnets[subnet_of(e.contact.endpoint.address)];
          ASSERT_LE(count, limit(e.contact));
        }
      }
    }
  }

 private:
  std::size_t capacity(int index) const {
    const auto depth = static_cast<std::size_t>(kIdBits - 1 - index);
    return depth < config_.first_buckets.size() ? config_.first_buckets[depth] : config_.k;
  }

  std::size_t limit(const Contact& contact) const {
    const bool exempt = config_.own_is_local && contact.endpoint.is_local();
    return exempt || config_.per_subnet_max == 0 ? ~std::size_t{0} : config_.per_subnet_max;
  }

  static bool share_subnet(const Contact& a, const Contact& b) {
    return subnet_of(a.endpoint.address) == subnet_of(b.endpoint.address);
  }

  static std::size_t in_subnet(const ModelBucket& bucket, const Contact& contact) {
    std::size_t count = 0;
    for (const Entries* entries : {&bucket.contacts, &bucket.waiting}) {
      for (const ModelEntry& e : *entries) {
        if (e.contact.key != contact.key && share_subnet(e.contact, contact)) ++count;
      }
    }
    return count;
  }

  static ModelEntry* worst(ModelBucket& bucket, const Contact* sharing) {
    ModelEntry* worst = nullptr;
    for (ModelEntry& e : bucket.contacts) {
      if (e.failures == 0 || (sharing != nullptr && !share_subnet(e.contact, *sharing))) continue;
      if (worst == nullptr || std::pair(-e.failures, e.seen) < std::pair(-worst->failures, worst->seen)) {
        worst = &e;
      }
    }
    return worst;
  }

  static Entries::iterator oldest_waiting(ModelBucket& bucket, const Contact* sharing) {
    auto oldest = bucket.waiting.end();
    for (auto i = bucket.waiting.begin(); i != bucket.waiting.end(); ++i) {
      if (sharing != nullptr && !share_subnet(i->contact, *sharing)) continue;
      if (oldest == bucket.waiting.end() || i->seen < oldest->seen) oldest = i;
    }
    return oldest;
  }

  Id self_;
  TableConfig config_;
  std::map<int, ModelBucket> buckets_;
};

std::optional<Contact> next_of(const Id& self, const std::map<Id, ModelEntry>& contacts, const Id& target) {
  if (contacts.empty() || target == self) return std::nullopt;
  auto above = contacts.upper_bound(self);
  const bool around = above == contacts.end();
  if (around) above = contacts.begin();
  const Id& up = above->first;
  const bool between = around ? target > self || target <= up : target > self && target <= up;
  if (between && closer(target, up, self)) return above->second.contact;
  const auto nearest = std::min_element(contacts.begin(), contacts.end(), [&](const auto& a, const auto& b) {
    return closer(target, a.first, b.first);
  });
  if (!closer(target, nearest->first, self)) return std::nullopt;
  return nearest->second.contact;
}

// A table and its model, fed the same.
class Pair {
 public:
  Pair(const TableConfig& config, Rng& rng)
      : rng_(rng), self_(rng.id()), table_(self_, book_, config), model_(self_, config) {
    for (int i = 0; i < 500; ++i) {
      // Shares its first bits with self, 0 to 11 of them, or very many, so that short forms of keys tie.
      Id key = rng.id();
      const std::size_t shared = i % 50 == 0 ? 250 : rng.below(12);
      for (std::size_t bit = 0; bit <= shared; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
        const std::uint8_t own = self_.bytes[bit / 8] & mask;
        const std::uint8_t wanted = bit == shared ? own ^ mask : own;
        key.bytes[bit / 8] = static_cast<std::uint8_t>((key.bytes[bit / 8] & ~mask) | wanted);
      }
      keys_.push_back(key);
    }
    keys_.push_back(self_);
  }

  void step() {
    now_ += std::chrono::milliseconds(1 + rng_.below(rng_.below(100) == 0 ? 300'000 : 500));
    rtt_ = Duration(100us) * ((rtt_ / 100us + 7919) % 60'000);
    const Id key = keys_[rng_.below(keys_.size())];
    const std::uint64_t dice = rng_.below(100);
    if (dice < 60) {
      const Contact contact = {key, endpoint()};
      ASSERT_EQ(table_.add(contact, now_, rtt_), model_.add(contact, now_, rtt_));
    } else if (dice < 95) {
      const bool gone = table_.failed(key);
      ASSERT_EQ(gone, key != self_ && model_.failed(key, false));
    } else {
      const bool gone = table_.remove(key);
      ASSERT_EQ(gone, key != self_ && model_.failed(key, true));
    }
  }

  void compare() {
    const std::map<Id, ModelEntry> contacts = model_.contacts();
    ASSERT_EQ(table_.size(), contacts.size());
    ASSERT_EQ(table_.replacements(), model_.waiting());
    ASSERT_EQ(book_.size(), contacts.size() + model_.waiting());
    std::set<Id> seen;
    int bucket = kIdBits;
    for (const RoutingTable::Row& row : table_.rows()) {
      const auto found = contacts.find(row.contact.key);
      ASSERT_NE(found, contacts.end());
      ASSERT_TRUE(seen.insert(row.contact.key).second);
      ASSERT_EQ(row.contact, found->second.contact);
      ASSERT_EQ(row.last_seen, found->second.seen);
      ASSERT_EQ(row.rtt, found->second.rtt);
      ASSERT_EQ(row.failures, found->second.failures);
      ASSERT_EQ(row.bucket, bucket_index(self_, row.contact.key));
      ASSERT_LE(row.bucket, bucket);
      bucket = row.bucket;
    }
    compare_answers(contacts);
    model_.expect_invariants();
  }

 private:
  Endpoint endpoint() {
    const auto subnet = static_cast<std::uint32_t>(rng_.below(400));
    const std::uint32_t network = subnet < 40 ? 0x0a000000u : 0x50000000u;
    const auto host = static_cast<std::uint32_t>(rng_.below(2));
    return Endpoint::v4(network + (subnet << 8) + host, static_cast<std::uint16_t>(1 + rng_.below(3)));
  }

  void compare_answers(const std::map<Id, ModelEntry>& contacts) {
    const Id key = keys_[rng_.below(keys_.size())];
    const auto known = contacts.find(key);
    ASSERT_EQ(table_.contains(key), known != contacts.end());
    ASSERT_EQ(table_.row(key).has_value(), known != contacts.end());
    if (known != contacts.end()) {
      ASSERT_EQ(table_.row(key)->last_seen, known->second.seen);
      ASSERT_EQ(table_.find(key), known->second.contact);
    }

    const Id target = rng_.below(2) == 0 ? key : rng_.id();
    std::vector<Contact> expected;
    for (const auto& [id, entry] : contacts) expected.push_back(entry.contact);
    std::sort(expected.begin(), expected.end(),
              [&](const Contact& a, const Contact& b) { return closer(target, a.key, b.key); });
    const std::size_t n = rng_.below(8) == 0 ? rng_.below(600) : rng_.below(30);
    if (expected.size() > n) expected.resize(n);
    std::vector<Contact> out;
    table_.closest(target, n, out);
    ASSERT_EQ(out, expected);
    ASSERT_EQ(table_.next(target), next_of(self_, contacts, target));

    const Instant before = now_ - std::chrono::seconds(rng_.below(600));
    const std::size_t nearest = 1 + rng_.below(rng_.below(2) == 0 ? 3 : 40);
    ASSERT_EQ(table_.stale_buckets(before, nearest), model_.stale(before, nearest));
  }

  Rng& rng_;
  Id self_;
  ContactBook book_;
  RoutingTable table_;
  Model model_;
  std::vector<Id> keys_;
  Instant now_ = Instant(1h);
  Duration rtt_{};
};

class RoutingTableModel : public testing::TestWithParam<TableConfig> {};

TEST_P(RoutingTableModel, AgreesOverRandomOperations) {
  Rng rng = Rng::keyed(1, "test", "model");
  Pair pair(GetParam(), rng);
  for (int step = 0; step < 30'000; ++step) {
    ASSERT_NO_FATAL_FAILURE(pair.step()) << "at step " << step;
    if (step % 8 == 0) {
      ASSERT_NO_FATAL_FAILURE(pair.compare()) << "at step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, RoutingTableModel,
    testing::Values(TableConfig{}, TableConfig{.k = 4, .first_buckets = {}, .replacements_max = 3},
                    TableConfig{.k = 8, .first_buckets = {16}, .per_subnet_max = 1, .own_is_local = true},
                    TableConfig{.k = 2, .first_buckets = {}, .per_subnet_max = 0, .failures_max = 4},
                    TableConfig{.k = 3, .first_buckets = {}, .replacements_max = 0, .failures_max = 1}));

}  // namespace
}  // namespace shoal
