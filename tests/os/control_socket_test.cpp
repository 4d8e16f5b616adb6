// The control socket against its client, and against clients that misbehave.
#include "node/os/control_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include "node/control/protocol.h"
#include "node/os/control_client.h"
#include "node/os/event_loop.h"
#include "tests/unit/store/sqlite_harness.h"

namespace shoal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Answers get with the key's bytes and status with an error; keeps put waiting for release().
class Responder final : public ControlSocket::Listener {
 public:
  void on_control_command(CommandId id, Command command) override {
    ++commands_;
    if (std::holds_alternative<PutCommand>(command)) {
      waiting_.push_back(id);
    } else if (auto* get = std::get_if<GetCommand>(&command)) {
      answers_.emplace_back(id, GetResult{Bytes(get->key.bytes.begin(), get->key.bytes.end()), {}});
    } else {
      answers_.emplace_back(id, fail(ErrorCode::kBusy, "not now"));
    }
  }
  // As a node does: after the call that brought the command has ended.
  void answer_all(ControlSocket& socket) {
    auto answers = std::exchange(answers_, {});
    for (auto& [id, result] : answers) socket.answer(id, result);
  }
  void release(ControlSocket& socket) {
    auto waiting = std::exchange(waiting_, {});
    for (const CommandId id : waiting) socket.answer(id, StoreResult{});
  }
  std::size_t commands() const { return commands_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  std::size_t commands_ = 0;
  std::vector<std::pair<CommandId, CommandResult>> answers_;
  std::vector<CommandId> waiting_;
};

class ControlSocketTest : public testing::Test {
 protected:
  ControlSocketTest() {
    std::signal(SIGPIPE, SIG_IGN);
    open();
  }
  ~ControlSocketTest() override {
    for (const int fd : raw_) ::close(fd);
  }

  fs::path path() const { return directory_.path() / "control"; }

  void open() {
    socket_.reset();
    socket_ = std::move(*ControlSocket::open(*loop_.uv(), path(), responder_));
  }

  int raw_client() {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().string().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    raw_.push_back(fd);
    return fd;
  }

  static void send(int fd, const std::string& text) {
    ASSERT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  // Turns the loop until nothing more happens in it.
  void settle() {
    for (int i = 0; i < 50; ++i) {
      uv_run(loop_.uv(), UV_RUN_NOWAIT);
      responder_.answer_all(*socket_);
    }
  }

  // Everything that has arrived; "<end>" at the end of a connection.
  static std::string received(int fd) {
    std::string text;
    char buffer[65536];
    for (;;) {
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n < 0) return text;
      if (n == 0) return text + "<end>";
      text.append(buffer, static_cast<std::size_t>(n));
    }
  }

