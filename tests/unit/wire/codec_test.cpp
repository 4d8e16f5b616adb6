// Bytes <-> messages: what goes in comes out, and what breaks a bound is refused by name.
#include "node/wire/codec.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/wire/random_message.h"

namespace shoal::wire {
namespace {

Contact some_contact() {
  Contact contact;
  contact.key.bytes.fill(0x11);
  contact.endpoint = Endpoint::v4(0xc0000201, 4000);
  return contact;
}

Request request_of(RequestBody body) {
  Request request;
  request.id = 7;
  request.body = std::move(body);
  return request;
}

Response response_of(ResponseBody body) {
  Response response;
  response.id = 7;
  response.body = std::move(body);
  return response;
}

TEST(Codec, EveryKindComesBackAsItWas) {
  Rng rng = Rng::keyed(1, "codec", "round trips");
  for (std::size_t kind = 0; kind < kMessageKinds; ++kind) {
    for (int i = 0; i < 300; ++i) {
      const Message message = random_message(kind, rng);
      const Bytes bytes = encode(message);
      const Result<Message> decoded = decode(bytes);
      ASSERT_TRUE(decoded) << kind_name(kind) << ": " << decoded.error().message;
      ASSERT_EQ(*decoded, message) << kind_name(kind) << " " << to_hex(bytes);
      ASSERT_EQ(encode(*decoded), bytes) << kind_name(kind);
      ASSERT_EQ(encoded_size(message), bytes.size()) << kind_name(kind);
    }
  }
}

TEST(Codec, EncodingAppends) {
  Bytes bytes = {1, 2, 3};
  encode(request_of(Ping{}), bytes);
  const Bytes alone = encode(request_of(Ping{}));
  ASSERT_EQ(bytes.size(), 3 + alone.size());
  EXPECT_EQ(bytes[2], 3);
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), bytes.begin() + 3));
}

TEST(Codec, TheLargestItemsComeBackAsTheyWere) {
  for (const ItemKind kind : {ItemKind::kHash, ItemKind::kPublish}) {
    const std::size_t size = kind == ItemKind::kHash ? kValueBytesMax : kItemBodyBytesMax;
    const Item item{kind, Bytes(size, 0xab)};
    for (const Message& message : {Message(request_of(StoreItem{item, {}, {}})),
                                   Message(response_of(Items{{item}, {some_contact()}, 0, 0, true}))}) {
      const Bytes bytes = encode(message);
      EXPECT_LE(bytes.size(), kMessageBytesMax);
      const Result<Message> decoded = decode(bytes);
      ASSERT_TRUE(decoded) << decoded.error().message;
      EXPECT_EQ(*decoded, message);
    }
  }
}

FilePart some_part(std::uint32_t bytes) {
  FilePart part;
  part.content.size = bytes;
  part.bytes = bytes;
  return part;
}

TEST(Codec, CarriesAllOfAFolderThatOneMessageMay) {
  const Bytes knowledge(kKnowledgeBytesMax, 1);
  const std::vector<Message> messages = {
      request_of(OpenFolder{{}, {}, knowledge, {}, UINT32_MAX}),
      request_of(SendChanges{{}, knowledge, Bytes(kLineagesBytesMax), Replica{}}),
      request_of(SendFileDetails{{}, {}, std::vector<Id>(kPagesMax)}),
      request_of(SendFileParts{{}, std::vector<FilePart>(kFilePartsMax, some_part(256))}),
      request_of(SendFileParts{{}, {some_part(kFolderBytesMax)}}),
      response_of(FolderOpened{{}, knowledge, {}, UINT32_MAX}),
      response_of(RecvChanges{Bytes(kEntriesBytesMax), Bytes(kFolderBytesMax - kEntriesBytesMax), true}),
      response_of(RecvChanges{{}, knowledge, true, Bytes(kLineagesBytesMax), UINT64_MAX}),
      response_of(RecvFileDetails{{Bytes(kPageBytesMax), Bytes(kFolderBytesMax - kPageBytesMax)}}),
      response_of(RecvFileDetails{std::vector<Bytes>(kPagesMax, Bytes(kFolderBytesMax / kPagesMax))}),
      response_of(RecvFileParts{{Bytes(kFolderBytesMax)}}),
      response_of(RecvFileParts{std::vector<Bytes>(kFilePartsMax, Bytes(kFolderBytesMax / kFilePartsMax))}),
      response_of(RecvRangeFingerprints{std::vector<RangeFingerprint>(kRangesMax, {{}, {}, UINT64_MAX})}),
  };
  for (const Message& message : messages) {
    const Bytes bytes = encode(message);
    EXPECT_LE(bytes.size(), kMessageBytesMax);
    const Result<Message> decoded = decode(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, message);
  }
}

