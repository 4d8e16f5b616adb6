#include "sim/units.h"

#include <gtest/gtest.h>

namespace shoal::sim {
namespace {

TEST(Units, AreReadWithTheirUnitsOnly) {
  EXPECT_DOUBLE_EQ(parse_share("12.5%").value(), 0.125);
  EXPECT_FALSE(parse_share("0.125"));
  EXPECT_FALSE(parse_share("101%"));
  EXPECT_FALSE(parse_share("-1%"));
  EXPECT_FALSE(parse_share("%"));
  EXPECT_FALSE(parse_share(""));
  EXPECT_EQ(parse_bit_rate("1.5Gbit/s").value(), 1'500'000'000u);
  EXPECT_FALSE(parse_bit_rate("10MB/s"));
  EXPECT_EQ(parse_bytes("64KiB").value(), 65'536u);
  EXPECT_EQ(parse_bytes("2kB").value(), 2000u);
  EXPECT_FALSE(parse_bytes("64"));
  EXPECT_EQ(parse_interval("0.1/s").value(), 10s);
  EXPECT_EQ(parse_interval("6/min").value(), 10s);
  EXPECT_EQ(parse_interval("90s").value(), 90s);
  EXPECT_FALSE(parse_interval("0/s"));
}

TEST(Units, PrintDurationsShortly) {
  EXPECT_EQ(print_duration(0s), "0s");
  EXPECT_EQ(print_duration(250ms), "250ms");
  EXPECT_EQ(print_duration(90s), "1.5min");
  EXPECT_EQ(print_duration(2h), "2h");
  EXPECT_EQ(print_duration(1234567us), "1.23457s");
}

}  // namespace
}  // namespace shoal::sim
