#include "node/sync/client_file_state_sync.h"

#include <utility>

namespace shoal::sync {

bool ClientFileStateSync::ask(Rpc& rpc, const Knowledge& known) {
  OutRequest out;
  out.to = contact_;
  out.by_session = true;
  out.connection = connection_;
  out.purpose = Purpose::kSync;
  out.completion = context_.next_request(FolderContext::Asker::kState);
  out.body = wire::SendChanges{context_.group, encode_knowledge(known)};
  const std::uint32_t number = out.completion.guid.slot;
  if (!rpc.request(std::move(out))) return false;
  request_ = number;
  return true;
}

Result<ReceivedChanges> ClientFileStateSync::on_answer(const Answer& answer) {
  request_ = 0;
  if (answer.response == nullptr) return fail(answer.error, "no answer");
  const auto* changes = std::get_if<wire::RecvChanges>(&answer.response->body);
  if (changes == nullptr) return fail(answer.error, "the peer does not sync this folder");
  auto entries = decode_entries(changes->entries, kEntriesMax);
  if (!entries) return tl::unexpected(entries.error());
  auto knowledge = decode_knowledge(changes->knowledge);
  if (!knowledge) return tl::unexpected(knowledge.error());
  return ReceivedChanges{std::move(*entries), std::move(*knowledge), changes->more};
}

}  // namespace shoal::sync
