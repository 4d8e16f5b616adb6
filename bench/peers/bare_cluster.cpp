// No node at all: a loop that opens each sealed datagram and seals as many bytes as a node would answer. What
// sockets and cipher cost, and nothing else does.
#include <poll.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/peers/batched_socket.h"
#include "bench/peers/cluster.h"
#include "node/os/entropy.h"
#include "node/secure/keys.h"
#include "node/secure/sealed_datagram.h"
#include "node/wire/codec.h"

namespace shoal::peers {
namespace {

// Of our nodes' answers before they are sealed (`shoal_bench --benchmark_filter=serve`).
constexpr std::size_t kPongBytes = 60;
constexpr std::size_t kContactsBytes = 1060;

class BareLoop {
 public:
  BareLoop()
      : keys_(KeyPair::from_seed(os_seeded_rng().seed())),
        cipher_(make_real_cipher(keys_, os_seeded_rng(), 1024)) {
    auto bound = bind_pair(Endpoint::v4(0x7f000001, 0));
    if (!bound) {
      std::fprintf(stderr, "%s\n", bound.error().message.c_str());
      std::exit(1);
    }
    endpoint_ = bound->listen;
    socket_ = std::make_unique<BatchedSocket>(std::move(bound->udp));
    thread_ = std::thread([this] { run(); });
  }
  ~BareLoop() {
    stopping_ = true;
    thread_.join();
  }

  std::string flooder_options() const {
    return "--protocol bare --to " + endpoint_.to_string() + " --key " + keys_.public_key().hex();
  }
  void set_reply_bytes(std::size_t bytes) { reply_bytes_ = bytes; }

 private:
  void run() {
    std::vector<BatchedSocket::Outgoing> replies;
    while (!stopping_) {
      pollfd waiting{socket_->fd(), POLLIN, 0};
      poll(&waiting, 1, 100);
      const Bytes reply(reply_bytes_, 0);
      socket_->receive([&](const SocketAddress& from, ByteView datagram) {
        const auto opened = cipher_->open(datagram);
        if (!opened) return;
        replies.push_back({from, {}});
        (void)cipher_->seal(opened->sender, reply, replies.back().bytes);
      });
      socket_->send(replies);
    }
  }

  KeyPair keys_;
  std::unique_ptr<DatagramCipher> cipher_;
  Endpoint endpoint_;
  std::unique_ptr<BatchedSocket> socket_;
  std::atomic<std::size_t> reply_bytes_ = kPongBytes;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace
}  // namespace shoal::peers

int main(int count, char** arguments) {
  using namespace shoal::peers;
  shoal::init_crypto();
  const Options options = read_options({arguments, static_cast<std::size_t>(count)});
  BareLoop loop;
  std::printf("{\n");
  const bool flooded = measure_floods(loop.flooder_options(), options.flood_s, [&](const std::string& what) {
    loop.set_reply_bytes(what == "ping" ? kPongBytes : kContactsBytes);
  });
  std::printf("}\n");
  return flooded ? 0 : 1;
}
