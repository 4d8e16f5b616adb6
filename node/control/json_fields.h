// The fields of a JSON object that came from outside, checked one by one. Private to control/.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "node/base/endpoint.h"
#include "node/base/id.h"
#include "node/base/result.h"
#include "node/control/base64.h"

namespace shoal {

// Takes the fields of an object one by one, and remembers the first thing that was wrong.
class JsonFields {
 public:
  explicit JsonFields(const nlohmann::json& object) : object_(object) {}

  Id id(const char* name) {
    Id id;
    hex(name, id.bytes);
    return id;
  }

  void hex(const char* name, MutableByteView out) {
    const std::string* text = string(name, true);
    if (text != nullptr && !from_hex(*text, out))
      expected(name, fmt::format("{} hexadecimal digits", out.size() * 2));
  }

  Bytes bytes(const char* name, std::size_t bytes_max, bool required) {
    const std::string* text = string(name, required);
    if (text == nullptr) return {};
    std::optional<Bytes> bytes = from_base64(*text);
    if (!bytes) {
      expected(name, "base64");
    } else if (bytes->size() > bytes_max) {
      error(ErrorCode::kTooLarge,
            fmt::format("'{}' has {} bytes: at most {} are possible", name, bytes->size(), bytes_max));
    }
    return bytes ? std::move(*bytes) : Bytes();
  }

  std::optional<Endpoint> endpoint(const char* name, bool required = false) {
    const std::string* text = string(name, required);
    if (text == nullptr) return std::nullopt;
    Result<Endpoint> endpoint = Endpoint::parse(*text);
    if (endpoint) return *endpoint;
    error(endpoint.error().code, endpoint.error().message);
    return std::nullopt;
  }

  std::optional<std::uint64_t> number(const char* name, std::uint64_t max = ~std::uint64_t{0}) {
    const nlohmann::json* field = take(name, false);
    if (field == nullptr) return std::nullopt;
    if (field->is_number_unsigned() && field->get<std::uint64_t>() <= max) return field->get<std::uint64_t>();
    expected(name, fmt::format("a whole number from 0 to {}", max));
    return std::nullopt;
  }

  bool flag(const char* name) {
    const nlohmann::json* field = take(name, false);
    if (field != nullptr && !field->is_boolean()) expected(name, "true or false");
    return field != nullptr && field->is_boolean() && field->get<bool>();
  }

  void expected(const char* name, const std::string& what) {
    error(ErrorCode::kInvalidArgument, fmt::format("field '{}' is not what was expected: {}", name, what));
  }

  const std::string* string(const char* name, bool required) {
    const nlohmann::json* field = take(name, required);
    if (field == nullptr) return nullptr;
    if (!field->is_string()) expected(name, "a string");
    return field->get_ptr<const std::string*>();
  }

  const nlohmann::json* object(const char* name) {
    const nlohmann::json* field = take(name, false);
    if (field == nullptr || field->is_object()) return field;
    expected(name, "an object");
    return nullptr;
  }

  const nlohmann::json* array(const char* name) {
    const nlohmann::json* field = take(name, false);
    if (field == nullptr || field->is_array()) return field;
    expected(name, "a list");
    return nullptr;
  }

  void error(ErrorCode code, std::string message) {
    if (!error_) error_ = Error{code, std::move(message)};
  }

  // What was wrong first, a field that nobody took included.
  std::optional<Error> finish() {
    for (auto field = object_.begin(); !error_ && taken_ < object_.size() && field != object_.end();
         ++field) {
      if (std::find(names_.begin(), names_.begin() + taken_, field.key()) == names_.begin() + taken_) {
        error(ErrorCode::kInvalidArgument, fmt::format("unknown field '{}'", field.key()));
      }
    }
    return error_;
  }

 private:
  const nlohmann::json* take(const char* name, bool required) {
    const auto found = object_.find(name);
    if (found != object_.end()) {
      names_[taken_++] = name;
      return &*found;
    }
    if (required) error(ErrorCode::kInvalidArgument, fmt::format("field '{}' is missing", name));
    return nullptr;
  }

  const nlohmann::json& object_;
  std::array<std::string_view, 16> names_;
  std::size_t taken_ = 0;
  std::optional<Error> error_;
};

}  // namespace shoal
