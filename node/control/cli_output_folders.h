// What the command line prints of folders. Private to control/.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "node/control/folder_command.h"

namespace shoal {

// As describe() of cli_output.h.
std::string describe_folders(const FolderCommand& command, const nlohmann::json& answer);
// One folder, from "folder" or "folders" of an answer.
std::string folder_text(const nlohmann::json& folder);

}  // namespace shoal
