#include "node/os/http_request.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "node/base/endpoint.h"

namespace shoal {
namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 9110 §5.6.2
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_visible(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\t' || (c != 127 && static_cast<unsigned char>(c) >= ' '); });
}

// `lower` is of small letters only.
bool is_word(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
}

std::string_view trimmed(std::string_view value) {
  constexpr std::string_view kBlank = " \t";
  value.remove_prefix(std::min(value.find_first_not_of(kBlank), value.size()));
  return value.substr(0, value.find_last_not_of(kBlank) + 1);
}

// Takes a line off the front; nothing where none ends with CRLF.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || end == 0 || text[end - 1] != '\r') return std::nullopt;
  const std::string_view line = text.substr(0, end - 1);
  text.remove_prefix(end + 1);
  return line;
}

// Takes "http://host" off the front of a target; the host, or nothing.
std::string_view take_authority(std::string_view& target) {
  constexpr std::string_view kScheme = "http://";
  if (!is_word(target.substr(0, kScheme.size()), kScheme)) return {};
  target.remove_prefix(kScheme.size());
  const std::string_view host = target.substr(0, target.find_first_of("/?"));
  target.remove_prefix(host.size());
  return host;
}

tl::expected<HttpRequest, HttpStatus> parse_request_line(std::string_view line) {
  const auto refused = tl::unexpected(HttpStatus::kBadRequest);
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return refused;
  std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_token(line.substr(0, first)) || !is_visible(target)) return refused;
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.') return refused;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return tl::unexpected(HttpStatus::kVersionNotSupported);
  const std::string_view host = take_authority(target);
  return HttpRequest{line.substr(0, first), target.substr(0, target.find('?')), host};
}

}  // namespace

const char* reason_of(HttpStatus status) {
  switch (status) {
    case HttpStatus::kOk:
      return "OK";
    case HttpStatus::kBadRequest:
      return "Bad Request";
    case HttpStatus::kForbidden:
      return "Forbidden";
    case HttpStatus::kNotFound:
      return "Not Found";
    case HttpStatus::kMethodNotAllowed:
      return "Method Not Allowed";
    case HttpStatus::kUriTooLong:
      return "URI Too Long";
    case HttpStatus::kHeadTooLarge:
      return "Request Header Fields Too Large";
    case HttpStatus::kVersionNotSupported:
      return "HTTP Version Not Supported";
  }
  return "";
}

std::optional<std::string_view> http_head_of(std::string_view bytes) {
  for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n', end + 1)) {
    std::size_t next = end + 1;
    if (next < bytes.size() && bytes[next] == '\r') ++next;
    if (next < bytes.size() && bytes[next] == '\n') return bytes.substr(0, next + 1);
  }
  return std::nullopt;
}

bool is_loopback_host(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    if (!std::all_of(host.begin() + static_cast<std::ptrdiff_t>(colon) + 1, host.end(),
                     [](char c) { return c >= '0' && c <= '9'; }))
      return false;
    host = host.substr(0, colon);
  }
  if (is_word(host, "localhost")) return true;
  const Result<Endpoint> endpoint = Endpoint::parse(std::string(host) + ":0");
  return endpoint && endpoint->is_loopback();
}

tl::expected<HttpRequest, HttpStatus> parse_http_head(std::string_view head) {
  const auto refused = tl::unexpected(HttpStatus::kBadRequest);
  const std::optional<std::string_view> first = take_line(head);
  if (!first) return refused;
  tl::expected<HttpRequest, HttpStatus> request = parse_request_line(*first);
  if (!request) return request;
  int hosts = 0;
  for (auto line = take_line(head);; line = take_line(head)) {
    if (!line) return refused;
    if (line->empty()) break;
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) return refused;
    if (!is_field_value(line->substr(colon + 1))) return refused;
    if (!is_word(line->substr(0, colon), "host")) continue;
    ++hosts;
    if (request->host.empty()) request->host = trimmed(line->substr(colon + 1));
  }
  // RFC 9112 §3.2: a request of HTTP/1.1 has one Host.
  if (hosts > 1 || (hosts == 0 && first->ends_with("1.1"))) return refused;
  return request;
}

}  // namespace shoal
