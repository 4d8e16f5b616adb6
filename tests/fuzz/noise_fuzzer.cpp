// Handshake messages of any pattern, and protocol names. Input: the pattern (an index) | role and how many
// honest messages come first | the message; or, with the highest index, a protocol's name.
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "node/base/check.h"
#include "node/secure/cipher_state.h"
#include "node/secure/keys.h"
#include "node/secure/noise.h"

namespace shoal::noise {
namespace {

constexpr auto kPatterns =
    std::to_array<std::string_view>({"NN", "NK", "NX", "KN", "KK", "KX", "XN", "XK", "XX", "IN", "IK", "IX",
                                     "XXpsk3", "IKpsk2", "KKpsk0", "NNpsk0+psk2"});

HandshakeState start(std::string_view pattern, Role role) {
  const std::string name = "Noise_" + std::string(pattern) + "_25519_ChaChaPoly_BLAKE2b";
  HandshakeOptions options;
  options.protocol = *parse_protocol(name);
  options.role = role;
  const bool initiator = role == Role::kInitiator;
  const auto secret = [](std::uint8_t byte) { return DhKeyPair::from_secret(Key{byte}); };
  options.ephemeral = secret(initiator ? 1 : 2);
  const DhKeyPair own = secret(initiator ? 3 : 4);
  const DhKeyPair theirs = secret(initiator ? 4 : 3);
  options.own_static = own;
  const auto& premessage =
      initiator ? options.protocol.responder_premessage : options.protocol.initiator_premessage;
  if (!premessage.empty()) options.remote_static = theirs.public_key;
  options.psks.resize(options.protocol.psk_count());
  return *HandshakeState::start(std::move(options));
}

void read_message(std::string_view pattern, std::uint8_t how, ByteView message) {
  HandshakeState a = start(pattern, Role::kInitiator);
  HandshakeState b = start(pattern, Role::kResponder);
  Bytes payload;
  for (int i = 0; i < how % 4 && !a.finished(); ++i) {
    HandshakeState& from = a.our_turn() ? a : b;
    HandshakeState& to = a.our_turn() ? b : a;
    Bytes honest;
    check(from.write_message({}, honest).has_value() && to.read_message(honest, payload).has_value());
  }
  if (a.finished()) {
    CipherState receiving = a.split().receiving;
    Bytes text(message.size());
    if (receiving.decrypt(
            {}, message,
            MutableByteView(text).first(message.size() < kTagBytes ? 0 : message.size() - kTagBytes)))
      check(false, "forged");
    return;
  }
  HandshakeState& reader = a.our_turn() ? b : a;
  (void)reader.read_message(message, payload);
}

}  // namespace
}  // namespace shoal::noise

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shoal;
  init_crypto();
  if (size < 2) return 0;
  const ByteView rest(data + 2, size - 2);
  if (data[0] == 255) {
    (void)noise::parse_protocol(text(rest));
    return 0;
  }
  noise::read_message(noise::kPatterns[data[0] % noise::kPatterns.size()], data[1], rest);
  return 0;
}
