#include "node/base/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "node/base/check.h"

namespace shoal {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool Endpoint::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), address.begin());
}

Endpoint Endpoint::v4(std::uint32_t address, std::uint16_t port) {
  Endpoint endpoint;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), endpoint.address.begin());
  for (std::size_t i = 0; i < 4; ++i) {
    endpoint.address[12 + i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
  }
  endpoint.port = port;
  return endpoint;
}

std::uint32_t Endpoint::v4_address() const {
  check(is_v4());
  std::uint32_t value = 0;
  for (std::size_t i = 12; i < 16; ++i) value = value << 8 | address[i];
  return value;
}

bool Endpoint::is_loopback() const {
  if (is_v4()) return address[12] == 127;
  return address == Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}

bool Endpoint::is_local() const {
  if (is_loopback()) return true;
  if (is_v4()) {
    const std::uint32_t v4 = v4_address();
    return v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 || v4 >> 16 == 0xa9fe ||
           v4 >> 22 == (0x64400000u >> 22);
  }
  return (address[0] & 0xfe) == 0xfc || is_v6_link_local();
}

bool Endpoint::is_unspecified() const {
  return is_v4() ? v4_address() == 0 : address == Address{};
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto expected = [&] {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not an endpoint: expected ADDRESS:PORT, such as 192.0.2.1:4000 or "
                            "[2001:db8::1]:4000",
                            text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return expected();
  if (text.find('\0') != std::string_view::npos) return expected();  // inet_pton would stop there
  std::string host(text.substr(0, colon));
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || end != port_text.data() + port_text.size() || port_text.empty()) {
    return expected();
  }
  Endpoint endpoint;
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, host.c_str(), endpoint.address.data()) != 1) return expected();
  } else {
    std::copy(kV4Prefix.begin(), kV4Prefix.end(), endpoint.address.begin());
    if (inet_pton(AF_INET, host.c_str(), endpoint.address.data() + 12) != 1) return expected();
  }
  endpoint.port = port;
  return endpoint;
}

std::string Endpoint::to_string() const {
  char host[INET6_ADDRSTRLEN];
  if (is_v4()) {
    inet_ntop(AF_INET, address.data() + 12, host, sizeof host);
    return fmt::format("{}:{}", host, port);
  }
  inet_ntop(AF_INET6, address.data(), host, sizeof host);
  return fmt::format("[{}]:{}", host, port);
}

std::uint64_t subnet_of(const Address& address) {
  const bool v4 = std::equal(kV4Prefix.begin(), kV4Prefix.end(), address.begin());
  const std::size_t first = v4 ? 12 : 0;
  const std::size_t length = v4 ? 3 : 6;
  std::uint64_t subnet = v4 ? 4 : 6;
  for (std::size_t i = 0; i < length; ++i) subnet = subnet << 8 | address[first + i];
  return subnet;
}

std::uint64_t voice_of(const Endpoint& endpoint) {
  if (!endpoint.is_local()) return subnet_of(endpoint.address);
  Endpoint voice = endpoint;
  voice.interface = 0;
  if (!endpoint.is_loopback()) voice.port = 0;
  return std::hash<Endpoint>()(voice);
}

}  // namespace shoal

std::size_t std::hash<shoal::Endpoint>::operator()(const shoal::Endpoint& endpoint) const noexcept {
  std::uint64_t high;
  std::uint64_t low;
  std::memcpy(&high, endpoint.address.data(), 8);
  std::memcpy(&low, endpoint.address.data() + 8, 8);
  std::uint64_t mixed = (high ^ low * 0x9e3779b97f4a7c15u) + endpoint.port;
  mixed ^= mixed >> 32;
  return mixed * 0xd6e8feb86659fd93u;
}
