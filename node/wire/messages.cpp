#include "node/wire/messages.h"

namespace shoal::wire {

const char* to_string(RequestKind kind) {
  switch (kind) {
    case RequestKind::kPing:
      return "ping";
    case RequestKind::kStoreHost:
      return "store_host";
    case RequestKind::kFindHost:
      return "find_host";
    case RequestKind::kShutdownHost:
      return "shutdown_host";
    case RequestKind::kGetNextConnection:
      return "get_next_connection";
    case RequestKind::kStoreItem:
      return "store_item";
    case RequestKind::kGetItem:
      return "get_item";
    case RequestKind::kTestReach:
      return "test_reach";
    case RequestKind::kBroadcastPeers:
      return "broadcast_peers";
    case RequestKind::kBroadcastFsEvent:
      return "broadcast_fs_event";
    case RequestKind::kDelegateAuthority:
      return "delegate_authority";
    case RequestKind::kOpenFolder:
      return "open_folder";
    case RequestKind::kSendChanges:
      return "send_changes";
    case RequestKind::kSendFileDetails:
      return "send_file_details";
    case RequestKind::kSendFileParts:
      return "send_file_part";
    case RequestKind::kSendRangeFingerprints:
      return "send_range_fingerprints";
    case RequestKind::kSendRange:
      return "send_range";
  }
  return "unknown";
}

}  // namespace shoal::wire
