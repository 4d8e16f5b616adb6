// MetricsServer: answers GET /metrics by HTTP/1.1, on loopback, one request a connection. Malformed requests
// get 400, a Host that is not loopback 403, other paths 404, other methods 405. What clients can make it hold
// is bounded, in bytes and in time.
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/result.h"
#include "node/os/http_request.h"
#include "node/os/uv_handle.h"

namespace shoal {

class MetricsServer {
 public:
  static constexpr std::size_t kConnectionsMax = 16;         // one more ends the oldest
  static constexpr std::size_t kHeadBytesMax = 8'192;        // a longer request is refused (414, 431)
  static constexpr std::uint64_t kConnectionMsMax = 10'000;  // however busy it is

  // `text` makes what is served, at each request. Error kIo.
  static Result<std::unique_ptr<MetricsServer>> open(uv_loop_t& loop, const Endpoint& listen,
                                                     std::function<std::string()> text);
  // Ends its connections. The loop must run once more to finish it.
  ~MetricsServer();

  const Endpoint& endpoint() const { return listen_; }  // with the port that was found

 private:
  struct Connection;

  explicit MetricsServer(std::function<std::string()> text) : text_(std::move(text)) {}
  Result<void> start(uv_loop_t& loop, const Endpoint& listen);
  void on_connection();
  void on_read(Connection& connection, ByteView bytes);
  void answer(Connection& connection, std::string_view head);
  void respond(Connection& connection, HttpStatus status, std::string body, bool with_body = true);
  void end_overdue();
  void close(Connection& connection);

  std::function<std::string()> text_;
  Endpoint listen_;
  UvHandle<uv_tcp_t> socket_;
  UvHandle<uv_timer_t> timer_;          // runs while there are connections
  std::list<Connection*> connections_;  // oldest first
};

}  // namespace shoal
