// Values: hash items of the DHT, many at a time, as whole trees are put and got. NodeValues asks a running
// node for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/result.h"
#include "node/os/control_client.h"

namespace shoal {

class Values {
 public:
  using Ticket = std::uint64_t;
  virtual ~Values() = default;

  // At most wire::kValueBytesMax bytes. Waits while too many are under way; after a failure it does nothing.
  virtual void put(Bytes value) = 0;
  // The first error of all puts so far.
  virtual Result<void> failure() const = 0;
  // Waits until all that was put is stored; then failure().
  virtual Result<void> flush() = 0;

  // Asks for a value, which take() hands over when it has come; each ticket once. How many are asked for at a
  // time is for the caller to bound.
  virtual Ticket ask(const Id& key) = 0;
  virtual Result<Bytes> take(Ticket ticket) = 0;
};

class NodeValues final : public Values {
 public:
  static constexpr std::size_t kPutsInFlight = 32;
  static constexpr int kAttemptsMax = 3;  // of each value, while the network is busy, silent or has it not

  // `timeout`: of one attempt. The client must have no command under way, and is not to be used otherwise.
  NodeValues(ControlClient& client, Duration timeout) : client_(client), timeout_(timeout) {}

  void put(Bytes value) override;
  Result<void> failure() const override;
  Result<void> flush() override;
  Ticket ask(const Id& key) override;
  Result<Bytes> take(Ticket ticket) override;

  // The node could not be reached any longer.
  bool is_cut_off() const { return is_cut_off_; }
  std::uint64_t stored() const { return stored_; }
  // On how many hosts is the value that is on the fewest? Nothing before one was stored.
  std::optional<std::size_t> copies_min() const { return copies_min_; }

 private:
  struct Pending {
    Command command;
    int attempts = 0;
  };

  Ticket begin(Command command);
  void send(Ticket ticket, Pending& pending);
  void receive();
  void cut_off(Error error);
  void on_answer(Ticket ticket, ControlClient::Answer answer);
  Result<Bytes> value_of(const Command& command, ControlClient::Answer& answer);

  ControlClient& client_;
  Duration timeout_;
  Ticket tickets_ = 0;
  std::map<Ticket, Pending> pending_;
  std::map<Ticket, Result<Bytes>> taken_;  // answers to ask() that nobody has taken yet
  std::optional<Error> failed_;
  bool is_cut_off_ = false;
  std::uint64_t stored_ = 0;
  std::optional<std::size_t> copies_min_;
};

}  // namespace shoal
