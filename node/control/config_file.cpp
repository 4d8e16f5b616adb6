#include "node/control/config_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "node/control/config_yaml.h"

namespace shoal {
namespace {

constexpr std::size_t kLineWidth = 100;

// Levenshtein's: insertions, deletions and replacements of one character.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

class Reader {
 public:
  Reader(std::string name, DaemonConfig& config) : name_(std::move(name)), config_(config) {
    for (NodeConfig::Key& key : config.values()) names_.push_back(std::move(key.name));
  }

  std::vector<ConfigError> read(std::string_view text) {
    try {
      const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
      if (!documents.empty()) read_document(documents.front());
      if (documents.size() > 1) error(documents[1].Mark(), "a second document: expected one");
    } catch (const YAML::Exception& e) {
      const bool bare = text.find(" [:") != std::string_view::npos;
      error(e.mark, fmt::format("not YAML: {}{}", e.msg,
                                bare ? " (an address in brackets stands in quotes: \"[::]:7465\")" : ""));
    }
    return std::move(errors_);
  }

 private:
  void read_document(const YAML::Node& document) {
    if (document.IsNull()) return;  // nothing but comments
    if (!document.IsMap()) return error(document.Mark(), "expected lines of the form 'key: value'");
    for (const auto& entry : document) {
      read_entry(entry.first.IsScalar() ? entry.first.Scalar() : "", entry.first.Mark(), entry.second);
    }
  }

  void read_entry(const std::string& key, const YAML::Mark& mark, const YAML::Node& value) {
    if (std::find(names_.begin(), names_.end(), key) == names_.end()) return unknown(key, mark);
    if (!seen_.insert(key).second) return error(mark, fmt::format("{}: given a second time", key));
    const std::optional<std::string> text = config_value_text(value);
    if (!text) {
      const char* given = value.IsNull() ? "nothing" : value.IsMap() ? "a section" : "a list of lists";
      // yaml-cpp finds nothing where the next thing begins.
      return error(value.IsNull() ? mark : value.Mark(),
                   fmt::format("{}: {} was given, expected {}", key, given, expected(key)));
    }
    const Result<void> set = config_.set(key, *text);
    if (!set) error(value.Mark(), set.error().message);
  }

  std::string expected(const std::string& key) const {
    for (const NodeConfig::Key& known : config_.values()) {
      if (known.name == key) return known.expected;
    }
    return {};
  }

  void unknown(const std::string& key, const YAML::Mark& mark) {
    const auto nearest = std::min_element(names_.begin(), names_.end(), [&](const auto& a, const auto& b) {
      return edit_distance(key, a) < edit_distance(key, b);
    });
    const bool is_near = edit_distance(key, *nearest) <= key.size() / 3;
    error(mark, fmt::format("'{}' is not a key: {}", key,
                            is_near ? fmt::format("did you mean '{}'?", *nearest)
                                    : "shoal config show prints them all"));
  }

  void error(const YAML::Mark& mark, std::string message) {
    const YAML::Mark place = mark.is_null() ? YAML::Mark() : mark;
    errors_.push_back({fmt::format("{}:{}:{}", name_, place.line + 1, place.column + 1), std::move(message)});
  }

  std::string name_;
  DaemonConfig& config_;
  std::vector<std::string> names_;
  std::set<std::string> seen_;
  std::vector<ConfigError> errors_;
};

// Words on lines that begin with "# ".
std::string comment(std::string_view text) {
  std::string out;
  std::string line = "#";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (line.size() + 1 + end > kLineWidth) {
      out += std::exchange(line, "#") + "\n";
    }
    line += fmt::format(" {}", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + line + "\n";
}

// Numbers, durations and words stand as they are; what YAML would take for something else is quoted.
std::string scalar(std::string_view text) {
  const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_' || c == '.';
  });
  return is_plain ? std::string(text) : fmt::format("\"{}\"", text);
}

std::string value_text(const std::string& text) {
  if (!text.empty() && text.find(',') == std::string::npos) return scalar(text);
  std::string out;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    out += (out.empty() ? "" : ", ") + scalar(std::string_view(text).substr(start, end - start));
    start = end + 1;
  }
  return fmt::format("[{}]", out);
}

}  // namespace

std::vector<ConfigError> read_config(std::string_view text, const std::string& name, DaemonConfig& config) {
  return Reader(name, config).read(text);
}

std::string config_text(const DaemonConfig& config) {
  std::string out = comment("Configuration of a Shoal node. A key that is not given has its default.");
  const std::vector<NodeConfig::Key> defaults = DaemonConfig{}.values();
  const std::vector<NodeConfig::Key> values = config.values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string& standard = defaults[i].value;
    out += "\n" + comment(values[i].what) +
           comment(fmt::format("Takes {}. Default: {}.", values[i].expected,
                               standard.empty() ? "none" : standard)) +
           fmt::format("{}: {}\n", values[i].name, value_text(values[i].value));
  }
  return out;
}

}  // namespace shoal
