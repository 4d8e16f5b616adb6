#include "node/sync/ignore.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "node/sync/entry.h"

namespace shoal::sync {
namespace {

constexpr std::string_view kAnyNames = "**";

bool is_lower(unsigned char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(unsigned char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(unsigned char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(unsigned char c) {
  return is_lower(c) || is_upper(c);
}
bool is_printed(unsigned char c) {
  return c > ' ' && c < 0x7f;
}

// The classes of POSIX in ASCII: isalpha() and its kin ask the locale.
struct NamedClass {
  std::string_view name;
  bool (*has)(unsigned char c);
};
constexpr std::array<NamedClass, 12> kNamedClasses = {{
    {"alnum", [](unsigned char c) { return is_letter(c) || is_digit(c); }},
    {"alpha", is_letter},
    {"blank", [](unsigned char c) { return c == ' ' || c == '\t'; }},
    {"cntrl", [](unsigned char c) { return c < ' ' || c == 0x7f; }},
    {"digit", is_digit},
    {"graph", is_printed},
    {"lower", is_lower},
    {"print", [](unsigned char c) { return is_printed(c) || c == ' '; }},
    {"punct", [](unsigned char c) { return is_printed(c) && !is_letter(c) && !is_digit(c); }},
    {"space", [](unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }},
    {"upper", is_upper},
    {"xdigit",
     [](unsigned char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }},
}};

// One place of a glob against one character: does it take the character, and where is the next place? `end`
// is 0 where the glob is broken: a backslash at its end, a set without ']', a class of no such name.
struct Taken {
  bool takes = false;
  std::size_t end = 0;
};

// "[:name:]" at `at`. `end` is at + 1, and nothing but the '[' itself taken, where no ":]" ends it.
Taken take_named_class(std::string_view glob, std::size_t at, unsigned char c) {
  const std::size_t bracket = glob.find(']', at + 2);
  if (bracket == std::string_view::npos) return {};
  if (bracket < at + 3 || glob[bracket - 1] != ':') return {c == '[', at + 1};
  const std::string_view name = glob.substr(at + 2, bracket - at - 3);
  for (const NamedClass& known : kNamedClasses) {
    if (known.name == name) return {known.has(c), bracket + 1};
  }
  return {};
}

// "[a-z]" or "[!a-z]" at `at`. As git has it: the first end of a range counts also by itself, so that "[z-a]"
// is
// "[z]"; and a ']' that comes first is one of the set.
Taken take_set(std::string_view glob, std::size_t at, unsigned char c) {
  std::size_t i = at + 1;
  const bool negated = i < glob.size() && (glob[i] == '!' || glob[i] == '^');
  if (negated) ++i;
  bool found = false;
  int low = -1;  // what a '-' would make a range of
  for (bool first = true; i < glob.size(); first = false) {
    if (glob[i] == ']' && !first) return {found != negated, i + 1};
    if (glob[i] == '[' && i + 1 < glob.size() && glob[i + 1] == ':') {
      const Taken named = take_named_class(glob, i, c);
      if (named.end == 0) return {};
      found |= named.takes;
      low = named.end == i + 1 ? '[' : -1;
      i = named.end;
      continue;
    }
    const bool is_range = glob[i] == '-' && low >= 0 && i + 1 < glob.size() && glob[i + 1] != ']';
    if (is_range) ++i;
    if (glob[i] == '\\' && ++i == glob.size()) return {};
    const auto last = static_cast<unsigned char>(glob[i++]);
    found |= is_range ? low <= c && c <= last : c == last;
    low = is_range ? -1 : last;
  }
  return {};
}

// Of any place but a '*'. Precondition: at < glob.size().
Taken take(std::string_view glob, std::size_t at, unsigned char c) {
  if (glob[at] == '?') return {true, at + 1};
  if (glob[at] == '[') return take_set(glob, at, c);
  if (glob[at] == '\\' && ++at == glob.size()) return {};
  return {static_cast<unsigned char>(glob[at]) == c, at + 1};
}

// A run of what any number of things matches need not be tried at more than one length once a later such run
// has been reached: whatever is left over, the later run can take. So each list is walked once for every
// place of the other at most; for '*' in a name here, for "**" in a path in matches_path().
bool matches_name(std::string_view glob, std::string_view name) {
  std::size_t at = 0;
  std::size_t i = 0;
  std::size_t star = std::string_view::npos;  // the place behind the last '*'
  std::size_t star_end = 0;                   // how far it reaches now
  while (i < name.size() || at < glob.size()) {
    if (at < glob.size() && glob[at] == '*') {
      star = ++at;
      star_end = i;
      continue;
    }
    if (at < glob.size() && i < name.size()) {
      const Taken taken = take(glob, at, static_cast<unsigned char>(name[i]));
      if (taken.takes) {
        at = taken.end;
        ++i;
        continue;
      }
    }
    if (star == std::string_view::npos || star_end == name.size()) return false;
    at = star;
    i = ++star_end;
  }
  return true;
}

// Takes the first name off a path.
std::string_view take_name(std::string_view& path) {
  const std::size_t slash = path.find('/');
  const std::string_view name = path.substr(0, slash);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  return name;
}

bool matches_path(const std::vector<std::string>& globs, std::string_view path) {
  std::size_t at = 0;
  std::size_t deep = 0;  // the place behind the last "**", 0: none yet
  std::string_view deep_rest;
  while (!path.empty() || at < globs.size()) {
    if (at < globs.size() && globs[at] == kAnyNames) {
      // At the end it is everything below, and not nothing.
      if (++at == globs.size()) return !path.empty();
      deep = at;
      deep_rest = path;
      continue;
    }
    if (at < globs.size() && !path.empty()) {
      std::string_view rest = path;
      if (matches_name(globs[at], take_name(rest))) {
        ++at;
        path = rest;
        continue;
      }
    }
    if (deep == 0 || deep_rest.empty()) return false;
    take_name(deep_rest);
    at = deep;
    path = deep_rest;
  }
  return true;
}

// Where the name that begins at `at` ends: at the next '/' that is no part of a set, or the end. Nothing
// matches the pattern when it is npos.
std::size_t end_of_glob(std::string_view pattern, std::size_t at) {
  while (at < pattern.size() && pattern[at] != '/') {
    if (pattern[at] == '\\' && at + 1 < pattern.size() && pattern[at + 1] == '/') return at + 1;
    const std::size_t end = pattern[at] == '*' ? at + 1 : take(pattern, at, 0).end;
    if (end == 0) return std::string_view::npos;
    at = end;
  }
  return at;
}

// One for each name. Empty when no path can match the pattern.
std::vector<std::string> globs_of(std::string_view pattern) {
  std::vector<std::string> globs;
  for (std::size_t at = 0;; ++at) {
    const std::size_t end = end_of_glob(pattern, at);
    if (end == std::string_view::npos || end == at) return {};
    std::string_view glob = pattern.substr(at, end - at);
    // "\/" is a '/': the backslash is left over.
    if (end_of_glob(glob, 0) == std::string_view::npos) glob.remove_suffix(1);
    if (glob.empty()) return {};
    const bool is_deep = glob.size() > 1 && glob.find_first_not_of('*') == std::string_view::npos;
    globs.emplace_back(is_deep ? kAnyNames : glob);
    if (end == pattern.size()) return globs;
    at = end;
  }
}

// Spaces at the end do not count, unless a backslash stands before them.
std::string_view without_trailing_spaces(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ' ') continue;
    if (line[i] == '\\') ++i;
    end = std::min(i + 1, line.size());
  }
  return line.substr(0, end);
}

}  // namespace

IgnoreList IgnoreList::parse(std::string_view text, std::vector<std::string>* problems) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  IgnoreList list;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('#')) continue;
    const char* problem = list.add(without_trailing_spaces(line));
    if (problem != nullptr && problems != nullptr && problems->size() < kIgnoreProblemsMax) {
      problems->push_back("line " + std::to_string(number) + ": " + problem);
    }
  }
  return list;
}

