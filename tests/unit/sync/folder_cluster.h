// FolderCluster: whole nodes on a LAN that share a key and keep a folder, each on a disk in memory.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "node/sync/reader.h"
#include "node/sync/sync_manager.h"
#include "tests/support/node_cluster.h"

namespace shoal {

inline const std::string kFolderRoot = "home";  // on each disk

class FolderCluster : public ::testing::Test {
 protected:
  using Verb = FolderCommand::Verb;
  using State = FolderStatus::State;
  // All below the root but what is the folder's own: path -> what it is.
  using Contents = std::map<std::string, std::string>;

  explicit FolderCluster(std::uint64_t seed = 1, CipherKind cipher = CipherKind::kReal)
      : cluster_(seed),
        cipher_(cipher),
        rng_(Rng::keyed(seed, "folder cluster", "test")),
        key_(GroupKey::from_sync_key(Secret(Rng::keyed(seed, "test", "group").seed()))) {
    cluster_.give_disks();
  }

  // ---- Hosts

  // On the LAN, with an empty directory and the key; it does not keep the folder yet.
  std::size_t add_host(const NodeConfig& config = {}) {
    const std::size_t host = cluster_.add({}, config, cipher_);
    hosts_ = host + 1;
    cluster_.network().set_interfaces(
        cluster_.index(host), {{Endpoint::v4(0x0a000001u + static_cast<std::uint32_t>(host), 4000), 1}});
    cluster_.set_groups(host, {key_});
    EXPECT_TRUE(disk(host).make_directories(kFolderRoot));
    disk(host).sync_all();
    cluster_.advance(1ms);  // a command may be taken before the key that it is about
    return host;
  }
  void share(std::size_t host) {
    (void)cluster_.expect<AddFolderResult>(host, AddFolderCommand{key_.id(), "/" + kFolderRoot, "folder"});
  }
  // Hosts 0 to count - 1, which keep the folder, empty and in sync.
  void share_among(std::size_t count) {
    for (std::size_t host = 0; host < count; ++host) {
      add_host();
      share(host);
    }
    ASSERT_TRUE(converge());
  }
  MemoryDisk& disk(std::size_t host) { return cluster_.disk(host).disk(); }
  const sync::SyncPathManager& folder(std::size_t host) {
    return *cluster_.node(host).sync()->find(key_.id());
  }
  const sync::FolderCounters& counters(std::size_t host) { return folder(host).context().counters; }
  FolderStatus status(std::size_t host) { return folder(host).status(); }
  CommandResult command(std::size_t host, Verb verb, const std::string& path = {}) {
    FolderCommand command;
    command.verb = verb;
    command.folder = "folder";
    command.path = path;
    return cluster_.run(host, command);
  }
  // Of what is not in sync: path -> cause.
  std::map<std::string, std::string> causes(std::size_t host) {
    bool more = false;
    std::map<std::string, std::string> causes;
    for (const FolderPathStatus& each : folder(host).path_status({}, kFolderRowsMax, more)) {
      causes.emplace(each.path, each.cause);
    }
    return causes;
  }
  // The host dies, these rows of its index become others (or go), and it starts again.
  void rewrite_index(std::size_t host, const std::vector<sync::Entry>& entries,
                     const std::vector<sync::NodeId>& gone = {},
                     const std::optional<sync::Knowledge>& knowledge = {}) {
    cluster_.crash(host);
    IndexBatch batch;
    const auto add = [&](IndexTable table, Bytes key, std::optional<Bytes> value) {
      batch.rows.push_back({{key_.id(), table, std::move(key)}, std::move(value)});
    };
    const auto key_of = [](const sync::NodeId& id) {
      Bytes key;
      sync::append_dot(id, key);
      return key;
    };
    for (const sync::Entry& entry : entries) {
      add(IndexTable::kEntry, key_of(entry.id), sync::encode_entry(entry));
    }
    for (const sync::NodeId& id : gone) add(IndexTable::kEntry, key_of(id), std::nullopt);
    if (knowledge) add(IndexTable::kFolder, bytes_of("knowledge"), sync::encode_knowledge(*knowledge));
    MemoryIndexStore& index = cluster_.disk(host).index();
    index.settle(index.commit(std::move(batch)));
    cluster_.restart(host);
  }
  // Of the machine; its node is started again.
  HostDisk::Snapshot snapshot(std::size_t host) {
    cluster_.crash(host);
    HostDisk::Snapshot taken = cluster_.disk(host).snapshot();
    cluster_.restart(host);
    return taken;
  }
  void roll_back(std::size_t host, const HostDisk::Snapshot& snapshot) {
    cluster_.crash(host);
    cluster_.disk(host).restore(snapshot);
    cluster_.restart(host);
  }
  // Another machine that begins as a copy, with a host key of its own.
  std::size_t add_clone(const HostDisk::Snapshot& snapshot) {
    const std::size_t host = add_host();
    roll_back(host, snapshot);
    return host;
  }
  void cut(std::size_t a, std::size_t b) { cluster_.network().cut(cluster_.index(a), cluster_.index(b)); }
  void heal(std::size_t a, std::size_t b) { cluster_.network().heal(cluster_.index(a), cluster_.index(b)); }

