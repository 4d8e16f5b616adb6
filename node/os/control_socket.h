// ControlSocket: the door through which programs of the same user command a running node
// (control/protocol.h): a Unix stream socket in its data directory.
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "node/base/guid.h"
#include "node/base/result.h"
#include "node/base/slot_table.h"
#include "node/control/command.h"
#include "node/os/uv_handle.h"

namespace shoal {

class ControlSocket {
 public:
  static constexpr std::size_t kClientsMax = 64;             // one more is hung up on
  static constexpr std::size_t kInFlightPerClientMax = 256;  // then its next lines wait unread
  static constexpr std::size_t kUnsentBytesMax = 16u << 20;  // likewise
  static constexpr std::size_t kInFlightMax = 4096;          // then commands are refused with kBusy

  class Listener {
   public:
    virtual ~Listener() = default;
    // To be posted to the node; every command is to be answered once. May be called from inside answer().
    virtual void on_control_command(CommandId id, Command command) = 0;
  };

  // Binds `path`, for its owner only; what a crash has left there is replaced, so the caller must hold the
  // lock of the directory. The process must ignore SIGPIPE: a client may go at any time. Errors:
  // kInvalidArgument, the path is too long for a socket; kIo.
  static Result<std::unique_ptr<ControlSocket>> open(uv_loop_t& loop, const std::filesystem::path& path,
                                                     Listener& listener);
  // Hangs up. The loop must run once more to finish it.
  ~ControlSocket();
  // Takes no more clients and no more commands, and gives up the path; those under way can still be answered.
  void stop_listening();

  // Dropped when the client has gone.
  void answer(CommandId id, const CommandResult& result);

 private:
  struct Client;
  struct InFlight {
    Guid client;
    std::uint64_t id = 0;  // the client's own
  };

  explicit ControlSocket(Listener& listener) : listener_(listener) {}
  Result<void> bind(uv_loop_t& loop, const std::filesystem::path& path);
  void on_connection();
  void on_read(Client& client, ByteView bytes);
  void on_end(Client& client);
  void read_lines(Client& client);
  void read_line(Client& client, std::string_view line);
  void refuse_line(Client& client);
  void send(Client& client, std::string line);
  static void on_written(uv_write_t* request, int status);
  void after_write(Client& client);
  void resume(Client& client);
  void close(Client& client);

  Listener& listener_;
  UvHandle<uv_pipe_t> pipe_;
  SlotTable<Client*> clients_{kClientsMax};
  std::map<CommandId, InFlight> in_flight_;
  std::uint64_t commands_ = 0;
};

}  // namespace shoal
