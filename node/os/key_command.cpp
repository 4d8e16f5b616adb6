#include "node/os/key_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "node/os/command_output.h"
#include "node/os/control_client.h"
#include "node/os/key_directory.h"
#include "node/os/key_output.h"
#include "node/os/standard_streams.h"

namespace shoal {
namespace {

using nlohmann::json;

constexpr std::size_t kKeyFileBytesMax = 4096;
constexpr Duration kTellNodeWithin = 10s;

Result<void> add(const KeyOptions& options, KeyDirectory& directory, const GroupKey& key) {
  if (Result<void> fit = check_key_output(options.key_to); !fit) return fit;
  Result<std::string> name = directory.add(options.name, key);
  if (!name) return tl::unexpected(std::move(name.error()));
  const KeyDirectory::Entry entry{*name, key};
  if (options.action == KeyOptions::Action::kNew) {
    const SecretText text(key.to_string(key.level()));
    return print_key(options.json, options.key_to, entry, key.level(), text.text());
  }
  if (options.json) {
    print_json(describe_key(entry));
  } else {
    print_out("added group {} ({}, level {})\n", entry.name, key.id().short_hex(), to_string(key.level()));
  }
  return {};
}

Result<void> add_from_file(const KeyOptions& options, KeyDirectory& directory) {
  const Result<GroupKey> key = read_group_key(options.key_from, kKeyFileBytesMax);
  if (!key) return tl::unexpected(key.error());
  return add(options, directory, *key);
}

Result<void> list(const KeyOptions& options, const KeyDirectory& directory) {
  const auto entries = directory.load();
  if (!entries) return tl::unexpected(entries.error());
  if (options.json) {
    json groups = json::array();
    for (const KeyDirectory::Entry& entry : *entries) groups.push_back(describe_key(entry));
    print_json({{"groups", std::move(groups)}});
    return {};
  }
  std::size_t width = 4;
  for (const KeyDirectory::Entry& entry : *entries) width = std::max(width, entry.name.size());
  print_out("{:<{}}  {:<6}  group\n", "name", width, "level");
  for (const KeyDirectory::Entry& entry : *entries) {
    print_out("{:<{}}  {:<6}  {}\n", entry.name, width, to_string(entry.key.level()), entry.key.id().hex());
  }
  return {};
}

Result<void> show(const KeyOptions& options, const KeyDirectory& directory) {
  const auto entry = directory.find(options.name);
  if (!entry) return tl::unexpected(entry.error());
  const KeyLevel level = options.level.value_or(entry->key.level());
  if (level > entry->key.level()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("this host has group {} at level {} only, which does not give level {}",
                            entry->name, to_string(entry->key.level()), to_string(level)));
  }
  const SecretText text(entry->key.to_string(level));
  if (options.qr) {
    if (const Result<void> printed = print_qr(text.text()); !printed) return printed;
  }
  return print_key(options.json, options.key_to, *entry, level, text.text());
}

// Of the node that runs there, if one does: the root of what it syncs under this key; empty: nothing.
std::string folder_under(const KeyOptions& options, const Id& group) {
  auto client = ControlClient::connect(options.data);
  if (!client) return {};
  const auto answer = client->call(FolderCommand{}, kTellNodeWithin);
  if (!answer) return {};
  for (const json& folder : answer->value("folders", json::array())) {
    if (folder.value("group", "") == group.hex()) return folder.value("root", "");
  }
  return {};
}

Result<void> forget(const KeyOptions& options, KeyDirectory& directory) {
  const auto known = directory.find(options.name);
  if (!known) return tl::unexpected(known.error());
  const std::string root = folder_under(options, known->key.id());
  if (!root.empty() && !options.force) {
    return fail(
        ErrorCode::kBusy,
        fmt::format("the folder {} is synced under the key of '{}': without it this host meets no peer. "
                    "To end the sync: shoal folder remove. To forget the key all the same: --force",
                    shown(root), known->name));
  }
  const auto entry = directory.forget(options.name);
  if (!entry) return tl::unexpected(entry.error());
  if (options.json) {
    print_json(describe_key(*entry));
  } else {
    print_out("forgot group {} ({})\n", entry->name, entry->key.id().short_hex());
  }
  if (!root.empty() && !options.json) {
    print_out("the folder {} waits until shoal join gives the key back\n", shown(root));
  }
  return {};
}

// A node that runs there is in the group, or out of it, from now on. Where none runs there is nobody to tell.
Result<void> tell_node(const KeyOptions& options) {
  auto client = ControlClient::connect(options.data);
  if (!client) return {};
  const auto answer = client->call(ReloadKeysCommand{}, kTellNodeWithin);
  if (answer || !answer.error().is_nodes) return {};
  return fail(answer.error().error.code,
              "the running node does not take the keys: " + answer.error().error.message);
}

Result<void> run(const KeyOptions& options) {
  KeyDirectory directory(options.data);
  switch (options.action) {
    case KeyOptions::Action::kNew:
      return add(options, directory, new_group_key());
    case KeyOptions::Action::kAdd:
      return add_from_file(options, directory);
    case KeyOptions::Action::kList:
      return list(options, directory);
    case KeyOptions::Action::kShow:
      return show(options, directory);
    case KeyOptions::Action::kForget:
      return forget(options, directory);
  }
  return {};
}

}  // namespace

int run_key_command(const KeyOptions& options) {
  Result<void> done = run(options);
  const bool changes =
      options.action != KeyOptions::Action::kList && options.action != KeyOptions::Action::kShow;
  if (done && changes) done = tell_node(options);
  if (done) return kExitOk;
  const bool is_refused = done.error().code == ErrorCode::kNotFound || done.error().code == ErrorCode::kBusy;
  const int status = is_refused ? kExitRefused : kExitUsage;
  return print_failure(options.json, {std::move(done.error()), status});
}

}  // namespace shoal
