// Lines of CSV files, as scenarios name them: fields between commas, no quotes; lines that open with # are
// comments.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace shoal::sim {

struct CsvField {
  std::string_view text;  // without the blanks around it
  std::size_t column;     // of its first character in the line, from 1
};

// Without the blanks around it.
std::string_view csv_trimmed(std::string_view text);
std::vector<CsvField> csv_fields(std::string_view line);
// Nothing but blanks, or a comment.
bool csv_line_is_empty(std::string_view line);

}  // namespace shoal::sim
