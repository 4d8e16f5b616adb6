// What the command line reads and writes: whole files, standard input and output, key files. Errors kIo and
// kTooLarge, with a sentence that names the file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "node/base/bytes.h"
#include "node/base/result.h"
#include "node/base/rng.h"

namespace shoal {

// "-" is standard input.
Result<Bytes> read_input(const std::string& path, std::size_t bytes_max);
// "-" is standard output. A file is written beside its place and renamed into it, so that it is there whole
// or not at all; one that is there keeps its mode. A link stays, and the file that it leads to is replaced; a
// device or FIFO stays, and takes the bytes.
Result<void> write_output(const std::string& path, ByteView bytes);

// A new file for its owner only (0600) with a secret in it, which is wiped from memory. It is there whole,
// and on disk, when this returns, or not at all. Error kInvalidArgument: the path exists, which stays as it
// was; the message ends with what to do then.
enum class SecretOwner {
  kCaller,
  kDirectorys,  // of the directory, when root is the caller: it is the node's user who needs it
};
Result<void> create_secret_file(const std::string& path, std::string line, std::string_view if_it_exists,
                                SecretOwner owner = SecretOwner::kCaller);

// To its end; false with errno set.
bool write_all(int fd, ByteView bytes);

// A key file holds the 64 hexadecimal digits of an Ed25519 seed.
Result<Rng::Seed> read_key_file(const std::string& path);
// A new key, in a file for its owner only. Error kInvalidArgument: the file exists.
Result<Rng::Seed> create_key_file(const std::string& path);

}  // namespace shoal
