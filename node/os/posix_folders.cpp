#include "node/os/posix_folders.h"

#include "node/os/posix_folder.h"

namespace shoal {

Result<std::shared_ptr<Folder>> PosixFolders::open(const Id& group, const std::string& root) {
  Result<Beneath> beneath = Beneath::open(root);
  if (!beneath) return tl::unexpected(std::move(beneath.error()));
  return std::make_shared<PosixFolder>(watches_, group, std::move(*beneath), root);
}

}  // namespace shoal
