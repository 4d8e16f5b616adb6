// The head of an HTTP/1.1 request (RFC 9112), read strictly: what is not well formed is refused rather than
// guessed at. Bodies are not read.
#pragma once

#include <optional>
#include <string_view>

#include <tl/expected.hpp>

namespace shoal {

struct HttpRequest {
  std::string_view method;
  std::string_view path;  // without the query
  // Which host the client means (RFC 9112 §3.2.2: the target's authority is stronger than Host), with its
  // port; empty: it does not say, as HTTP/1.0 allows.
  std::string_view host;
};

// Status codes of refusals (RFC 9110 §15).
enum class HttpStatus : int {
  kOk = 200,
  kBadRequest = 400,
  kForbidden = 403,
  kNotFound = 404,
  kMethodNotAllowed = 405,
  kUriTooLong = 414,
  kHeadTooLarge = 431,
  kVersionNotSupported = 505,
};
const char* reason_of(HttpStatus status);

// The head with which `bytes` begin, its empty line included; nothing while that has not come. An empty line
// that ends otherwise than the RFC says ends a head too, for parse_http_head() to refuse.
std::optional<std::string_view> http_head_of(std::string_view bytes);

// Whether `host`, as HttpRequest has it, names this machine's loopback: localhost, 127.0.0.0/8 or [::1]. A
// page of the web can make its own name lead here (DNS rebinding), but none of these.
bool is_loopback_host(std::string_view host);

// `head` as http_head_of() returns it; the result refers to it.
tl::expected<HttpRequest, HttpStatus> parse_http_head(std::string_view head);

}  // namespace shoal
