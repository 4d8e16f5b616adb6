// BodyPool: keeps equal item bodies once per process. A simulation holds each value at many of its nodes; the
// pool makes them share one copy, which goes when the last holder drops it.
#pragma once

#include <cstddef>
#include <memory>

#include <tsl/robin_map.h>

#include "node/base/bytes.h"

namespace shoal {

class BodyPool {
 public:
  // A body equal to the one given: the copy already shared, or `body` itself, which is shared from now on.
  std::shared_ptr<const Bytes> share(std::shared_ptr<const Bytes> body);
  // Entries held, those of bodies that have gone included.
  std::size_t size() const { return bodies_.size(); }

 private:
  void drop_expired();

  // By the hash of the content. Where two bodies collide, only the first is shared.
  tsl::robin_map<std::size_t, std::weak_ptr<const Bytes>> bodies_;
  std::size_t sweep_at_ = 1024;
};

}  // namespace shoal
