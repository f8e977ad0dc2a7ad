// Real files, a real disk, real sockets: what the model of follower_test.cc stands for.
#include "compute/agent/posix_world.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include "compute/agent/shipper.h"
#include "env/temporary_folder.h"

namespace brume::agent {
namespace {

// The service as far as it is needed: a stream that takes a batch once. Each third call it hangs up without an answer,
// before or after it has taken the batch.
class Service {
 public:
  Service() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int client; (client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(client)) serve(client);
    });
  }
  ~Service() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  std::vector<std::string> lines() {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }

  std::uint16_t port = 0;
  std::atomic<bool> hangs_up = true;

 private:
  void serve(int client) {
    std::string bytes;
    std::vector<char> buffer(65536);
    for (ssize_t n; (n = ::recv(client, buffer.data(), buffer.size(), 0)) > 0;) {
      bytes.append(buffer.data(), std::size_t(n));
      const std::size_t head = bytes.find("\r\n\r\n"), at = bytes.find("Content-Length: ");
      if (head == std::string::npos || bytes.size() < head + 4 + std::stoul(bytes.substr(at + 16))) continue;
      EXPECT_NE(bytes.find("Authorization: AWS4-HMAC-SHA256 Credential=AKID/"), std::string::npos);
      EXPECT_NE(bytes.find("X-Amz-Target: Logs_20140328.PutLogEvents\r\n"), std::string::npos);
      const int turn = hangs_up ? calls_++ % 6 : 0;
      if (turn == 2) return;
      take(bytes.substr(head + 4));
      bytes.clear();
      if (turn == 5) return;
      static constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
      if (::send(client, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) return;
    }
  }
  void take(const std::string& body) {
    const boost::json::value value = boost::json::parse(body);
    const std::scoped_lock lock(mutex_);
    if (!tokens_.emplace(value.at("sequenceToken").as_string()).second) return;
    for (const auto& event : value.at("logEvents").as_array()) lines_.emplace_back(event.at("message").as_string());
  }

  int fd_ = -1, calls_ = 0;
  std::mutex mutex_;
  std::set<std::string> tokens_;
  std::vector<std::string> lines_;
  std::thread thread_;
};

class PosixWorldTest : public testing::Test {
 protected:
  PosixWorldTest() {
    config.files.resize(1);
    FileEntry& entry = config.files[0];
    entry.key = entry.file_path = folder + "/app.log";
    entry.log_group_name = "g";
    entry.log_stream_name = "s";
  }

  void append(const std::string& name, const std::string& bytes) {
    std::ofstream(folder + "/" + name, std::ios::app) << bytes;
  }

  // An agent's life of one step and its end; all that it leaves is on disk.
  void live() {
    Cloud cloud({.address = INADDR_LOOPBACK, .port = service.port}, "eu-west-1", true,
                {"AKID", "secret", "token", Timestamp(std::chrono::hours(24 * 365 * 100))});
    PosixWorld world(folder + "/states", cloud, [&](const std::string& line) { said.push_back(line); });
    Notices notices([&](const std::string& line) { world.say(line); });
    Shipper shipper(config, {}, folder + "/states", world, notices);
    shipper.step();
    shipper.finish();
  }

  env::TemporaryFolder place;
  const std::string& folder = place.path();
  Config config;
  Service service;
  std::vector<std::string> said;
};

TEST_F(PosixWorldTest, EachLineOnceThroughRotationTruncationAndLostAnswers) {
  std::vector<std::string> wanted;
  for (int life = 0; life < 24; ++life) {
    for (int i = 0; i < 50; ++i) {
      wanted.push_back(fmt::format("line {}", wanted.size()));
      append("app.log", wanted.back() + "\n");
    }
    live();
    if (life % 8 == 3) {
      std::filesystem::rename(folder + "/app.log", fmt::format("{}/app.log.{}", folder, life));
    } else if (life % 8 == 6) {
      std::filesystem::copy_file(folder + "/app.log", fmt::format("{}/app.log.{}", folder, life));
      std::filesystem::resize_file(folder + "/app.log", 0);
    }
  }
  service.hangs_up = false;
  live();
  std::vector<std::string> got = service.lines();
  std::ranges::sort(got, {}, [](const std::string& line) { return std::stoi(line.substr(5)); });
  EXPECT_EQ(got, wanted) << fmt::format("{}", fmt::join(said, "\n"));
}

TEST_F(PosixWorldTest, FindsFilesByGlobsAndNothingElse) {
  std::filesystem::create_directories(folder + "/a/b");
  for (const char* name : {"/x.log", "/a/x.log", "/a/b/x.log", "/a/b/x.txt"}) std::ofstream(folder + name) << "x";
  std::filesystem::create_symlink(folder + "/a", folder + "/a/b/circle");
  std::filesystem::create_symlink(folder + "/x.log", folder + "/link.log");
  std::filesystem::create_directory(folder + "/folder.log");
  Cloud cloud({}, "r", true);
  PosixWorld world(folder + "/states", cloud, [](const std::string&) {});
  const auto names = [&](const std::string& pattern) {
    std::vector<std::string> out;
    for (const FoundFile& file : world.find(Glob(folder + pattern))) out.push_back(file.path.substr(folder.size()));
    std::ranges::sort(out);
    return out;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names("/x.log"), Names{"/x.log"});
  EXPECT_EQ(names("/*.log"), (Names{"/link.log", "/x.log"}));
  EXPECT_EQ(names("/*/*.log"), Names{"/a/x.log"});
  EXPECT_EQ(names("/**.log"), (Names{"/a/b/x.log", "/a/x.log", "/link.log", "/x.log"}));
  EXPECT_EQ(names("/none*"), Names{});
  EXPECT_FALSE(world.open(folder + "/a"));
}

TEST_F(PosixWorldTest, StatesAreWrittenWholeAndForgotten) {
  Cloud cloud({}, "r", true);
  PosixWorld world(folder + "/deep/states", cloud, [](const std::string&) {});
  EXPECT_TRUE(world.load_states().empty());
  EXPECT_TRUE(world.save_state("a", "one", true));
  EXPECT_TRUE(world.save_state("a", "two", false));
  EXPECT_TRUE(world.save_state("b", "three", true));
  std::ofstream(folder + "/deep/states/c.new") << "half";
  EXPECT_EQ(world.load_states().size(), 2U);
  EXPECT_FALSE(std::filesystem::exists(folder + "/deep/states/c.new"));
  world.forget_state("b");
  EXPECT_EQ(world.load_states(), std::vector<std::string>{"two"});
}

TEST(Cloud, NobodyThereIsUnreachable) {
  Cloud cloud({.address = INADDR_LOOPBACK, .port = 1}, "r", true,
              {"AKID", "secret", "", Timestamp(std::chrono::hours(24 * 365 * 100))});
  const Answer answer = cloud.call("logs", "X", "application/x-amz-json-1.1", "{}");
  EXPECT_EQ(answer.code, "Unreachable");
  EXPECT_EQ(answer.message, "the API at 127.0.0.1:1 does not answer (Connection refused)");
}

}  // namespace
}  // namespace brume::agent
