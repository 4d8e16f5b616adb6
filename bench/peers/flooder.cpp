// Asks one node as fast as it answers: several clients, each with a socket of its own and so many requests
// under way. Prints one JSON object. The programs beside it start it (cluster.h).
#include <poll.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/peers/batched_socket.h"
#include "node/os/entropy.h"
#include "node/secure/keys.h"
#include "node/secure/sealed_datagram.h"
#include "node/wire/codec.h"

namespace shoal::peers {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Replies looked into, of all: the flood must not cost the flooder more than it costs the node.
constexpr std::uint64_t kLookedIntoEvery = 16;
// One in so many: a node asks something too, now and then.
constexpr std::uint64_t kNoAnswersMax = 100;
constexpr std::chrono::milliseconds kLostAfter{50};

bool contains(ByteView bytes, std::string_view text) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find(text) !=
         std::string_view::npos;
}

Bytes bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

std::string random_text(Rng& rng, std::size_t bytes) {
  std::string out(bytes, 0);
  rng.fill({reinterpret_cast<std::uint8_t*>(out.data()), bytes});
  return out;
}

// What one client says, and whether what comes back is an answer to that.
class Speaker {
 public:
  virtual ~Speaker() = default;
  virtual Bytes request() = 0;
  virtual bool is_answer(ByteView reply) = 0;
};

// BEP 5: bencoded, in clear.
class KrpcSpeaker final : public Speaker {
 public:
  KrpcSpeaker(bool find, Rng rng) : find_(find), rng_(std::move(rng)), id_(text(20)) {}
  Bytes request() override {
    const std::string target = find_ ? "6:target20:" + text(20) : "";
    const std::string method = find_ ? "9:find_node" : "4:ping";
    return bytes_of("d1:ad2:id20:" + id_ + target + "e1:q" + method + "1:t2:" + text(2) + "1:y1:qe");
  }
  bool is_answer(ByteView reply) override {
    return contains(reply, "1:y1:r") && (!find_ || contains(reply, "5:nodes"));
  }

 private:
  std::string text(std::size_t bytes) { return random_text(rng_, bytes); }

  bool find_;
  Rng rng_;
  std::string id_;
};

// What OpenDHT 2 speaks: MessagePack, in clear.
class OpendhtSpeaker final : public Speaker {
 public:
  OpendhtSpeaker(bool find, Rng rng) : find_(find), rng_(std::move(rng)), id_(binary(20)) {}
  Bytes request() override {
    const std::string arguments =
        find_ ? "\x83\xa2id" + id_ + "\xa6target" + binary(20) + "\xa1w\x91\x02" : "\x81\xa2id" + id_;
    const std::string method = find_ ? "\xa4"
                                       "find"
                                     : "\xa4ping";
    const std::string number = random_text(rng_, 4);
    return bytes_of(
        "\x85\xa1"
        "a" +
        arguments + "\xa1q" + method + "\xa1t\xce" + number + "\xa1y\xa1q\xa1v\xa4RNG1");
  }
  bool is_answer(ByteView reply) override {
    return contains(reply, "\xa1y\xa1r") && (!find_ || contains(reply, "\xa2n4"));
  }

 private:
  std::string binary(std::uint8_t bytes) {
    return std::string("\xc4") + static_cast<char>(bytes) + random_text(rng_, bytes);
  }

  bool find_;
  Rng rng_;
  std::string id_;
};

