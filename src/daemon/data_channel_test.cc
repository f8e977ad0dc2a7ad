#include "daemon/data_channel.h"

#include <signal.h>

#include <functional>
#include <thread>

#include <gtest/gtest.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include "aws/upgrade.h"
#include "compute/sim_exec.h"
#include "daemon/channel_frame.h"
#include "env/real.h"

namespace brume::daemon {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::asio::ip::tcp;

// A blocking client, for a thread of its own.
class Client {
 public:
  // The answer's status.
  unsigned connect(std::uint16_t port, const std::string& id, const std::string& token,
                   const std::string& protocol = kChannelProtocol) {
    socket_.next_layer().connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
    socket_.set_option(websocket::stream_base::decorator([=](websocket::request_type& request) {
      request.set(beast::http::field::authorization, "Bearer " + token);
      request.set(beast::http::field::sec_websocket_protocol, protocol);
    }));
    websocket::response_type answer;
    beast::error_code error;
    socket_.handshake(answer, "127.0.0.1", kChannelPath + id, error);
    socket_.binary(true);
    return answer.result_int();
  }
  void send(const std::string& message) { socket_.write(boost::asio::buffer(message)); }
  // "" once it is closed.
  std::string receive() {
    beast::flat_buffer buffer;
    beast::error_code error;
    socket_.read(buffer, error);
    return error ? "" : beast::buffers_to_string(buffer.data());
  }
  // Output and errors, together, up to the last frame, which is returned.
  ReadFrame receive_all(std::string& text) {
    for (;;) {
      last_ = receive();
      const auto got = read_frame(last_);
      if (!got) return ReadFrame{Frame::input, ""};
      if (got->kind == Frame::exit || got->kind == Frame::failure) return *got;
      if (got->kind != Frame::taken) text += got->bytes;
    }
  }
  void vanish() { socket_.next_layer().close(); }

 private:
  boost::asio::io_context io_;
  websocket::stream<tcp::socket> socket_{io_};
  std::string last_;
};

class DataChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);  // as the daemon does
    exec.latency = std::chrono::milliseconds(1);
    aws::HttpServer::Options options;
    options.port = 0;
    server = aws::HttpServer::start(real.io(), options, [](const aws::HttpRequest&, const auto& respond) {
               respond({.status = 404, .headers = {}, .body = ""});
             }).value();
    server->upgrade(kChannelPath, [this](aws::Upgrade upgrade) { channels->take(std::move(upgrade)); });
    channels = std::make_unique<DataChannels>(
        real.io(), real.env().loop, exec, [](const std::string&) { return "/proc/self/ns/net"; },
        DataChannels::Registry{
            .connect = [this](const std::string& id, const std::string& token,
                              std::function<void()> close) { return sessions.connect(id, token, std::move(close)); },
            .ended =
                [this](const std::string& id) {
                  sessions.ended(id);
                  // All of these tests are over with their session, but for what they look at then.
                  real.env().loop.post([this] { real.stop(); });
                }});
  }
  ssm::Sessions::Started start(ssm::SessionPlan plan) {
    return sessions.start("i-1", std::move(plan), "arn:aws:iam::000000000000:root", {}).value();
  }
  // Runs the loop while `client` has its say on a thread, until the session has ended.
  void with_client(const std::function<void(Client&)>& client) {
    std::thread thread([&] {
      Client made;
      client(made);
    });
    real.run();
    thread.join();
  }

  env::RealEnv real{1};
  compute::SimExec exec{real.env()};
  ssm::Sessions sessions{real.env().clock, real.env().random};
  std::unique_ptr<aws::HttpServer> server;
  std::unique_ptr<DataChannels> channels;
};

TEST_F(DataChannelTest, AProgramsOutputAndStatusReachTheClient) {
  exec.program = [](const std::string& id, const compute::ExecSpec& spec) -> Result<compute::SimExec::Program> {
    return compute::SimExec::Program{
        .output = id + " " + spec.command[0] + " " + spec.user, .errors = "!", .status = 7};
  };
  const auto session = start({.document = "", .port = {}, .command = {"ls"}, .user = "web", .terminal = ""});
  with_client([&](Client& client) {
    EXPECT_EQ(client.connect(server->port(), session.id, session.token), 101U);
    std::string text;
    const ReadFrame last = client.receive_all(text);
    EXPECT_EQ(last.kind, Frame::exit);
    EXPECT_EQ(last.numbers[0], 7U);
    EXPECT_TRUE(text == "i-1 ls web!" || text == "!i-1 ls web") << text;
    EXPECT_EQ(client.receive(), "");
  });
  EXPECT_EQ(*sessions.list().front().Status, "Terminated");
}

