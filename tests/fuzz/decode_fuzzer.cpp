// What the network may hand to the codec: any bytes are refused, or are a message that stands for itself.
#include "node/base/check.h"
#include "node/wire/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shoal;
  const ByteView bytes(data, size);
  const Result<wire::Message> decoded = wire::decode(bytes);
  if (!decoded) {
    const bool unsupported = decoded.error().code == ErrorCode::kUnsupported;
    check(unsupported || decoded.error().code == ErrorCode::kMalformed);
    if (unsupported) check(wire::request_id(bytes).has_value(), "an unsupported request can be refused");
    return 0;
  }
  const Bytes again = wire::encode(*decoded);
  check(again.size() == wire::encoded_size(*decoded));
  const Result<wire::Message> second = wire::decode(again);
  check(second && *second == *decoded, "a decoded message survives encoding");
  return 0;
}
