// QR codes (ISO/IEC 18004) for a terminal, through libqrencode.
#pragma once

#include <string>
#include <string_view>

#include "node/base/result.h"

namespace shoal {

// Lines of half blocks, two modules of the code in one character above each other, dark on light whatever the
// terminal's colours (ECMA-48 codes 30 and 107), with the quiet zone of four modules. Error kTooLarge.
Result<std::string> terminal_qr(std::string_view text);

}  // namespace shoal
