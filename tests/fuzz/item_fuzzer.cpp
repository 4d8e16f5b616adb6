// What the network may hand to the readers of items. The first byte is the kind, the rest the body.
#include "node/base/check.h"
#include "node/dht/item.h"

namespace shoal {
namespace {

void read_publish(ByteView body) {
  const Result<PublishRecord> record = read_publish_item(body);
  if (!record) return;
  check(record->salt.size() <= wire::kSaltBytesMax && record->value.size() <= wire::kValueBytesMax);
  check(wire::kItemLayoutBytes + record->salt.size() + record->value.size() == body.size());
}

void read_connection(ByteView body) {
  const Result<ConnectionRecord> record = read_connection_item(body);
  if (!record) return;
  check(!record->endpoints.empty() && record->endpoints.size() <= kItemEndpointsMax);
  check(wire::kItemLayoutBytes + record->endpoints.size() * wire::kEndpointBytes == body.size());
}

void verify(wire::Item item) {
  const Result<ItemHeader> header = verify_item(item);
  if (!header) return;
  check(header->name.kind == item.kind && header->body_bytes == item.body.size());
  if (item.kind == ItemKind::kPublish) check(read_publish_item(item.body).has_value());
  if (item.kind == ItemKind::kConnection) check(read_connection_item(item.body).has_value());
}

}  // namespace
}  // namespace shoal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shoal;
  init_crypto();
  if (size == 0) return 0;
  const ByteView body(data + 1, size - 1);
  read_publish(body);
  read_connection(body);
  verify({static_cast<ItemKind>(data[0]), Bytes(body.begin(), body.end())});
  return 0;
}
