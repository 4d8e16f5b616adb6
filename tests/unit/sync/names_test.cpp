// Names: which may be, which are the same, and what conflict copies are called.
#include <gtest/gtest.h>

#include "tests/unit/sync/folder_replica.h"

namespace shoal::sync {
namespace {

const Dot kDot{replica_id(0xab), 17};

TEST(Names, OnlyOneComponentOfAPathIsValid) {
  for (const std::string name : {"a", " ", "...", ".a", "a\\b", "\xff", "con", ".shoals"}) {
    EXPECT_TRUE(is_valid_name(name)) << name;
  }
  EXPECT_TRUE(is_valid_name(std::string(255, 'a')));
  for (const std::string name : {"", ".", "..", "a/b", "/", ".shoal"})
    EXPECT_FALSE(is_valid_name(name)) << name;
  EXPECT_FALSE(is_valid_name(std::string(256, 'a')));
  EXPECT_FALSE(is_valid_name(std::string("a\0b", 3)));
}

TEST(Names, CaseAndCompositionMakeNoDifference) {
  EXPECT_EQ(fold_name("Report.TXT"), fold_name("rEPORT.txt"));
  EXPECT_EQ(fold_name("\u00c9"), fold_name("e\u0301"));
  EXPECT_EQ(fold_name("stra\u00dfe"), fold_name("STRASSE"));
  EXPECT_NE(fold_name("a"), fold_name("b"));
  EXPECT_NE(fold_name("e"), fold_name("\u00e9"));
}

TEST(Names, BytesThatAreNoUtf8StayAsTheyAre) {
  EXPECT_EQ(fold_name("A\xff"), "A\xff");
  EXPECT_NE(fold_name("A\xff"), fold_name("a\xff"));
}

TEST(Names, AConflictCopyKeepsItsExtension) {
  EXPECT_EQ(conflict_name("report.txt", kDot), "report (conflict abababab-17).txt");
  EXPECT_EQ(conflict_name("report.txt", conflict_id(kDot)), "report (conflict abababab-17).txt");
  EXPECT_EQ(conflict_name("a.tar.gz", kDot), "a.tar (conflict abababab-17).gz");
  EXPECT_EQ(conflict_name("README", kDot), "README (conflict abababab-17)");
  EXPECT_EQ(conflict_name(".profile", kDot), ".profile (conflict abababab-17)");
  EXPECT_EQ(conflict_name("a.no-extension-is-so-long", kDot),
            "a.no-extension-is-so-long (conflict abababab-17)");
  EXPECT_EQ(conflict_name("report.txt", kDot, 2), "report (conflict abababab-17-2).txt");
}

TEST(Names, TheNameOfAConflictCopyIsValidHoweverLongTheName) {
  for (std::size_t bytes = 200; bytes <= kNameBytesMax; ++bytes) {
    const std::string name =
        conflict_name(std::string(bytes - 4, 'a') + ".txt", {replica_id(1), kCounterMax});
    EXPECT_TRUE(is_valid_name(name));
    EXPECT_TRUE(name.ends_with(").txt"));
  }
}

TEST(Names, ALongNameIsCutBetweenCharacters) {
  for (std::size_t before = 0; before < 4; ++before) {
    std::string name(before, 'a');
    while (name.size() + 4 <= kNameBytesMax) name += "\U0001f41f";
    const std::string cut = conflict_name(name, kDot);
    EXPECT_LE(cut.size(), kNameBytesMax);
    EXPECT_NE(fold_name(cut + "A"), cut + "A") << "no UTF-8 any more";
  }
}

TEST(Names, OtherAttemptsAtALongNameDiffer) {
  const std::string longest(kNameBytesMax, 'a');
  EXPECT_NE(conflict_name(longest, kDot), conflict_name(longest, kDot, 1));
  EXPECT_NE(conflict_name(longest, kDot, 1), conflict_name(longest, kDot, 2));
}

}  // namespace
}  // namespace shoal::sync
