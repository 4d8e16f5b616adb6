// Random messages within the bounds of shoal.proto, one generator for each kind; and random damage to bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "node/base/rng.h"
#include "node/wire/codec.h"
#include "node/wire/messages.h"

namespace shoal::wire {

// Every request and response body, in the order of the variants: "ping" …, then "done" ….
inline constexpr std::size_t kMessageKinds = kRequestKinds + std::variant_size_v<ResponseBody>;
std::string kind_name(std::size_t kind);

Message random_message(std::size_t kind, Rng& rng);
Contact random_contact(Rng& rng);
Bytes random_bytes(std::size_t size, Rng& rng);

// One to four truncations, bit flips, insertions, deletions, repetitions and falsified lengths.
Bytes damaged(Bytes bytes, Rng& rng);

}  // namespace shoal::wire
