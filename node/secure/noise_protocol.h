// Noise protocol names (Noise Protocol Framework, revision 34, §7 to §9):
// Noise_<PATTERN>[pskN[+pskM…]]_25519_ChaChaPoly_BLAKE2b, and the tables of tokens that they stand for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/result.h"

namespace shoal::noise {

enum class Role : std::uint8_t { kInitiator, kResponder };

// §7.1. The two letters of a DH name whose keys are agreed on: the initiator's first.
enum class Token : std::uint8_t { kE, kS, kEe, kEs, kSe, kSs, kPsk };

struct Protocol {
  std::string name;
  // What each side knows of the other beforehand.
  std::vector<Token> initiator_premessage;
  std::vector<Token> responder_premessage;
  // The initiator sends the first message, then they take turns.
  std::vector<std::vector<Token>> messages;

  std::size_t psk_count() const;
  // Does one of the messages of `role` hold `token`?
  bool sends(Role role, Token token) const;
};

// Knows the patterns NN NK NX KN KK KX XN XK XX IN IK IX (§7.5), X1N X1K X1X (§18.1), and the modifiers psk0
// to psk4 as far as a pattern has messages (§9.3), joined by "+". Error kUnsupported: the name is not of this
// form, or its pattern or a modifier is not known.
Result<Protocol> parse_protocol(std::string_view name);

}  // namespace shoal::noise
