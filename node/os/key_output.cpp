#include "node/os/key_output.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cctype>
#include <cstdio>

#include "node/os/command_output.h"
#include "node/os/entropy.h"
#include "node/os/files.h"
#include "node/os/standard_streams.h"
#include "node/os/terminal_qr.h"

namespace shoal {

using nlohmann::json;

namespace {

constexpr const char* kChooseAnother = "choose another file";

}  // namespace

GroupKey new_group_key() {
  return GroupKey::from_sync_key(Secret(os_seeded_rng().seed()));
}

json describe_key(const KeyDirectory::Entry& entry) {
  return {{"name", entry.name}, {"group", entry.key.id().hex()}, {"level", to_string(entry.key.level())}};
}

Result<void> check_key_output(const std::string& file) {
  struct stat status {};
  if (file.empty() || ::lstat(file.c_str(), &status) != 0) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} exists already: {}", file, kChooseAnother));
}

Result<void> print_key(bool as_json, const std::string& file, const KeyDirectory::Entry& entry,
                       KeyLevel level, const std::string& key) {
  if (!file.empty()) {
    if (Result<void> written = create_secret_file(file, key + "\n", kChooseAnother); !written) return written;
  }
  if (as_json) {
    json out = describe_key(entry);
    out["level"] = to_string(level);
    if (file.empty()) {
      out["key"] = key;
    } else {
      out["file"] = file;
    }
    print_json(out);
    return {};
  }
  print_err("group {} ({}): whoever has this key is in the group\n", entry.name, entry.key.id().short_hex());
  std::fflush(stderr);
  if (file.empty()) print_out("{}\n", key);
  return {};
}

Result<void> print_qr(const std::string& key) {
  SecretText capitals(key);  // which take less room in the code
  for (char& c : capitals.text()) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const Result<std::string> code = terminal_qr(capitals.text());
  if (!code) return tl::unexpected(code.error());
  print_out("{}", *code);
  return {};
}

}  // namespace shoal
