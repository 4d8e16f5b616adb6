#include "node/os/control_socket.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "node/control/protocol.h"

namespace shoal {

// Lives from its connection to its close callback, which may come after the socket itself has gone.
struct ControlSocket::Client {
  uv_pipe_t pipe{};
  ControlSocket* socket = nullptr;
  Guid guid;
  std::string unread;
  std::size_t in_flight = 0;
  std::size_t unsent_bytes = 0;
  bool is_paused = false;
  bool has_ended = false;  // sends nothing more, but still waits for answers
  bool is_closing = false;

  bool is_full() const { return in_flight >= kInFlightPerClientMax || unsent_bytes > kUnsentBytesMax; }
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&pipe); }
  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&pipe); }
};

namespace {

struct Write {
  uv_write_t request{};
  std::string line;
};

Error io_error(const std::filesystem::path& path, int status) {
  return {ErrorCode::kIo,
          fmt::format("cannot open the control socket {}: {}", path.string(), uv_strerror(status))};
}

}  // namespace

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(uv_loop_t& loop, const std::filesystem::path& path,
                                                           Listener& listener) {
  std::unique_ptr<ControlSocket> socket(new ControlSocket(listener));
  if (Result<void> bound = socket->bind(loop, path); !bound) return tl::unexpected(std::move(bound.error()));
  return socket;
}

Result<void> ControlSocket::bind(uv_loop_t& loop, const std::filesystem::path& path) {
  constexpr std::size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;
  if (path.string().size() > kPathBytesMax) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} is {} bytes long: a socket's path has at most {}, choose a shorter data directory",
                    path.string(), path.string().size(), kPathBytesMax));
  }
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
  pipe_.reset(new uv_pipe_t{});
  uv_pipe_init(&loop, pipe_.get(), 0);
  pipe_->data = this;
  const mode_t before = ::umask(0177);
  int failed = uv_pipe_bind(pipe_.get(), path.c_str());
  ::umask(before);
  if (failed == 0) {
    failed = uv_listen(reinterpret_cast<uv_stream_t*>(pipe_.get()), 16, [](uv_stream_t* pipe, int result) {
      if (result == 0) static_cast<ControlSocket*>(pipe->data)->on_connection();
    });
  }
  if (failed != 0) return tl::unexpected(io_error(path, failed));
  return {};
}

ControlSocket::~ControlSocket() {
  clients_.for_each([](Guid, Client*& client) {
    client->socket = nullptr;
    if (!client->is_closing) {
      uv_close(client->handle(), [](uv_handle_t* handle) { delete static_cast<Client*>(handle->data); });
    }
  });
}

void ControlSocket::stop_listening() {
  clients_.for_each([](Guid, Client*& client) { uv_read_stop(client->stream()); });
  pipe_.reset();
}

void ControlSocket::on_connection() {
  auto* client = new Client();
  client->socket = this;
  client->pipe.data = client;
  uv_pipe_init(pipe_->loop, &client->pipe, 0);
  const bool accepted = uv_accept(reinterpret_cast<uv_stream_t*>(pipe_.get()), client->stream()) == 0;
  client->guid = accepted ? clients_.insert(client) : Guid{};
  if (!client->guid) {
    close(*client);
    return;
  }
  resume(*client);
}

// (Re)starts reading; lines that have already arrived come first.
void ControlSocket::resume(Client& client) {
  client.is_paused = false;  // an answer given from inside read_lines must not read on
  read_lines(client);
  if (client.is_closing || client.has_ended || client.is_paused) return;
  uv_read_start(
      client.stream(),
      [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
        // One thread, and on_read copies before it returns.
        static std::array<char, 65536> bytes;
        *buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
        auto* reader = static_cast<Client*>(stream->data);
        if (reader->socket == nullptr || reader->is_closing || count == 0) return;
        if (count < 0) return reader->socket->on_end(*reader);
        reader->socket->on_read(*reader, view({buffer->base, static_cast<std::size_t>(count)}));
      });
}