const char* IgnoreList::add(std::string_view line) {
  if (line.empty()) return nullptr;
  if (line.size() > kIgnoreLineBytesMax) return "longer than 4,096 bytes";
  if (patterns_.size() == kIgnoreLinesMax) return "more than 10,000 patterns";
  Pattern pattern;
  if (line.starts_with('!')) {
    pattern.takes_back = true;
    line.remove_prefix(1);
  }
  if (line.ends_with('/')) {
    pattern.directories_only = true;
    line.remove_suffix(1);
  }
  pattern.whole_path = line.find('/') != std::string_view::npos;
  if (line.starts_with('/')) line.remove_prefix(1);
  pattern.globs = globs_of(line);
  if (pattern.globs.empty())
    return "matches nothing: an empty name, an open '[' or an unknown [:class:], or a '\\' at the end";
  patterns_.push_back(std::move(pattern));
  return nullptr;
}

IgnoreList::Verdict IgnoreList::verdict(std::string_view path, bool is_directory) const {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (auto pattern = patterns_.rbegin(); pattern != patterns_.rend(); ++pattern) {
    if (pattern->directories_only && !is_directory) continue;
    if (matches_path(pattern->globs, pattern->whole_path ? path : name)) {
      return pattern->takes_back ? Verdict::kTaken : Verdict::kIgnored;
    }
  }
  return Verdict::kNothing;
}

Ignore::Ignore(IgnoreList shared, IgnoreList local) : shared_(std::move(shared)), local_(std::move(local)) {}

bool Ignore::names(std::string_view path, bool is_directory) const {
  IgnoreList::Verdict verdict = local_.verdict(path, is_directory);
  if (verdict == IgnoreList::Verdict::kNothing) verdict = shared_.verdict(path, is_directory);
  return verdict == IgnoreList::Verdict::kIgnored;
}

bool Ignore::ignored(std::string_view path, bool is_directory) const {
  if (path.substr(0, path.find('/')) == kPrivateDirectory) return true;
  if (empty()) return false;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (names(path.substr(0, slash), true)) return true;
  }
  return names(path, is_directory);
}

}  // namespace shoal::sync
