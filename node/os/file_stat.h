// FileStat of what the kernel knows (statx(2)).
#pragma once

#include <string>

#include "node/base/result.h"
#include "node/ports/folder.h"

namespace shoal {

// Of an open file or directory; `path` is for the message.
Result<FileStat> stat_of(int fd, const std::string& path);
// Of a name in an open directory, links as themselves. A mount point is kMount.
Result<FileStat> stat_in(int directory, const std::string& name, const std::string& path);
// Does a node keep its keys and its database in this open directory?
bool is_node_data(int directory);

}  // namespace shoal
