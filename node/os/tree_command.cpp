#include "node/os/tree_command.h"

#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "node/control/cli_text.h"
#include "node/os/command_output.h"
#include "node/os/control_client.h"
#include "node/os/entropy.h"
#include "node/os/files.h"
#include "node/os/get_tree.h"
#include "node/os/key_output.h"
#include "node/os/posix_folder.h"
#include "node/os/put_tree.h"
#include "node/os/standard_streams.h"
#include "node/os/values.h"

namespace shoal {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kLinkBytesMax = 4096;

// One line on standard error: rewritten on a terminal, a new one now and then elsewhere.
class ProgressLine {
 public:
  ~ProgressLine() {
    if (is_terminal_ && is_shown_) print_err("\r\033[K");
  }

  void show(const TreeProgress& progress) {
    const auto now = Clock::now();
    if (now - shown_at_ < (is_terminal_ ? std::chrono::milliseconds(250) : std::chrono::seconds(10))) return;
    shown_at_ = now;
    is_shown_ = true;
    const double seconds = std::chrono::duration<double>(now - started_).count();
    const auto done = static_cast<double>(progress.bytes);
    const auto left = static_cast<double>(progress.bytes_in_all) - done;
    std::string line =
        fmt::format("{} of {}, {} of {}, {} a second", progress.entries,
                    counted(progress.entries_in_all, "entry", "entries"), bytes_text(done),
                    bytes_text(static_cast<double>(progress.bytes_in_all)), bytes_text(done / seconds));
    if (done > 0 && left >= 0) line += fmt::format(", {} left", duration_text(left / (done / seconds)));
    print_err("{}{}{}", is_terminal_ ? "\r\033[K" : "", line, is_terminal_ ? "" : "\n");
    std::fflush(stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  const bool is_terminal_ = ::isatty(STDERR_FILENO) == 1;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point shown_at_ = started_;
  bool is_shown_ = false;
};

Result<std::shared_ptr<Folder>> open_folder(const std::string& directory) {
  std::error_code error;
  const fs::path root = fs::canonical(directory, error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: no directory can be read there: {}", shown(directory), error.message()));
  }
  Result<Beneath> beneath = Beneath::open(root.string());
  if (!beneath) return tl::unexpected(std::move(beneath.error()));
  return std::make_shared<PosixFolder>(std::move(*beneath));
}

Result<sync::TreeLink> read_link() {
  Result<Bytes> bytes = read_input("-", kLinkBytesMax);
  if (!bytes) return tl::unexpected(std::move(bytes.error()));
  Result<sync::TreeLink> link = sync::TreeLink::parse(text(*bytes));
  sodium_memzero(bytes->data(), bytes->size());
  return link;
}

class TreeCommand {
 public:
  TreeCommand(const TreeOptions& options, ControlClient& client)
      : options_(options), values_(client, options.timeout) {}

  tl::expected<int, CommandFailure> put();
  tl::expected<int, CommandFailure> get();

 private:
  // Of an error of the folder, of what was stored, or of the values.
  CommandFailure failed(const Error& error) const;
  // `is_whole`: what is left is so by design.
  int end(const std::string& line, json answer, const char* what, const std::vector<std::string>& left,
          bool is_whole) const;
  OnTreeProgress on_progress() {
    return [this](const TreeProgress& progress) { progress_->show(progress); };
  }

  const TreeOptions& options_;
  NodeValues values_;
  std::unique_ptr<ProgressLine> progress_ = std::make_unique<ProgressLine>();
};

CommandFailure TreeCommand::failed(const Error& error) const {
  if (values_.is_cut_off()) return {error, kExitUnreachable};
  const bool is_ours = error.code == ErrorCode::kIo || error.code == ErrorCode::kStoreFull ||
                       error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kExists;
  return {error, is_ours ? kExitUsage : kExitRefused};
}

int TreeCommand::end(const std::string& line, json answer, const char* what,
                     const std::vector<std::string>& left, bool is_whole) const {
  for (const std::string& sentence : left) print_err("shoal: {}: {}\n", what, sentence);
  if (options_.json) {
    answer["left_out"] = left;
    print_json(answer);
  } else {
    print_out("{}", line);
  }
  return is_whole ? kExitOk : kExitUsage;
}

tl::expected<int, CommandFailure> TreeCommand::put() {
  Result<std::shared_ptr<Folder>> folder = open_folder(options_.directory);
  if (!folder) return tl::unexpected(CommandFailure{std::move(folder.error())});
  std::optional<Secret> key;
  if (options_.renews) {
    key = options_.renews->key;
  } else if (!options_.is_public) {
    key = Secret(os_seeded_rng().seed());
  }
  PutTree tree(std::move(*folder), values_, key, on_progress());
  const Result<sync::TreeLink> link = tree.run();
  if (!link) return tl::unexpected(failed(link.error()));
  progress_.reset();
  const SecretText text(link->to_string());
  const TreeProgress& done = tree.progress();
  const std::uint64_t entries = done.entries - tree.left_out().size();
  const std::size_t copies = values_.copies_min().value_or(0);
  return end(
      fmt::format("stored {}, {}, in {}, each on {} or more\n{}\n", counted(entries, "entry", "entries"),
                  bytes_text(static_cast<double>(done.bytes)), counted(values_.stored(), "value", "values"),
                  counted(copies, "host", "hosts"), text.text()),
      {{"link", text.text()},
       {"entries", entries},
       {"bytes", done.bytes},
       {"values", values_.stored()},
       {"copies_min", copies}},
      "left out", tree.left_out(), !tree.has_failed());
}

tl::expected<int, CommandFailure> TreeCommand::get() {
  const Result<sync::TreeLink> link = options_.link ? *options_.link : read_link();
  if (!link) return tl::unexpected(CommandFailure{link.error()});
  std::error_code error;
  const bool is_new = fs::create_directory(options_.directory, error);
  if (error) {
    return tl::unexpected(
        CommandFailure{{ErrorCode::kInvalidArgument,
                        fmt::format("{}: cannot be made: {}", shown(options_.directory), error.message())}});
  }
  Result<std::shared_ptr<Folder>> folder = open_folder(options_.directory);
  if (!folder) return tl::unexpected(CommandFailure{std::move(folder.error())});
  std::optional<GetTree> tree(std::in_place, std::move(*folder), values_, *link, on_progress());
  const Result<void> got = tree->run();
  const TreeProgress done = tree->progress();
  const std::vector<std::string> left = tree->in_the_way();
  tree.reset();  // with what it had staged
  progress_.reset();
  if (!got) {
    if (is_new) fs::remove(options_.directory, error);  // unless something is in it
    return tl::unexpected(failed(got.error()));
  }
  return end(fmt::format("{}, {}\n", counted(done.entries, "entry", "entries"),
                         bytes_text(static_cast<double>(done.bytes))),
             {{"entries", done.entries}, {"bytes", done.bytes}}, "not overwritten", left, left.empty());
}

tl::expected<int, CommandFailure> run(const TreeOptions& options) {
  Result<ControlClient> client = ControlClient::connect(options.data);
  if (!client) return tl::unexpected(CommandFailure{std::move(client.error()), kExitUnreachable});
  TreeCommand command(options, *client);
  return options.puts ? command.put() : command.get();
}

}  // namespace

int run_tree_command(const TreeOptions& options) {
  const tl::expected<int, CommandFailure> done = run(options);
  return done ? *done : print_failure(options.json, done.error());
}

}  // namespace shoal
