#include "node/os/share_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "node/control/cli_output.h"
#include "node/os/command_output.h"
#include "node/os/control_client.h"
#include "node/os/files.h"
#include "node/os/key_directory.h"
#include "node/os/key_output.h"
#include "node/os/socket.h"
#include "node/os/standard_streams.h"
#include "node/store/data_directory.h"

namespace shoal {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kKeyBytesMax = 4096;

CommandFailure unusable(Error error) {
  return {std::move(error), kExitUsage};
}

// The node must be able to write there, also when root has asked it to.
void give_to_node(const fs::path& data, const fs::path& made) {
  const Descriptor owners(open_directory(data));
  const Descriptor directory(open_directory(made));
  if (owners && directory) give_to_owner_of(owners.get(), directory.get());
}

// One run of the command. What it has made is undone by its destructor when the node did not take the folder.
class Sharing {
 public:
  explicit Sharing(ShareOptions options) : options_(std::move(options)), keys_(options_.data) {}
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;
  ~Sharing();

  tl::expected<void, CommandFailure> run();

 private:
  Result<void> take_key();
  Result<void> take_directory();
  Result<void> store_key();
  tl::expected<void, CommandFailure> ask(const Command& command);
  Result<void> print();

  ShareOptions options_;
  KeyDirectory keys_;
  std::optional<ControlClient> client_;
  std::optional<KeyDirectory::Entry> entry_;
  fs::path root_;
  json answer_;  // the node's last
  bool made_directory_ = false;
  bool stored_key_ = false;
};

Sharing::~Sharing() {
  std::error_code ignored;
  if (made_directory_) fs::remove(root_, ignored);
  if (!stored_key_) return;
  (void)keys_.forget(entry_->name);
  (void)ask(ReloadKeysCommand{});
}

Result<void> Sharing::take_key() {
  if (!options_.joins) {
    options_.key = new_group_key();
  } else if (!options_.key) {
    const Result<GroupKey> key = read_group_key("-", kKeyBytesMax);
    if (!key) return tl::unexpected(key.error());
    options_.key = *key;
  }
  return {};
}

Result<void> Sharing::take_directory() {
  const auto refused = [&](const std::string& why) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", shown(options_.directory), why));
  };
  std::error_code error;
  if (options_.joins) made_directory_ = fs::create_directory(options_.directory, error);
  if (error) return refused("cannot be made: " + error.message());
  if (made_directory_) give_to_node(options_.data, options_.directory);
  root_ = fs::canonical(options_.directory, error);
  if (error) return refused("no directory can be read there: " + error.message());
  if (!fs::is_directory(root_, error)) return refused("is not a directory");
  if (options_.name.empty() && is_group_name(root_.filename().string())) options_.name = root_.filename();
  return {};
}

// A key that the host has already may sync another directory; it is not ours to remove.
Result<void> Sharing::store_key() {
  const auto entries = keys_.load();
  if (!entries) return tl::unexpected(entries.error());
  for (const KeyDirectory::Entry& known : *entries) {
    if (known.key == *options_.key) entry_ = known;
  }
  if (entry_) return {};
  Result<std::string> name = keys_.add(options_.name, *options_.key);
  if (!name) return tl::unexpected(std::move(name.error()));
  entry_ = KeyDirectory::Entry{std::move(*name), *options_.key};
  stored_key_ = true;
  return {};
}

tl::expected<void, CommandFailure> Sharing::ask(const Command& command) {
  auto answer = client_->call(command, options_.timeout);
  if (answer) {
    answer_ = std::move(*answer);
    return {};
  }
  Error error = std::move(answer.error().error);
  if (answer.error().is_nodes) return tl::unexpected(CommandFailure{std::move(error), kExitRefused});
  // Whether it has done it, nobody knows: then a folder must not lose its key.
  made_directory_ = stored_key_ = false;
  error.message += fmt::format("; the key stays, as '{}': see shoal folder list", entry_->name);
  const bool late = error.code == ErrorCode::kTimeout;
  return tl::unexpected(CommandFailure{std::move(error), late ? kExitRefused : kExitUnreachable});
}

Result<void> Sharing::print() {
  const SecretText key(entry_->key.to_string(entry_->key.level()));
  if (options_.json) {
    json out = describe_key(*entry_);
    out["folder"] = answer_.at("folder");
    if (!options_.joins && options_.key_to.empty()) out["key"] = key.text();
    if (!options_.key_to.empty()) {
      if (Result<void> written =
              create_secret_file(options_.key_to, key.text() + "\n", "choose another file");
          !written)
        return written;
      out["file"] = options_.key_to;
    }
    print_json(out);
    return {};
  }
  const std::string folder = describe(AddFolderCommand{}, answer_);
  if (options_.joins) {
    print_out("{}", folder);
    return {};
  }
  print_err("{}", folder);
  if (options_.qr) {
    if (const Result<void> printed = print_qr(key.text()); !printed) return printed;
  }
  return print_key(false, options_.key_to, *entry_, entry_->key.level(), key.text());
}

tl::expected<void, CommandFailure> Sharing::run() {
  Result<ControlClient> client = ControlClient::connect(options_.data);
  if (!client) return tl::unexpected(CommandFailure{std::move(client.error()), kExitUnreachable});
  client_ = std::move(*client);
  if (Result<void> fit = check_key_output(options_.key_to); !fit)
    return tl::unexpected(unusable(std::move(fit.error())));
  for (const auto step : {&Sharing::take_key, &Sharing::take_directory, &Sharing::store_key}) {
    if (Result<void> done = (this->*step)(); !done) return tl::unexpected(unusable(std::move(done.error())));
  }
  if (auto told = ask(ReloadKeysCommand{}); !told) return told;
  const AddFolderCommand add{entry_->key.id(), root_.string(), options_.name};
  if (auto told = ask(add); !told) return told;
  made_directory_ = stored_key_ = false;
  if (Result<void> printed = print(); !printed) return tl::unexpected(unusable(std::move(printed.error())));
  return {};
}

}  // namespace

int run_share_command(ShareOptions options) {
  const bool as_json = options.json;
  tl::expected<void, CommandFailure> done;
  try {
    done = Sharing(std::move(options)).run();
  } catch (const json::exception&) {
    done = tl::unexpected(
        CommandFailure{{ErrorCode::kMalformed,
                        "the node's answer is not of the control protocol: is it of another version?"},
                       kExitUnreachable});
  }
  if (done) return kExitOk;
  return print_failure(as_json, done.error());
}

}  // namespace shoal
