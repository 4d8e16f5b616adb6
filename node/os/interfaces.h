// The machine's network interfaces, as far as a host that listens at an endpoint is concerned.
#pragma once

#include <cstdint>
#include <vector>

#include "node/base/endpoint.h"

namespace shoal {

// The endpoints at which a host bound to `listen` receives: itself, or for a wildcard one per address of the
// machine that it covers, loopback last. Each with the index of its interface, where one is known.
std::vector<Endpoint> own_endpoints(const Endpoint& listen);

// The indexes of the interfaces that carry such an endpoint and an address of the family, each once.
std::vector<std::uint32_t> interfaces_of(const Endpoint& listen, int family);

// Is it up, and made for multicast (a tunnel to one other host often is not)? The loopback interface serves,
// though the system does not call it one that does.
bool carries_multicast(std::uint32_t interface);

}  // namespace shoal
