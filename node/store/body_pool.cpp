#include "node/store/body_pool.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace shoal {

std::shared_ptr<const Bytes> BodyPool::share(std::shared_ptr<const Bytes> body) {
  const std::size_t hash = std::hash<std::string_view>{}(text(*body));
  const auto [entry, inserted] = bodies_.try_emplace(hash, body);
  if (inserted) {
    if (bodies_.size() >= sweep_at_) drop_expired();
    return body;
  }
  if (std::shared_ptr<const Bytes> held = entry->second.lock()) return *held == *body ? held : body;
  entry.value() = body;
  return body;
}

void BodyPool::drop_expired() {
  // lint-allow(hash-order): drops what nobody holds, whatever the order
  for (auto entry = bodies_.begin(); entry != bodies_.end();) {
    entry = entry->second.expired() ? bodies_.erase(entry) : std::next(entry);
  }
  sweep_at_ = std::max<std::size_t>(1024, bodies_.size() * 2);
}

}  // namespace shoal
