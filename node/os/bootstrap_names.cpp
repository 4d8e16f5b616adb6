#include "node/os/bootstrap_names.h"

#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "node/os/socket.h"

namespace shoal {
namespace {

constexpr std::uint64_t kAgainMs = 10'000;
constexpr std::size_t kAddressesMax = 8;  // of one name

}  // namespace

struct BootstrapNames::Desk {
  std::mutex mutex;
  BootstrapNames* owner = nullptr;  // null once it has gone; guarded by mutex, as the loop
  EventLoop* loop = nullptr;
};

BootstrapNames::BootstrapNames(EventLoop& loop, std::vector<HostName> names, Listener& listener)
    : names_(std::move(names)),
      listener_(listener),
      desk_(std::make_shared<Desk>()),
      timer_(new uv_timer_t),
      is_missing_(names_.size()) {
  desk_->owner = this;
  desk_->loop = &loop;
  uv_timer_init(loop.uv(), timer_.get());
  timer_->data = this;
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<BootstrapNames*>(timer->data)->on_timer(); },
      kAgainMs, kAgainMs);
  begin();
}

BootstrapNames::~BootstrapNames() {
  const std::lock_guard lock(desk_->mutex);
  desk_->owner = nullptr;
  desk_->loop = nullptr;
}

BootstrapNames::Found BootstrapNames::look_up(const HostName& name) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_DGRAM;
  addrinfo* first = nullptr;
  const int failed = ::getaddrinfo(name.name.c_str(), nullptr, &wanted, &first);
  if (failed != 0) {
    return {{}, failed == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(failed)};
  }
  Found found;
  for (const addrinfo* at = first; at != nullptr && found.endpoints.size() < kAddressesMax;
       at = at->ai_next) {
    if (at->ai_addrlen > sizeof(sockaddr_storage)) continue;
    SocketAddress address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    Endpoint endpoint = address.endpoint();
    endpoint.port = name.port;
    found.endpoints.push_back(endpoint);
  }
  ::freeaddrinfo(first);
  if (found.endpoints.empty()) found.why = "it has no address";
  return found;
}

void BootstrapNames::begin() {
  is_looking_ = true;
  try {
    std::thread([names = names_, desk = desk_] {
      std::vector<Found> found;
      for (const HostName& name : names) found.push_back(look_up(name));
      const std::lock_guard lock(desk->mutex);
      if (desk->loop == nullptr) return;
      desk->loop->post([desk, found = std::move(found)]() mutable {
        // The owner goes on the loop's thread only, so it stays while this runs.
        if (desk->owner != nullptr) desk->owner->take(std::move(found));
      });
    }).detach();
  } catch (const std::system_error&) {
    is_looking_ = false;  // no thread is to be had now
  }
}

void BootstrapNames::on_timer() {
  if (!is_looking_ && listener_.needs_bootstrap()) begin();
}

void BootstrapNames::take(std::vector<Found> found) {
  is_looking_ = false;
  std::vector<Endpoint> endpoints;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    for (const Endpoint& endpoint : found[i].endpoints) {
      if (std::ranges::find(endpoints, endpoint) == endpoints.end()) endpoints.push_back(endpoint);
    }
    const bool is_missing = found[i].endpoints.empty();
    if (is_missing && !is_missing_[i]) listener_.on_name_not_found(names_[i], found[i].why);
    is_missing_[i] = is_missing;
  }
  // What was found before is better than nothing.
  if (endpoints.empty() || endpoints == endpoints_) return;
  endpoints_ = endpoints;
  listener_.on_bootstrap_found(std::move(endpoints));
}

}  // namespace shoal
