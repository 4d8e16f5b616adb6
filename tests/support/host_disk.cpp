#include "tests/support/host_disk.h"

#include <chrono>
#include <utility>

namespace shoal {

void HostDisk::start(ManualNetwork::HostIndex host, PortEvents& node) {
  host_ = host;
  node_ = &node;
  run_ = std::make_shared<bool>();
}

void HostDisk::stop() {
  run_.reset();
  node_ = nullptr;
  works_.clear();
  folders_.reset();
  index_.crash();
}

void HostDisk::restore(const Snapshot& snapshot) {
  disk_ = snapshot.disk;
  index_.restore(snapshot.index);
}

MemoryDisk& HostDisk::disk() {
  disk_.now_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(network_.wall_time().time_since_epoch()).count();
  return disk_;
}

void HostDisk::mount() {
  folders_.emplace(disk_, [this](const FolderEvent& event) {
    later(Duration::zero(), [this, event] { node_->on_folder_event(event); });
  });
}

void HostDisk::submit(std::unique_ptr<Work> work) {
  works_.push_back(std::move(work));
  later(work_time, [this] { run_one(); });
}

void HostDisk::run_one() {
  const std::size_t index = shuffles_works ? rng_.below(works_.size()) : 0;
  std::unique_ptr<Work> work = std::move(works_[index]);
  works_.erase(works_.begin() + static_cast<std::ptrdiff_t>(index));
  disk();  // at the present time
  work->run();
  node_->on_work_done(std::move(work));
}

void HostDisk::later(Duration by, std::function<void()> event) {
  network_.at(network_.now() + by, [this, alive = std::weak_ptr<bool>(run_), event = std::move(event)] {
    if (alive.expired()) return;
    event();
    network_.wake(host_);
  });
}

}  // namespace shoal
