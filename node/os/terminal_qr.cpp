#include "node/os/terminal_qr.h"

#include <fmt/format.h>
#include <qrencode.h>

#include <memory>

namespace shoal {
namespace {

constexpr int kQuietModules = 4;
constexpr const char* kBlackOnWhite = "\x1b[30;107m";
constexpr const char* kReset = "\x1b[0m";

}  // namespace

Result<std::string> terminal_qr(std::string_view text) {
  const std::string terminated(text);
  const std::unique_ptr<QRcode, void (*)(QRcode*)> code(
      QRcode_encodeString(terminated.c_str(), 0, QR_ECLEVEL_M, QR_MODE_8, 1), QRcode_free);
  if (!code)
    return fail(ErrorCode::kTooLarge, fmt::format("{} characters do not fit a QR code", text.size()));
  const auto dark = [&](int x, int y) {
    const bool inside = x >= 0 && y >= 0 && x < code->width && y < code->width;
    return inside && (code->data[y * code->width + x] & 1) != 0;
  };
  std::string out;
  for (int y = -kQuietModules; y < code->width + kQuietModules; y += 2) {
    out += kBlackOnWhite;
    for (int x = -kQuietModules; x < code->width + kQuietModules; ++x) {
      const bool upper = dark(x, y);
      const bool lower = dark(x, y + 1);
      out += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    }
    out += kReset;
    out += '\n';
  }
  return out;
}

}  // namespace shoal
