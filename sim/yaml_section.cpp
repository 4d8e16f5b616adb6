#include "sim/yaml_section.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "node/config.h"
#include "sim/units.h"

namespace shoal::sim {
namespace {

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::string describe(const YAML::Node& node) {
  if (node.IsScalar()) return fmt::format("'{}'", node.Scalar());
  return node.IsSequence() ? "a list" : node.IsMap() ? "a section" : "nothing";
}

// The child of a mapping or a list, or nothing.
std::optional<YAML::Node> child_of(const YAML::Node& parent, std::string_view key) {
  if (parent.IsMap()) {
    for (const auto& entry : parent) {
      if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.second;
    }
  }
  const auto index = parse_count(key);
  if (parent.IsSequence() && index && *index < parent.size()) {
    return parent[static_cast<std::size_t>(*index)];
  }
  return std::nullopt;
}

// `parent` with `value` under the dotted path `rest`; sections on the way are made. False: something on the
// way is a value or a list without such an entry.
bool put(YAML::Node parent, std::string_view rest, const YAML::Node& value) {
  const std::size_t dot = rest.find('.');
  const std::string key(rest.substr(0, dot));
  const auto child = child_of(parent, key);
  if (!parent.IsMap() && !(parent.IsSequence() && child)) return false;
  if (dot == std::string_view::npos) {
    if (parent.IsMap()) {
      parent[key] = value;
    } else {
      parent[static_cast<std::size_t>(*parse_count(key))] = value;
    }
    return true;
  }
  if (child && !child->IsNull()) return put(*child, rest.substr(dot + 1), value);
  YAML::Node made(YAML::NodeType::Map);
  parent[key] = made;
  return put(made, rest.substr(dot + 1), value);
}

}  // namespace

Document::Document(std::string_view text, std::string name, std::span<const Setting> settings,
                   FileReader read_file)
    : name_(std::move(name)), read_file_(std::move(read_file)) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() == 1 && documents.front().IsMap()) {
      root_ = documents.front();
    } else {
      error("", {}, "expected one mapping with at least name, duration and population.size");
    }
  } catch (const YAML::Exception& e) {
    error("", e.mark.is_null() ? YAML::Mark() : e.mark, "not YAML: " + e.msg);
  }
  if (!errors_.empty()) return;
  for (const Setting& setting : settings) apply(setting);
}

void Document::apply(const Setting& setting) {
  set_paths_.push_back(setting.path);
  try {
    if (!put(root_, setting.path, YAML::Load(setting.value))) {
      error(setting.path, {}, "there is no such place in the scenario, expected a path such as network.loss");
    }
  } catch (const YAML::Exception& e) {
    error(setting.path, {}, fmt::format("'{}' is not YAML: {}", setting.value, e.msg));
  }
}

std::optional<std::string> Document::setting_of(const std::string& path) const {
  for (auto set = set_paths_.rbegin(); set != set_paths_.rend(); ++set) {
    if (path == *set || path.starts_with(*set + ".")) return "--set " + *set;
  }
  return std::nullopt;
}

void Document::error(const std::string& path, const YAML::Mark& mark, std::string message) {
  const YAML::Mark place = mark.is_null() ? YAML::Mark() : mark;
  std::string where =
      setting_of(path).value_or(fmt::format("{}:{}:{}", name_, place.line + 1, place.column + 1));
  errors_.push_back({place, {std::move(where), std::move(message)}});
}

Result<std::string> Document::read_file(const std::string& name) {
  Result<std::string> content = read_file_(name);
  if (content) files_.push_back({name, *content});
  return content;
}

std::vector<ScenarioError> Document::take_errors() {
  const auto place = [](const Found& found) { return std::tie(found.mark.line, found.mark.column); };
  std::stable_sort(errors_.begin(), errors_.end(),
                   [&](const Found& a, const Found& b) { return place(a) < place(b); });
  std::vector<ScenarioError> errors;
  for (Found& found : errors_) errors.push_back(std::move(found.error));
  errors_.clear();
  return errors;
}

