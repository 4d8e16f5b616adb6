// KeyDirectory: the group keys of a host on disk, in DATA/keys: a file NAME.key for each, with its key
// string, for its owner only (0600 in a folder of 0700). A key file whose mode lets others read it is
// refused, not used.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/result.h"
#include "node/secure/group_key.h"

namespace shoal {

// Reads a key string ("-": from standard input) and wipes what was read. Errors: kIo, kTooLarge,
// kInvalidArgument.
Result<GroupKey> read_group_key(const std::string& path, std::size_t bytes_max);

class KeyDirectory {
 public:
  struct Entry {
    std::string name;
    GroupKey key;
  };

  explicit KeyDirectory(const std::filesystem::path& data) : path_(data / "keys") {}

  // By name. A directory that does not exist holds none. Errors: kIo, kInvalidArgument (a file that is no
  // key, or that others may read), with the file's name.
  Result<std::vector<Entry>> load() const;
  // By name, or by the first digits (at least 4) of the group's id. Errors of load(); kNotFound.
  Result<Entry> find(std::string_view name_or_id) const;
  // Creates the file; it is on disk when this returns. An empty name takes the first 8 digits of the group's
  // id. Returns the name. Errors: kInvalidArgument (no name: 1 to 64 of a-z A-Z 0-9 . _ -, not beginning with
  // a dot; or it is taken; or the group is there under another name), kIo.
  Result<std::string> add(std::string name, const GroupKey& key);
  // Errors of find(); kIo.
  Result<Entry> forget(std::string_view name_or_id);

 private:
  std::filesystem::path file_of(std::string_view name) const { return path_ / (std::string(name) + ".key"); }

  std::filesystem::path path_;
};

}  // namespace shoal
