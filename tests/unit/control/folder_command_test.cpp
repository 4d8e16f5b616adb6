#include "node/control/folder_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shoal {
namespace {

using testing::HasSubstr;

TEST(FolderPath, DropsWhatSaysNothing) {
  EXPECT_EQ(folder_path("a/b"), "a/b");
  EXPECT_EQ(folder_path("./a/b/"), "a/b");
  EXPECT_EQ(folder_path("a/b//"), "a/b");
  for (const char* root : {"", ".", "./", "./."}) EXPECT_EQ(folder_path(root), "") << root;
  EXPECT_EQ(folder_path("\xff\n"), "\xff\n");
}

TEST(FolderPath, StaysWithinTheFolder) {
  for (const char* path : {"..", "../a", "a/..", "a/../b", "a/./b", "/", "/etc/passwd", "a//b", "//"}) {
    EXPECT_FALSE(folder_path(path).has_value()) << path;
  }
  EXPECT_FALSE(folder_path(std::string_view("a\0b", 3)).has_value());
  EXPECT_TRUE(folder_path(std::string(255, 'a')).has_value());
  EXPECT_THAT(folder_path(std::string(256, 'a')).error().message, HasSubstr("255 bytes"));
  std::string deep;
  while (deep.size() <= kFolderPathBytesMax) deep += "a/";
  EXPECT_THAT(folder_path(deep + "a").error().message, HasSubstr("4096 bytes"));
}

TEST(ShownText, LeavesWhatCanBeReadAndEscapesTheRest) {
  EXPECT_EQ(shown("a b/Grüße 日本 🐟\\'"), "a b/Grüße 日本 🐟\\'");
  EXPECT_EQ(shown("a\nb"), "$'a\\x0ab'");
  EXPECT_EQ(shown("it's \\ \x1b[2J"), "$'it\\'s \\\\ \\x1b[2J'");
  EXPECT_EQ(shown("\xff"
                  "a"),
            "$'\\xffa'");
  EXPECT_EQ(shown("\xe2\x80\xae"
                  "gpj.exe"),
            "$'\\xe2\\x80\\xaegpj.exe'");  // right-to-left override
  EXPECT_EQ(shown("$'x"), "$'$\\'x'");
}

TEST(ShownText, TakesForUtf8OnlyWhatIs) {
  for (const char* bytes : {"\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82",
                            "\x80", "\xf0\x9f\x90", "\xf8\x88\x80\x80\x80", "\xc2\x85", "\x7f"}) {
    EXPECT_FALSE(is_clean_text(bytes)) << shown(bytes);
  }
  for (const char* text : {"", "a", "\xc2\xa0", "\xdf\xbf", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_clean_text(text)) << text;
  }
}

TEST(UtcTime, IsReadToTheSecond) {
  EXPECT_EQ(parse_utc_time("1970-01-01"), WallTime{});
  EXPECT_EQ(parse_utc_time("2026-01-01T00:00:00Z"), WallTime(1'767'225'600'000ms));
  EXPECT_EQ(parse_utc_time("2026-01-01T01:02Z"), WallTime(1'767'225'600'000ms + 62min));
  EXPECT_EQ(parse_utc_time("2024-02-29T23:59:59Z"), WallTime(1'709'251'199'000ms));
}

TEST(UtcTime, IsNothingElse) {
  for (const char* text : {"", "yesterday", "2026", "2026-13-01", "2025-02-29", "2026-1-1", "2026-01-01T",
                           "2026-01-01Z", "2026-01-01T10Z", "2026-01-01T10:00", "2026-01-01T24:00Z",
                           "2026-01-01T10:00:60Z", "2026-01-01T10:00:00+01:00", "2026-01-01 10:00",
                           "1969-12-31", "-026-01-01", "2026-01-01T10:00:00Zx", "2026-01-01x"}) {
    EXPECT_FALSE(parse_utc_time(text).has_value()) << text;
  }
}

FolderStatus folder(const char* name, const char* root, char digit) {
  FolderStatus status;
  status.name = name;
  status.root = root;
  status.group = *Id::from_hex("0000000" + std::string(57, digit));
  return status;
}

FolderCommand naming(std::string what, std::string directory = {}) {
  FolderCommand command;
  command.folder = std::move(what);
  command.directory = std::move(directory);
  return command;
}

TEST(FindFolder, GoesByNameThenRootThenId) {
  const std::vector folders = {folder("photos", "/a", '1'), folder("music", "/home/photos", '2')};
  EXPECT_EQ(find_folder(folders, naming("photos", "/home/photos")), 0u);
  EXPECT_EQ(find_folder(folders, naming("../photos", "/home/photos")), 1u);
  EXPECT_EQ(find_folder(folders, naming("", "/home/photos")), 1u);
  EXPECT_EQ(find_folder(folders, naming("00000002")), 1u);
}

TEST(FindFolder, SaysWhatThereIsInstead) {
  const std::vector folders = {folder("photos", "/a", '1'), folder("music", "/b", '1')};
  const auto unknown = find_folder(folders, naming("pictures", "/pictures"));
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.error().message, HasSubstr("called pictures"));
  EXPECT_THAT(unknown.error().message, HasSubstr("there are photos, music"));
  EXPECT_EQ(find_folder(folders, naming("0000000")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(find_folder(folders, naming("00000001")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(find_folder({}, naming("x")).error().message, HasSubstr("syncs no folder"));
  EXPECT_THAT(find_folder(folders, naming("\x1b[2J")).error().message, HasSubstr("\\x1b"));
}

}  // namespace
}  // namespace shoal
