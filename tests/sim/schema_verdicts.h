// What scenarios/schema.json says of files.
#pragma once

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/scenario_texts.h"

namespace shoal::sim {

// The lines that schema_check.py prints, one a file.
inline std::vector<std::string> schema_verdicts(const std::vector<std::filesystem::path>& files) {
  std::string command = "/usr/bin/python3 " + (kProject / "tests/sim/schema_check.py").string() + " " +
                        (kProject / "scenarios/schema.json").string();
  for (const std::filesystem::path& file : files) command += " " + file.string();
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::vector<std::string> lines;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) lines.emplace_back(line.data());
  return lines;
}

}  // namespace shoal::sim