Section::Section(Document& document, const YAML::Node& node, std::string path, const YAML::Mark& mark)
    : document_(document), node_(YAML::NodeType::Map), path_(std::move(path)), mark_(mark) {
  if (node.IsDefined() && node.IsMap()) {
    node_.reset(node);
  } else if (node.IsDefined() && !node.IsNull()) {
    document_.error(path_, node.Mark(),
                    fmt::format("{}: {} was given, expected a section of keys", path_, describe(node)));
  }
}

std::string Section::path_of(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::optional<YAML::Node> Section::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  auto child = child_of(node_, key);
  if (child && child->IsNull()) return std::nullopt;
  return child;
}

void Section::error(std::string_view key, std::string_view message) {
  const auto child = child_of(node_, key);
  document_.error(path_of(key), child ? child->Mark() : mark_, fmt::format("{}: {}", path_of(key), message));
}

void Section::require(std::string_view key) {
  if (find(key)) return;
  document_.error(path_, mark_, fmt::format("missing key '{}'", path_of(key)));
}

void Section::not_yet(std::string_view key) {
  later_.emplace_back(key);
}

std::optional<std::string> Section::scalar(std::string_view key, std::string_view expected) {
  const auto node = find(key);
  if (!node) return std::nullopt;
  if (node->IsScalar()) return node->Scalar();
  error(key, fmt::format("{} was given, expected {}", describe(*node), expected));
  return std::nullopt;
}

template <class T>
std::optional<T> Section::checked(std::string_view key, const Result<T>& value) {
  if (value) return *value;
  error(key, value.error().message);
  return std::nullopt;
}

std::optional<Duration> Section::ranged(std::string_view key, const Result<Duration>& value, Duration min,
                                        Duration max) {
  const auto duration = checked(key, value);
  if (!duration || (*duration >= min && *duration <= max)) return duration;
  error(key, fmt::format("{} was given, expected from {} to {}", print_duration(*duration),
                         print_duration(min), print_duration(max)));
  return std::nullopt;
}

void Section::text(std::string_view key, std::string& out) {
  if (auto value = scalar(key, "text")) out = std::move(*value);
}

std::optional<ReferencedFile> Section::file(std::string_view key) {
  const auto name = scalar(key, "the name of a file");
  if (!name) return std::nullopt;
  Result<std::string> content = document_.read_file(*name);
  if (content) return ReferencedFile{*name, std::move(*content)};
  error(key, content.error().message);
  return std::nullopt;
}

void Section::duration(std::string_view key, Duration& out, Duration min, Duration max) {
  const auto value = scalar(key, "a duration such as 250ms, 30s, 10min or 2h");
  if (!value) return;
  if (const auto duration = ranged(key, parse_duration(*value), min, max)) out = *duration;
}

void Section::interval(std::string_view key, Duration& out, Duration min) {
  const auto value = scalar(key, "a time between events such as 60s, or a rate such as 0.1/s");
  if (!value) return;
  if (const auto interval = ranged(key, parse_interval(*value), min, 24h * 365)) out = *interval;
}

void Section::share(std::string_view key, double& out) {
  const auto value = scalar(key, "a share from 0% to 100%, such as 0.5%");
  if (!value) return;
  if (const auto share = checked(key, parse_share(*value))) out = *share;
}

void Section::number(std::string_view key, double& out, double min, double max) {
  const std::string expected = fmt::format("a number from {:g} to {:g}", min, max);
  const auto text = scalar(key, expected);
  if (!text) return;
  double value = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, failure] = std::from_chars(text->data(), end, value);
  if (failure == std::errc{} && stop == end && value >= min && value <= max) {
    out = value;
  } else {
    error(key, fmt::format("'{}' was given, expected {}", *text, expected));
  }
}

std::optional<std::uint64_t> Section::read_count(std::string_view key, std::uint64_t min, std::uint64_t max) {
  const std::string expected = fmt::format("a whole number from {} to {}", min, max);
  const auto value = scalar(key, expected);
  if (!value) return std::nullopt;
  const auto count = parse_count(*value);
  if (count && *count >= min && *count <= max) return count;
  error(key, fmt::format("'{}' was given, expected {}", *value, expected));
  return std::nullopt;
}

