#include "sim/delay_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "sim/csv_line.h"

namespace shoal::sim {
namespace {

// Of a file that is something else altogether, a few errors say it.
constexpr std::size_t kErrorsMax = 20;

class MatrixReader {
 public:
  MatrixReader(const std::string& name, bool round_trips)
      : name_(name), us_per_number_(round_trips ? 500.0 : 1000.0) {}

  DelayMatrixOrErrors read(std::string_view text) {
    while (!text.empty() && errors_.size() < kErrorsMax && !too_large_) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      if (const std::string_view line = text.substr(0, end); !csv_line_is_empty(line)) read_row(line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (errors_.empty() && (rows_ == 0 || rows_ < columns_)) {
      line_ = std::max<std::size_t>(line_, 1);
      error(1, fmt::format("the file ends after {} rows, expected as many as there are columns ({})", rows_,
                           columns_));
    }
    const auto size = static_cast<std::uint32_t>(errors_.empty() ? rows_ : 0);
    return {DelayMatrix(size, std::move(us_)), std::move(errors_)};
  }

 private:
  void error(std::size_t column, std::string message) {
    errors_.push_back({fmt::format("{}:{}:{}", name_, line_, column), std::move(message)});
  }

  void read_row(std::string_view line) {
    const std::vector<CsvField> fields = csv_fields(line);
    if (rows_++ == 0) columns_ = fields.size();
    if (columns_ > DelayMatrix::kSizeMax) {
      too_large_ = true;
      return error(
          1, fmt::format("{} columns were given, expected at most {}", columns_, DelayMatrix::kSizeMax));
    }
    if (fields.size() != columns_) {
      return error(
          1, fmt::format("{} numbers were given, expected {} as in the first row", fields.size(), columns_));
    }
    if (rows_ == columns_ + 1) {
      return error(1, fmt::format("one row more, expected {}, as many as there are columns", columns_));
    }
    for (const CsvField& field : fields) read_number(field);
  }

  void read_number(const CsvField& field) {
    double ms = 0;
    const char* const end = field.text.data() + field.text.size();
    const auto [stop, failure] = std::from_chars(field.text.data(), end, ms);
    if (failure == std::errc{} && stop == end && ms >= 0 && ms <= DelayMatrix::kMillisecondsMax) {
      us_.push_back(static_cast<std::uint32_t>(std::llround(ms * us_per_number_)));
    } else if (errors_.size() < kErrorsMax) {
      error(field.column, fmt::format("'{}' was given, expected milliseconds from 0 to {:g}", field.text,
                                      DelayMatrix::kMillisecondsMax));
    }
  }

  const std::string& name_;
  double us_per_number_;
  std::size_t line_ = 0;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  bool too_large_ = false;
  std::vector<std::uint32_t> us_;
  std::vector<ScenarioError> errors_;
};

}  // namespace

DelayMatrixOrErrors parse_delay_matrix(std::string_view text, const std::string& name, bool round_trips) {
  return MatrixReader(name, round_trips).read(text);
}

}  // namespace shoal::sim