void ControlSocket::on_read(Client& client, ByteView bytes) {
  client.unread.append(text(bytes));
  read_lines(client);
}

void ControlSocket::on_end(Client& client) {
  client.has_ended = true;
  uv_read_stop(client.stream());
  after_write(client);
}

void ControlSocket::read_lines(Client& client) {
  std::size_t start = 0;
  while (!client.is_closing && !client.is_full()) {
    const std::size_t end = client.unread.find('\n', start);
    if (std::min(end, client.unread.size()) - start > kRequestLineBytesMax) return refuse_line(client);
    if (end == std::string::npos) break;
    read_line(client, std::string_view(client.unread).substr(start, end - start));
    start = end + 1;
  }
  client.unread.erase(0, start);
  if (client.is_full() && !client.is_paused) {
    client.is_paused = true;
    uv_read_stop(client.stream());
  }
}

// Where the next line begins cannot be trusted any more.
void ControlSocket::refuse_line(Client& client) {
  client.unread.clear();
  client.has_ended = true;
  uv_read_stop(client.stream());
  send(client, encode_answer(0, fail(ErrorCode::kTooLarge,
                                     fmt::format("a line has at most {} bytes", kRequestLineBytesMax))));
  after_write(client);
}

void ControlSocket::read_line(Client& client, std::string_view line) {
  auto request = decode_request(line);
  if (request && in_flight_.size() >= kInFlightMax) {
    request = tl::unexpected(BadRequest{request->id, {ErrorCode::kBusy, "too many commands are under way"}});
  }
  if (!request) {
    send(client, encode_answer(request.error().id, tl::unexpected(std::move(request.error().error))));
    return;
  }
  const CommandId id{++commands_};
  in_flight_[id] = {client.guid, request->id};
  ++client.in_flight;
  listener_.on_control_command(id, std::move(request->command));
}

void ControlSocket::answer(CommandId id, const CommandResult& result) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) return;
  const InFlight command = found->second;
  in_flight_.erase(found);
  Client** client = clients_.find(command.client);
  if (client == nullptr) return;
  --(*client)->in_flight;
  Client& receiver = **client;
  send(receiver, encode_answer(command.id, result));
  after_write(receiver);
}

// At once as far as the socket takes it, so that the answer to `stop` is out before the node ends.
void ControlSocket::send(Client& client, std::string line) {
  line += '\n';
  uv_buf_t buffer = uv_buf_init(line.data(), static_cast<unsigned>(line.size()));
  const int sent = client.unsent_bytes == 0 ? uv_try_write(client.stream(), &buffer, 1) : 0;
  if (sent > 0) line.erase(0, static_cast<std::size_t>(sent));
  if (line.empty()) return;
  auto* write = new Write{{}, std::move(line)};
  write->request.data = write;
  client.unsent_bytes += write->line.size();
  buffer = uv_buf_init(write->line.data(), static_cast<unsigned>(write->line.size()));
  const int failed = uv_write(&write->request, client.stream(), &buffer, 1, on_written);
  if (failed == 0) return;
  delete write;
  close(client);
}

void ControlSocket::on_written(uv_write_t* request, int status) {
  const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
  auto& client = *static_cast<Client*>(request->handle->data);
  client.unsent_bytes -= done->line.size();
  if (client.socket == nullptr || client.is_closing) return;
  if (status < 0) return client.socket->close(client);
  client.socket->after_write(client);
}

void ControlSocket::after_write(Client& client) {
  if (client.is_closing) return;
  if (client.has_ended) {
    if (client.in_flight == 0 && client.unsent_bytes == 0) close(client);
  } else if (client.is_paused && !client.is_full()) {
    resume(client);
  }
}

void ControlSocket::close(Client& client) {
  if (client.is_closing) return;
  client.is_closing = true;
  clients_.erase(client.guid);
  uv_close(client.handle(), [](uv_handle_t* handle) { delete static_cast<Client*>(handle->data); });
}

}  // namespace shoal