  // ---- Files of a person

  Bytes random_bytes(std::size_t count) {
    Bytes bytes(count);
    rng_.fill(bytes);
    return bytes;
  }
  static Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
  static std::string in_root(const std::string& path) { return kFolderRoot + "/" + path; }
  void write(std::size_t host, const std::string& path, ByteView bytes) {
    const Result<void> written = disk(host).write_file(in_root(path), bytes);
    ASSERT_TRUE(written) << written.error().message;
  }
  void write(std::size_t host, const std::string& path, std::string_view text) {
    write(host, path, ByteView(bytes_of(text)));
  }
  void rename(std::size_t host, const std::string& from, const std::string& to) {
    const Result<void> renamed = disk(host).rename(in_root(from), in_root(to));
    ASSERT_TRUE(renamed) << renamed.error().message;
  }
  void remove(std::size_t host, const std::string& path) {
    const Result<void> removed = disk(host).remove_tree(in_root(path));
    ASSERT_TRUE(removed) << removed.error().message;
  }
  void set(std::size_t host, const std::string& path, std::optional<std::uint32_t> mode,
           std::optional<std::int64_t> mtime_ns) {
    const auto change = disk(host).set(MemoryDisk::kRoot, SetMetadata{in_root(path), mode, mtime_ns});
    ASSERT_TRUE(change) << change.error().message;
  }
  std::string read(std::size_t host, const std::string& path) {
    const auto bytes = disk(host).read_file(in_root(path));
    return bytes ? std::string(bytes->begin(), bytes->end()) : "(" + bytes.error().message + ")";
  }
  FileStat stat(std::size_t host, const std::string& path) {
    MemoryDisk& disk = this->disk(host);
    return disk.stat(disk.find(MemoryDisk::kRoot, in_root(path), "look at").value());
  }

  // ---- What there is

  static bool is_own(std::string_view path) { return path == ".shoal" || path.starts_with(".shoal/"); }
  Contents contents(std::size_t host) {
    Contents contents;
    for (const std::string& full : disk(host).paths()) {
      if (!full.starts_with(kFolderRoot + "/")) continue;
      const std::string path = full.substr(kFolderRoot.size() + 1);
      if (is_own(path)) continue;
      const FileStat is = stat(host, path);
      std::string& shown = contents[path];
      shown = std::to_string(static_cast<int>(is.kind)) + " ";
      if (is.kind == FileKind::kLink) shown += is.link_target;
      if (is.kind == FileKind::kDirectory) shown += std::to_string(is.mode);
      if (is.kind == FileKind::kFile) {
        shown += std::to_string(is.mode) + " " + std::to_string(is.mtime_ns) + " " + read(host, path);
      }
    }
    return contents;
  }
  std::set<std::string> paths(std::size_t host) {
    std::set<std::string> paths;
    for (const auto& [path, what] : contents(host)) paths.insert(path);
    return paths;
  }
  // The bytes of every file in the trash.
  std::multiset<std::string> trash(std::size_t host) {
    std::multiset<std::string> trash;
    for (const std::string& path : disk(host).paths()) {
      if (!path.starts_with(in_root(".shoal/trash/")) || path == in_root(sync::kTrashClockFile)) continue;
      if (const auto bytes = disk(host).read_file(path))
        trash.insert(std::string(bytes->begin(), bytes->end()));
    }
    return trash;
  }

