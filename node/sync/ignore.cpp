#include "node/sync/ignore.h"

#include <optional>
#include <utility>

namespace shoal::sync {
namespace {

// A set "[a-z]" or "[!a-z]" that begins at `at`. Does it take the character, and where does it end? Nothing
// when it is no set, for want of a ']'.
struct SetMatch {
  bool takes = false;
  std::size_t end = 0;
};
std::optional<SetMatch> match_set(std::string_view glob, std::size_t at, unsigned char c) {
  std::size_t i = at + 1;
  const bool negated = i < glob.size() && (glob[i] == '!' || glob[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < glob.size(); first = false) {
    if (glob[i] == ']' && !first) return SetMatch{found != negated, i + 1};
    if (glob[i] == '\\' && i + 1 < glob.size()) ++i;
    const auto low = static_cast<unsigned char>(glob[i++]);
    auto high = low;
    if (i + 1 < glob.size() && glob[i] == '-' && glob[i + 1] != ']') {
      ++i;
      if (glob[i] == '\\' && i + 1 < glob.size()) ++i;
      high = static_cast<unsigned char>(glob[i++]);
    }
    found |= low <= c && c <= high;
  }
  return std::nullopt;
}

// The states of a glob are the places in it: which of them can be reached after so many characters of the
// text is kept as one bit each, so no pattern makes it try a text twice.
class Matcher {
 public:
  explicit Matcher(std::string_view glob) : glob_(glob), reached_(glob.size() + 1) {}

  bool matches(std::string_view text) {
    reach(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      std::vector<bool> now = std::exchange(reached_, std::vector<bool>(glob_.size() + 1));
      for (std::size_t at = 0; at < glob_.size(); ++at) {
        if (now[at]) step(at, c);
      }
    }
    return reached_[glob_.size()];
  }

 private:
  bool is_deep(std::size_t at) const {
    return glob_.substr(at, 2) == "**" && (at == 0 || glob_[at - 1] == '/') &&
           (at + 2 == glob_.size() || glob_[at + 2] == '/');
  }

  // Marks a place, and those that are reached from it by no character.
  void reach(std::size_t at) {
    if (reached_[at]) return;
    reached_[at] = true;
    if (at == glob_.size() || glob_[at] != '*') return;
    if (!is_deep(at)) return reach(at + 1);
    // "**/" is any number of directories, none too; "/**" at the end is everything below, and not nothing.
    if (at + 2 < glob_.size()) reach(at + 3);
  }

  void step(std::size_t at, unsigned char c) {
    switch (glob_[at]) {
      case '*':
        if (is_deep(at)) {
          reached_[at] = true;
          if (c == '/' && at + 2 < glob_.size()) reach(at);
          if (at + 2 == glob_.size()) reach(at + 2);
        } else if (c != '/') {
          reach(at);
        }
        return;
      case '?':
        if (c != '/') reach(at + 1);
        return;
      case '[':
        if (const auto set = match_set(glob_, at, c)) {
          if (set->takes && c != '/') reach(set->end);
          return;
        }
        break;
      case '\\':
        if (at + 1 < glob_.size()) {
          if (static_cast<unsigned char>(glob_[at + 1]) == c) reach(at + 2);
          return;
        }
        break;
      default:
        break;
    }
    if (static_cast<unsigned char>(glob_[at]) == c) reach(at + 1);
  }

  std::string_view glob_;
  std::vector<bool> reached_;
};

// Spaces at the end do not count, unless a backslash stands before them.
std::string_view without_trailing_spaces(std::string_view line) {
  while (!line.empty() && line.back() == ' ') {
    std::size_t backslashes = 0;
    while (backslashes + 1 < line.size() && line[line.size() - 2 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 1) break;
    line.remove_suffix(1);
  }
  return line;
}

}  // namespace

IgnoreList IgnoreList::parse(std::string_view text, std::vector<std::string>* problems) {
  IgnoreList list;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    line = without_trailing_spaces(line);
    if (line.empty() || line.front() == '#') continue;
    if (line.size() > kIgnoreLineBytesMax || list.patterns_.size() == kIgnoreLinesMax) {
      if (problems != nullptr) {
        problems->push_back("line " + std::to_string(number) +
                            (line.size() > kIgnoreLineBytesMax ? ": longer than 4,096 bytes"
                                                               : ": more than 10,000 patterns"));
      }
      continue;
    }
    Pattern pattern;
    if (line.front() == '!') {
      pattern.takes_back = true;
      line.remove_prefix(1);
    }
    if (!line.empty() && line.back() == '/') {
      pattern.directories_only = true;
      line.remove_suffix(1);
    }
    pattern.whole_path = line.find('/') != std::string_view::npos;
    if (!line.empty() && line.front() == '/') line.remove_prefix(1);
    if (line.empty()) continue;
    pattern.glob = std::string(line);
    list.patterns_.push_back(std::move(pattern));
  }
  return list;
}

IgnoreList::Verdict IgnoreList::verdict(std::string_view path, bool is_directory) const {
  const std::size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  for (auto pattern = patterns_.rbegin(); pattern != patterns_.rend(); ++pattern) {
    if (pattern->directories_only && !is_directory) continue;
    if (Matcher(pattern->glob).matches(pattern->whole_path ? path : name)) {
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
  if (shared_.empty() && local_.empty()) return false;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (names(path.substr(0, slash), true)) return true;
  }
  return names(path, is_directory);
}

}  // namespace shoal::sync
