// What a stranger may write into a stream, and what a peer may put into frames. The first byte chooses: a
// responder that waits for message 1, an initiator that waits for message 2, an open session, or frames
// (length 2 | frame, again and again) behind the encryption.
#include <algorithm>
#include <memory>
#include <utility>

#include "node/base/check.h"
#include "node/secure/frames.h"
#include "node/secure/session.h"
#include "tests/support/drain_session.h"

namespace shoal {
namespace {

constexpr std::size_t kPieceBytesMax = 4'000;

struct Hosts {
  Rng rng = Rng::keyed(1, "fuzz", "session");
  KeyPair alice = KeyPair::from_seed(rng.seed());
  KeyPair bob = KeyPair::from_seed(rng.seed());
  GroupKey group = GroupKey::from_sync_key(Secret(rng.seed()));
  SessionGroups groups_of_alice;
  SessionGroups groups_of_bob;
  WallTime now{std::chrono::hours(500'000)};

  Hosts() {
    groups_of_alice.set({group});
    groups_of_bob.set({group});
  }
  Session initiator() {
    SessionOptions options{
        .role = noise::Role::kInitiator, .groups = &groups_of_alice, .group = group.id(), .now = now};
    options.expected_peer = bob.public_key();
    return Session(alice, options, rng.fork());
  }
  Session responder() {
    return Session(bob, {.role = noise::Role::kResponder, .groups = &groups_of_bob, .now = now}, rng.fork());
  }
};

// In pieces, whose sizes must not matter.
void feed(Session& to, ByteView bytes) {
  while (!bytes.empty()) {
    const ByteView piece = bytes.first(std::min({bytes.size(), kPieceBytesMax, std::size_t{1} + bytes[0]}));
    bytes = bytes.subspan(piece.size());
    if (!to.receive(piece)) {
      check(to.outgoing().empty(), "a failed session says nothing more");
      return;
    }
    while (to.next_message()) {
    }
    (void)to.take_shared_groups();
    (void)drain(to);
  }
}

void open(Session& a, Session& b) {
  for (int i = 0; i < 4; ++i) {
    check(b.receive(drain(a)).has_value() && a.receive(drain(b)).has_value(), "two honest hosts");
  }
  check(a.established() && b.established(), "two honest hosts");
}

void read_frames(ByteView bytes) {
  FrameAssembler assembler(1 << 20);
  while (bytes.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(bytes[0] << 8 | bytes[1], bytes.size() - 2);
    const ByteView frame = bytes.subspan(2, length);
    bytes = bytes.subspan(2 + length);
    const auto control = parse_control_frame(frame);
    if (!control) return;
    if (!*control && !assembler.add(frame)) return;
    while (const auto message = assembler.next()) check(message->message.size() <= wire::kMessageBytesMax);
    check(assembler.held_bytes() <= kOpenBytesMax);
  }
}

}  // namespace
}  // namespace shoal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shoal;
  init_crypto();
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  if (data[0] % 4 == 3) {
    read_frames(bytes);
    return 0;
  }
  Hosts hosts;
  Session a = hosts.initiator();
  Session b = hosts.responder();
  if (data[0] % 4 == 2) open(a, b);
  feed(data[0] % 4 == 1 ? a : b, bytes);
  return 0;
}