  // ---- Time

  std::vector<std::size_t> keepers() {
    std::vector<std::size_t> keepers;
    for (std::size_t host = 0; host < hosts(); ++host) {
      if (cluster_.running(host) && cluster_.node(host).sync()->find(key_.id()) != nullptr)
        keepers.push_back(host);
    }
    return keepers;
  }
  // Has every one that runs done what it knows of, and do all know and hold the same?
  bool is_calm() {
    const std::vector<std::size_t> all = keepers();
    return std::ranges::all_of(all, [&](std::size_t host) {
      const sync::SyncPathManager& one = folder(host);
      return one.is_in_sync() && one.knowledge() == folder(all.front()).knowledge() &&
             one.context().tree.fingerprint() == folder(all.front()).context().tree.fingerprint();
    });
  }
  // Lets time pass until nothing has happened for longer than deletions and young files are waited for.
  testing::AssertionResult converge(Duration at_most = 60s) {
    constexpr Duration kStep = 500ms;
    constexpr int kCalmSteps = 6;
    int calm = 0;
    cluster_.advance(kStep);
    for (Duration passed{}; calm < kCalmSteps; passed += kStep) {
      if (passed > at_most) return testing::AssertionFailure() << describe();
      cluster_.advance(kStep);
      calm = is_calm() ? calm + 1 : 0;
    }
    return testing::AssertionSuccess();
  }
  // What each host says of the folder, and why it is not done.
  std::string describe() {
    std::string text;
    for (std::size_t host = 0; host < hosts(); ++host) {
      text += fmt::format("\nhost {}: ", host);
      if (!cluster_.running(host) || cluster_.node(host).sync()->find(key_.id()) == nullptr) {
        text += "does not keep the folder";
        continue;
      }
      const sync::SyncPathManager& one = folder(host);
      const FolderStatus is = one.status();
      text += fmt::format("{} {}, replica {}, {} peers, tree {}, knows", to_string(is.state), is.reason,
                          one.replica().short_hex(), is.peers_connected,
                          one.context().tree.fingerprint().short_hex());
      for (const auto& [replica, counter] : one.knowledge().counters()) {
        text += fmt::format(" {}:{}", replica.short_hex(), counter);
      }
      for (const auto& [replica, lineage] : one.context().lineages.changed()) {
        text += fmt::format("\n  runs of {}:", replica.short_hex());
        for (const sync::Run& run : lineage.runs) text += fmt::format(" {}:{:x}", run.start, run.mark >> 48);
        text += fmt::format(" up to {}", lineage.end);
      }
      for (const auto& [path, cause] : causes(host)) text += fmt::format("\n  {}: {}", path, cause);
      for (const auto& [path, what] : contents(host)) text += fmt::format("\n  {} {:.60}", path, what);
    }
    return text;
  }
  // Of all that keep the folder: the same, and it is what the node believes.
  void expect_the_same() {
    const std::vector<std::size_t> all = keepers();
    const Contents first = contents(all.front());
    for (const std::size_t host : all) {
      EXPECT_EQ(contents(host), first) << "host " << host;
      EXPECT_EQ(folder(host).context().disk.size(), first.size()) << "host " << host;
      EXPECT_EQ(counters(host).scans_started, counters(host).scans_complete + counters(host).scans_aborted);
      EXPECT_EQ(counters(host).fingerprint_mismatches, 0u);
    }
  }
  std::size_t hosts() const { return hosts_; }

  NodeCluster cluster_;
  CipherKind cipher_;
  Rng rng_;
  GroupKey key_;
  std::size_t hosts_ = 0;
};

}  // namespace shoal
