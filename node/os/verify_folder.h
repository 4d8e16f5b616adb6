// `shoal folder verify`: has the running node verify a folder, and waits for the end of it.
#pragma once

#include <optional>

#include "node/control/cli.h"
#include "node/os/control_client.h"

namespace shoal {

// The answer once the pass has ended. Its progress goes to standard error, if that is a terminal.
ControlClient::Answer verify_folder(ControlClient& client, FolderCommand command,
                                    const ControlOptions& options);

// Of such an answer: why the folder is not as it should be; nothing: it is.
std::optional<Error> damage_in(const nlohmann::json& answer);

}  // namespace shoal
