// The part of the control protocol that folders have. Private to control/.
#pragma once

#include <nlohmann/json.hpp>

#include "node/control/folder_command.h"
#include "node/control/json_fields.h"

namespace shoal {

void encode_fields(nlohmann::json& out, const AddFolderCommand& command);
void encode_fields(nlohmann::json& out, const FolderCommand& command);
AddFolderCommand decode_add_folder(JsonFields& fields);
FolderCommand decode_folder(JsonFields& fields);

nlohmann::json encode_result(const AddFolderResult& result);
nlohmann::json encode_result(const FoldersResult& result);
nlohmann::json encode_result(const FolderStatusResult& result);
nlohmann::json encode_result(const FolderConflictsResult& result);
nlohmann::json encode_result(const FolderTrashResult& result);
nlohmann::json encode_result(const RestoreResult& result);
nlohmann::json encode_result(const FolderIgnoreResult& result);
nlohmann::json encode_result(const FolderVerifyResult& result);
nlohmann::json encode_result(const FolderDoneResult& result);

}  // namespace shoal
