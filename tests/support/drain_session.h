// What a session has to say, for tests that carry its bytes by hand.
#pragma once

#include "node/secure/session.h"

namespace shoal {

// Takes all that `from` has to send.
inline Bytes drain(Session& from) {
  Bytes all;
  for (ByteView bytes = from.outgoing(); !bytes.empty(); bytes = from.outgoing()) {
    all.insert(all.end(), bytes.begin(), bytes.end());
    from.consumed(bytes.size());
  }
  return all;
}

}  // namespace shoal
