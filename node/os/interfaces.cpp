#include "node/os/interfaces.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <uv.h>

#include <algorithm>
#include <cstring>

#include "node/os/socket.h"

namespace shoal {
namespace {

struct InterfaceAddress {
  Endpoint endpoint;  // port 0
  std::uint32_t index;
  bool loopback;
};

std::vector<InterfaceAddress> machine_addresses() {
  uv_interface_address_t* list = nullptr;
  int count = 0;
  std::vector<InterfaceAddress> found;
  if (uv_interface_addresses(&list, &count) != 0) return found;
  for (const uv_interface_address_t& each : std::span(list, static_cast<std::size_t>(count))) {
    SocketAddress address;
    std::memcpy(&address.storage, &each.address, sizeof each.address);
    const Endpoint endpoint = address.endpoint();
    found.push_back({endpoint, if_nametoindex(each.name), each.is_internal != 0});
  }
  uv_free_interface_addresses(list, count);
  return found;
}

bool covers(const Endpoint& listen, const Endpoint& address) {
  if (listen.is_unspecified()) return reaches(listen, address);
  // All of 127.0.0.0/8 is at the loopback interface, which names one address only.
  if (listen.is_loopback()) return address.is_loopback() && listen.is_v4() == address.is_v4();
  return listen.address == address.address;
}

}  // namespace

std::vector<Endpoint> own_endpoints(const Endpoint& listen) {
  std::vector<InterfaceAddress> addresses = machine_addresses();
  if (!listen.is_unspecified()) {
    Endpoint own = listen;
    for (const InterfaceAddress& each : addresses) {
      if (covers(listen, each.endpoint)) own.interface = each.index;
    }
    return {own};
  }
  std::ranges::stable_partition(addresses, [](const InterfaceAddress& each) { return !each.loopback; });
  std::vector<Endpoint> own;
  for (const InterfaceAddress& each : addresses) {
    if (!covers(listen, each.endpoint)) continue;
    own.push_back(each.endpoint);
    own.back().port = listen.port;
    own.back().interface = each.index;
  }
  return own;
}

std::vector<std::uint32_t> interfaces_of(const Endpoint& listen, int family) {
  std::vector<std::uint32_t> indexes;
  for (const InterfaceAddress& each : machine_addresses()) {
    if (!covers(listen, each.endpoint) || family_of(each.endpoint) != family) continue;
    if (std::ranges::find(indexes, each.index) == indexes.end()) indexes.push_back(each.index);
  }
  return indexes;
}

bool carries_multicast(std::uint32_t interface) {
  ifreq request{};
  if (if_indextoname(interface, request.ifr_name) == nullptr) return false;
  const Descriptor any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any || ioctl(any.get(), SIOCGIFFLAGS, &request) != 0) return false;
  const auto flags = static_cast<unsigned short>(request.ifr_flags);
  return (flags & IFF_UP) != 0 && (flags & (IFF_MULTICAST | IFF_LOOPBACK)) != 0;
}

}  // namespace shoal