TEST(Codec, RefusesWhatBreaksABoundOfAFolderByName) {
  const Bytes long_knowledge(kKnowledgeBytesMax + 1);
  const std::vector<Bytes> much(2, Bytes(kFolderBytesMax / 2 + 1));
  FilePart beyond = some_part(10);
  beyond.offset = 1;
  FilePart far_beyond = some_part(10);
  far_beyond.offset = UINT64_MAX;
  FilePart larger = some_part(10);
  larger.content.size = 9;
  const std::vector<std::pair<Message, std::string>> cases = {
      {request_of(OpenFolder{{}, {}, long_knowledge, {}, 0}), "open_folder.knowledge"},
      {request_of(SendChanges{{}, long_knowledge}), "send_changes.knowledge"},
      {request_of(SendChanges{{}, {}, Bytes(kLineagesBytesMax + 1), {}}), "send_changes.tips"},
      {request_of(SendFileDetails{{}, {}, {}}), "send_file_details.packed_pages"},
      {request_of(SendFileDetails{{}, {}, std::vector<Id>(kPagesMax + 1)}), "send_file_details.packed_pages"},
      {request_of(SendFileParts{{}, {}}), "send_file_part.parts"},
      {request_of(SendFileParts{{}, std::vector<FilePart>(kFilePartsMax + 1, some_part(1))}),
       "send_file_part.parts"},
      {request_of(SendFileParts{{}, {some_part(kFolderBytesMax), some_part(1)}}), "send_file_part.parts"},
      {request_of(SendFileParts{{}, {some_part(0)}}), "file_part.bytes"},
      {request_of(SendFileParts{{}, {some_part(kFolderBytesMax + 1)}}), "file_part.bytes"},
      {request_of(SendFileParts{{}, {beyond}}), "file_part.offset"},
      {request_of(SendFileParts{{}, {far_beyond}}), "file_part.offset"},
      {request_of(SendFileParts{{}, {larger}}), "file_part.offset"},
      {response_of(FolderOpened{{}, long_knowledge, {}, 0}), "folder_opened.knowledge"},
      {response_of(RecvChanges{Bytes(kEntriesBytesMax + 1), {}, false}), "recv_changes.entries"},
      {response_of(RecvChanges{{}, long_knowledge, false}), "recv_changes.knowledge"},
      {response_of(RecvChanges{Bytes(40'000), Bytes(25'537), false}), "recv_changes"},
      {response_of(RecvChanges{{}, {}, false, Bytes(kLineagesBytesMax + 1), 0}), "recv_changes.lineages"},
      {response_of(RecvChanges{Bytes(40'000), {}, false, Bytes(25'537), 0}), "recv_changes"},
      {response_of(RecvFileDetails{std::vector<Bytes>(kPagesMax + 1)}), "recv_file_details.pages"},
      {response_of(RecvFileDetails{{Bytes(kPageBytesMax + 1)}}), "recv_file_details.pages"},
      {response_of(RecvFileDetails{much}), "recv_file_details.pages"},
      {response_of(RecvFileParts{std::vector<Bytes>(kFilePartsMax + 1)}), "recv_file_part.parts"},
      {response_of(RecvFileParts{much}), "recv_file_part.parts"},
      {response_of(RecvRangeFingerprints{std::vector<RangeFingerprint>(kRangesMax + 1)}),
       "recv_range_fingerprints.ranges"},
  };
  for (const auto& [message, field] : cases) {
    const Result<Message> decoded = decode(encode(message));
    ASSERT_FALSE(decoded) << field;
    EXPECT_EQ(decoded.error().code, ErrorCode::kMalformed);
    EXPECT_TRUE(decoded.error().message.starts_with(field + ": found ")) << decoded.error().message;
  }
}

