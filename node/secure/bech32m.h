// Bech32m (BIP 350 over BIP 173): bytes as a word that people can hand over. Its checksum finds every mistake
// of up to four characters in words of up to 90, and all but one in 10^9 of other mistakes.
#pragma once

#include <string>
#include <string_view>

#include "node/base/bytes.h"
#include "node/base/result.h"

namespace shoal::bech32m {

// prefix | "1" | version and data, five bits a character | checksum, six characters; lower case.
struct Word {
  std::string prefix;
  std::uint8_t version = 0;  // 0 to 31
  Bytes data;
};

// Preconditions: a prefix of 1 to 83 printable ASCII characters without capitals; version under 32.
std::string encode(const Word& word);

// Takes white space around the word, and capitals, but not both kinds of letters. Error kMalformed: says
// which character is wrong, or that the checksum does not match.
Result<Word> decode(std::string_view text);

inline constexpr std::size_t kTextBytesMax = 256;  // longer ones are refused unread

}  // namespace shoal::bech32m
