#include "node/os/key_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "node/control/folder_command.h"
#include "node/os/files.h"
#include "node/os/socket.h"
#include "node/store/data_directory.h"

namespace shoal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = 1024;
constexpr std::size_t kIdDigitsMin = 4;
constexpr std::string_view kExtension = ".key";

Result<GroupKey> read_key(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    Error error = fail_with_errno("open " + path.string()).value();
    return fail(error.code, error.message + strange_owner_hint(path));
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} can be read by others (mode {:04o}): whoever read it is in the group. If nobody did, "
                    "chmod 600 it",
                    path.string(), status.st_mode & 07777));
  }
  Result<GroupKey> key = read_group_key(path.string(), kFileBytesMax);
  if (!key && key.error().code == ErrorCode::kInvalidArgument) {
    return fail(key.error().code, fmt::format("{}: {}", path.string(), key.error().message));
  }
  return key;
}

}  // namespace

Result<GroupKey> read_group_key(const std::string& path, std::size_t bytes_max) {
  Result<Bytes> bytes = read_input(path, bytes_max);
  if (!bytes) return tl::unexpected(std::move(bytes.error()));
  Result<GroupKey> key = GroupKey::parse(text(*bytes));
  sodium_memzero(bytes->data(), bytes->size());
  return key;
}

Result<std::vector<KeyDirectory::Entry>> KeyDirectory::load() const {
  std::vector<Entry> entries;
  std::error_code error;
  fs::directory_iterator files(path_, error);
  if (error == std::errc::no_such_file_or_directory) return entries;
  if (error) {
    return fail(ErrorCode::kIo, fmt::format("cannot read {}: {}{}", path_.string(), error.message(),
                                            strange_owner_hint(path_)));
  }
  for (const fs::directory_entry& file : files) {
    if (file.path().extension() != kExtension) continue;
    Result<GroupKey> key = read_key(file.path());
    if (!key) return tl::unexpected(std::move(key.error()));
    entries.push_back({file.path().stem().string(), std::move(*key)});
  }
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

Result<KeyDirectory::Entry> KeyDirectory::find(std::string_view name_or_id) const {
  Result<std::vector<Entry>> entries = load();
  if (!entries) return tl::unexpected(std::move(entries.error()));
  for (Entry& entry : *entries) {
    if (entry.name == name_or_id) return std::move(entry);
  }
  const auto has_id = [&](const Entry& entry) {
    return name_or_id.size() >= kIdDigitsMin && entry.key.id().hex().starts_with(name_or_id);
  };
  const auto found = std::ranges::find_if(*entries, has_id);
  if (found != entries->end() && std::none_of(found + 1, entries->end(), has_id)) return std::move(*found);
  return fail(ErrorCode::kNotFound,
              fmt::format("no group in {} is named '{}'; see shoal key list", path_.string(), name_or_id));
}

Result<std::string> KeyDirectory::add(std::string name, const GroupKey& key) {
  if (name.empty()) name = key.id().short_hex();
  if (!is_group_name(name)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is no name for a group: expected 1 to {} letters, digits, '.', '_' and '-', not "
                    "beginning with a dot",
                    name, kGroupNameBytesMax));
  }
  const Result<std::vector<Entry>> entries = load();
  if (!entries) return tl::unexpected(entries.error());
  const auto known = std::ranges::find(*entries, key.id(), [](const Entry& entry) { return entry.key.id(); });
  if (known != entries->end()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("the group is there already, named '{}' (level {})",
                                                         known->name, to_string(known->key.level())));
  }
  if (auto created = create_private_directory(path_.parent_path()); !created) {
    return tl::unexpected(std::move(created.error()));
  }
  if (auto created = create_private_directory(path_); !created)
    return tl::unexpected(std::move(created.error()));
  if (auto written = create_secret_file(file_of(name).string(), key.to_string(key.level()) + "\n",
                                        "choose another name", SecretOwner::kDirectorys);
      !written) {
    return tl::unexpected(std::move(written.error()));
  }
  return name;
}

Result<KeyDirectory::Entry> KeyDirectory::forget(std::string_view name_or_id) {
  Result<Entry> entry = find(name_or_id);
  if (!entry) return entry;
  const fs::path file = file_of(entry->name);
  const Descriptor directory(open_directory(path_));
  if (!directory || ::unlinkat(directory.get(), file.filename().c_str(), 0) != 0)
    return fail_with_errno("remove " + file.string());
  return entry;
}

}  // namespace shoal