TEST_F(DataChannelTest, ATerminalStartsWithItsSizeAndHearsSignals) {
  exec.program = [](const std::string&, const compute::ExecSpec& spec) -> Result<compute::SimExec::Program> {
    EXPECT_EQ(spec.rows, 30U);
    EXPECT_EQ(spec.columns, 100U);
    return compute::SimExec::Program{.output = "ready", .errors = "", .status = std::nullopt};
  };
  const auto session = start({.document = "", .port = {}, .command = {"sh"}, .user = "", .terminal = "vt100"});
  with_client([&](Client& client) {
    client.connect(server->port(), session.id, session.token);
    client.send(resize_frame(30, 100));
    EXPECT_EQ(client.receive(), frame(Frame::output, "ready"));
    client.send(resize_frame(31, 101));
    client.send(frame(Frame::input, "typed"));
    EXPECT_EQ(client.receive(), taken_frame(5));
    client.send(frame(Frame::signal, std::string(1, SIGTERM)));
    std::string text;
    EXPECT_EQ(client.receive_all(text).numbers[0], 128U + SIGTERM);
  });
  EXPECT_EQ(exec.events, (std::vector<std::string>{"start i-1 sh", "resize 31x101", "signal 15"}));
}

TEST_F(DataChannelTest, AProgramEndsWithItsClient) {
  exec.program = [](const std::string&, const compute::ExecSpec&) -> Result<compute::SimExec::Program> {
    return compute::SimExec::Program{.output = "ready", .errors = "", .status = std::nullopt};
  };
  const auto session = start({.document = "", .port = {}, .command = {"sleep"}, .user = "", .terminal = ""});
  with_client([&](Client& client) {
    client.connect(server->port(), session.id, session.token);
    EXPECT_EQ(client.receive(), frame(Frame::output, "ready"));
    client.vanish();
  });
  EXPECT_EQ(exec.events, (std::vector<std::string>{"start i-1 sleep", "abandoned"}));
}

TEST_F(DataChannelTest, WhoDoesNotKeepToTheProtocolIsSentAway) {
  exec.program = [](const std::string&, const compute::ExecSpec&) -> Result<compute::SimExec::Program> {
    return compute::SimExec::Program{.output = "", .errors = "", .status = std::nullopt};
  };
  const std::string bad[] = {"", "\x7f", frame(Frame::output, "x"), frame(Frame::resize, "x")};
  for (const std::string& message : bad) {
    const auto session = start({.document = "", .port = {}, .command = {"sleep"}, .user = "", .terminal = ""});
    with_client([&](Client& client) {
      client.connect(server->port(), session.id, session.token);
      client.send(message);
      std::string text;
      EXPECT_EQ(client.receive_all(text).kind, Frame::failure) << message;
    });
    real.io().restart();
  }
  // More input than may be under way: nothing reads it here, so that none is taken.
  const auto session = start({.document = "", .port = {}, .command = {"sleep"}, .user = "", .terminal = ""});
  with_client([&](Client& client) {
    client.connect(server->port(), session.id, session.token);
    beast::error_code error;
    const std::string chunk(kMaxFrame, 'x');
    ReadFrame last{Frame::input, ""};
    // A pipe holds 64 KiB beyond the window.
    for (std::size_t sent = 0; sent < kInputWindow + (256U << 10); sent += chunk.size()) try {
        client.send(frame(Frame::input, chunk));
      } catch (const beast::system_error&) {
        break;  // sent away already
      }
    std::string text;
    last = client.receive_all(text);
    EXPECT_NE(last.kind, Frame::exit);
  });
}

TEST_F(DataChannelTest, WithoutATokenOrTheProtocolThereIsNone) {
  const auto session = start({.document = "", .port = {}, .command = {"ls"}, .user = "", .terminal = ""});
  with_client([&](Client& client) {
    EXPECT_EQ(Client().connect(server->port(), session.id, ""), 403U);
    EXPECT_EQ(Client().connect(server->port(), session.id, session.token + "0"), 403U);
    EXPECT_EQ(Client().connect(server->port(), "none", session.token), 403U);
    EXPECT_EQ(Client().connect(server->port(), session.id, session.token, "other"), 400U);
    EXPECT_EQ(client.connect(server->port(), session.id, session.token), 101U);
    EXPECT_EQ(Client().connect(server->port(), session.id, session.token), 403U);
  });
}

TEST_F(DataChannelTest, AFailureIsTold) {
  exec.program = [](const std::string&, const compute::ExecSpec&) -> Result<compute::SimExec::Program> {
    return fail("IncorrectInstanceState", "It does not run.");
  };
  const auto session = start({.document = "", .port = {}, .command = {"ls"}, .user = "", .terminal = ""});
  with_client([&](Client& client) {
    client.connect(server->port(), session.id, session.token);
    EXPECT_EQ(client.receive(), frame(Frame::failure, "It does not run."));
  });
}

}  // namespace
}  // namespace brume::daemon
