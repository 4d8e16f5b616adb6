#include "node/base/result.h"

namespace shoal {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return "none";
    case ErrorCode::kMalformed:
      return "malformed";
    case ErrorCode::kBadSignature:
      return "bad_signature";
    case ErrorCode::kBadToken:
      return "bad_token";
    case ErrorCode::kBusy:
      return "busy";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kSequenceTooLow:
      return "sequence_too_low";
    case ErrorCode::kSequenceConflict:
      return "sequence_conflict";
    case ErrorCode::kCasMismatch:
      return "cas_mismatch";
    case ErrorCode::kExpired:
      return "expired";
    case ErrorCode::kStoreFull:
      return "store_full";
    case ErrorCode::kNeedsSession:
      return "needs_session";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kNotConnected:
      return "not_connected";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kNoPeers:
      return "no_peers";
    case ErrorCode::kExists:
      return "exists";
  }
  return "unknown";
}

}  // namespace shoal
