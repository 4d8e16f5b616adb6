// What security costs: sealed datagrams, signatures, hashes, and sessions.
#include <benchmark/benchmark.h>

#include <memory>

#include "bench/counted.h"
#include "node/base/check.h"
#include "node/base/rng.h"
#include "node/secure/keys.h"
#include "node/secure/sealed_datagram.h"
#include "node/secure/session.h"

namespace shoal {
namespace {

Rng make_rng() {
  init_crypto();
  return Rng::keyed(1, "bench", "secure");
}

// A sender, its receiver, and a datagram on its way from one to the other.
struct Datagram {
  explicit Datagram(std::size_t payload_bytes, bool modelled = false) : payload(payload_bytes) {
    Rng rng = make_rng();
    const KeyPair alice = KeyPair::from_seed(rng.seed());
    const KeyPair bob = KeyPair::from_seed(rng.seed());
    receiver = bob.public_key();
    from = modelled ? make_modelled_cipher(alice.public_key()) : make_real_cipher(alice, rng.fork(), 16);
    to = modelled ? make_modelled_cipher(receiver) : make_real_cipher(bob, rng.fork(), 16);
    check(from->seal(receiver, payload, bytes).has_value());
  }
  Bytes payload;
  Id receiver;
  std::unique_ptr<DatagramCipher> from;
  std::unique_ptr<DatagramCipher> to;
  Bytes bytes;
};

void seal_datagram(benchmark::State& state, bool modelled) {
  Datagram datagram(static_cast<std::size_t>(state.range(0)), modelled);
  for (auto _ : state) {
    datagram.bytes.clear();
    benchmark::DoNotOptimize(datagram.from->seal(datagram.receiver, datagram.payload, datagram.bytes));
    benchmark::DoNotOptimize(datagram.bytes.data());
  }
}
BENCHMARK_CAPTURE(seal_datagram, real, false)->Arg(100)->Arg(1200)->Apply(counted);
BENCHMARK_CAPTURE(seal_datagram, modelled, true)->Arg(100)->Arg(1200);

void open_datagram(benchmark::State& state, bool modelled) {
  Datagram datagram(static_cast<std::size_t>(state.range(0)), modelled);
  for (auto _ : state) benchmark::DoNotOptimize(datagram.to->open(datagram.bytes));
}
BENCHMARK_CAPTURE(open_datagram, real, false)->Arg(100)->Arg(1200)->Apply(counted);
BENCHMARK_CAPTURE(open_datagram, modelled, true)->Arg(100)->Arg(1200);

// Two hosts write in turn to one that can remember only the last, so that each is a stranger again.
void open_datagram_of_a_stranger(benchmark::State& state) {
  Rng rng = make_rng();
  const KeyPair self = KeyPair::from_seed(rng.seed());
  const auto cipher = make_real_cipher(self, rng.fork(), 1);
  Bytes datagrams[2];
  for (Bytes& datagram : datagrams) {
    const auto from = make_real_cipher(KeyPair::from_seed(rng.seed()), rng.fork(), 1);
    check(from->seal(self.public_key(), Bytes(100), datagram).has_value());
  }
  std::size_t turn = 0;
  for (auto _ : state) {
    const auto opened = cipher->open(datagrams[turn ^= 1]);
    check(opened.has_value());
    benchmark::DoNotOptimize(opened->payload.data());
  }
}
BENCHMARK(open_datagram_of_a_stranger);

void key_pair_from_seed(benchmark::State& state) {
  Rng rng = make_rng();
  for (auto _ : state) benchmark::DoNotOptimize(KeyPair::from_seed(rng.seed()));
}
BENCHMARK(key_pair_from_seed);

void sign_message(benchmark::State& state) {
  Rng rng = make_rng();
  const KeyPair pair = KeyPair::from_seed(rng.seed());
  const Bytes message(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(pair.sign("shoal bench 1", message));
}
BENCHMARK(sign_message)->Arg(100)->Arg(65'536);

void verify_message(benchmark::State& state) {
  Rng rng = make_rng();
  const KeyPair pair = KeyPair::from_seed(rng.seed());
  const Bytes message(static_cast<std::size_t>(state.range(0)));
  const wire::Signature signature = pair.sign("shoal bench 1", message);
  for (auto _ : state) {
    benchmark::DoNotOptimize(verify(pair.public_key(), "shoal bench 1", message, signature));
  }
}
BENCHMARK(verify_message)->Arg(100)->Arg(65'536)->Apply(counted);

void hash_sha256(benchmark::State& state) {
  init_crypto();
  const Bytes message(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(sha256(message));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(hash_sha256)->Arg(32)->Arg(65'536);

void carry(Session& from, Session& to) {
  for (ByteView bytes = from.outgoing(); !bytes.empty(); bytes = from.outgoing()) {
    check(to.receive(bytes).has_value());
    from.consumed(bytes.size());
  }
}

struct SessionPair {
  SessionPair(const KeyPair& alice, const KeyPair& bob, Rng& rng)
      : a(alice, {.role = noise::Role::kInitiator, .expected_peer = bob.public_key()}, rng.fork()),
        b(bob, {.role = noise::Role::kResponder}, rng.fork()) {
    carry(a, b);
    carry(b, a);
    carry(a, b);
    check(a.established() && b.established());
  }
  Session a;
  Session b;
};

// Both sides together.
void session_handshake(benchmark::State& state) {
  Rng rng = make_rng();
  const KeyPair alice = KeyPair::from_seed(rng.seed());
  const KeyPair bob = KeyPair::from_seed(rng.seed());
  for (auto _ : state) {
    const SessionPair pair(alice, bob, rng);
    benchmark::DoNotOptimize(pair.b.peer());
  }
}
BENCHMARK(session_handshake)->Apply(counted);

// A message encrypted, carried and decrypted: both sides together.
void session_message(benchmark::State& state) {
  Rng rng = make_rng();
  SessionPair pair(KeyPair::from_seed(rng.seed()), KeyPair::from_seed(rng.seed()), rng);
  const Bytes message(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    check(pair.a.send(1, message).has_value());
    carry(pair.a, pair.b);
    const auto received = pair.b.next_message();
    check(received.has_value());
    benchmark::DoNotOptimize(received->message.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(session_message)->Arg(100)->Arg(1200)->Arg(65'536)->Apply(counted);

}  // namespace
}  // namespace shoal
