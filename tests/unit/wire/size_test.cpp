// What fits a datagram, counted with the seal: the numbers in codec.h against encoded messages.
#include <gtest/gtest.h>

#include <limits>

#include "node/ports/datagrams.h"
#include "node/secure/sealed_datagram.h"
#include "node/wire/codec.h"
#include "tests/unit/wire/random_message.h"

namespace shoal::wire {
namespace {

static_assert(kDatagramMessageBytesMax + kSealOverheadBytes == kDatagramBytesMax);
static_assert(kPaddedFindBytes + kSealOverheadBytes == 416);

constexpr std::uint64_t kLongestNumber = std::numeric_limits<std::uint64_t>::max();

Response full_response(ResponseBody body) {
  Response response;
  response.id = kLongestNumber;
  response.token = Token{1};
  response.observed = Endpoint::v4(0xc0000201, 65'535);
  response.time_s = UINT32_MAX;
  response.client = true;
  response.body = std::move(body);
  return response;
}

std::vector<Contact> contacts(std::size_t count) {
  Rng rng = Rng::keyed(4, "sizes", "contacts");
  std::vector<Contact> all(count);
  for (Contact& contact : all) contact = random_contact(rng);
  return all;
}

TEST(Datagram, TwentyContactsFitAndAreNoAmplificationOfAPaddedFind) {
  const std::size_t sealed =
      encoded_size(full_response(Contacts{contacts(kContactsMax)})) + kSealOverheadBytes;
  EXPECT_EQ(sealed, 1138u);
  EXPECT_LE(sealed + kPingBytesMax + kSealOverheadBytes, 3 * (kPaddedFindBytes + kSealOverheadBytes));
}

TEST(Datagram, TheLongestPingIsAsLongAsSaid) {
  Request ping;
  ping.id = kLongestNumber;
  ping.token = Token{1};
  ping.client = true;
  ping.body = Ping{};
  EXPECT_EQ(encoded_size(ping), kPingBytesMax);
}

TEST(Datagram, AFindWithoutATokenIsPaddedToExactly416Bytes) {
  for (const bool client : {false, true}) {
    Request find;
    find.id = 1;
    find.client = client;
    for (const RequestBody& body :
         {RequestBody(FindHost{}), RequestBody(GetNextConnection{}), RequestBody(GetItem{}),
          RequestBody(
              GetItem{{Id{}, ItemKind::kPublish, Bytes(kSaltBytesMax)}, true, kLongestNumber, true})}) {
      find.body = body;
      find.padding_bytes = 0;
      find.padding_bytes = padding_for(find, kPaddedFindBytes);
      EXPECT_EQ(encode(find).size(), kPaddedFindBytes);
      EXPECT_TRUE(decode(encode(find)));
      EXPECT_EQ(padding_for(find, kPaddedFindBytes), find.padding_bytes);
    }
  }
}

TEST(Datagram, PaddingReachesEverySizeOrOneMore) {
  Request find;
  find.body = FindHost{};
  const std::size_t bare = encoded_size(find);
  EXPECT_EQ(padding_for(find, bare), 0);
  EXPECT_EQ(padding_for(find, 10), 0);
  for (std::size_t size = bare + 3; size <= kPaddedFindBytes; ++size) {
    find.padding_bytes = padding_for(find, size);
    const std::size_t padded = encoded_size(find);
    EXPECT_TRUE(padded == size || padded == size + 1) << padded << " for " << size;
  }
}

TEST(Datagram, TheLargestBodyToStoreFitsAndOneMoreByteDoesNot) {
  Request store;
  store.id = kLongestNumber;
  store.token = Token{1};
  store.client = true;
  store.body = StoreItem{{ItemKind::kPublish, Bytes(kStoreBodyInDatagramMax)}, kLongestNumber, {}};
  EXPECT_EQ(encoded_size(store), kDatagramMessageBytesMax);
  EXPECT_EQ(kStoreBodyInDatagramMax, 1104u);
}

TEST(Datagram, TheLargestBodyToGetFitsAndOneMoreByteDoesNot) {
  const auto size = [](std::size_t body) {
    Items items{{{ItemKind::kPublish, Bytes(body)}},
                {},
                std::numeric_limits<std::uint32_t>::max(),
                kLongestNumber,
                true};
    return encoded_size(full_response(std::move(items)));
  };
  EXPECT_EQ(size(kGetBodyInDatagramMax), kDatagramMessageBytesMax);
  EXPECT_EQ(kGetBodyInDatagramMax, 1070u);
}

TEST(Datagram, ContactsBesideAnItemFitAndOneMoreDoesNot) {
  const auto size = [](std::size_t body, std::size_t count) {
    Items items{{}, contacts(count), std::numeric_limits<std::uint32_t>::max(), kLongestNumber, true};
    items.items.push_back({ItemKind::kHash, Bytes(body)});
    return encoded_size(full_response(std::move(items)));
  };
  EXPECT_EQ(contacts_in_datagram(0), kContactsMax);
  EXPECT_EQ(contacts_in_datagram(kGetBodyInDatagramMax), 0u);
  EXPECT_EQ(contacts_in_datagram(kValueBytesMax), 0u);
  for (std::size_t body = 200; body <= kGetBodyInDatagramMax; ++body) {
    const std::size_t count = contacts_in_datagram(body);
    EXPECT_LE(size(body, count), kDatagramMessageBytesMax) << body;
    // The length of few contacts takes one byte less than was counted with.
    EXPECT_GT(size(body, count + 1) + (count < 2 ? 1 : 0), kDatagramMessageBytesMax) << body;
  }
}

}  // namespace
}  // namespace shoal::wire
