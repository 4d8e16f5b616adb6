#include "node/secure/noise_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "node/base/check.h"

namespace shoal::noise {
namespace {

struct Pattern {
  std::string_view name;
  std::string_view initiator_premessage;
  std::string_view responder_premessage;
  std::array<std::string_view, 4> messages;
};

// §7.5, and from §18.1 the deferred patterns in which the initiator authenticates last.
constexpr Pattern kPatterns[] = {
    {"NN", "", "", {"e", "e ee"}},
    {"NK", "", "s", {"e es", "e ee"}},
    {"NX", "", "", {"e", "e ee s es"}},
    {"KN", "s", "", {"e", "e ee se"}},
    {"KK", "s", "s", {"e es ss", "e ee se"}},
    {"KX", "s", "", {"e", "e ee se s es"}},
    {"XN", "", "", {"e", "e ee", "s se"}},
    {"XK", "", "s", {"e es", "e ee", "s se"}},
    {"XX", "", "", {"e", "e ee s es", "s se"}},
    {"IN", "", "", {"e s", "e ee se"}},
    {"IK", "", "s", {"e es s ss", "e ee se"}},
    {"IX", "", "", {"e s", "e ee se s es"}},
    {"X1N", "", "", {"e", "e ee", "s", "se"}},
    {"X1K", "", "s", {"e es", "e ee", "s", "se"}},
    {"X1X", "", "", {"e", "e ee s es", "s", "se"}},
};

constexpr std::pair<std::string_view, Token> kTokens[] = {
    {"e", Token::kE},   {"s", Token::kS},   {"ee", Token::kEe},
    {"es", Token::kEs}, {"se", Token::kSe}, {"ss", Token::kSs},
};

constexpr std::string_view kSuite = "_25519_ChaChaPoly_BLAKE2b";
constexpr std::string_view kPrefix = "Noise_";

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (std::size_t end; (end = text.find(separator)) != std::string_view::npos; text.remove_prefix(end + 1)) {
    pieces.push_back(text.substr(0, end));
  }
  pieces.push_back(text);
  return pieces;
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  if (text.empty()) return tokens;
  for (const std::string_view word : split_at(text, ' ')) {
    const auto* found = std::ranges::find(kTokens, word, &std::pair<std::string_view, Token>::first);
    check(found != std::end(kTokens), "a pattern of the table holds an unknown token");
    tokens.push_back(found->second);
  }
  return tokens;
}

tl::unexpected<Error> unknown(std::string_view name, std::string_view why) {
  return fail(ErrorCode::kUnsupported, fmt::format("Noise protocol \"{}\": {}", name, why));
}

// psk0 stands before the first message's tokens, pskN after those of the N-th (§9.3).
bool apply_modifier(std::string_view modifier, Protocol& protocol) {
  if (modifier.size() != 4 || !modifier.starts_with("psk") || modifier[3] < '0' || modifier[3] > '9') {
    return false;
  }
  const auto place = static_cast<std::size_t>(modifier[3] - '0');
  if (place > protocol.messages.size()) return false;
  std::vector<Token>& message = protocol.messages[place == 0 ? 0 : place - 1];
  const auto at = place == 0 ? message.begin() : message.end();
  if (!message.empty() && (place == 0 ? message.front() : message.back()) == Token::kPsk) return false;
  message.insert(at, Token::kPsk);
  return true;
}

}  // namespace

std::size_t Protocol::psk_count() const {
  std::size_t count = 0;
  for (const auto& message : messages) {
    count += static_cast<std::size_t>(std::ranges::count(message, Token::kPsk));
  }
  return count;
}

bool Protocol::sends(Role role, Token token) const {
  for (std::size_t i = role == Role::kInitiator ? 0 : 1; i < messages.size(); i += 2) {
    if (std::ranges::find(messages[i], token) != messages[i].end()) return true;
  }
  return false;
}

Result<Protocol> parse_protocol(std::string_view name) {
  if (name.size() < kPrefix.size() + kSuite.size() || !name.starts_with(kPrefix) || !name.ends_with(kSuite)) {
    return unknown(name, fmt::format("expected {}<pattern>{}", kPrefix, kSuite));
  }
  const std::string_view whole = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuite.size());
  const std::string_view base = whole.substr(0, whole.find("psk"));
  const auto* pattern = std::ranges::find(kPatterns, base, &Pattern::name);
  if (pattern == std::end(kPatterns)) return unknown(name, "the pattern is not known");
  Protocol protocol{std::string(name),
                    tokens_of(pattern->initiator_premessage),
                    tokens_of(pattern->responder_premessage),
                    {}};
  for (const std::string_view message : pattern->messages) {
    if (!message.empty()) protocol.messages.push_back(tokens_of(message));
  }
  if (base == whole) return protocol;
  for (const std::string_view modifier : split_at(whole.substr(base.size()), '+')) {
    if (!apply_modifier(modifier, protocol)) {
      return unknown(
          name, fmt::format("modifier \"{}\" is unknown, repeated or beyond the last message", modifier));
    }
  }
  return protocol;
}

}  // namespace shoal::noise
