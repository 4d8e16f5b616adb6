#include "node/store/sqlite_stores.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <exception>
#include <utility>

#include "node/store/sqlite_file.h"
#include "node/store/sqlite_host_store.h"
#include "node/store/sqlite_index_store.h"
#include "node/store/sqlite_item_store.h"
#include "node/store/sqlite_writer.h"

namespace shoal {

struct SqliteStores::Impl {
  Impl(const std::filesystem::path& path, const SqliteOptions& options, std::function<void()> wake_loop,
       Warnings found)
      : warnings(std::move(found)),
        writer(path, options, std::move(wake_loop)),
        items(path, options, writer, warnings),
        index(path, options, writer, warnings),
        hosts(connect_database(path, options.busy_timeout), writer, warnings) {}

  Warnings warnings;
  SqliteWriter writer;
  SqliteItemStore items;
  SqliteIndexStore index;
  SqliteHostStore hosts;
};

Result<std::unique_ptr<SqliteStores>> SqliteStores::open(const std::filesystem::path& directory,
                                                         std::function<void()> wake_loop,
                                                         const SqliteOptions& options) {
  const std::filesystem::path path = directory / "shoal.sqlite";
  Warnings warnings;
  for (bool again = true;; again = false) {
    if (Result<void> ready = prepare_database(path, warnings); !ready) {
      return tl::unexpected(std::move(ready.error()));
    }
    try {
      auto impl = std::make_unique<Impl>(path, options, wake_loop, warnings);
      return std::unique_ptr<SqliteStores>(new SqliteStores(std::move(impl)));
    } catch (const SQLite::Exception& error) {
      // Damage that only reading finds: the second prepare_database checks the whole file.
      if (again && note_damage(path, error.getErrorCode())) continue;
      return fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", path.string(), error.what()));
    } catch (const std::exception& error) {  // no thread to be had
      return fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", path.string(), error.what()));
    }
  }
}

SqliteStores::SqliteStores(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteStores::~SqliteStores() = default;

ItemStore& SqliteStores::items() {
  return impl_->items;
}
IndexStore& SqliteStores::index() {
  return impl_->index;
}
HostStore& SqliteStores::hosts() {
  return impl_->hosts;
}

std::vector<CommitCompletion> SqliteStores::drain_completions() {
  std::vector<CommitCompletion> completions = impl_->writer.completions();
  for (const CommitCompletion& completion : completions) {
    impl_->items.settle(completion);
    impl_->index.settle(completion);
  }
  return completions;
}

std::vector<std::string> SqliteStores::take_warnings() {
  return impl_->warnings.take();
}

}  // namespace shoal