TEST(Codec, RefusesWhatBreaksABoundByName) {
  const auto with = [](std::function<void(Contact&)> spoil) {
    Contact contact = some_contact();
    spoil(contact);
    return contact;
  };
  const Contact no_port = with([](Contact& c) { c.endpoint.port = 0; });
  const Contact nowhere = with([](Contact& c) { c.endpoint = Endpoint::v4(0, 4000); });
  const Contact nowhere6 = with([](Contact& c) { c.endpoint.address = {}; });
  const Contact group = with([](Contact& c) { c.endpoint = Endpoint::v4(0xe0000001, 4000); });
  const Contact group6 = with([](Contact& c) { c.endpoint.address = {0xff, 2}; });
  const Contact everybody = with([](Contact& c) { c.endpoint = Endpoint::v4(0xffffffff, 4000); });
  Request padded = request_of(Ping{});
  padded.padding_bytes = kPaddingBytesMax + 1;
  Response observed = response_of(Done{});
  observed.observed = no_port.endpoint;
  const WallTime too_late{std::chrono::milliseconds(kExpiresMsMax + 1)};
  const ItemName hash_name{Id{}, ItemKind::kHash, {}};
  const ItemName long_salt{Id{}, ItemKind::kPublish, Bytes(kSaltBytesMax + 1)};
  const ItemName salted_hash{Id{}, ItemKind::kHash, Bytes(1)};

  const std::vector<std::pair<Message, std::string>> cases = {
      {padded, "request.padding"},
      {observed, "response.observed"},
      {request_of(StoreHost{no_port}), "store_host.contact"},
      {request_of(StoreHost{nowhere}), "store_host.contact"},
      {request_of(StoreHost{nowhere6}), "store_host.contact"},
      {request_of(StoreHost{group}), "store_host.contact"},
      {request_of(StoreHost{group6}), "store_host.contact"},
      {request_of(StoreHost{everybody}), "store_host.contact"},
      {request_of(ShutdownHost{Bytes(47), {}}), "shutdown_host.signed_part"},
      {request_of(ShutdownHost{Bytes(49), {}}), "shutdown_host.signed_part"},
      {request_of(StoreItem{{static_cast<ItemKind>(0), {}}, {}, {}}), "item.kind"},
      {request_of(StoreItem{{static_cast<ItemKind>(4), {}}, {}, {}}), "item.kind"},
      {request_of(StoreItem{{ItemKind::kPublish, Bytes(kItemBodyBytesMax + 1)}, {}, {}}), "item.body"},
      {request_of(StoreItem{{ItemKind::kHash, {}}, 3, {}}), "store_item.expected_sequence"},
      {request_of(StoreItem{{ItemKind::kHash, {}}, {}, too_late}), "store_item.expires_ms"},
      {request_of(StoreItem{{ItemKind::kPublish, {}}, {}, WallTime(1ms)}), "store_item.expires_ms"},
      {request_of(GetItem{long_salt, false, 0, false}), "get_item.salt"},
      {request_of(GetItem{salted_hash, false, 0, false}), "get_item.kind"},
      {request_of(GetItem{hash_name, true, 0, false}), "get_item.kind"},
      {response_of(Contacts{std::vector<Contact>(kContactsMax + 1, some_contact())}), "contacts.packed"},
      {response_of(Contacts{{some_contact(), group}}), "contacts.packed"},
      {response_of(NextConnection{no_port}), "next_connection.contact"},
      {response_of(Items{std::vector<Item>(kItemsPerPageMax + 1), {}, 0, 0, false}), "items.items"},
      {response_of(Items{{}, {group6}, 0, 0, false}), "items.packed_contacts"},
  };
  for (const auto& [message, field] : cases) {
    const Result<Message> decoded = decode(encode(message));
    ASSERT_FALSE(decoded) << field;
    EXPECT_EQ(decoded.error().code, ErrorCode::kMalformed);
    EXPECT_TRUE(decoded.error().message.starts_with(field + ": found ")) << decoded.error().message;
  }
}

