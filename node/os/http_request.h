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
};

// Status codes of refusals (RFC 9110 §15).
enum class HttpStatus : int {
  kOk = 200,
  kBadRequest = 400,
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

// `head` as http_head_of() returns it; the result refers to it.
tl::expected<HttpRequest, HttpStatus> parse_http_head(std::string_view head);

}  // namespace shoal
