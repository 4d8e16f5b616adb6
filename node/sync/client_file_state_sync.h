// ClientFileStateSync: fetches the changes that one peer knows and we do not, page by page (command
// send_changes). Each page says up to where it is complete, so a session that is cut goes on where it was.
#pragma once

#include <cstdint>
#include <vector>

#include "node/sync/folder_context.h"

namespace shoal::sync {

struct ReceivedChanges {
  std::vector<Entry> entries;
  Knowledge knowledge;  // ours, once these are joined
  bool more = false;
};

class ClientFileStateSync {
 public:
  // Entries of one page; more of them are an error of the peer.
  static constexpr std::size_t kEntriesMax = 4096;

  ClientFileStateSync(FolderContext& context, Guid connection, const Contact& contact)
      : context_(context), connection_(connection), contact_(contact) {}

  bool is_under_way() const { return request_ != 0; }
  // False: the request cannot be sent now.
  bool ask(Rpc& rpc, const Knowledge& known);
  bool owns(const Answer& answer) const { return request_ != 0 && answer.completion.guid.slot == request_; }
  // Precondition: owns(answer). kMalformed: the peer breaks a rule.
  Result<ReceivedChanges> on_answer(const Answer& answer);

 private:
  FolderContext& context_;
  Guid connection_;
  Contact contact_;
  std::uint32_t request_ = 0;
};

}  // namespace shoal::sync
