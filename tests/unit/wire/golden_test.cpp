// One message of each kind as bytes: the wire format cannot drift unnoticed. Each was read back by
// `protoc --decode=shoal.pb.Message` when it was entered here.
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>

#include "node/wire/codec.h"

namespace shoal::wire {
namespace {

struct Golden {
  const char* name;
  Message message;
  const char* hex;
};
void PrintTo(const Golden& golden, std::ostream* out) {
  *out << golden.name;
}

Id id_of(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

Contact contact_of(std::uint8_t byte) {
  return {id_of(byte), Endpoint::v4(0xc0000200u + byte, 4000)};
}

Message request(RequestBody body) {
  Request request;
  request.id = 0x0807060504030201;
  request.token = Token{0xaa, 0xbb};
  request.client = true;
  request.padding_bytes = 2;
  request.body = std::move(body);
  return request;
}

Message response(ResponseBody body) {
  Response response;
  response.id = 0x0807060504030201;
  response.token = Token{0xaa, 0xbb};
  response.observed = contact_of(9).endpoint;
  response.time_s = 1'700'000'000;
  response.body = std::move(body);
  return response;
}

Message by_a_client(ResponseBody body) {
  Message message = response(std::move(body));
  std::get<Response>(message).client = true;
  return message;
}

const Golden kGoldens[] = {
    {"ping", request(Ping{}), "0a240901020304050607081210aabb000000000000000000000000000018017a020000820100"},
    {"store_host", request(StoreHost{contact_of(1)}),
     "0a580901020304050607081210aabb000000000000000000000000000018017a0200008a01340a32"
     "01010101010101010101010101010101010101010101010101010101010101010000000000000000"
     "0000ffffc00002010fa0"},
    {"find_host", request(FindHost{id_of(2)}),
     "0a460901020304050607081210aabb000000000000000000000000000018017a0200009201220a20"
     "0202020202020202020202020202020202020202020202020202020202020202"},
    {"shutdown_host", request(ShutdownHost{Bytes(kShutdownSignedBytes, 3), Signature{4, 5}}),
     "0a98010901020304050607081210aabb000000000000000000000000000018017a0200009a01740a"
     "30030303030303030303030303030303030303030303030303030303030303030303030303030303"
     "03030303030303030312400405000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000000000"},
    {"get_next_connection", request(GetNextConnection{id_of(6)}),
     "0a460901020304050607081210aabb000000000000000000000000000018017a020000a201220a20"
     "0606060606060606060606060606060606060606060606060606060606060606"},
    {"store_item", request(StoreItem{{ItemKind::kPublish, {7, 8, 9}}, 300, {}}),
     "0a300901020304050607081210aabb000000000000000000000000000018017a020000aa010c0a07"
     "0802120307080910ac02"},
    {"store_hash_item",
     request(StoreItem{{ItemKind::kHash, {7, 8, 9}}, {}, WallTime(std::chrono::hours(500'000))}),
     "0a340901020304050607081210aabb000000000000000000000000000018017a020000aa01100a07"
     "080112030708091880a0f1c2b134"},
    {"get_item", request(GetItem{{id_of(10), ItemKind::kPublish, {11, 12}}, true, 301, true}),
     "0a530901020304050607081210aabb000000000000000000000000000018017a020000b2012f0802"
     "12200a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a1a020b0c2001"
     "28ad023001"},
    {"test_reach", request(TestReach{contact_of(1)}),
     "0a580901020304050607081210aabb000000000000000000000000000018017a020000ba01340a32"
     "01010101010101010101010101010101010101010101010101010101010101010000000000000000"
     "0000ffffc00002010fa0"},
    {"test_reach_of_the_sender", request(TestReach{}),
     "0a240901020304050607081210aabb000000000000000000000000000018017a020000ba0100"},
    {"broadcast_peers", request(BroadcastPeers{id_of(13), {contact_of(1), contact_of(2)}}),
     "0aad010901020304050607081210aabb000000000000000000000000000018017a020000c2018801"
     "0a200d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d126401010101"
     "0101010101010101010101010101010101010101010101010101010100000000000000000000ffff"
     "c00002010fa002020202020202020202020202020202020202020202020202020202020202020000"
     "0000000000000000ffffc00002020fa0"},
    {"broadcast_fs_event", request(BroadcastFsEvent{id_of(13), id_of(14), 302, {15, 16}}),
     "0a750901020304050607081210aabb000000000000000000000000000018017a020000ca01510a20"
     "0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d12200e0e0e0e0e0e"
     "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e192e0100000000000022020f10"},
    {"delegate_authority", request(DelegateAuthority{id_of(13), 303, id_of(14), 4}),
     "0a6d0901020304050607081210aabb000000000000000000000000000018017a020000d201490a20"
     "0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d10af021a200e0e0e"
     "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e2004"},
    {"done_by_a_client", by_a_client(Done{}),
     "123a0901020304050607081210aabb00000000000000000000000000001a12000000000000000000"
     "00ffffc00002090fa02080e2cfaa062801820100"},
    {"done", response(Done{}),
     "12380901020304050607081210aabb00000000000000000000000000001a12000000000000000000"
     "00ffffc00002090fa02080e2cfaa06820100"},
    {"contacts", response(Contacts{{contact_of(1), contact_of(2)}}),
     "129e010901020304050607081210aabb00000000000000000000000000001a120000000000000000"
     "0000ffffc00002090fa02080e2cfaa068a01660a6401010101010101010101010101010101010101"
     "0101010101010101010101010100000000000000000000ffffc00002010fa0020202020202020202"
     "020202020202020202020202020202020202020202020200000000000000000000ffffc00002020f"
     "a0"},
    {"next_connection", response(NextConnection{contact_of(3)}),
     "126c0901020304050607081210aabb00000000000000000000000000001a12000000000000000000"
     "00ffffc00002090fa02080e2cfaa069201340a320303030303030303030303030303030303030303"
     "03030303030303030303030300000000000000000000ffffc00002030fa0"},
    {"next_connection_here", response(NextConnection{}),
     "12380901020304050607081210aabb00000000000000000000000000001a12000000000000000000"
     "00ffffc00002090fa02080e2cfaa06920100"},
    {"items",
     response(Items{
         {{ItemKind::kHash, {1}}, {ItemKind::kConnection, {2, 3}}}, {contact_of(4)}, 70'000, 302, true}),
     "1284010901020304050607081210aabb00000000000000000000000000001a120000000000000000"
     "0000ffffc00002090fa02080e2cfaa069a014c0a0508011201010a06080312020203123204040404"
     "0404040404040404040404040404040404040404040404040404040400000000000000000000ffff"
     "c00002040fa018f0a204200128ae02"},
    {"refusal", response(Refusal{ErrorCode::kSequenceTooLow, 303}),
     "123c0901020304050607081210aabb00000000000000000000000000001a12000000000000000000"
     "00ffffc00002090fa02080e2cfaa067a05080710af02"},
};

class GoldenMessage : public testing::TestWithParam<Golden> {};

TEST_P(GoldenMessage, HasTheseBytes) {
  const Golden& golden = GetParam();
  EXPECT_EQ(to_hex(encode(golden.message)), golden.hex);
  const Result<Message> decoded = decode(from_hex(golden.hex).value());
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, golden.message);
}

INSTANTIATE_TEST_SUITE_P(Codec, GoldenMessage, testing::ValuesIn(kGoldens),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace shoal::wire
