// Numbers and fields of answers as people read them. Private to the command line: cli_output*.cpp, and
// os/tree_command.cpp.
#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace shoal {

inline std::string text_of(const nlohmann::json& object, const char* field) {
  return object.at(field).get<std::string>();
}
inline double number_of(const nlohmann::json& object, const char* field) {
  return object.at(field).get<double>();
}

// "1 entry", "2 entries"
inline std::string counted(std::uint64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}
inline std::string count_text(const nlohmann::json& object, const char* field, const char* one,
                              const char* many) {
  return counted(object.at(field).get<std::uint64_t>(), one, many);
}

inline std::string bytes_text(double bytes) {
  static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  if (unit == 0) return counted(static_cast<std::uint64_t>(bytes), "byte", "bytes");
  return fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

inline std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}min {}s", whole / 60, whole % 60);
  return fmt::format("{}h {}min", whole / 3600, whole / 60 % 60);
}

inline std::string wall_time_text(std::int64_t milliseconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)));
}

}  // namespace shoal
