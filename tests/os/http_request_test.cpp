// The head of an HTTP request: which are taken, and which are refused.
#include "node/os/http_request.h"

#include <gtest/gtest.h>

#include <string>

namespace shoal {
namespace {

TEST(HttpRequest, IsReadWithItsPath) {
  const std::pair<const char*, const char*> heads[] = {
      {"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "/metrics"},
      {"GET /metrics?x=/y HTTP/1.1\r\nhOST:\r\nA:b\r\nC: d\te \r\n\r\n", "/metrics"},
      {"GET http://127.0.0.1:9/metrics?x HTTP/1.1\r\nHost: a\r\n\r\n", "/metrics"},
      {"GET http://host HTTP/1.1\r\nHost: a\r\n\r\n", ""},
      {"GET * HTTP/1.0\r\n\r\n", "*"},
  };
  for (const auto& [head, path] : heads) {
    const auto request = parse_http_head(head);
    ASSERT_TRUE(request.has_value()) << head;
    EXPECT_EQ(request->method, "GET");
    EXPECT_EQ(request->path, path);
  }
}

TEST(HttpRequest, IsRefusedWhenItIsNotWellFormed) {
  const std::string get = "GET / HTTP/1.1\r\n";
  const std::string wrong[] = {
      "\r\n\r\n",
      "GET\r\n\r\n",
      "GET /\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
      "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
      "GET / http/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\nHost: a\n\n",
      get + "\r\n",
      get + "Host: a\r\nHost: b\r\n\r\n",
      get + "Host : a\r\n\r\n",
      get + "Host: a\r\n folded: b\r\n\r\n",
      get + "Host: a\r\nbroken\r\n\r\n",
      get + "Host: a\r\n: b\r\n\r\n",
      get + std::string("Host: a\0b\r\n\r\n", 12),
      get + "Host: a\r\nA: b\n\r\n",
  };
  for (const std::string& head : wrong) {
    const auto request = parse_http_head(head);
    ASSERT_FALSE(request.has_value()) << head;
    EXPECT_EQ(request.error(), HttpStatus::kBadRequest) << head;
  }
  EXPECT_EQ(parse_http_head("GET / HTTP/2.0\r\nHost: a\r\n\r\n").error(), HttpStatus::kVersionNotSupported);
}

TEST(HttpRequest, NamesItsHost) {
  const std::pair<const char*, const char*> heads[] = {
      {"GET / HTTP/1.1\r\nHost: \t a:1 \r\n\r\n", "a:1"},
      {"GET http://b:2/ HTTP/1.1\r\nHost: a\r\n\r\n", "b:2"},
      {"GET HTTP://b?c HTTP/1.1\r\nHost: a\r\n\r\n", "b"},
      {"GET / HTTP/1.0\r\n\r\n", ""},
  };
  for (const auto& [head, host] : heads) {
    const auto request = parse_http_head(head);
    ASSERT_TRUE(request.has_value()) << head;
    EXPECT_EQ(request->host, host) << head;
  }
}

TEST(HttpRequest, KnowsTheNamesOfLoopback) {
  for (const char* host :
       {"localhost", "LocalHost:9465", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:9465"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example:9465", "0.0.0.0:9465", "[::]", "",
        "192.0.2.1", "127.0.0.1:80@evil.example", "localhost:80:90", "127.0.0.1 evil.example"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(HttpRequest, EndsWithAnEmptyLine) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t size = 0; size < head.size(); ++size) {
    EXPECT_FALSE(http_head_of(head.substr(0, size)).has_value()) << size;
  }
  EXPECT_EQ(http_head_of(head + "more\r\n\r\n"), head);
  EXPECT_EQ(http_head_of("a\n\nb"), "a\n\n");
  EXPECT_EQ(http_head_of("a\r\n\nb"), "a\r\n\n");
}

}  // namespace
}  // namespace shoal
