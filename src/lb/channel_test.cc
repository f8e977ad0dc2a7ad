#include "lb/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/json.h"
#include "lb/channel_client.h"
#include "lb/run_lb.h"

namespace brume::lb {
namespace {

using namespace std::chrono_literals;

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    char name[] = "/tmp/brume-lb-test-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/lb.sock";
  }
  ~ChannelTest() override { std::filesystem::remove_all(folder_); }

  // Runs the daemon's loop until `done`; the deadline is a safety net.
  bool run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!done() && std::chrono::steady_clock::now() < deadline) io_.run_one_for(100ms);
    return done();
  }

  env::Fd connect() {
    env::Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path_.c_str());
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  boost::asio::io_context io_;
  std::string folder_, path_;
};

// A channel on a loop with a thread of its own, that reports the version it was last told.
struct Running {
  explicit Running(const std::string& path) {
    auto opened = Channel::open(
        loop, path,
        [this](const Snapshot& snapshot) {
          version = snapshot.version;
          channel->poke();
        },
        [this] { return Stats{.version = version}; });
    EXPECT_TRUE(opened) << opened.error().message;
    channel = std::move(*opened);
    thread = std::thread([this] { loop.run(); });
  }
  ~Running() {
    loop.stop();
    thread.join();
  }
  EventLoop loop;
  std::unique_ptr<Channel> channel;
  std::int64_t version = 0;
  std::thread thread;
};

TEST_F(ChannelTest, SnapshotsGoInAndStatsComeOut) {
  std::int64_t seen = -1;
  int connects = 0, losses = 0;
  ChannelClient client(io_, [&](const Stats& stats) { seen = stats.version; },
                       [&](bool up) { ++(up ? connects : losses); });
  client.connect(path_);  // nobody is there yet
  client.send({.version = 7});
  {
    Running lb(path_);
    EXPECT_TRUE(run_until([&] { return seen == 7; }));
    EXPECT_TRUE(client.connected());
    client.send({.version = 8});
    client.send({.version = 9});
    EXPECT_TRUE(run_until([&] { return seen == 9; }));
  }
  EXPECT_TRUE(run_until([&] { return losses == 1; }));
  Running lb(path_);  // a new process is told all by itself
  seen = -1;
  EXPECT_TRUE(run_until([&] { return seen == 9; }));
  EXPECT_EQ(connects, 2);
}

TEST_F(ChannelTest, OnlyTheOwnerMayConnect) {
  Running lb(path_);
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EventLoop other;
  EXPECT_FALSE(Channel::open(other, path_, [](const Snapshot&) {}, [] { return Stats{}; }));
}

TEST_F(ChannelTest, ASecondConnectionReplacesTheFirst) {
  Running lb(path_);
  const env::Fd first = connect();
  char byte = 0;
  ASSERT_EQ(::recv(first.get(), &byte, 1, 0), 1) << "it is greeted with Stats";
  const env::Fd second = connect();
  ASSERT_EQ(::recv(second.get(), &byte, 1, 0), 1);
  std::string rest(65536, ' ');
  ssize_t got;
  while ((got = ::recv(first.get(), rest.data(), rest.size(), 0)) > 0) {
  }
  EXPECT_EQ(got, 0);
}

TEST_F(ChannelTest, NonsenseEndsTheConnection) {
  Running lb(path_);
  const env::Fd fd = connect();
  ASSERT_EQ(::send(fd.get(), "{]\n", 3, MSG_NOSIGNAL), 3);
  std::string rest(65536, ' ');
  ssize_t got;
  while ((got = ::recv(fd.get(), rest.data(), rest.size(), 0)) > 0) {
  }
  EXPECT_LE(got, 0);
  EXPECT_EQ(lb.version, 0);
}

TEST_F(ChannelTest, TheProcessEndsOnSigterm) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(run_lb(path_, 1));
  bool answered = false;
  ChannelClient client(io_, [&](const Stats& stats) { answered = stats.version == 3; });
  client.connect(path_);
  client.send({.version = 3});
  EXPECT_TRUE(run_until([&] { return answered; }));
  ASSERT_EQ(::kill(child, SIGTERM), 0);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_FALSE(std::filesystem::exists(path_)) << "the socket is removed";
}

}  // namespace
}  // namespace brume::lb
