// Sealed datagrams of both ciphers: whatever comes, nothing opens that was not sealed. The first byte chooses
// the cipher.
#include <memory>

#include "node/base/check.h"
#include "node/secure/keys.h"
#include "node/secure/sealed_datagram.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shoal;
  init_crypto();
  if (size == 0) return 0;
  const ByteView datagram(data + 1, size - 1);
  Rng rng = Rng::keyed(1, "fuzz", "datagram");
  const KeyPair self = KeyPair::from_seed(rng.seed());
  const bool real = data[0] % 2 == 0;
  const auto cipher = real ? make_real_cipher(self, rng.fork(), 4) : make_modelled_cipher(self.public_key());
  (void)peek_sender(datagram);
  const auto opened = cipher->open(datagram);
  if (opened)
    check(!real && opened->payload.size() + kSealOverheadBytes == datagram.size(), "nobody can forge");
  return 0;
}
