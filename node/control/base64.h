// Base64 with padding (RFC 4648 §4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "node/base/bytes.h"

namespace shoal {

std::string to_base64(ByteView bytes);
// Nothing if `text` is anything else, whitespace included.
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace shoal
