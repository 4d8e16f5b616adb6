#include "node/os/verify_folder.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "node/os/standard_streams.h"

namespace shoal {
namespace {

constexpr std::chrono::milliseconds kFirstLook{50};
constexpr std::chrono::milliseconds kLookMax{1000};

class Progress {
 public:
  ~Progress() {
    if (is_shown_) print_err("\r\033[K");
  }
  void show(const nlohmann::json& pass) {
    if (::isatty(STDERR_FILENO) != 1) return;
    print_err("\r\033[Kverifying, {:.0f} %", pass.at("percent").get<double>());
    std::fflush(stderr);
    is_shown_ = true;
  }

 private:
  bool is_shown_ = false;
};

}  // namespace

ControlClient::Answer verify_folder(ControlClient& client, FolderCommand command,
                                    const ControlOptions& options) {
  Progress progress;
  for (auto wait = kFirstLook;; wait = std::min(2 * wait, kLookMax)) {
    ControlClient::Answer answer = client.call(command, options.timeout);
    try {
      if (!answer || !answer->at("pass").at("ended_ms").is_null()) return answer;
      command.pass = answer->at("pass").at("number").get<std::uint64_t>();
      progress.show(answer->at("pass"));
    } catch (const nlohmann::json::exception&) {
      return tl::unexpected(ControlClient::Failure{
          {ErrorCode::kMalformed, "the node's answer is not of the control protocol"}, false});
    }
    std::this_thread::sleep_for(wait);
  }
}

std::optional<Error> damage_in(const nlohmann::json& answer) {
  const nlohmann::json& pass = answer.at("pass");
  if (pass.at("ok").get<bool>()) return std::nullopt;
  if (pass.at("ended_ms").is_null()) return std::nullopt;
  if (pass.at("files_damaged") != pass.at("files_repaired")) {
    return Error{ErrorCode::kNotFound,
                 "damaged files that no connected peer has: start a host that has them"};
  }
  if (pass.at("files_unreadable") != 0) {
    return Error{ErrorCode::kIo, "some files cannot be opened: see their permissions, then verify again"};
  }
  return Error{ErrorCode::kIo, "the index differs from a peer's: see shoal folder status"};
}

}  // namespace shoal
