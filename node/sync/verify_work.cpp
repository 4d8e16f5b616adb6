#include "node/sync/verify_work.h"

#include "node/secure/keys.h"

namespace shoal::sync {
namespace {

// All but the target: a link whose target has changed by itself has the stat that it had.
bool is_as_known(const FileStat& now, const FileStat& expected) {
  FileStat without_target = now;
  without_target.link_target = expected.link_target;
  return without_target == expected;
}

}  // namespace

void VerifyWork::run() {
  for (File& file : files) file.outcome = compare(file);
}

VerifyWork::Outcome VerifyWork::compare(File& file) {
  if (file.expected.kind == FileKind::kFile) return compare_file(file);
  const auto stat = folder().stat(file.path);
  if (!stat) return Outcome::kChanged;
  file.stat = *stat;
  if (!is_as_known(*stat, file.expected)) return Outcome::kChanged;
  return stat->link_target == file.link_target ? Outcome::kIntact : Outcome::kDamaged;
}

VerifyWork::Outcome VerifyWork::compare_file(File& file) {
  const auto opened = folder().open(file.path, OpenMode::kReadDisk);
  if (!opened) {
    file.message = opened.error().message;
    return opened.error().code == ErrorCode::kIo ? Outcome::kUnreadable : Outcome::kChanged;
  }
  if (flush) (void)(*opened)->sync();
  const auto before = (*opened)->stat();
  if (!before || !is_as_known(*before, file.expected)) return Outcome::kChanged;
  const Outcome outcome = file.parts.empty() ? compare_whole(**opened, file) : compare_parts(**opened, file);
  const auto after = (*opened)->stat();
  if (!after || !is_as_known(*after, file.expected)) return Outcome::kChanged;
  file.stat = *after;
  return outcome;
}

VerifyWork::Outcome VerifyWork::compare_parts(FolderFile& opened, File& file) {
  std::uint64_t offset = file.offset;
  for (const PartRef& part : file.parts) {
    buffer_.resize(part.bytes);
    const auto count = opened.read(offset, buffer_);
    if (!count) file.message = count.error().message;
    if (!count || *count != part.bytes || sha256(buffer_) != part.hash) return Outcome::kDamaged;
    offset += part.bytes;
  }
  return Outcome::kIntact;
}

VerifyWork::Outcome VerifyWork::compare_whole(FolderFile& opened, File& file) {
  auto parts = cut_parts(opened, 0, UINT64_MAX, file.expected.size);
  if (!parts) {
    file.message = parts.error().message;
    return Outcome::kDamaged;
  }
  file.found = build_tree(*parts, nullptr);
  file.found_parts = std::move(*parts);
  return *file.found == file.content ? Outcome::kIntact : Outcome::kDamaged;
}

}  // namespace shoal::sync
