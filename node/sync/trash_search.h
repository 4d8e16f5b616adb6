// TrashSearchWork: looks in the folder's trash for contents that no peer has.
//
// A content may lie in a trash only: the step that displaces its last copy succeeds, and the step that places
// the content under its new name fails, or a crash comes between the two. The entry that shows the content
// then gets it back from here.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/sync/folder_work.h"

namespace shoal::sync {

class TrashSearchWork final : public FolderWork {
 public:
  TrashSearchWork(std::shared_ptr<Folder> folder, std::set<ContentName> wanted)
      : FolderWork(Kind::kTrashSearch, std::move(folder)), wanted_(std::move(wanted)) {}
  // Lists the trash, and hashes the files in it whose size is that of a wanted content.
  void run() override;

  struct Found {
    std::string path;
    std::vector<PartRef> parts;
  };
  std::map<ContentName, Found> found;

 private:
  void look_in(const std::string& directory, std::size_t depth);
  void look_in_staging();
  void look_at(const std::string& path, std::uint64_t size);

  std::set<ContentName> wanted_;
};

}  // namespace shoal::sync