// Each request is sealed anew, under a key of the client's own, and holds the token that says its address is
// good; a loop that does not speak the protocol gives none.
class ShoalSpeaker final : public Speaker {
 public:
  ShoalSpeaker(bool find, const Id& node, Rng rng)
      : find_(find),
        node_(node),
        rng_(std::move(rng)),
        keys_(KeyPair::from_seed(rng_.seed())),
        cipher_(make_real_cipher(keys_, Rng(rng_.seed()), 4)) {}
  Bytes request() override {
    wire::Request request;
    request.id = rng_.next();
    request.token = token_;
    if (find_ && token_) request.body = wire::FindHost{rng_.id()};
    Bytes sealed;
    (void)cipher_->seal(node_, wire::encode(request), sealed);
    return sealed;
  }
  bool is_answer(ByteView reply) override {
    const auto opened = cipher_->open(reply);
    if (!opened) return false;
    const auto message = wire::decode(opened->payload);
    const auto* response = message ? std::get_if<wire::Response>(&*message) : nullptr;
    if (response == nullptr) return is_bare_;
    if (response->token) token_ = response->token;
    return !find_ || std::holds_alternative<wire::Contacts>(response->body);
  }
  void set_bare() {
    is_bare_ = true;
    token_ = wire::Token{};
  }

 private:
  bool find_;
  Id node_;
  Rng rng_;
  KeyPair keys_;
  std::unique_ptr<DatagramCipher> cipher_;
  std::optional<wire::Token> token_;
  bool is_bare_ = false;
};

struct Totals {
  std::uint64_t sent = 0;
  std::uint64_t replies = 0;
  std::uint64_t looked_into = 0;
  std::uint64_t no_answers = 0;  // of those looked into
  std::uint64_t reply_bytes = 0;
  std::uint64_t lost = 0;
};

class Client {
 public:
  Client(std::unique_ptr<Speaker> speaker, const Endpoint& node, std::size_t window)
      : speaker_(std::move(speaker)), socket_(open_socket()), node_(AF_INET, node), window_(window) {}

  int fd() const { return socket_.fd(); }
  void fill(Totals& totals) {
    for (; under_way_ < window_; ++under_way_) outgoing_.push_back({node_, speaker_->request()});
    totals.sent += outgoing_.size();
    socket_.send(outgoing_);
    last_ = SteadyClock::now();
  }
  void take(Totals& totals) {
    const std::size_t count = socket_.receive([&](const SocketAddress&, ByteView reply) {
      totals.reply_bytes += reply.size();
      if (totals.replies++ % kLookedIntoEvery != 0) return;
      ++totals.looked_into;
      if (!speaker_->is_answer(reply)) ++totals.no_answers;
    });
    under_way_ -= std::min(under_way_, count);
    if (count > 0) fill(totals);
  }
  // Nothing has come for so long: whatever was under way is lost.
  void give_up_lost(Totals& totals) {
    if (SteadyClock::now() - last_ < kLostAfter) return;
    totals.lost += under_way_;
    under_way_ = 0;
    fill(totals);
  }
  // One request and its answer, within a second. The node may ask something too.
  bool ask_once() {
    std::vector<BatchedSocket::Outgoing> one{{node_, speaker_->request()}};
    socket_.send(one);
    const auto end = SteadyClock::now() + std::chrono::seconds(1);
    bool answered = false;
    while (!answered && SteadyClock::now() < end) {
      pollfd waiting{socket_.fd(), POLLIN, 0};
      poll(&waiting, 1, 100);
      socket_.receive(
          [&](const SocketAddress&, ByteView reply) { answered = answered || speaker_->is_answer(reply); });
    }
    return answered;
  }

 private:
  static Descriptor open_socket() {
    auto socket = bound_socket(SOCK_DGRAM, Endpoint::v4(0x7f000001, 0));
    if (!socket) {
      std::fprintf(stderr, "flooder: %s\n", socket.error().message.c_str());
      std::exit(1);
    }
    return std::move(*socket);
  }

  std::unique_ptr<Speaker> speaker_;
  BatchedSocket socket_;
  SocketAddress node_;
  std::size_t window_;
  std::size_t under_way_ = 0;
  SteadyClock::time_point last_;
  std::vector<BatchedSocket::Outgoing> outgoing_;
};

struct Options {
  std::string protocol;
  std::string to;
  std::string key;
  std::string what;
  double seconds = 3;
  std::size_t clients = 8;
  std::size_t window = 32;
};

