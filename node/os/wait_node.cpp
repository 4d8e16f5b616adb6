#include "node/os/wait_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace shoal {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{50};

}  // namespace

ControlResult wait_node(const ControlOptions& options) {
  const Steady::time_point until = Steady::now() + options.timeout;
  const auto left = [&] { return std::max(Duration{until - Steady::now()}, Duration{kLook}); };
  for (;;) {
    Result<ControlClient> client = ControlClient::connect(options.data);
    while (client) {
      ControlResult status = client->call(StatusCommand{}, left());
      if (!status) return status;
      const auto contacts = status->at("contacts").get<std::uint64_t>();
      if (contacts >= *options.wait_for) return status;
      if (Steady::now() >= until) {
        return tl::unexpected(ControlClient::Failure{
            {ErrorCode::kTimeout,
             fmt::format("the node has {} of {} contacts: see shoal status", contacts, *options.wait_for)},
            true});
      }
      std::this_thread::sleep_for(kLook);
    }
    if (Steady::now() >= until) return tl::unexpected(ControlClient::Failure{std::move(client.error())});
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace shoal