  TemporaryDirectory directory_;
  Responder responder_;
  EventLoop loop_;
  std::unique_ptr<ControlSocket> socket_;
  std::vector<int> raw_;
};

TEST_F(ControlSocketTest, IsForItsOwnerOnlyAndReplacesWhatACrashLeft) {
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  socket_.reset();
  EXPECT_FALSE(fs::exists(path()));
  // A socket that nobody listens at.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path().string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(stale, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(stale);
  EXPECT_EQ(ControlClient::connect(directory_.path()).error().code, ErrorCode::kNotConnected);
  open();
  EXPECT_TRUE(ControlClient::connect(directory_.path()).has_value());
}

TEST_F(ControlSocketTest, SaysWhyItCannotBeOpened) {
  std::ofstream(directory_.path() / "file") << "x";
  const auto taken = ControlSocket::open(*loop_.uv(), directory_.path() / "file", responder_);
  ASSERT_FALSE(taken.has_value());
  EXPECT_THAT(taken.error().message, HasSubstr("file: address already in use"));
  const auto too_long =
      ControlSocket::open(*loop_.uv(), directory_.path() / std::string(100, 'x'), responder_);
  ASSERT_FALSE(too_long.has_value());
  EXPECT_THAT(too_long.error().message, HasSubstr("choose a shorter data directory"));
}

TEST_F(ControlSocketTest, AnswersCommandsOfSeveralClientsWithTheirOwnNumbers) {
  const int a = raw_client();
  const int b = raw_client();
  const std::string key(64, '0');
  send(a, "{\"id\": 5, \"command\": \"get\", \"key\": \"" + key +
              "\"}\n{\"id\": 6, \"command\": \"status\"}\n{\"id\"");
  send(b, "{\"id\": 5, \"command\": \"status\"}\n");
  settle();
  const std::string answers = received(a);
  EXPECT_THAT(answers, HasSubstr("\"id\":5,\"ok\""));
  EXPECT_THAT(answers, HasSubstr("{\"error\":{\"code\":\"busy\",\"message\":\"not now\"},\"id\":6}\n"));
  EXPECT_THAT(received(b), HasSubstr("\"id\":5"));
  send(a, ": 7, \"command\": \"status\"}\n");
  settle();
  EXPECT_THAT(received(a), HasSubstr("\"id\":7"));
}

TEST_F(ControlSocketTest, AnswersAClientThatHasClosedItsSide) {
  const int fd = raw_client();
  send(fd, "{\"id\": 1, \"command\": \"put\", \"value\": \"\"}\n");
  ::shutdown(fd, SHUT_WR);
  settle();
  EXPECT_EQ(received(fd), "");
  responder_.release(*socket_);
  settle();
  EXPECT_THAT(received(fd), testing::EndsWith("}\n<end>"));
}

TEST_F(ControlSocketTest, DropsTheAnswersOfAClientThatHasGone) {
  const int fd = raw_client();
  send(fd, "{\"id\": 1, \"command\": \"put\", \"value\": \"\"}\n");
  settle();
  EXPECT_EQ(responder_.waiting(), 1u);
  ::close(fd);
  raw_.clear();
  settle();
  responder_.release(*socket_);
  settle();
}

TEST_F(ControlSocketTest, TellsWhatIsWrongAndGoesOn) {
  const int fd = raw_client();
  send(fd, "nonsense\n{\"id\": 2, \"command\": \"frob\"}\n{\"id\": 3, \"command\": \"status\"}\n");
  settle();
  const std::string answers = received(fd);
  EXPECT_THAT(answers, HasSubstr("\"code\":\"malformed\""));
  EXPECT_THAT(answers, HasSubstr("\"code\":\"unsupported\""));
  EXPECT_THAT(answers, HasSubstr("\"id\":3"));
}

TEST_F(ControlSocketTest, HangsUpOnALineWithoutEnd) {
  const int fd = raw_client();
  const std::string piece(32 * 1024, 'x');
  for (int i = 0; i < 4; ++i) {
    send(fd, piece);
    settle();
  }
  EXPECT_EQ(received(fd), "");
  send(fd, piece);
  settle();
  const std::string answer = received(fd);
  EXPECT_THAT(answer, HasSubstr("too_large"));
  EXPECT_THAT(answer, testing::EndsWith("<end>"));
}

TEST_F(ControlSocketTest, LeavesLinesUnreadWhileTooManyCommandsAreUnderWay) {
  const int fd = raw_client();
  std::string lines;
  for (std::size_t i = 0; i < 2 * ControlSocket::kInFlightPerClientMax + 10; ++i) {
    lines += "{\"id\": " + std::to_string(i) + ", \"command\": \"put\", \"value\": \"\"}\n";
  }
  send(fd, lines);
  settle();
  EXPECT_EQ(responder_.waiting(), ControlSocket::kInFlightPerClientMax);
  std::string answers;
  for (int i = 0; i < 10; ++i) {
    responder_.release(*socket_);
    settle();
    answers += received(fd);
  }
  EXPECT_EQ(responder_.commands(), 2 * ControlSocket::kInFlightPerClientMax + 10);
  EXPECT_EQ(static_cast<std::size_t>(std::count(answers.begin(), answers.end(), '\n')),
            responder_.commands());
}

TEST_F(ControlSocketTest, HangsUpOnOneClientTooMany) {
  for (std::size_t i = 0; i < ControlSocket::kClientsMax; ++i) {
    raw_client();
    settle();
  }
  const int one_more = raw_client();
  settle();
  EXPECT_EQ(received(one_more), "<end>");
  EXPECT_EQ(received(raw_.front()), "");
  ::close(raw_.front());
  raw_.erase(raw_.begin());
  settle();
  const int next = raw_client();
  settle();
  EXPECT_EQ(received(next), "");
}

TEST_F(ControlSocketTest, ServesTheClientOfTheCommandLine) {
  tl::expected<nlohmann::json, ControlClient::Failure> got;
  tl::expected<nlohmann::json, ControlClient::Failure> refused;
  bool ended = false;
  std::atomic<bool> done = false;
  std::thread program([&] {
    ControlClient client = std::move(*ControlClient::connect(directory_.path()));
    got = client.call(GetCommand{}, 10s);
    refused = client.call(StatusCommand{}, 10s);
    done = true;
    ended = client.wait_for_end(10s);
  });
  while (!done) settle();
  socket_.reset();
  uv_run(loop_.uv(), UV_RUN_NOWAIT);
  program.join();
  ASSERT_TRUE(got.has_value());
  EXPECT_TRUE(got->contains("value"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is_nodes);
  EXPECT_EQ(refused.error().error.code, ErrorCode::kBusy);
  EXPECT_TRUE(ended);
}

TEST_F(ControlSocketTest, NamesTheDirectoryWhereNoNodeRuns) {
  const auto client = ControlClient::connect(directory_.path() / "empty");
  ASSERT_FALSE(client.has_value());
  EXPECT_THAT(client.error().message, HasSubstr("empty: start one with shoal run --data "));
}

}  // namespace
}  // namespace shoal
