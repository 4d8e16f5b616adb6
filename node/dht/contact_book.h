// ContactBook: keys and endpoints of all contacts that anybody in this process holds, once each,
// reference-counted. A table entry then needs four bytes for a contact. Simulated nodes share one book; a
// real node has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "node/base/check.h"
#include "node/base/contact.h"

namespace shoal {

// Index into a ContactBook; the holder owns one count and gives it back with release().
using ContactRef = std::uint32_t;
inline constexpr ContactRef kNoContact = 0xffff'ffff;

class ContactBook {
 public:
  ContactBook();
  ~ContactBook();
  ContactBook(const ContactBook&) = delete;
  ContactBook& operator=(const ContactBook&) = delete;

  // The contact's ref, with one count for the caller. Equal contacts have equal refs (interface included).
  ContactRef acquire(const Contact& contact);
  // One more count for a ref that somebody holds. At most 2^32 - 1 counts.
  void retain(ContactRef ref) {
    Record& record = held(ref);
    check(++record.count != 0, "contact counts overflow");
  }
  // Gives one count back; with the last one the contact is forgotten and its ref may name another.
  void release(ContactRef ref);
  // Valid until the next acquire().
  const Contact& operator[](ContactRef ref) const { return records_[ref].contact; }
  // Contacts that somebody holds.
  std::size_t size() const;
  std::size_t memory_bytes() const;

 private:
  // One cache line: what a table reads of a contact costs one miss.
  struct alignas(64) Record {
    Contact contact;
    std::uint32_t count = 0;  // 0: free
    ContactRef next_free = kNoContact;
  };
  static_assert(sizeof(Record) == 64);
  struct Index;  // refs by the contact they name

  Record& held(ContactRef ref) {
    check(ref < records_.size() && records_[ref].count != 0, "contact ref that nobody holds");
    return records_[ref];
  }

  std::vector<Record> records_;
  ContactRef first_free_ = kNoContact;
  std::unique_ptr<Index> index_;
};

}  // namespace shoal
