// Contact: a host as routing tables and responses name it.
#pragma once

#include <compare>

#include "node/base/endpoint.h"
#include "node/base/id.h"

namespace shoal {

struct Contact {
  Id key;  // the host's public key, which is its id
  Endpoint endpoint;

  friend auto operator<=>(const Contact&, const Contact&) = default;
};

}  // namespace shoal
