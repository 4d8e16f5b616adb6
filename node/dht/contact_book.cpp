// ContactBook: see the header.
#include "node/dht/contact_book.h"

#include <tsl/robin_set.h>

#include <functional>

namespace shoal {
namespace {

std::uint64_t folded(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::size_t hash_of(const Contact& contact) {
  const Id& key = contact.key;
  const std::uint64_t high = folded(key.word(0) ^ 0xa0761d6478bd642fu, key.word(1) ^ 0xe7037ed1a0b428dbu);
  const std::uint64_t low = folded(key.word(2) ^ 0x8ebc6af09c88c6e3u, key.word(3) ^ 0x589965cc75374cc3u);
  return folded(high ^ std::hash<Endpoint>{}(contact.endpoint), low ^ 0x1d8e4e27c47d124fu);
}

}  // namespace

// The set holds only refs; it reads the contacts themselves in records_. Its order is never looked at.
struct ContactBook::Index {
  struct Hash {
    const std::vector<Record>* records;
    std::size_t operator()(ContactRef ref) const { return hash_of((*records)[ref].contact); }
    std::size_t operator()(const Contact& contact) const { return hash_of(contact); }
  };
  struct Equal {
    using is_transparent = void;
    const std::vector<Record>* records;
    bool operator()(ContactRef a, ContactRef b) const { return a == b; }
    bool operator()(ContactRef a, const Contact& b) const { return (*records)[a].contact == b; }
    bool operator()(const Contact& a, ContactRef b) const { return (*records)[b].contact == a; }
  };
  // With the hashes stored, a probe reads a record only when it is the one, and growing reads none.
  using Set = tsl::robin_set<ContactRef, Hash, Equal, std::allocator<ContactRef>, /*StoreHash=*/true>;

  explicit Index(const std::vector<Record>& records) : refs(0, Hash{&records}, Equal{&records}) {
    refs.max_load_factor(0.75f);
  }
  Set refs;
};

ContactBook::ContactBook() : index_(std::make_unique<Index>(records_)) {}
ContactBook::~ContactBook() = default;

ContactRef ContactBook::acquire(const Contact& contact) {
  const std::size_t hash = hash_of(contact);
  const auto found = index_->refs.find(contact, hash);
  if (found != index_->refs.end()) {
    retain(*found);
    return *found;
  }
  ContactRef ref = first_free_;
  if (ref == kNoContact) {
    check(records_.size() < kNoContact, "contact book full");
    ref = static_cast<ContactRef>(records_.size());
    records_.emplace_back();
  } else {
    first_free_ = records_[ref].next_free;
  }
  records_[ref] = {.contact = contact, .count = 1};
  index_->refs.insert(ref);
  return ref;
}

void ContactBook::release(ContactRef ref) {
  Record& record = held(ref);
  if (--record.count != 0) return;
  index_->refs.erase(ref);
  record.next_free = first_free_;
  first_free_ = ref;
}

std::size_t ContactBook::size() const {
  return index_->refs.size();
}

std::size_t ContactBook::memory_bytes() const {
  constexpr std::size_t kSlotBytes = 12;  // of tsl::robin_set: hash, distance, ref
  return sizeof *this + sizeof(Index) + records_.capacity() * sizeof(Record) +
         index_->refs.bucket_count() * kSlotBytes;
}

}  // namespace shoal