// Bytes that encode() never makes, each a field of the wrong length or number.
TEST(Codec, RefusesFieldsOfTheWrongLength) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"", "message.kind"},
      {"0a08"
       "1203010203"
       "820100",
       "request.token"},  // a token of 3 bytes
      {"0a09"
       "9201060a04"
       "01020304",
       "find_host.target"},  // a target of 4 bytes
      {"0a03"
       "920100",
       "find_host.target"},  // no target
      {"0a03"
       "8a0100",
       "store_host.contact"},  // no contact
      {"0a03"
       "9a0100",
       "shutdown_host.signed_part"},  // no signed part
      {"0a03"
       "aa0100",
       "item.kind"},  // no item
      {"0a03"
       "b20100",
       "get_item.kind"},  // no kind
      {"0a05"
       "b201020801",
       "get_item.location"},      // no location
      {"1200", "response.body"},  // neither body nor refusal
      {"1206"
       "8a0103"
       "0a0141",
       "contacts.packed"},  // contacts of 1 byte
      {"1206"
       "920103"
       "0a0141",
       "next_connection.contact"},  // a contact of 1 byte
      {"1205"
       "7a00"
       "820100",
       "response.refusal"},  // a refusal beside a body
      {"1202"
       "7a00",
       "refusal.code"},  // code 0
      {"1204"
       "7a020864",
       "refusal.code"},  // code 100
      {"0a03"
       "da0100",
       "open_folder.group"},  // no group
      {"0a25"
       "da0122"
       "0a200d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d",
       "open_folder.replica"},  // no replica
      {"0a28"
       "820225"
       "0a200d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d"
       "120141",
       "send_range.lo"},  // an end of 1 byte
      {"1203"
       "a20100",
       "folder_opened.replica"},  // no replica
      {"1205"
       "c201020a00",
       "range_fingerprint.hi"},  // no end
  };
  for (const auto& [hex, field] : cases) {
    const Result<Message> decoded = decode(from_hex(hex).value());
    ASSERT_FALSE(decoded) << field;
    EXPECT_EQ(decoded.error().code, ErrorCode::kMalformed) << field;
    EXPECT_TRUE(decoded.error().message.starts_with(std::string(field) + ": found "))
        << field << ": " << decoded.error().message;
  }
}

TEST(Codec, RefusesWhatIsNoProtobufOrTooLong) {
  EXPECT_EQ(decode(Bytes{0x0a, 0x7f}).error().code, ErrorCode::kMalformed);
  const Result<Message> too_long = decode(Bytes(kMessageBytesMax + 1));
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().message, "66561 bytes that are no protobuf message of at most 66560 bytes");
}

TEST(Codec, ARequestForAnUnknownCommandCanStillBeRefused) {
  // Request{id: 7, field 90: "x"}
  const Bytes bytes = from_hex(
                          "0a0d"
                          "090700000000000000"
                          "d2050178")
                          .value();
  const Result<Message> decoded = decode(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(request_id(bytes), 7u);
  EXPECT_EQ(request_id(encode(response_of(Done{}))), std::nullopt);
  EXPECT_EQ(request_id(Bytes{0x0a, 0x7f}), std::nullopt);
}

TEST(Codec, IgnoresUnknownFieldsBesideAKnownBody) {
  // Request{id: 7, ping, field 90: "x"}
  const Bytes bytes = from_hex(
                          "0a10"
                          "090700000000000000"
                          "820100"
                          "d2050178")
                          .value();
  const Result<Message> decoded = decode(bytes);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, Message(request_of(Ping{})));
}

TEST(Codec, ReasonsOfLaterVersionsReadAsUnsupported) {
  // Response{refusal{code: 99, sequence: 5}}
  const Result<Message> decoded = decode(from_hex("1206"
                                                  "7a0408631005")
                                             .value());
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(std::get<Response>(*decoded).body, ResponseBody(Refusal{ErrorCode::kUnsupported, 5}));
}

TEST(Codec, ReasonsThatDoNotGoOnTheWireAreSentAsBusy) {
  for (const ErrorCode code : {ErrorCode::kNone, ErrorCode::kTimeout, ErrorCode::kIo}) {
    const Result<Message> decoded = decode(encode(response_of(Refusal{code, 0})));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(std::get<Response>(*decoded).body, ResponseBody(Refusal{ErrorCode::kBusy, 0}));
  }
}

TEST(Codec, PackedPiecesComeBackAsTheyWere) {
  Bytes bytes;
  append_contact(some_contact(), bytes);
  ASSERT_EQ(bytes.size(), kContactBytes);
  EXPECT_EQ(read_contact(bytes), some_contact());
  EXPECT_EQ(to_hex(ByteView(bytes).subspan(kIdBytes)), "00000000000000000000ffffc00002010fa0");
  append_endpoint(some_contact().endpoint, bytes);
  EXPECT_EQ(read_endpoint(ByteView(bytes).subspan(kContactBytes)), some_contact().endpoint);
}

// What the requests were called before must not change: counters, traces and reports are keyed by it.
TEST(RequestKind, NamesAreThoseOfTheSchema) {
  std::string names;
  for (std::size_t i = 0; i < kRequestKinds; ++i) {
    names += std::string(to_string(static_cast<RequestKind>(i))) + " ";
  }
  EXPECT_EQ(names,
            "ping store_host find_host shutdown_host get_next_connection store_item get_item test_reach "
            "broadcast_peers "
            "broadcast_fs_event delegate_authority open_folder send_changes send_file_details send_file_part "
            "send_range_fingerprints send_range ");
}

}  // namespace
}  // namespace shoal::wire
