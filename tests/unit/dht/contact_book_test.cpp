#include "node/dht/contact_book.h"

#include <gtest/gtest.h>

#include <map>

#include "node/base/rng.h"

namespace shoal {
namespace {

Contact contact_number(std::uint8_t number) {
  Contact contact;
  contact.key.bytes[0] = number;
  contact.endpoint = Endpoint::v4(0x0a000000u + number, 4000);
  return contact;
}

TEST(ContactBook, GivesEqualContactsEqualRefs) {
  ContactBook book;
  const ContactRef first = book.acquire(contact_number(1));
  const ContactRef second = book.acquire(contact_number(2));
  EXPECT_NE(first, second);
  EXPECT_EQ(book.acquire(contact_number(1)), first);
  EXPECT_EQ(book.size(), 2u);
  EXPECT_EQ(book[first], contact_number(1));
  EXPECT_EQ(book[second], contact_number(2));
}

TEST(ContactBook, TellsContactsApartByEveryPart) {
  ContactBook book;
  const Contact one = contact_number(1);
  Contact other_port = one;
  other_port.endpoint.port = 4001;
  Contact other_interface = one;
  other_interface.endpoint.interface = 3;
  Contact other_key = one;
  other_key.key.bytes[31] = 1;
  const ContactRef ref = book.acquire(one);
  EXPECT_NE(book.acquire(other_port), ref);
  EXPECT_NE(book.acquire(other_interface), ref);
  EXPECT_NE(book.acquire(other_key), ref);
  EXPECT_EQ(book.size(), 4u);
}

TEST(ContactBook, ForgetsAContactWithItsLastCountAndReusesItsPlace) {
  ContactBook book;
  const ContactRef ref = book.acquire(contact_number(1));
  book.retain(ref);
  book.release(ref);
  EXPECT_EQ(book.size(), 1u);
  EXPECT_EQ(book[ref], contact_number(1));
  book.release(ref);
  EXPECT_EQ(book.size(), 0u);
  EXPECT_EQ(book.acquire(contact_number(2)), ref);
  EXPECT_EQ(book[ref], contact_number(2));
}

TEST(ContactBookDeathTest, RefusesARefThatNobodyHolds) {
  ContactBook book;
  const ContactRef ref = book.acquire(contact_number(1));
  book.release(ref);
  EXPECT_DEATH(book.release(ref), "nobody holds");
  EXPECT_DEATH(book.retain(kNoContact), "nobody holds");
}

TEST(ContactBook, AgreesWithAMapOverRandomOperations) {
  Rng rng = Rng::keyed(1, "test", "book");
  ContactBook book;
  struct Held {
    ContactRef ref;
    std::size_t count;
  };
  std::map<Contact, Held> model;
  for (int step = 0; step < 50'000; ++step) {
    Contact contact = contact_number(static_cast<std::uint8_t>(rng.below(256)));
    contact.endpoint.port = static_cast<std::uint16_t>(1 + rng.below(4));
    const auto held = model.find(contact);
    const bool grow = rng.below(100) < (step / 5000 % 2 == 0 ? 70u : 30u);
    if (grow) {
      const ContactRef ref = book.acquire(contact);
      if (held != model.end()) {
        ASSERT_EQ(ref, held->second.ref);
      }
      Held& now = model[contact];
      now = {ref, now.count + 1};
    } else if (held != model.end()) {
      book.release(held->second.ref);
      if (--held->second.count == 0) model.erase(held);
    }
    ASSERT_EQ(book.size(), model.size());
  }
  for (const auto& [contact, held] : model) {
    ASSERT_EQ(book[held.ref], contact);
    for (std::size_t i = 0; i < held.count; ++i) book.release(held.ref);
  }
  EXPECT_EQ(book.size(), 0u);
}

TEST(ContactBook, SpendsAboutOneCacheLineAndOneIndexSlotOnAContact) {
  ContactBook book;
  Rng rng = Rng::keyed(2, "test", "book");
  constexpr std::size_t kContacts = 3 << 14;  // fills the vector's and the index's last growth step well
  for (std::size_t i = 0; i < kContacts; ++i) book.acquire({rng.id(), Endpoint::v4(0x0a000001, 1)});
  EXPECT_LT(book.memory_bytes() / kContacts, 110u);
}

}  // namespace
}  // namespace shoal
