// VerifyWork: compares files and links on the disk with what the index says of them, for the Verifier. It
// reads the disk, not what the host has in memory of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/sync/folder_work.h"

namespace shoal::sync {

class VerifyWork final : public FolderWork {
 public:
  enum class Outcome : std::uint8_t {
    kIntact,
    kDamaged,     // other bytes, or an error while they are read, under the stat that is known
    kChanged,     // another stat, or nothing is there: for the Scanner
    kUnreadable,  // it cannot be opened
  };
  struct File {
    NodeId id;
    std::string path;
    FileStat expected;
    ContentName content;      // of files
    std::string link_target;  // of links
    // These parts, the first of which lies at `offset`. None: the whole file, which is hashed then.
    std::vector<PartRef> parts;
    std::uint64_t offset = 0;
    bool is_last = true;  // the file ends with these parts
    // Results
    Outcome outcome = Outcome::kChanged;
    std::string message;  // of an error
    FileStat stat;        // when it was looked at
    // kDamaged, of a whole file: what it has now; nothing: it cannot be read, or is a link.
    std::optional<ContentName> found;
    std::vector<PartRef> found_parts;  // of a whole file that is intact
  };

  explicit VerifyWork(std::shared_ptr<Folder> folder) : FolderWork(Kind::kVerify, std::move(folder)) {}
  void run() override;

  // What programs have written into memory of the file (mmap) is written to the disk first, so that its times
  // tell of it.
  bool flush = false;
  std::vector<File> files;

 private:
  Outcome compare(File& file);
  Outcome compare_file(File& file);
  Outcome compare_parts(FolderFile& opened, File& file);
  Outcome compare_whole(FolderFile& opened, File& file);

  Bytes buffer_;
};

}  // namespace shoal::sync
