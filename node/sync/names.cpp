#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "node/sync/tree.h"

namespace shoal::sync {
namespace {

// Bytes of UTF-8 that begin a character.
bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

}  // namespace

std::string fold_name(std::string_view name) {
  utf8proc_uint8_t* folded = nullptr;
  const utf8proc_ssize_t bytes = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(name.data()), static_cast<utf8proc_ssize_t>(name.size()),
      &folded, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(folded, &std::free);
  if (bytes < 0) return std::string(name);
  return {reinterpret_cast<const char*>(folded), static_cast<std::size_t>(bytes)};
}

std::string conflict_name(std::string_view name, const Dot& dot, std::size_t attempt) {
  const std::string again = attempt == 0 ? "" : "-" + std::to_string(attempt);
  const std::string mark = " (conflict " + dot.replica.short_hex() + "-" +
                           std::to_string(dot.counter & ~kConflictBit) + again + ")";
  // ".profile" has no extension, and a very long one is none.
  constexpr std::size_t kExtensionMax = 16;
  std::size_t dot_at = name.rfind('.');
  if (dot_at == 0 || dot_at == std::string_view::npos || name.size() - dot_at > kExtensionMax) {
    dot_at = name.size();
  }
  const std::string_view extension = name.substr(dot_at);
  std::size_t kept = std::min(dot_at, kNameBytesMax - mark.size() - extension.size());
  while (kept > 0 && kept < dot_at && !begins_character(name[kept])) --kept;
  return std::string(name.substr(0, kept)) + mark + std::string(extension);
}

}  // namespace shoal::sync
