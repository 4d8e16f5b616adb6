#include "sim/address_plan.h"

#include <array>

#include "sim/network_spec.h"

namespace shoal::sim {
namespace {

constexpr bool is_ordinary(std::uint32_t first_octet) {
  switch (first_octet) {
    case 0:
    case 10:
    case 100:
    case 127:
    case 169:
    case 172:
    case 192:
    case 198:
    case 203:
      return false;
    default:
      return first_octet < 224;
  }
}

constexpr std::uint32_t kBlocks = 215;
constexpr std::uint8_t kNoBlock = 255;
struct Blocks {
  std::array<std::uint8_t, kBlocks> octet{};
  std::array<std::uint8_t, 256> index{};
};
constexpr Blocks make_blocks() {
  Blocks blocks;
  std::uint8_t count = 0;
  for (std::uint32_t octet = 0; octet < 256; ++octet) {
    blocks.index[octet] = is_ordinary(octet) ? count : kNoBlock;
    if (is_ordinary(octet)) blocks.octet[count++] = static_cast<std::uint8_t>(octet);
  }
  return blocks;
}
constexpr Blocks kOrdinary = make_blocks();
static_assert(kOrdinary.octet.back() == 223);
static_assert(std::uint64_t{kHostsMax} * 2 / 3 < std::uint64_t{kBlocks} << 16);

constexpr std::uint32_t kLans = 10u << 24;
// No host has a last octet of 0, 1 or 255: networks, gateways, broadcasts.
constexpr std::uint32_t kFirstOctetOfLan = 2;
constexpr std::uint32_t kHostsPerOctet = 250;

constexpr std::uint32_t kFirstHost = 10;   // last octet of a site's first host
constexpr std::uint32_t kSecondHost = 20;  // and of its second

constexpr std::uint32_t kEdgesPerBlock = 16;  // a /12 each
constexpr std::uint32_t kSitesPerEdge = 4096;
static_assert(kEdgeRoutersMax <= kBlocks * kEdgesPerBlock);
static_assert(kHostsPerEdgeRouterMax * 2 / 3 == kSitesPerEdge);

std::uint32_t last_octet(HostIndex host) {
  return host % 3 == 1 ? kSecondHost : kFirstHost;
}

std::optional<HostIndex> host_at_site(std::uint32_t site, std::uint32_t last) {
  const HostIndex first = site / 2 * 3 + site % 2 * 2;
  if (last == kFirstHost) return first;
  if (last == kSecondHost && site % 2 == 0) return first + 1;
  return std::nullopt;
}

}  // namespace

std::uint32_t site_of(HostIndex host) {
  return host / 3 * 2 + host % 3 / 2;
}

std::uint32_t address_of(HostIndex host) {
  const std::uint32_t site = site_of(host);
  return std::uint32_t{kOrdinary.octet[site % kBlocks]} << 24 | site / kBlocks << 8 | last_octet(host);
}

std::uint32_t lan_address_of(HostIndex host, std::uint32_t lans) {
  const std::uint32_t in_lan = host / lans;
  return kLans | host % lans << 16 | in_lan / kHostsPerOctet << 8 |
         (in_lan % kHostsPerOctet + kFirstOctetOfLan);
}

std::optional<HostIndex> lan_host_of(std::uint32_t address, std::uint32_t lans) {
  const std::uint32_t lan = address >> 16 & 0xff;
  const std::uint32_t octet = (address & 0xff) - kFirstOctetOfLan;
  if ((address & 0xff000000) != kLans || lan >= lans || octet >= kHostsPerOctet) return std::nullopt;
  const std::uint32_t in_lan = (address >> 8 & 0xff) * kHostsPerOctet + octet;
  if (in_lan >= kHostsPerLanMax) return std::nullopt;
  return in_lan * lans + lan;
}

std::optional<HostIndex> host_of(std::uint32_t address) {
  const std::uint32_t block = kOrdinary.index[address >> 24];
  if (block == kNoBlock) return std::nullopt;
  return host_at_site((address >> 8 & 0xffff) * kBlocks + block, address & 0xff);
}

std::uint32_t edge_address_of(HostIndex host, std::uint32_t edges) {
  const std::uint32_t edge = host % edges;
  const HostIndex at_edge = host / edges;
  return std::uint32_t{kOrdinary.octet[edge / kEdgesPerBlock]} << 24 | edge % kEdgesPerBlock << 20 |
         site_of(at_edge) << 8 | last_octet(at_edge);
}

std::optional<std::uint32_t> edge_router_of(std::uint32_t address) {
  const std::uint32_t block = kOrdinary.index[address >> 24];
  if (block == kNoBlock) return std::nullopt;
  return block * kEdgesPerBlock + (address >> 20) % kEdgesPerBlock;
}

std::optional<HostIndex> edge_host_of(std::uint32_t address, std::uint32_t edges) {
  const std::optional<std::uint32_t> edge = edge_router_of(address);
  if (!edge || *edge >= edges) return std::nullopt;
  const std::optional<HostIndex> at_edge = host_at_site((address >> 8) % kSitesPerEdge, address & 0xff);
  return at_edge ? std::optional(*at_edge * edges + *edge) : std::nullopt;
}

}  // namespace shoal::sim
