// VerifyTest: a FolderCluster whose disks change by themselves, and are verified.
#pragma once

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {

class VerifyTest : public FolderCluster {
 protected:
  static NodeConfig with_interval(Duration interval, std::size_t rate = 8 << 20) {
    NodeConfig config;
    config.folder_verify_interval = interval;
    config.folder_verify_rate = rate;
    return config;
  }
  void share_with(std::size_t count, const NodeConfig& config) {
    for (std::size_t host = 0; host < count; ++host) {
      add_host(config);
      share(host);
    }
    ASSERT_TRUE(converge());
  }
  void rot(std::size_t host, const std::string& path, std::uint64_t offset = 0) {
    const Result<void> done = disk(host).rot(in_root(path), offset);
    ASSERT_TRUE(done) << done.error().message;
  }
  FolderVerifyResult ask(std::size_t host, const std::string& path, std::uint64_t pass) {
    FolderCommand command;
    command.verb = Verb::kVerify;
    command.folder = "folder";
    command.path = path;
    command.pass = pass;
    return cluster_.expect<FolderVerifyResult>(host, command);
  }
  // As the command line does it, until it ends.
  FolderVerifyResult verify(std::size_t host, const std::string& path = {}, Duration at_most = 5min) {
    FolderVerifyResult result = ask(host, path, 0);
    for (Duration passed{}; !result.pass.ended; passed += 1s) {
      if (passed > at_most) {
        ADD_FAILURE() << "it does not end" << describe();
        return result;
      }
      cluster_.advance(1s);
      result = ask(host, path, result.pass.number);
    }
    return result;
  }
  std::uint64_t writes(std::size_t host) { return folder(host).knowledge().of(folder(host).replica()); }
};

}  // namespace shoal
