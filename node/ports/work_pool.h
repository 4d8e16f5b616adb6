// WorkPool: does CPU work and blocking file access off the node's loop.
#pragma once

#include <cstdint>
#include <memory>

#include "node/base/id.h"

namespace shoal {

// One piece of work. It owns what it needs, or shares what is safe to share (a Folder), and nothing of the
// node.
class Work {
 public:
  virtual ~Work() = default;
  virtual void run() = 0;

  // For the node, to find what the work belongs to: a folder, and a number within it.
  Id group;
  std::uint64_t number = 0;
};

class WorkPool {
 public:
  virtual ~WorkPool() = default;
  // Runs it some time after this call, then hands it back by PortEvents::on_work_done: each exactly once, in
  // any order, several at a time. Work of the last submissions is dropped when the host ends.
  virtual void submit(std::unique_ptr<Work> work) = 0;
  // Pieces of work that can run at one time; at least 1.
  virtual unsigned width() const = 0;
};

}  // namespace shoal
