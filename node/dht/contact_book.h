// ContactBook: keys and endpoints of all contacts that anybody in this process holds, once each,
// reference-counted. A table entry then needs four bytes for a contact. Simulated nodes share one book; a
// real node has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

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
  void retain(ContactRef ref);
  void release(ContactRef ref);
  // Valid until the next acquire().
  const Contact& operator[](ContactRef ref) const;
  std::size_t size() const;

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace shoal
