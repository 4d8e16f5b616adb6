// How the stores' values become SQLite's and back.
#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>

#include "node/base/bytes.h"
#include "node/base/contact.h"
#include "node/base/instant.h"
#include "node/ports/index_store.h"
#include "node/ports/item_store.h"

namespace shoal {

// The bytes must live until the statement has run. An empty view is an empty blob, not NULL.
inline void bind_blob(SQLite::Statement& statement, int index, ByteView bytes) {
  const void* start = bytes.empty() ? static_cast<const void*>("") : bytes.data();
  statement.bindNoCopy(index, start, static_cast<int>(bytes.size()));
}

// As parameters 1 to 3.
inline void bind_name(SQLite::Statement& statement, const ItemName& name) {
  bind_blob(statement, 1, name.location.bytes);
  statement.bind(2, static_cast<std::int32_t>(name.kind));
  bind_blob(statement, 3, name.salt);
}

// As parameters 1 to 3.
inline void bind_key(SQLite::Statement& statement, const IndexKey& key) {
  bind_blob(statement, 1, key.group.bytes);
  statement.bind(2, static_cast<std::int32_t>(key.table));
  bind_blob(statement, 3, key.key);
}

// As three parameters from `first` on: address, port, interface. The endpoint must live until the statement
// has run.
inline void bind_endpoint(SQLite::Statement& statement, int first, const Endpoint& endpoint) {
  bind_blob(statement, first, endpoint.address);
  statement.bind(first + 1, std::int32_t{endpoint.port});
  statement.bind(first + 2, endpoint.interface);
}

// Valid until the statement moves on.
inline ByteView blob_of(const SQLite::Column& column) {
  const void* start = column.getBlob();
  return {static_cast<const std::uint8_t*>(start), static_cast<std::size_t>(column.getBytes())};
}

inline std::int64_t milliseconds_of(WallTime time) {
  return time.time_since_epoch().count();
}
inline WallTime wall_time_of(std::int64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(milliseconds));
}

}  // namespace shoal
