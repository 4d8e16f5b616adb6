#include "node/os/metrics_server.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <ctime>
#include <utility>

#include "node/os/socket.h"

namespace shoal {

// Lives from its connection to its close callback, which may come after the server has gone.
struct MetricsServer::Connection {
  uv_tcp_t tcp{};
  uv_write_t write{};
  uv_shutdown_t shutdown{};
  MetricsServer* server = nullptr;  // null once it is being closed
  std::uint64_t began_ms = 0;
  std::string head;
  std::string response;
  bool has_response = false;  // what comes now is read, but not looked at, so that the answer is not lost

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
};

namespace {

constexpr int kBacklog = 16;
constexpr std::uint64_t kLookMs = 1'000;  // for connections that last too long

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::open(uv_loop_t& loop, const Endpoint& listen,
                                                           std::function<std::string()> text) {
  std::unique_ptr<MetricsServer> server(new MetricsServer(std::move(text)));
  if (Result<void> started = server->start(loop, listen); !started) {
    return tl::unexpected(std::move(started.error()));
  }
  return server;
}

Result<void> MetricsServer::start(uv_loop_t& loop, const Endpoint& listen) {
  Result<Descriptor> socket = bound_socket(SOCK_STREAM, listen);
  if (!socket) return tl::unexpected(std::move(socket.error()));
  SocketAddress bound;
  if (::getsockname(socket->get(), bound.raw(), &bound.length) != 0) return fail_with_errno("serve metrics");
  listen_ = bound.endpoint();
  timer_.reset(new uv_timer_t);
  uv_timer_init(&loop, timer_.get());
  timer_->data = this;
  socket_.reset(new uv_tcp_t);
  uv_tcp_init(&loop, socket_.get());
  socket_->data = this;
  int failed = uv_tcp_open(socket_.get(), socket->release());
  if (failed == 0) {
    failed = uv_listen(reinterpret_cast<uv_stream_t*>(socket_.get()), kBacklog,
                       [](uv_stream_t* listening, int status) {
                         if (status == 0) static_cast<MetricsServer*>(listening->data)->on_connection();
                       });
  }
  if (failed == 0) return {};
  return fail(ErrorCode::kIo,
              fmt::format("cannot serve metrics at {}: {}", listen.to_string(), uv_strerror(failed)));
}

MetricsServer::~MetricsServer() {
  while (!connections_.empty()) close(*connections_.front());
}

void MetricsServer::on_connection() {
  auto* connection = new Connection;
  connection->server = this;
  connection->tcp.data = connection->write.data = connection->shutdown.data = connection;
  connection->began_ms = uv_now(socket_->loop);
  uv_tcp_init(socket_->loop, &connection->tcp);
  if (connections_.size() == kConnectionsMax) close(*connections_.front());
  connections_.push_back(connection);
  if (uv_accept(reinterpret_cast<uv_stream_t*>(socket_.get()), connection->stream()) != 0) {
    return close(*connection);
  }
  if (!uv_is_active(reinterpret_cast<uv_handle_t*>(timer_.get()))) {
    uv_timer_start(
        timer_.get(), [](uv_timer_t* timer) { static_cast<MetricsServer*>(timer->data)->end_overdue(); },
        kLookMs, kLookMs);
  }
  uv_read_start(
      connection->stream(),
      [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
        // One thread, and on_read copies before it returns.
        static std::array<char, 4096> bytes;
        *buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
        auto& reader = *static_cast<Connection*>(stream->data);
        if (reader.server == nullptr || count == 0) return;
        if (count < 0) return reader.server->close(reader);
        reader.server->on_read(reader, view({buffer->base, static_cast<std::size_t>(count)}));
      });
}

void MetricsServer::on_read(Connection& connection, ByteView bytes) {
  if (connection.has_response) return;
  connection.head.append(text(bytes));
  const std::string_view read = connection.head;
  if (const auto head = http_head_of(read.substr(0, kHeadBytesMax))) return answer(connection, *head);
  if (read.size() < kHeadBytesMax) return;
  const bool has_line = read.find('\n') != std::string_view::npos;
  respond(connection, has_line ? HttpStatus::kHeadTooLarge : HttpStatus::kUriTooLong,
          "the request is too long\n");
}

void MetricsServer::answer(Connection& connection, std::string_view head) {
  const auto request = parse_http_head(head);
  if (!request) return respond(connection, request.error(), "the request is not of HTTP/1.1\n");
  const bool is_head = request->method == "HEAD";
  if (!request->host.empty() && !is_loopback_host(request->host)) {
    return respond(connection, HttpStatus::kForbidden,
                   "the Host of the request is not this machine: ask localhost, 127.0.0.1 or [::1]\n",
                   !is_head);
  }
  if (request->path != "/metrics") {
    return respond(connection, HttpStatus::kNotFound, "not found: metrics are at /metrics\n", !is_head);
  }
  if (request->method != "GET" && !is_head) {
    return respond(connection, HttpStatus::kMethodNotAllowed, "only GET and HEAD are possible\n");
  }
  respond(connection, HttpStatus::kOk, text_(), !is_head);
}

// Then tells the client that no more comes, and waits until it hangs up: a connection closed with bytes
// unread would be reset, and the answer could be lost with it.
void MetricsServer::respond(Connection& connection, HttpStatus status, std::string body, bool with_body) {
  connection.has_response = true;
  connection.response = fmt::format(
      "HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S GMT}\r\nConnection: close\r\n"
      "Content-Type: text/plain; {}charset=utf-8\r\nContent-Length: {}\r\n{}\r\n{}",
      static_cast<int>(status), reason_of(status), fmt::gmtime(std::time(nullptr)),
      status == HttpStatus::kOk ? "version=0.0.4; " : "", body.size(),
      status == HttpStatus::kMethodNotAllowed ? "Allow: GET, HEAD\r\n" : "", with_body ? body : "");
  connection.head = {};
  uv_buf_t buffer =
      uv_buf_init(connection.response.data(), static_cast<unsigned>(connection.response.size()));
  const int failed =
      uv_write(&connection.write, connection.stream(), &buffer, 1, [](uv_write_t* write, int result) {
        auto& writer = *static_cast<Connection*>(write->data);
        if (writer.server == nullptr) return;
        if (result != 0 || uv_shutdown(&writer.shutdown, writer.stream(), [](uv_shutdown_t*, int) {}) != 0) {
          writer.server->close(writer);
        }
      });
  if (failed != 0) close(connection);
}

void MetricsServer::end_overdue() {
  const std::uint64_t now_ms = uv_now(timer_->loop);
  while (!connections_.empty() && now_ms - connections_.front()->began_ms >= kConnectionMsMax) {
    close(*connections_.front());
  }
}

void MetricsServer::close(Connection& connection) {
  connections_.remove(&connection);
  connection.server = nullptr;
  if (connections_.empty()) uv_timer_stop(timer_.get());
  uv_close(reinterpret_cast<uv_handle_t*>(&connection.tcp),
           [](uv_handle_t* handle) { delete static_cast<Connection*>(handle->data); });
}

}  // namespace shoal
