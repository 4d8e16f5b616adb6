// Ignore: which paths of a folder are left alone, by patterns in the syntax of gitignore(5): one a line; '#'
// begins a comment, '!' takes back, a trailing '/' means directories only, a '/' elsewhere binds the pattern
// to the root, '*' and '?' and '[...]' match within a name, "**" over directories; '\' takes the next
// character as it is. The last pattern that matches decides. What lies below an ignored directory is ignored.
//
// Bytes, case-sensitive, without locale. Matching takes at most pattern x path steps, whatever the pattern.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::sync {

inline constexpr std::size_t kIgnoreLineBytesMax = 4096;
inline constexpr std::size_t kIgnoreLinesMax = 10'000;
inline constexpr std::size_t kIgnoreProblemsMax = 100;

class IgnoreList {
 public:
  // Lines that are too long, too many, or match nothing whatever the path are left out; `problems` (may be
  // null) says which, of the first kIgnoreProblemsMax.
  static IgnoreList parse(std::string_view text, std::vector<std::string>* problems = nullptr);

  enum class Verdict { kNothing, kIgnored, kTaken };
  // Of the last pattern that matches this very path.
  Verdict verdict(std::string_view path, bool is_directory) const;
  bool empty() const { return patterns_.empty(); }

 private:
  struct Pattern {
    std::vector<std::string> globs;  // one for each name of a path; "**" for any number of names
    bool takes_back = false;
    bool directories_only = false;
    bool whole_path = false;  // else it is matched against the last name
  };
  // What is wrong with the line, or null.
  const char* add(std::string_view line);

  std::vector<Pattern> patterns_;
};

class Ignore {
 public:
  Ignore() = default;
  // The local list decides where both speak.
  Ignore(IgnoreList shared, IgnoreList local);

  // Beside the folder's own directory nothing is ignored.
  bool empty() const { return shared_.empty() && local_.empty(); }
  // `path` is relative to the root of the folder, with '/' between names. The folder's own directory
  // (kPrivateDirectory) is ignored, whatever the lists say.
  bool ignored(std::string_view path, bool is_directory) const;

 private:
  bool names(std::string_view path, bool is_directory) const;

  IgnoreList shared_;
  IgnoreList local_;
};

}  // namespace shoal::sync
