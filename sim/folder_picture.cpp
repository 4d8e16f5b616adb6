#include "sim/folder_picture.h"

#include <algorithm>
#include <array>

namespace shoal::sim {
namespace {

constexpr std::array<std::uint8_t, kContentMarkBytes> kMark = {'w', 'r', 'i', 't', 't', 'e', 'n', ' '};

}  // namespace

// FNV-1a.
ContentKey content_key(ByteView bytes) {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100'0000'01b3;
  return hash;
}

bool begins_with_mark(ByteView bytes) {
  return bytes.size() >= kMark.size() && std::equal(kMark.begin(), kMark.end(), bytes.begin());
}

}  // namespace shoal::sim
