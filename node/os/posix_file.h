// PosixFile: an open file of a PosixFolder.
#pragma once

#include <string>
#include <utility>

#include "node/os/socket.h"
#include "node/ports/folder.h"

namespace shoal {

class PosixFile final : public FolderFile {
 public:
  // `path` is for messages.
  PosixFile(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  Result<FileStat> stat() const override;
  Result<std::size_t> read(std::uint64_t offset, MutableByteView out) override;
  Result<void> write(std::uint64_t offset, ByteView bytes) override;
  Result<void> copy(FolderFile& from, std::uint64_t from_offset, std::uint64_t offset,
                    std::uint64_t bytes) override;
  Result<void> sync() override;

 private:
  bool share_blocks(const PosixFile& from, std::uint64_t from_offset, std::uint64_t offset,
                    std::uint64_t bytes);
  Result<void> copy_by_hand(PosixFile& from, std::uint64_t from_offset, std::uint64_t offset,
                            std::uint64_t bytes);

  Descriptor file_;
  std::string path_;
};

}  // namespace shoal
