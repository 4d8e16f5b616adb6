// FolderDisk: with what a simulated host keeps folders: a disk, an index on it, and workers off its loop. It
// outlives the host's nodes, and what a crash does to it is MemoryDisk's and MemoryIndexStore's to say:
//
//   commit ──► the index shows it ──(kWriteTime)──► it is settled, and the node is told
//   work   ──(100 us to 20 ms)──► it runs, all at once, and is handed back: works overtake each other
//   change ──► the node is told of the directory, as an event of its own
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "node/base/rng.h"
#include "node/ports/events.h"
#include "node/ports/work_pool.h"
#include "node/store/memory_disk.h"
#include "node/store/memory_folder.h"
#include "node/store/memory_index_store.h"
#include "sim/folder_picture.h"

namespace shoal::sim {

class FolderDisk final : public IndexStore, public WorkPool, private MemoryDisk::Observer {
 public:
  static constexpr Duration kWriteTime = 5ms;  // a flush of an ordinary disk
  static constexpr Duration kWorkTimeMin = 100us;
  static constexpr Duration kWorkTimeMax = 20ms;

  // Has `event` called with the present node so much later, unless that node is gone by then.
  using Later = std::function<void(Duration by, std::function<void(PortEvents&)> event)>;
  FolderDisk(CommitSink& sink, Rng rng, Later later, std::function<WallTime()> wall_time);
  ~FolderDisk() override;
  FolderDisk(const FolderDisk&) = delete;
  FolderDisk& operator=(const FolderDisk&) = delete;

  // Before a node is made over it.
  void mount();
  Folders& folders() { return wrapped_ ? *wrapped_ : *folders_; }
  // Tests put what they break between the node and the disk, from the next mount on.
  using Wrap = std::function<std::unique_ptr<Folders>(Folders&)>;
  using Spoil = std::function<void(IndexBatch&)>;
  struct Hooks {
    Wrap wrap;    // nothing: as it is
    Spoil spoil;  // each batch of the index, before it is committed; nothing: as it is
  };
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  // True: the completion is of the index; the node is told later.
  bool keeps(const CommitCompletion& done);
  // The node is gone: works vanish. After a crash so does what the disk and the index had not kept.
  void stop(bool crashed);
  // Writes and commits fail; reads go on.
  void set_full(bool full);
  bool is_full() const { return full_; }

  // For a person, at the present time.
  MemoryDisk& disk();
  // What the person has done there, to a file or its directory, is on the disk.
  void flush(const std::string& path);

  // `root` as Folders::open.
  FolderPicture look(const std::string& root);
  std::set<ContentKey> look_into_trash(const std::string& root);
  // Something may have changed since the last call.
  bool take_changed() { return std::exchange(changed_, false); }

  std::vector<Id> groups() const override { return index_.groups(); }
  std::optional<Bytes> find(const IndexKey& key) const override { return index_.find(key); }
  std::vector<IndexRow> list(const IndexKey& key, bool or_equal, std::size_t count_max) const override {
    return index_.list(key, or_equal, count_max);
  }
  CommitId commit(IndexBatch batch) override;
  void submit(std::unique_ptr<Work> work) override;
  unsigned width() const override { return 2; }

 private:
  struct Hashed {
    FileStat stat;
    FolderThing thing;
  };
  void end_write(PortEvents& node);
  void run(std::uint64_t number, PortEvents& node);
  void on_event(const FolderEvent& event);
  void tell_events(PortEvents& node);
  void look_below(MemoryDisk::Inode directory, const std::string& path, FolderPicture& picture);
  FolderThing thing(MemoryDisk::Inode inode);
  void on_changed(MemoryDisk::Inode) override { changed_ = true; }
  void on_moved(MemoryDisk::Inode) override { changed_ = true; }

  Rng rng_;
  Later later_;
  std::function<WallTime()> wall_time_;
  MemoryDisk disk_;
  MemoryIndexStore index_;
  std::deque<CommitId> writing_;
  std::deque<CommitCompletion> written_;
  std::optional<MemoryFolders> folders_;
  Hooks hooks_;
  std::unique_ptr<Folders> wrapped_;
  std::map<std::uint64_t, std::unique_ptr<Work>> works_;
  std::uint64_t works_begun_ = 0;
  std::deque<FolderEvent> events_;
  std::map<MemoryDisk::Inode, Hashed> hashed_;
  bool full_ = false;
  bool changed_ = true;
};

}  // namespace shoal::sim
