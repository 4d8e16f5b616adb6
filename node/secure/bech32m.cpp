#include "node/secure/bech32m.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "node/base/check.h"

namespace shoal::bech32m {
namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::uint32_t kConstant = 0x2bc830a3;  // BIP 350; Bech32 without m has 1
constexpr std::size_t kChecksumSymbols = 6;
constexpr std::size_t kPrefixBytesMax = 83;

using Symbols = Bytes;  // five bits each

std::uint32_t polymod(std::uint32_t remainder, std::uint8_t symbol) {
  constexpr std::array<std::uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                                       0x2a1462b3};
  const std::uint32_t top = remainder >> 25;
  remainder = (remainder & 0x1ffffff) << 5 ^ symbol;
  for (std::size_t i = 0; i < kGenerator.size(); ++i) {
    if ((top >> i & 1) != 0) remainder ^= kGenerator[i];
  }
  return remainder;
}

std::uint32_t checksum_state(std::string_view prefix, const Symbols& symbols) {
  std::uint32_t remainder = 1;
  for (const char c : prefix) remainder = polymod(remainder, static_cast<std::uint8_t>(c) >> 5);
  remainder = polymod(remainder, 0);
  for (const char c : prefix) remainder = polymod(remainder, static_cast<std::uint8_t>(c) & 31);
  for (const std::uint8_t symbol : symbols) remainder = polymod(remainder, symbol);
  return remainder;
}

void append_checksum(std::string_view prefix, Symbols& symbols) {
  std::uint32_t remainder = checksum_state(prefix, symbols);
  for (std::size_t i = 0; i < kChecksumSymbols; ++i) remainder = polymod(remainder, 0);
  remainder ^= kConstant;
  for (std::size_t i = 0; i < kChecksumSymbols; ++i) {
    symbols.push_back(static_cast<std::uint8_t>(remainder >> 5 * (kChecksumSymbols - 1 - i) & 31));
  }
}

Symbols to_symbols(ByteView bytes) {
  Symbols symbols;
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 5; count -= 5) {
      symbols.push_back(static_cast<std::uint8_t>(bits >> (count - 5) & 31));
    }
  }
  if (count > 0) symbols.push_back(static_cast<std::uint8_t>(bits << (5 - count) & 31));
  return symbols;
}

// Nothing when bits are left over that no encoder leaves.
std::optional<Bytes> to_bytes(ByteView symbols) {
  Bytes bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::uint8_t symbol : symbols) {
    bits = bits << 5 | symbol;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> count));
  }
  const bool padded = count < 5 && (bits & ((1u << count) - 1)) == 0;
  return padded ? std::optional(std::move(bytes)) : std::nullopt;
}

tl::unexpected<Error> malformed(std::string message) {
  return fail(ErrorCode::kMalformed, std::move(message));
}

// In lower case.
Result<std::string> normalized(std::string_view text) {
  bool lower = false;
  bool upper = false;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c < 33 || c > 126)
      return malformed(fmt::format("character {} is no printable letter or digit", i + 1));
    lower |= c >= 'a' && c <= 'z';
    upper |= c >= 'A' && c <= 'Z';
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (lower && upper) return malformed("capital and small letters are mixed");
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::string encode(const Word& word) {
  check(word.version < 32 && !word.prefix.empty() && word.prefix.size() <= kPrefixBytesMax);
  Symbols symbols = {word.version};
  const Symbols data = to_symbols(word.data);
  symbols.insert(symbols.end(), data.begin(), data.end());
  append_checksum(word.prefix, symbols);
  std::string text = word.prefix + "1";
  for (const std::uint8_t symbol : symbols) text.push_back(kAlphabet[symbol]);
  return text;
}

Result<Word> decode(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return malformed("it is empty");
  if (text.size() > kTextBytesMax) {
    return malformed(fmt::format("{} characters, at most {} are possible", text.size(), kTextBytesMax));
  }
  const Result<std::string> word = normalized(text);
  if (!word) return tl::unexpected(word.error());
  const std::size_t separator = word->rfind('1');
  if (separator == std::string::npos || separator == 0 || separator > kPrefixBytesMax) {
    return malformed("there is no prefix before a '1'");
  }
  if (word->size() - separator - 1 < kChecksumSymbols + 1) return malformed("it is cut off");
  Symbols symbols;
  for (std::size_t i = separator + 1; i < word->size(); ++i) {
    const std::size_t value = kAlphabet.find((*word)[i]);
    if (value == std::string_view::npos) {
      return malformed(fmt::format("character {}, '{}', is none of {}", i + 1, text[i], kAlphabet));
    }
    symbols.push_back(static_cast<std::uint8_t>(value));
  }
  const std::string prefix = word->substr(0, separator);
  if (checksum_state(prefix, symbols) != kConstant) {
    return malformed("the checksum does not match: a character is mistyped or missing");
  }
  const ByteView data = ByteView(symbols).subspan(1, symbols.size() - 1 - kChecksumSymbols);
  std::optional<Bytes> bytes = to_bytes(data);
  if (!bytes) return malformed("bits are left over at its end");
  return Word{prefix, symbols.front(), std::move(*bytes)};
}

}  // namespace shoal::bech32m