std::unique_ptr<Speaker> make_speaker(const Options& options, const Id& node) {
  const bool find = options.what == "find";
  if (options.protocol == "krpc") return std::make_unique<KrpcSpeaker>(find, os_seeded_rng());
  if (options.protocol == "opendht") return std::make_unique<OpendhtSpeaker>(find, os_seeded_rng());
  auto speaker = std::make_unique<ShoalSpeaker>(find, node, os_seeded_rng());
  if (options.protocol == "bare") speaker->set_bare();
  return speaker;
}

int flood(const Options& options) {
  const auto to = Endpoint::parse(options.to);
  const auto key = options.key.empty() ? std::optional(Id{}) : Id::from_hex(options.key);
  const bool sealed = options.protocol == "shoal" || options.protocol == "bare";
  if (!to || !key || (sealed && options.key.empty())) {
    std::fprintf(stderr, "flooder: --to is ADDRESS:PORT, --key the node's host key, 64 hexadecimal digits\n");
    return 2;
  }
  std::vector<Client> clients;
  for (std::size_t i = 0; i < options.clients; ++i) {
    clients.emplace_back(make_speaker(options, *key), *to, options.window);
    // The first answer to one of ours brings the token; whether the second is an answer to what is asked is
    // what counts.
    if (options.protocol == "shoal") (void)clients.back().ask_once();
    if (!clients.back().ask_once()) {
      std::fprintf(stderr, "flooder: %s does not answer as expected\n", options.to.c_str());
      return 1;
    }
  }
  std::vector<pollfd> waiting;
  for (const Client& client : clients) waiting.push_back({client.fd(), POLLIN, 0});
  Totals totals;
  const auto begin = SteadyClock::now();
  const auto end = begin + std::chrono::duration<double>(options.seconds);
  for (Client& client : clients) client.fill(totals);
  while (SteadyClock::now() < end) {
    poll(waiting.data(), waiting.size(), static_cast<int>(kLostAfter.count()));
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if ((waiting[i].revents & POLLIN) != 0) {
        clients[i].take(totals);
      } else {
        clients[i].give_up_lost(totals);
      }
    }
  }
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  std::printf(
      "{\"seconds\": %.3f, \"sent\": %llu, \"replies\": %llu, \"looked_into\": %llu, \"no_answers\": %llu, "
      "\"lost\": %llu, \"bytes_per_reply\": %.1f}\n",
      seconds, static_cast<unsigned long long>(totals.sent), static_cast<unsigned long long>(totals.replies),
      static_cast<unsigned long long>(totals.looked_into), static_cast<unsigned long long>(totals.no_answers),
      static_cast<unsigned long long>(totals.lost),
      static_cast<double>(totals.reply_bytes) /
          static_cast<double>(std::max<std::uint64_t>(1, totals.replies)));
  if (totals.replies == 0 || totals.no_answers * kNoAnswersMax > totals.looked_into) {
    std::fprintf(stderr, "flooder: what came back was no answer\n");
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace shoal::peers

int main(int count, char** arguments) {
  using namespace shoal::peers;
  shoal::init_crypto();
  Options options;
  CLI::App app(
      "Asks one node on loopback as fast as it answers, and prints how many answers came.\n\n"
      "Example: shoal_peer_flooder --protocol krpc --to 127.0.0.1:17000 --what find");
  app.add_option("--protocol", options.protocol, "what the node speaks")
      ->required()
      ->check(CLI::IsMember({"shoal", "bare", "krpc", "opendht"}));
  app.add_option("--to", options.to, "where the node is, ADDRESS:PORT")->required();
  app.add_option("--key", options.key, "its host key, for shoal and bare");
  app.add_option("--what", options.what, "the request")->required()->check(CLI::IsMember({"ping", "find"}));
  app.add_option("--seconds", options.seconds)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--clients", options.clients, "sockets")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--window", options.window, "requests under way, of each client")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  return flood(options);
}
