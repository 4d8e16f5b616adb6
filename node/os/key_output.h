// How group keys are made and shown on the command line, by `shoal key` and `shoal share`.
#pragma once

#include <sodium.h>

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "node/os/key_directory.h"

namespace shoal {

// A string with a secret, wiped when it goes.
class SecretText {
 public:
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { sodium_memzero(text_.data(), text_.size()); }
  std::string& text() { return text_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Of a group that nobody is in yet; level write.
GroupKey new_group_key();

// Without the key.
nlohmann::json describe_key(const KeyDirectory::Entry& entry);
// Whether check_key_output() finds `file` fit for print_key(): empty, or not there yet. Error
// kInvalidArgument. To be called before a key is made that would have nowhere to go.
Result<void> check_key_output(const std::string& file);
// A key string of this level. It goes to `file`, which only its owner can read, or with an empty name to
// standard output; what it is goes to standard error: so it can be piped on. Errors of create_secret_file().
Result<void> print_key(bool as_json, const std::string& file, const KeyDirectory::Entry& entry,
                       KeyLevel level, const std::string& key);
// Error kTooLarge.
Result<void> print_qr(const std::string& key);

}  // namespace shoal
