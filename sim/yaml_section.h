// Document and Section: a YAML file read key by key, so that every error names file, line, column and what
// was expected, all errors of a file are found in one go, and a key that nobody asked for is an error too.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/base/instant.h"
#include "node/base/result.h"
#include "sim/referenced_file.h"
#include "sim/setting.h"

namespace shoal::sim {

// Where an error is and what it says; to_string() is "scenarios/x.yaml:12:9: unknown key …".
struct ScenarioError {
  std::string where;
  std::string message;
  std::string to_string() const { return where + ": " + message; }
};

// The content of a file that a document names, by the name that stands there.
using FileReader = std::function<Result<std::string>(const std::string& name)>;

class Document {
 public:
  // `name` is the file's, for messages. Whatever is wrong becomes an error of the document.
  Document(std::string_view text, std::string name, std::span<const Setting> settings, FileReader read_file);

  const YAML::Node& root() const { return root_; }
  // `path` is the dotted path of the key; what a setting has put there is reported at the setting.
  void error(const std::string& path, const YAML::Mark& mark, std::string message);
  // In the order of the file.
  std::vector<ScenarioError> take_errors();
  // Remembers what it read: what was run must be known for ever.
  Result<std::string> read_file(const std::string& name);
  std::vector<ReferencedFile> take_files() { return std::move(files_); }

 private:
  struct Found {
    YAML::Mark mark;
    ScenarioError error;
  };
  void apply(const Setting& setting);
  std::optional<std::string> setting_of(const std::string& path) const;

  std::string name_;
  YAML::Node root_;
  FileReader read_file_;
  std::vector<std::string> set_paths_;
  std::vector<Found> errors_;
  std::vector<ReferencedFile> files_;
};

// One mapping of a document. Each reading method leaves `out` alone when the key is absent, null or wrong.
class Section {
 public:
  // `node` may be null: a section without keys. `mark` is where to report what is missing.
  Section(Document& document, const YAML::Node& node, std::string path, const YAML::Mark& mark);

  bool has(std::string_view key) { return static_cast<bool>(find(key)); }
  void require(std::string_view key);
  // A key of the language that this version does not read: an error that says so.
  void not_yet(std::string_view key);

  void text(std::string_view key, std::string& out);
  void duration(std::string_view key, Duration& out, Duration min, Duration max);
  void interval(std::string_view key, Duration& out, Duration min);
  void share(std::string_view key, double& out);
  void number(std::string_view key, double& out, double min, double max);
  template <class Integer>
  void count(std::string_view key, Integer& out, std::uint64_t min, std::uint64_t max) {
    if (const auto value = read_count(key, min, max)) out = static_cast<Integer>(*value);
  }
  // The file that the key names.
  std::optional<ReferencedFile> file(std::string_view key);
  void bit_rate(std::string_view key, std::uint64_t& out, std::uint64_t min);
  // One of `names`; the place of what was chosen. Names in `later` are "not supported yet".
  std::optional<std::size_t> choice(std::string_view key, std::initializer_list<std::string_view> names,
                                    std::initializer_list<std::string_view> later = {});
  // [low, high], or one value for both.
  void duration_range(std::string_view key, Duration& low, Duration& high, Duration max);
  void bytes_range(std::string_view key, std::uint32_t& low, std::uint32_t& high, std::uint32_t max);

  // The section or list under a key; empty when absent. Not of that form: an error, and empty.
  Section section(std::string_view key);
  std::vector<YAML::Node> list(std::string_view key);
  // The key's value, to be read by the caller; nothing when absent or null.
  std::optional<YAML::Node> value(std::string_view key) { return find(key); }

  // An error at the value of a key, or at the section when it is absent or "". The message follows the path.
  void error(std::string_view key, std::string_view message);
  // Call when every key has been asked for: whatever else stands there is unknown.
  void finish();

  Document& document() { return document_; }
  const std::string& path() const { return path_; }
  std::string path_of(std::string_view key) const;

 private:
  std::optional<YAML::Node> find(std::string_view key);
  std::optional<std::string> scalar(std::string_view key, std::string_view expected);
  std::optional<std::uint64_t> read_count(std::string_view key, std::uint64_t min, std::uint64_t max);
  template <class T>
  std::optional<T> checked(std::string_view key, const Result<T>& value);
  std::optional<Duration> ranged(std::string_view key, const Result<Duration>& value, Duration min,
                                 Duration max);
  std::vector<std::string> one_or_two(std::string_view key, std::string_view expected);

  Document& document_;
  YAML::Node node_;
  std::string path_;
  YAML::Mark mark_;
  std::vector<std::string> known_;
  std::vector<std::string> later_;
};

}  // namespace shoal::sim
