#include "node/os/key_output.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdio>

#include "node/os/command_output.h"
#include "node/os/entropy.h"
#include "node/os/terminal_qr.h"

namespace shoal {

using nlohmann::json;

GroupKey new_group_key() {
  return GroupKey::from_sync_key(Secret(os_seeded_rng().seed()));
}

json describe_key(const KeyDirectory::Entry& entry) {
  return {{"name", entry.name}, {"group", entry.key.id().hex()}, {"level", to_string(entry.key.level())}};
}

void print_key(bool as_json, const KeyDirectory::Entry& entry, const std::string& key) {
  if (as_json) {
    json out = describe_key(entry);
    out["key"] = key;
    print_json(out);
    return;
  }
  fmt::print(stderr, "group {} ({}): whoever has this key is in the group\n", entry.name,
             entry.key.id().short_hex());
  std::fflush(stderr);
  fmt::print("{}\n", key);
}

Result<void> print_qr(const std::string& key) {
  SecretText capitals(key);  // which take less room in the code
  for (char& c : capitals.text()) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const Result<std::string> code = terminal_qr(capitals.text());
  if (!code) return tl::unexpected(code.error());
  fmt::print("{}", *code);
  return {};
}

}  // namespace shoal
