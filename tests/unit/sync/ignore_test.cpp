#include "node/sync/ignore.h"

#include <gtest/gtest.h>

namespace shoal::sync {
namespace {

// A path that ends in '/' is a directory.
bool ignored(const Ignore& ignore, std::string_view path) {
  const bool is_directory = path.ends_with('/');
  if (is_directory) path.remove_suffix(1);
  return ignore.ignored(path, is_directory);
}

Ignore shared(std::string_view text) {
  return {IgnoreList::parse(text), IgnoreList()};
}

struct Row {
  std::string_view patterns;
  std::vector<std::string_view> yes;
  std::vector<std::string_view> no;
};

void hold(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const Ignore ignore = shared(row.patterns);
    for (const std::string_view path : row.yes) {
      EXPECT_TRUE(ignored(ignore, path)) << "'" << path << "' by '" << row.patterns << "'";
    }
    for (const std::string_view path : row.no) {
      EXPECT_FALSE(ignored(ignore, path)) << "'" << path << "' by '" << row.patterns << "'";
    }
  }
}

TEST(Ignore, EmptyLinesAndCommentsMatchNothing) {
  hold({
      {"", {}, {"a", "#a", " "}},
      {"\n\n# a\n#a\n   \n", {}, {"a", "#a", " "}},
      {"\\#a", {"#a"}, {"a", "\\#a"}},
      {" #a", {" #a"}, {"#a"}},
  });
}

TEST(Ignore, SpacesAtTheEndCountBehindABackslashOnly) {
  hold({
      {"a  ", {"a"}, {"a  "}},
      {"a\\ ", {"a "}, {"a", "a\\ "}},
      {"a\\  ", {"a "}, {"a", "a  "}},
      {"a\\\\ ", {"a\\"}, {"a", "a\\ "}},
      {"a b", {"a b"}, {"a"}},
      {"a\t", {"a\t"}, {"a"}},
      {"a/ ", {"a/"}, {"a"}},
  });
}

TEST(Ignore, LinesEndAsOnAnySystem) {
  hold({
      {"a\r\nb\r\n", {"a", "b"}, {"a\r"}},
      {"a\nb", {"a", "b"}, {"ab"}},
      {"\xef\xbb\xbf"
       "a\nb\n",
       {"a", "b"},
       {"\xef\xbb\xbf"
        "a"}},
  });
}

TEST(Ignore, LastPatternThatMatchesDecides) {
  hold({
      {"*.o\n!a.o", {"b.o", "d/b.o"}, {"a.o", "d/a.o"}},
      {"!a.o\n*.o", {"a.o", "b.o"}, {}},
      {"*\n!a\n?", {"a", "bc"}, {}},
      {"\\!a", {"!a"}, {"a"}},
      {"!", {}, {"a", "!"}},
  });
}

TEST(Ignore, NothingBelowAnIgnoredDirectoryIsTakenBack) {
  hold({
      {"d\n!d/a", {"d/", "d/a", "d/e/a"}, {"e/a"}},
      {"d/*\n!d/a", {"d/b"}, {"d/", "d/a", "d/a/b"}},
      {"/*\n!/d\n/d/*\n!/d/e", {"a", "d/a", "f/d"}, {"d/", "d/e/", "d/e/f"}},
  });
}

TEST(Ignore, SlashAtTheEndMeansDirectories) {
  hold({
      {"d/", {"d/", "d/a", "e/d/", "e/d/a"}, {"d", "e/d"}},
      {"/d/", {"d/", "d/a"}, {"d", "e/d/"}},
      {"d//", {}, {"d", "d/", "d/a"}},
      {"/", {}, {"a", "a/"}},
  });
}

TEST(Ignore, SlashElsewhereBindsToTheRoot) {
  hold({
      {"/a", {"a", "a/b"}, {"b/a"}},
      {"a/b", {"a/b", "a/b/c"}, {"c/a/b", "a", "b"}},
      {"a/*", {"a/b", "a/b/c"}, {"a/", "b"}},
      {"*/b", {"a/b"}, {"b", "c/a/b"}},
      {"a", {"a", "b/a", "b/a/c"}, {"ab", "ba"}},
      {"//a", {}, {"a", "b/a"}},
      {"a//b", {}, {"a/b"}},
      {"a\\/b", {"a/b"}, {"c/a/b"}},
  });
}

TEST(Ignore, StarsAndQuestionMarksMatchWithinAName) {
  hold({
      {"*.o", {".o", "a.o", "d/a.o"}, {"a.oo", "o"}},
      {"a*b*c", {"abc", "aXbYc", "abcbc"}, {"ab", "acb"}},
      {"a?c", {"abc", "a?c"}, {"ac", "abbc", "a/c"}},
      {"/a*c", {"ac", "abc"}, {"a/c", "ab/c"}},
      {"\\*", {"*"}, {"a", "\\*"}},
      {"a\\?", {"a?"}, {"ab"}},
      {"*", {"a", "a/b", ".a"}, {}},
      {"a**b", {"ab", "aXXb"}, {"a/b"}},
  });
}

TEST(Ignore, TwoStarsMatchAnyNumberOfDirectories) {
  hold({
      {"**/a", {"a", "b/a", "b/c/a", "b/c/d/a/e"}, {"ba", "b/ca"}},
      {"**/a/b", {"a/b", "c/a/b", "c/d/a/b"}, {"a/c/b"}},
      {"a/**", {"a/b", "a/b/c", "a/b/"}, {"a", "a/", "b/a"}},
      {"a/**/b", {"a/b", "a/c/b", "a/c/d/b"}, {"ab", "a", "c/a/b", "a/cb"}},
      {"a/**/b/**/c", {"a/b/c", "a/x/b/y/z/c", "a/b/b/c/c"}, {"a/c/b", "a/b"}},
      {"/**", {"a", "a/b"}, {}},
      {"**", {"a", "a/b"}, {}},
      {"**/", {"a/", "a/b"}, {"a"}},
      {"a/***/b", {"a/b", "a/c/d/b"}, {"ab"}},
      {"**/**/a", {"a", "b/a", "b/c/a"}, {"b"}},
  });
}

TEST(Ignore, SetsMatchOneCharacter) {
  hold({
      {"[abc]", {"a", "c"}, {"d", "ab", "[abc]"}},
      {"[a-c]x", {"ax", "bx", "cx"}, {"dx", "-x"}},
      {"[!a-c]", {"d", "!"}, {"a", "b"}},
      {"[^a-c]", {"d", "^"}, {"a", "b"}},
      {"[]a]", {"]", "a"}, {"[]a]"}},
      {"[!]a]", {"b"}, {"]", "a"}},
      {"[a-]", {"a", "-"}, {"b"}},
      {"[-a]", {"a", "-"}, {"b"}},
      {"[\\]]", {"]"}, {"\\"}},
      {"[\\a-c]", {"a", "b", "c"}, {"\\"}},
      {"[a-\\c]", {"a", "b", "c"}, {"\\"}},
      {"[c-a]", {"c"}, {"a", "b"}},
      {"[[:digit:]x]", {"0", "9", "x"}, {"a", ":"}},
      {"[![:alpha:]]", {"0", "_"}, {"a", "Z"}},
      {"[[:a]", {"[", ":", "a"}, {"b"}},
      {"[/]", {}, {"a", "/"}},
      {"a[!b]c", {"axc"}, {"a/c", "abc"}},
      {"[\x80-\xff]", {"\xc3"}, {"a", "\xc3\xa9"}},
  });
}

TEST(Ignore, ClassesAreThoseOfAscii) {
  const std::vector<std::pair<std::string, std::size_t>> classes = {
      {"alnum", 62}, {"alpha", 52}, {"blank", 2},  {"cntrl", 33}, {"digit", 10}, {"graph", 94},
      {"lower", 26}, {"print", 95}, {"punct", 32}, {"space", 6},  {"upper", 26}, {"xdigit", 22}};
  for (const auto& [name, count] : classes) {
    const IgnoreList list = IgnoreList::parse("[[:" + name + ":]]");
    std::size_t matched = 0;
    for (int c = 0; c < 256; ++c) {
      const std::string path(1, static_cast<char>(c));
      matched += list.verdict(path, false) == IgnoreList::Verdict::kIgnored ? 1 : 0;
    }
    // A name is never "/", but to the class of punctuation it is as good as any.
    EXPECT_EQ(matched, count - (name == "graph" || name == "print" || name == "punct" ? 1 : 0)) << name;
  }
}

TEST(Ignore, BrokenPatternsMatchNothingAndAreReported) {
  for (const std::string_view broken :
       {"a\\", "[a", "[", "[]", "[!]", "[[:nothing:]]", "[[:alpha:]", "[a-", "[\\", "a//b", "!", "/"}) {
    std::vector<std::string> problems;
    const IgnoreList list = IgnoreList::parse("x\n" + std::string(broken), &problems);
    ASSERT_EQ(problems.size(), 1u) << broken;
    EXPECT_TRUE(problems[0].starts_with("line 2: matches nothing")) << problems[0];
    EXPECT_EQ(list.verdict(broken, true), IgnoreList::Verdict::kNothing) << broken;
    EXPECT_EQ(list.verdict("x", false), IgnoreList::Verdict::kIgnored);
  }
}

TEST(Ignore, CaseAndBytesCount) {
  hold({
      {"A", {"A"}, {"a"}},
      {"\xc3\xa9", {"\xc3\xa9"}, {"e\xcc\x81"}},
      {"\xff*", {"\xff", "\xff\xfe"}, {"\xfe"}},
  });
}

TEST(Ignore, LocalListIsLookedAtLast) {
  const Ignore ignore(IgnoreList::parse("*.o\n!a.o"), IgnoreList::parse("a.*\n!b.o"));
  EXPECT_TRUE(ignored(ignore, "a.o"));
  EXPECT_FALSE(ignored(ignore, "b.o"));
  EXPECT_TRUE(ignored(ignore, "c.o"));
  EXPECT_FALSE(ignored(ignore, "c.h"));
  // Yet below a directory that the shared list ignores there is nothing to take back.
  const Ignore below(IgnoreList::parse("d"), IgnoreList::parse("!d/a"));
  EXPECT_TRUE(ignored(below, "d/a"));
}

TEST(Ignore, OwnDirectoryIsIgnoredWhateverTheListsSay) {
  for (const Ignore& ignore : {Ignore(), shared("!.shoal\n!.shoal/**")}) {
    EXPECT_TRUE(ignored(ignore, ".shoal/"));
    EXPECT_TRUE(ignored(ignore, ".shoal/ignore"));
    EXPECT_FALSE(ignored(ignore, ".shoalignore"));
    EXPECT_FALSE(ignored(ignore, "a/.shoal/"));
  }
}

TEST(Ignore, LongLinesAreLeftOut) {
  const std::string longest(kIgnoreLineBytesMax, 'a');
  std::vector<std::string> problems;
  const IgnoreList list = IgnoreList::parse(longest + "\n" + longest + "b\nc\n", &problems);
  EXPECT_EQ(list.verdict(longest, false), IgnoreList::Verdict::kIgnored);
  EXPECT_EQ(list.verdict(longest + "b", false), IgnoreList::Verdict::kNothing);
  EXPECT_EQ(list.verdict("c", false), IgnoreList::Verdict::kIgnored);
  EXPECT_EQ(problems, std::vector<std::string>({"line 2: longer than 4,096 bytes"}));
}

TEST(Ignore, TooManyPatternsAreLeftOutAndTheProblemsAreBounded) {
  std::string text;
  for (std::size_t i = 0; i < kIgnoreLinesMax + 2 * kIgnoreProblemsMax; ++i) {
    text += "# a comment is no pattern\n" + std::to_string(i) + "\n";
  }
  std::vector<std::string> problems;
  const IgnoreList list = IgnoreList::parse(text, &problems);
  EXPECT_EQ(list.verdict("9999", false), IgnoreList::Verdict::kIgnored);
  EXPECT_EQ(list.verdict("10000", false), IgnoreList::Verdict::kNothing);
  ASSERT_EQ(problems.size(), kIgnoreProblemsMax);
  EXPECT_EQ(problems[0], "line 20002: more than 10,000 patterns");
}

// A matcher that tries all ways to part a text among the stars would not come to an end here.
TEST(Ignore, PatternsOfManyStarsStayCheap) {
  std::string stars;
  for (int i = 0; i < 1'000; ++i) stars += "*a";
  EXPECT_FALSE(ignored(shared(stars + "*b"), std::string(3'000, 'a')));
  EXPECT_TRUE(ignored(shared(stars + "*b"), std::string(3'000, 'a') + "b"));

  std::string deep;
  for (int i = 0; i < 450; ++i) deep += "**/*a*a*/";
  std::string path;
  for (int i = 0; i < 1'000; ++i) path += "aa/";
  const IgnoreList list = IgnoreList::parse(deep + "b");
  EXPECT_EQ(list.verdict(path + "c", false), IgnoreList::Verdict::kNothing);
  EXPECT_EQ(list.verdict(path + "b", false), IgnoreList::Verdict::kIgnored);
}

}  // namespace
}  // namespace shoal::sync
