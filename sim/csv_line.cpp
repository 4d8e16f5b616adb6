#include "sim/csv_line.h"

#include <algorithm>

namespace shoal::sim {

std::string_view csv_trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<CsvField> csv_fields(std::string_view line) {
  std::vector<CsvField> fields;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t comma = std::min(line.find(',', begin), line.size());
    const std::string_view whole = line.substr(begin, comma - begin);
    const std::size_t blanks = std::min(whole.find_first_not_of(" \t"), whole.size());
    fields.push_back({csv_trimmed(whole), begin + blanks + 1});
    if (comma == line.size()) return fields;
    begin = comma + 1;
  }
}

bool csv_line_is_empty(std::string_view line) {
  const std::string_view plain = csv_trimmed(line);
  return plain.empty() || plain.front() == '#';
}

}  // namespace shoal::sim
