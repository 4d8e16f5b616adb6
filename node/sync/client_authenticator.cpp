#include "node/sync/client_authenticator.h"

#include <utility>

namespace shoal::sync {

bool ClientAuthenticator::start(Rpc& rpc, const PeerState& ours) {
  OutRequest out = context_.request_to(contact_, connection_, FolderContext::Asker::kState);
  out.body = wire::OpenFolder{context_.group,    ours.replica.bytes, encode_knowledge(ours.knowledge),
                              *ours.fingerprint, kFolderFormat,      ours.lineages};
  const std::uint32_t number = out.completion.guid.slot;
  if (!rpc.request(std::move(out))) return false;
  request_ = number;
  return true;
}

Result<PeerState> ClientAuthenticator::on_answer(const Answer& answer) {
  request_ = 0;
  if (answer.response == nullptr) return fail(answer.error, "no answer");
  const auto* opened = std::get_if<wire::FolderOpened>(&answer.response->body);
  if (opened == nullptr) return fail(answer.error, "the peer does not sync this folder");
  return read_peer_state(*opened);
}

}  // namespace shoal::sync
