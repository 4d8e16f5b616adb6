// OpenedDirectories: directories that their owner may not write in (mode 0555), while an InstallWork works in
// them. Each is opened when it is needed and gets its mode back when the work ends. No scan runs meanwhile,
// so the mode between is never taken for a change by a person. A file in staging says what is open; the next
// start puts back what a crash has left open.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "node/ports/folder.h"

namespace shoal::sync {

class OpenedDirectories {
 public:
  // `work` is a number that no other has meanwhile; `flush`: what is open is known after a power failure too.
  OpenedDirectories(Folder& folder, std::uint64_t work, bool flush)
      : folder_(folder), work_(work), flush_(flush) {}

  // From now on names can be made, renamed and removed in it, if that is up to its mode. Not of the root.
  void open(const std::string& directory);
  void close(const std::string& directory);
  void close_all();
  // With what is in it; or both have changed places.
  void moved(const std::string& from, const std::string& to, bool is_exchange);

  // Takes a file in staging, as these objects leave them: true when it was one.
  static bool put_back(Folder& folder, const std::string& staged);

 private:
  struct Opened {
    std::uint32_t mode = 0;
    std::uint64_t inode = 0;
    std::string note;  // the file in staging
  };
  bool write_note(const std::string& directory, const Opened& opened);
  static void put_back(Folder& folder, const std::string& directory, std::uint32_t mode, std::uint64_t inode);

  Folder& folder_;
  std::uint64_t work_;
  bool flush_;
  std::uint64_t notes_ = 0;
  std::set<std::string> looked_at_;
  std::map<std::string, Opened> opened_;  // by path
};

}  // namespace shoal::sync
