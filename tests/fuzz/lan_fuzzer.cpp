// What a LAN may hand to the reader of LAN messages: any bytes are refused, or are a message that, written by
// the same host, has the same bytes but the signature's.
#include <algorithm>

#include "node/base/check.h"
#include "node/lan/lan_message.h"
#include "node/ports/datagrams.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shoal;
  init_crypto();
  const ByteView bytes(data, size);
  Result<LanMessage> message = read_lan_message(bytes);
  if (!message) {
    check(message.error().code == ErrorCode::kMalformed);
    return 0;
  }
  check(size <= kDatagramBytesMax && message->tags.size() <= kLanTagsMax && message->port != 0);
  (void)is_signed_by_host(bytes, *message);
  const KeyPair keys = KeyPair::from_seed({});
  message->host = keys.public_key();
  const Bytes again = write_lan_message(*message, keys);
  check(again.size() == size && again[0] == data[0]);
  const auto after_host = [](ByteView whole) {
    return whole.subspan(1 + kIdBytes, whole.size() - 1 - kIdBytes - wire::kSignatureBytes);
  };
  check(std::ranges::equal(after_host(again), after_host(bytes)), "a message that was read survives writing");
  return 0;
}
