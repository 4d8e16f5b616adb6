#include "node/base/id.h"

#include <algorithm>

#include "node/base/check.h"

namespace shoal {

std::optional<Id> Id::from_hex(std::string_view hex) {
  Id id;
  if (!shoal::from_hex(hex, id.bytes)) return std::nullopt;
  return id;
}

Id Id::from_bytes(ByteView bytes) {
  check(bytes.size() == kIdBytes);
  Id id;
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

}  // namespace shoal
