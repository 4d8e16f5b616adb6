#include "sim/explain.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "sim/run.h"
#include "sim/run_schema.h"

namespace shoal::sim {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExamples = R"(Examples:
  run_scenario explain out/churn_500-seed1 lookup 1377
  run_scenario explain out/churn_500-seed1 item 5c0ffee1
  run_scenario explain out/churn_500-seed1 node host-17
  run_scenario explain out/churn_500-seed1 violation 1

A key may be cut short as long as it is the only one that begins so.
Exit status: 0 told, 2 the command line is wrong, DIR holds no run, or the run has no such thing.)";

const std::map<std::string, Subject::Kind> kKinds = {{"lookup", Subject::Kind::kLookup},
                                                     {"item", Subject::Kind::kItem},
                                                     {"node", Subject::Kind::kNode},
                                                     {"violation", Subject::Kind::kViolation}};

// Also as reports print it, with commas between thousands: "12,833".
std::optional<std::int64_t> whole_number(std::string text) {
  if (text.find(',') != std::string::npos) {
    for (std::size_t comma = text.size(); comma > 4;) {
      comma -= 4;
      if (text[comma] != ',') return std::nullopt;
      text.erase(comma, 1);
    }
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

tl::unexpected<Error> unreadable(const Subject& subject, const char* expected) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} '{}': expected {}", to_string(subject.kind), subject.name, expected));
}

// "host-17", "host-17.2" or "17": the host's index.
std::optional<std::int64_t> host_index(std::string_view name) {
  if (name.starts_with("host-")) name.remove_prefix(5);
  return whole_number(std::string(name.substr(0, name.find('.'))));
}

// Is this the database of a run, as this program writes them?
Result<void> check_schema(const RunReader& run, const fs::path& path) {
  const auto version = run.fact("schema_version");
  const std::string ours = std::to_string(kRunSchemaVersion);
  if (version == ours) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: written with schema version {}, this program reads version {}: run the "
                          "scenario again",
                          path.string(), version.value_or("1"), ours));
}

Result<std::string> explain_directory(const fs::path& directory, const Subject& subject) {
  if (!fs::is_directory(directory)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: no such directory", directory.string()));
  }
  const fs::path path = directory / "run.sqlite";
  if (!fs::is_regular_file(path)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: missing; is this the directory of a run?", path.string()));
  }
  try {
    SQLite::Database database(path.string(), SQLite::OPEN_READONLY);
    const RunReader run(database);
    if (const auto good = check_schema(run, path); !good) return tl::unexpected(good.error());
    return explain(run, subject);
  } catch (const SQLite::Exception& error) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: not the database of a run: {}", path.string(), error.what()));
  }
}

}  // namespace

const char* to_string(Subject::Kind kind) {
  for (const auto& [name, value] : kKinds) {
    if (value == kind) return name.c_str();
  }
  return "unknown";
}

Result<std::string> explain(const RunReader& run, const Subject& subject) {
  switch (subject.kind) {
    case Subject::Kind::kItem:
      return explain_item(run, subject.name);
    case Subject::Kind::kNode: {
      const auto host = host_index(subject.name);
      if (!host) return unreadable(subject, "a host's name, such as host-17 or host-17.2");
      return explain_node(run, *host, subject.name);
    }
    case Subject::Kind::kLookup:
    case Subject::Kind::kViolation:
      break;
  }
  const auto number = whole_number(subject.name);
  if (!number) return unreadable(subject, "its number");
  return subject.kind == Subject::Kind::kLookup ? explain_lookup(run, *number)
                                                : explain_violation(run, *number);
}

int explain_main(int argc, char** argv) {
  std::string directory;
  Subject subject;
  CLI::App app("Tells the story of one thing of a run: who was asked, what came back, what was true.",
               "run_scenario explain");
  app.footer(kExamples);
  app.add_option("DIR", directory, "Directory of the run")->required();
  std::string kind;
  app.add_option("WHAT", kind, "lookup, item, node or violation")
      ->required()
      ->check([](const std::string& text) {
        return kKinds.contains(text) ? "" : "'" + text + "': expected lookup, item, node or violation";
      });
  app.add_option("NAME", subject.name, "Its number; an item's key; a node's name")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitStatus::kUsage);
  }
  subject.kind = kKinds.at(kind);
  const auto story = explain_directory(directory, subject);
  if (!story) {
    fmt::print(stderr, "run_scenario explain: {}\n", story.error().message);
    return static_cast<int>(ExitStatus::kUsage);
  }
  std::fputs(story->c_str(), stdout);
  return 0;
}

}  // namespace shoal::sim
