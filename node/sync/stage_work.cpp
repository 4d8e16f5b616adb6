// Work of folders: what is fetched is written to staging, around the holes of its file.

#include <algorithm>
#include <utility>

#include "node/secure/keys.h"
#include "node/sync/folder_work.h"

namespace shoal::sync {
namespace {

constexpr std::size_t kHoleBytes = 4096;  // zeros of a block of so many bytes may be a hole

bool is_zero(ByteView bytes) {
  return bytes.empty() || (bytes[0] == 0 && std::equal(bytes.begin() + 1, bytes.end(), bytes.begin()));
}

// From `begin` on, up to where a block of the file ends.
ByteView block_at(ByteView bytes, std::uint64_t offset, std::size_t begin) {
  const std::size_t to_end = kHoleBytes - static_cast<std::size_t>((offset + begin) % kHoleBytes);
  return bytes.subspan(begin, std::min(bytes.size() - begin, to_end));
}

// The bytes of whole blocks of zeros from `begin` on, of bytes that lie at `offset` in their file.
std::size_t zero_run(ByteView bytes, std::uint64_t offset, std::size_t begin) {
  std::size_t end = begin;
  while (end < bytes.size()) {
    const ByteView block = block_at(bytes, offset, end);
    if (!is_zero(block)) break;
    end += block.size();
  }
  return end - begin;
}

bool holds_zero_block(ByteView bytes, std::uint64_t offset) {
  for (std::size_t begin = 0; begin < bytes.size(); begin += block_at(bytes, offset, begin).size()) {
    if (is_zero(block_at(bytes, offset, begin))) return true;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<FolderFile>> StageWork::find_or_make_staged() {
  auto found = folder().open(staged, OpenMode::kWrite);
  existed = found.has_value();
  if (existed || found.error().code != ErrorCode::kNotFound) return found;
  if (Result<void> made = make_directories(folder(), kStagingDirectory); !made) {
    return tl::unexpected(made.error());
  }
  return folder().open(staged, OpenMode::kCreate);
}

// With its size: all of it is a hole at first, and a file that is too large for the file system is refused
// before anything of it is fetched.
Result<std::unique_ptr<FolderFile>> StageWork::open_staged() {
  auto found = find_or_make_staged();
  if (!found) return found;
  const auto stat = (*found)->stat();
  if (!stat) return tl::unexpected(stat.error());
  if (stat->size == file_bytes) return found;
  if (Result<void> set = folder().change(SetSize{staged, file_bytes}); !set)
    return tl::unexpected(set.error());
  return found;
}

void StageWork::run() {
  const auto target = open_staged();
  if (!target) {
    outcome = tl::unexpected(target.error());
    return;
  }
  for (Part& part : parts) {
    if (part.source != Part::Source::kBytes) {
      check_copy(**target, part);
      if (!outcome) return;
      continue;
    }
    part.good = part.data.size() == part.bytes && sha256(part.data) == part.hash;
    is_damaged |= !part.good;
    if (!part.good) continue;
    outcome = write_around_holes(**target, part.offset, part.data);
    Bytes().swap(part.data);
    if (!outcome) return;
  }
}

// What was copied is verified like what was there: the source may not be what it was.
void StageWork::check_copy(FolderFile& target, Part& part) {
  buffer_.resize(part.bytes);
  if (part.source == Part::Source::kFile) {
    const Result<void> copied = copy(target, part);
    // Without room the rest would fail as well. Whatever else it is, a peer may have the part.
    if (!copied && copied.error().code == ErrorCode::kStoreFull) outcome = copied;
    if (!copied) return;
  }
  const auto count = target.read(part.offset, buffer_);
  part.good = count && *count == part.bytes && sha256(buffer_) == part.hash;
}

Result<void> StageWork::copy(FolderFile& target, const Part& part) {
  if (source_path_ != part.from) {
    source_.reset();
    auto opened = folder().open(part.from, OpenMode::kRead);
    if (opened) source_ = std::move(opened.value());
    source_path_ = part.from;
  }
  if (source_ == nullptr) return fail(ErrorCode::kNotFound, part.from + " has gone");
  const auto count = source_->read(part.from_offset, buffer_);
  if (!count) return tl::unexpected(count.error());
  if (holds_zero_block(buffer_, part.offset))
    return write_around_holes(target, part.offset, ByteView(buffer_).first(*count));
  return target.copy(*source_, part.from_offset, part.offset, part.bytes);
}

// Zeros are not written where zeros are: most of all, where there is a hole.
Result<void> StageWork::write_around_holes(FolderFile& target, std::uint64_t offset, ByteView bytes) {
  for (std::size_t begin = 0; begin < bytes.size();) {
    std::size_t end = begin + zero_run(bytes, offset, begin);
    if (end > begin && is_zero_in(target, offset + begin, end - begin)) {
      begin = end;
      continue;
    }
    while (end < bytes.size() && zero_run(bytes, offset, end) == 0)
      end += block_at(bytes, offset, end).size();
    if (Result<void> done = target.write(offset + begin, bytes.subspan(begin, end - begin)); !done)
      return done;
    begin = end;
  }
  return {};
}

bool StageWork::is_zero_in(FolderFile& target, std::uint64_t offset, std::size_t bytes) {
  zeros_read_.resize(bytes);
  const auto count = target.read(offset, zeros_read_);
  return count && *count == bytes && is_zero(zeros_read_);
}

void SpaceWork::run() {
  for (const std::string& path : unneeded) (void)folder().change(Remove{path});
  space = folder().space();
}

}  // namespace shoal::sync