void Section::bit_rate(std::string_view key, std::uint64_t& out, std::uint64_t min) {
  const auto value = scalar(key, "a rate in bit/s, kbit/s, Mbit/s or Gbit/s, such as 10Mbit/s");
  if (!value) return;
  const auto rate = checked(key, parse_bit_rate(*value));
  if (rate && *rate < min) {
    error(key, fmt::format("'{}' was given, expected at least {}bit/s", *value, min));
  } else if (rate) {
    out = *rate;
  }
}

std::optional<std::size_t> Section::choice(std::string_view key,
                                           std::initializer_list<std::string_view> names,
                                           std::initializer_list<std::string_view> later) {
  const std::string expected = fmt::format("{}{}", names.size() > 1 ? "one of " : "", fmt::join(names, ", "));
  const auto value = scalar(key, expected);
  if (!value) return std::nullopt;
  const auto* const chosen = std::find(names.begin(), names.end(), *value);
  if (chosen != names.end()) return static_cast<std::size_t>(chosen - names.begin());
  if (std::find(later.begin(), later.end(), *value) != later.end()) {
    error(key, fmt::format("not supported yet: {}, expected {}", *value, expected));
  } else {
    error(key, fmt::format("'{}' was given, expected {}", *value, expected));
  }
  return std::nullopt;
}

std::vector<std::string> Section::one_or_two(std::string_view key, std::string_view expected) {
  const auto node = find(key);
  if (!node) return {};
  if (node->IsScalar()) return {node->Scalar(), node->Scalar()};
  if (node->IsSequence() && node->size() == 2 && (*node)[0].IsScalar() && (*node)[1].IsScalar()) {
    return {(*node)[0].Scalar(), (*node)[1].Scalar()};
  }
  error(key, fmt::format("{} was given, expected {}", describe(*node), expected));
  return {};
}

void Section::duration_range(std::string_view key, Duration& low, Duration& high, Duration max) {
  const auto texts = one_or_two(key, "a duration, or two such as [2ms, 20ms]");
  if (texts.empty()) return;
  const auto first = ranged(key, parse_duration(texts[0]), Duration::zero(), max);
  if (!first) return;
  const auto second = ranged(key, parse_duration(texts[1]), Duration::zero(), max);
  if (!second) return;
  if (*first > *second) return error(key, "the first of the two is greater, expected [low, high]");
  low = *first;
  high = *second;
}

void Section::bytes_range(std::string_view key, std::uint32_t& low, std::uint32_t& high, std::uint32_t max) {
  const auto texts = one_or_two(key, "a size, or two such as [100B, 64KiB]");
  if (texts.empty()) return;
  const auto first = checked(key, parse_bytes(texts[0]));
  if (!first) return;
  const auto second = checked(key, parse_bytes(texts[1]));
  if (!second) return;
  if (*first > *second) return error(key, "the first of the two is greater, expected [low, high]");
  if (*second > max) return error(key, fmt::format("'{}' was given, expected at most {}B", texts[1], max));
  low = static_cast<std::uint32_t>(*first);
  high = static_cast<std::uint32_t>(*second);
}

Section Section::section(std::string_view key) {
  const auto node = find(key);
  return {document_, node.value_or(YAML::Node()), path_of(key), node ? node->Mark() : mark_};
}

std::vector<YAML::Node> Section::list(std::string_view key) {
  const auto node = find(key);
  if (!node) return {};
  if (node->IsSequence()) return {node->begin(), node->end()};
  error(key, fmt::format("{} was given, expected a list", describe(*node)));
  return {};
}

void Section::finish() {
  std::vector<std::string> seen;
  std::vector<std::string> expected = known_;
  std::sort(expected.begin(), expected.end());
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : describe(entry.first);
    std::string message;
    if (std::find(later_.begin(), later_.end(), key) != later_.end()) {
      message = fmt::format("not supported yet: {}", path_of(key));
    } else if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      message = fmt::format("unknown key '{}': expected one of {}", key, fmt::join(expected, ", "));
    } else if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      message = fmt::format("key '{}' is given twice", key);
    }
    if (!message.empty()) document_.error(path_of(key), entry.first.Mark(), std::move(message));
    seen.push_back(key);
  }
}

}  // namespace shoal::sim
