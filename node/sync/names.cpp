#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "node/sync/tree.h"

namespace shoal::sync {
namespace {

// Bytes of UTF-8 that begin a character.
bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

// As utf8proc_map does with these options; nothing when the text is no UTF-8.
std::optional<std::string> mapped(std::string_view text, int options) {
  utf8proc_uint8_t* out = nullptr;
  const utf8proc_ssize_t bytes = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                              static_cast<utf8proc_ssize_t>(text.size()), &out,
                                              static_cast<utf8proc_option_t>(UTF8PROC_STABLE | options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(out, &std::free);
  if (bytes < 0) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(out), static_cast<std::size_t>(bytes));
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

// Decomposed first, as canonical caseless matching asks (Unicode, section 3.13, D145): folding may make a
// letter of a mark, which would then not be brought into order with the others.
std::string fold_name(std::string_view name) {
  if (is_ascii(name)) {
    std::string folded(name);
    for (char& c : folded) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return folded;
  }
  const auto decomposed = mapped(name, UTF8PROC_DECOMPOSE);
  if (!decomposed) return std::string(name);
  return mapped(*decomposed, UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD).value_or(std::string(name));
}

std::string marked_name(std::string_view name, std::string_view mark) {
  // ".profile" has no extension, and a very long one is none.
  constexpr std::size_t kExtensionMax = 16;
  std::size_t dot_at = name.rfind('.');
  if (dot_at == 0 || dot_at == std::string_view::npos || name.size() - dot_at > kExtensionMax) {
    dot_at = name.size();
  }
  const std::string_view extension = name.substr(dot_at);
  std::size_t kept = std::min(dot_at, kNameBytesMax - mark.size() - extension.size());
  while (kept > 0 && kept < dot_at && !begins_character(name[kept])) --kept;
  return fmt::format("{}{}{}", name.substr(0, kept), mark, extension);
}

std::string conflict_name(std::string_view name, const Dot& dot, std::size_t attempt) {
  const std::string again = attempt == 0 ? "" : "-" + std::to_string(attempt);
  return marked_name(
      name, fmt::format(" (conflict {}-{}{})", dot.replica.short_hex(), dot.counter & ~kConflictBit, again));
}

}  // namespace shoal::sync
