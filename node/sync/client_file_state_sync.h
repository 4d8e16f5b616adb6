// ClientFileStateSync: fetches the changes that one peer knows and we do not, page by page (command
// send_changes). Pages are kept until the last has come and joined together: an entry that a later write has
// replaced comes with that write's page, so only all of them say what is known. A session that is cut in
// between begins again.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "node/sync/folder_context.h"

namespace shoal::sync {

struct ReceivedChanges {
  std::vector<Entry> entries;
  Knowledge knowledge;                  // ours, once these are joined
  std::vector<LineageTail> lineages{};  // what the peer has of them and we do not
};

class ClientFileStateSync {
 public:
  // Entries of one page, and of all; more of them are an error of the peer.
  static constexpr std::size_t kEntriesPerPageMax = 4096;
  static constexpr std::size_t kEntriesMax = 4'000'000;

  ClientFileStateSync(FolderContext& context, Guid connection, const Contact& contact)
      : context_(context), connection_(connection), contact_(contact) {}

  bool is_under_way() const { return request_ != 0; }
  // For the first page, or the next one. False: the request cannot be sent now.
  bool ask(Rpc& rpc, Knowledge known);
  bool owns(const Answer& answer) const { return request_ != 0 && answer.completion.guid.slot == request_; }
  // Nothing: there are more pages to ask for. Precondition: owns(answer). kMalformed: the peer breaks a rule.
  Result<std::optional<ReceivedChanges>> on_answer(const Answer& answer);

 private:
  Result<bool> take_page(const Answer& answer);

  FolderContext& context_;
  Guid connection_;
  Contact contact_;
  std::uint32_t request_ = 0;
  std::uint64_t lineages_hash_ = 0;  // of the peer, on the first page
  ReceivedChanges received_;  // on all pages so far; the knowledge is what the last one says to ask on with
};

}  // namespace shoal::sync
