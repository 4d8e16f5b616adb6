#include "node/sync/client_file_state_sync.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace shoal::sync {

bool ClientFileStateSync::ask(Rpc& rpc, Knowledge known) {
  known.add(received_.knowledge);
  OutRequest out = context_.request_to(contact_, connection_, FolderContext::Asker::kState);
  const ReplicaId after = received_.lineages.empty() ? ReplicaId{} : received_.lineages.back().replica;
  out.body =
      wire::SendChanges{context_.group, encode_knowledge(known), context_.lineages.tips(known), after.bytes};
  const std::uint32_t number = out.completion.guid.slot;
  if (!rpc.request(std::move(out))) return false;
  request_ = number;
  return true;
}

Result<std::optional<ReceivedChanges>> ClientFileStateSync::on_answer(const Answer& answer) {
  request_ = 0;
  const Result<bool> more = take_page(answer);
  if (more && *more) return std::optional<ReceivedChanges>();
  ReceivedChanges received = std::exchange(received_, {});
  if (!more) return tl::unexpected(more.error());
  return std::optional<ReceivedChanges>(std::move(received));
}

// True: there are more.
Result<bool> ClientFileStateSync::take_page(const Answer& answer) {
  if (answer.response == nullptr) return fail(answer.error, "no answer");
  const auto* changes = std::get_if<wire::RecvChanges>(&answer.response->body);
  if (changes == nullptr) return fail(answer.error, "the peer does not sync this folder");
  auto entries = decode_entries(changes->entries, kEntriesPerPageMax);
  if (!entries) return tl::unexpected(entries.error());
  auto knowledge = decode_knowledge(changes->knowledge);
  if (!knowledge) return tl::unexpected(knowledge.error());
  auto lineages = decode_tails(changes->lineages);
  if (!lineages) return tl::unexpected(lineages.error());
  if (changes->more && entries->empty() && lineages->empty()) {
    return fail(ErrorCode::kMalformed, "a page without entries");
  }
  const bool is_first = received_.entries.empty() && received_.lineages.empty();
  if (is_first) lineages_hash_ = changes->lineages_hash;
  // Dots of this page may have other names than those of the pages before.
  if (changes->lineages_hash != lineages_hash_) {
    return fail(ErrorCode::kBusy, "the peer knows of other runs by now");
  }
  for (LineageTail& tail : *lineages) {
    if (!received_.lineages.empty() && tail.replica <= received_.lineages.back().replica) {
      return fail(ErrorCode::kMalformed, "replicas out of order");
    }
    received_.lineages.push_back(std::move(tail));
  }
  if (received_.entries.size() + entries->size() > kEntriesMax) {
    return fail(ErrorCode::kMalformed, "too many entries");
  }
  std::ranges::move(*entries, std::back_inserter(received_.entries));
  received_.knowledge = std::move(*knowledge);
  if (!changes->more) {
    const auto reconciled = Lineages::over(context_.lineages).reconcile(received_.lineages);
    if (!reconciled) return tl::unexpected(reconciled.error());
  }
  return changes->more;
}

}  // namespace shoal::sync
