// FolderHarness: one disk with a folder on it, as the suite of folders drives it, and the person who changes
// files meanwhile. To run the suite on another kind of folder, implement it in a file of its own here that
// ends in a SHOAL_CONFORM_FOLDERS (folder_suite.h).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "node/base/instant.h"
#include "node/ports/folder.h"

namespace shoal::conformance {

class FolderHarness {
 public:
  virtual ~FolderHarness() = default;

  virtual Folders& folders() = 0;
  // The absolute path of what the person knows as `path`.
  virtual std::string absolute(const std::string& path) = 0;

  // As a person does it, with paths from a directory of this test alone. Makes the directories on the way.
  virtual void write(const std::string& path, const std::string& text) = 0;
  // Empty: nothing can be read there.
  virtual std::string read(const std::string& path) = 0;
  virtual void make_directory(const std::string& path) = 0;
  virtual void make_link(const std::string& path, const std::string& target) = 0;
  // Neither file, directory nor link.
  virtual void make_other(const std::string& path) = 0;
  virtual void rename(const std::string& from, const std::string& to) = 0;
  virtual void remove_tree(const std::string& path) = 0;

  std::function<void(const FolderEvent&)> on_event;
  // Lets time pass until done() holds; false when it does not after `at_most`.
  virtual bool run_until(const std::function<bool()>& done, Duration at_most) = 0;
  // How long to wait before "nothing more happens" may be said.
  virtual Duration settle_time() const = 0;
  // So many events that some are lost. At least one directory of a folder, `watched`, is watched.
  virtual void overflow(const std::string& watched) = 0;
};

struct FolderHarnessKind {
  const char* name;
  std::unique_ptr<FolderHarness> (*make)();
};

}  // namespace shoal::conformance
