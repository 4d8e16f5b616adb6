// Holds ignore patterns against git itself: random lists of patterns over a tree of odd names. Left out
// without git on the machine.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "node/base/rng.h"
#include "node/sync/ignore.h"

namespace shoal::sync {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLists = 60;
// A "**" behind other letters of a name is left out: git takes it to stand alone when it has no wildcard
// before it, other than its manual says.
const std::vector<std::string> kPieces = {"a",
                                          "b",
                                          "ab",
                                          "abc",
                                          "A",
                                          "-",
                                          "!",
                                          "#",
                                          "*",
                                          "?",
                                          "/",
                                          "/",
                                          "/",
                                          "/**/",
                                          "[ab]",
                                          "[!a]",
                                          "]",
                                          "[^b]",
                                          "[a-c]",
                                          "[]a]",
                                          "[!]a]",
                                          "[a",
                                          "*a",
                                          "\\*",
                                          "\\a",
                                          "\\",
                                          "\\ ",
                                          " ",
                                          "\t",
                                          "[a-]",
                                          "[b-a]",
                                          "[[:alpha:]]",
                                          "[/]",
                                          "\\!",
                                          "\\#",
                                          "[--0]",
                                          "[a\\]]",
                                          "[\\a-c]",
                                          "[[a]",
                                          "[!/]",
                                          "[[:digit:]-]",
                                          "[[:x:]]"};
const std::vector<std::string> kNames = {"a", "b", "ab", "abc", "A", "!a", "#a",       "a ",  "*",
                                         "[", "]", "a]", "-",   "0", "\\", "\xc3\xa9", "\ta", "aXb"};

template <class T>
const T& any_of(const std::vector<T>& choices, Rng& rng) {
  return choices[rng.below(choices.size())];
}

std::string random_pattern(Rng& rng) {
  std::string pattern;
  if (rng.below(5) == 0) pattern += "!";
  if (rng.below(6) == 0) pattern += "**/";
  const std::uint64_t pieces = 1 + rng.below(4);
  for (std::uint64_t i = 0; i < pieces; ++i) pattern += any_of(kPieces, rng);
  if (rng.below(8) == 0) pattern += "/**";
  if (rng.below(6) == 0) pattern += "/";
  return pattern;
}

struct Path {
  std::string path;
  bool is_directory = false;
};

class IgnoreLikeGit : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "shoal-ignore-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    if (run("init -q repository") != 0) GTEST_SKIP() << "no git here";
    fill("", 0);
    std::ofstream list(directory_ / "paths", std::ios::binary);
    for (const Path& path : paths_) list << path.path << '\0';
  }
  void TearDown() override { fs::remove_all(directory_); }

  // git's exit status. Of nobody's settings but its own.
  int run(const std::string& arguments) const {
    const std::string at = directory_.string();
    const std::string command = "cd '" + at + "' && env -i PATH=\"$PATH\" HOME='" + at +
                                "' GIT_CONFIG_NOSYSTEM=1 git " + arguments + " 2>errors";
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::set<std::string> ignored_by_git(const std::string& patterns) const {
    std::ofstream(directory_ / "repository/.git/info/exclude", std::ios::binary) << patterns;
    const int status = run("-C repository check-ignore --no-index -z --stdin <paths >ignored");
    EXPECT_TRUE(status == 0 || status == 1) << "git check-ignore: " << status;
    std::ifstream answer(directory_ / "ignored", std::ios::binary);
    std::set<std::string> ignored;
    for (std::string path; std::getline(answer, path, '\0');) ignored.insert(path);
    return ignored;
  }

  std::vector<Path> paths_;
  Rng rng_ = Rng::keyed(1, "test", "ignore");

 private:
  void fill(const std::string& parent, int depth) {
    for (const std::string& name : kNames) {
      if (depth > 0 && rng_.below(3) != 0) continue;
      const Path path{parent + name, depth < 3 && rng_.below(2) == 0};
      paths_.push_back(path);
      const fs::path real = directory_ / "repository" / path.path;
      if (path.is_directory) {
        fs::create_directory(real);
        fill(path.path + "/", depth + 1);
      } else {
        std::ofstream file(real);
      }
    }
  }

  fs::path directory_;
};

TEST_F(IgnoreLikeGit, RandomPatternsMatchWhatTheyMatchInGit) {
  std::size_t ignored_in_all = 0;
  for (std::size_t i = 0; i < kLists; ++i) {
    std::string patterns;
    const std::uint64_t lines = 1 + rng_.below(5);
    for (std::uint64_t line = 0; line < lines; ++line) patterns += random_pattern(rng_) + "\n";
    const std::set<std::string> expected = ignored_by_git(patterns);
    const Ignore ignore(IgnoreList::parse(patterns), {});
    for (const Path& path : paths_) {
      ASSERT_EQ(ignore.ignored(path.path, path.is_directory), expected.contains(path.path))
          << "'" << path.path << "', a " << (path.is_directory ? "directory" : "file") << ", by\n"
          << patterns;
    }
    ignored_in_all += expected.size();
  }
  // The patterns speak of these names at all, and not of all of them.
  EXPECT_GT(ignored_in_all, kLists * paths_.size() / 50);
  EXPECT_LT(ignored_in_all, kLists * paths_.size() * 9 / 10);
}

}  // namespace
}  // namespace shoal::sync
