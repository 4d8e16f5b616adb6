// What others may hand to the readers of groups. The first byte chooses: a key string, a rendezvous record,
// an invitation, proofs, or a notice of shutdown.
#include "node/base/check.h"
#include "node/dht/shutdown_notice.h"
#include "node/overlay/rendezvous.h"
#include "node/secure/bech32m.h"
#include "node/secure/group_key.h"
#include "node/secure/session_groups.h"

namespace shoal {
namespace {

constexpr WallTime kNow{std::chrono::hours(500'000)};

void read_key(ByteView bytes) {
  const auto key = GroupKey::parse(text(bytes));
  if (!key) return;
  const auto again = GroupKey::parse(key->to_string(key->level()));
  check(again && *again == *key, "a key that was read is the key that is written");
}

void read_word(ByteView bytes) {
  const auto word = bech32m::decode(text(bytes));
  if (!word) return;
  const auto again = bech32m::decode(bech32m::encode(*word));
  check(again && again->data == word->data && again->prefix == word->prefix, "a word stands for itself");
}

void read_record(ByteView bytes) {
  if (bytes.size() < 32) return;
  static const GroupKey group = GroupKey::from_sync_key(Secret(Secret::Array{7}));
  static const Rendezvous place(group.locate_key(), 20'000);
  (void)place.open(bytes.first(32), bytes.subspan(32));
}

void read_invitation(ByteView bytes) {
  SessionGroups groups;
  groups.set({GroupKey::from_sync_key(Secret(Secret::Array{7}))});
  check(!groups.accept(bytes, {}, {}, kNow, {}), "nobody can make an invitation without the key");
  check(groups.proven(bytes, noise::Role::kInitiator, {}).empty(), "nor a proof");
}

void read_notice(ByteView bytes) {
  if (bytes.size() < wire::kShutdownSignedBytes + wire::kSignatureBytes) return;
  wire::ShutdownHost message;
  const ByteView signed_part = bytes.first(bytes.size() - wire::kSignatureBytes);
  message.signed_part.assign(signed_part.begin(), signed_part.end());
  std::copy_n(bytes.end() - wire::kSignatureBytes, wire::kSignatureBytes, message.signature.begin());
  (void)read_shutdown_notice(message, kNow);
}

}  // namespace
}  // namespace shoal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shoal;
  init_crypto();
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  constexpr void (*kReaders[])(ByteView) = {read_key, read_word, read_record, read_invitation, read_notice};
  kReaders[data[0] % std::size(kReaders)](rest);
  return 0;
}
