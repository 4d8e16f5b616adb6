// The database file of a node: how it is opened, what is in it, and what happens to a damaged one. Throws
// SQLite::Exception only where it says so; the stores keep exceptions inside.
#pragma once

#include <SQLiteCpp/Database.h>

#include <chrono>
#include <filesystem>

#include "node/base/result.h"
#include "node/store/warnings.h"

namespace shoal {

inline constexpr int kSchemaVersion = 3;

// Brings the file into existence (0600: it holds the host key) and up to kSchemaVersion, checks it after a
// stop that was not clean or a note of note_damage, and moves a damaged file aside, with a sentence in
// `warnings`. Errors: kUnsupported, the file is a later version's or not ours; kIo.
Result<void> prepare_database(const std::filesystem::path& path, Warnings& warnings);

// A connection for one thread. Throws.
SQLite::Database connect_database(const std::filesystem::path& path, std::chrono::milliseconds busy_timeout);

// If the error is one that a damaged file causes, the next prepare_database checks the whole file, and this
// returns true.
bool note_damage(const std::filesystem::path& path, int sqlite_error);

}  // namespace shoal
