// Access logs: what the proxy writes of its requests, and the files in which that waits.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "env/temporary_folder.h"
#include "lb/proxy_fixture.h"

namespace brume::lb {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> files_in(const std::string& folder) {
  std::vector<fs::path> found;
  if (fs::exists(folder))
    for (const auto& entry : fs::directory_iterator(folder)) found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

std::string all_of(const std::string& folder) {
  std::string text;
  for (const auto& file : files_in(folder)) text += contents(file);
  return text;
}

class Logged : public Proxy {
 protected:
  void log() { balancer().access_log = AccessLog{folder_, "app/web/1234"}; }
  // Ends the server, and with it whatever was still on its way to the files.
  std::vector<std::string> lines() {
    loop_.post([this] { server_.reset(); });
    loop_.post([this] { loop_.stop(); });
    control_.join();
    std::vector<std::string> found;
    std::istringstream text(all_of(folder_));
    for (std::string line; std::getline(text, line);) found.push_back(line);
    return found;
  }

  env::TemporaryFolder root_;
  std::string folder_ = root_.path() + "/logs/web";
};

void expect_match(const std::string& line, const std::string& pattern) {
  EXPECT_TRUE(std::regex_match(line, std::regex(pattern))) << line << "\nis not\n" << pattern;
}

constexpr const char* kStart = R"(http [0-9-]{10}T[0-9:]{8}\.\d{6}Z app/web/1234 127\.0\.0\.1:\d+ )";

TEST_F(Logged, ALineForEachRequest) {
  Backend backend(answers("hello"));
  start({.threads = 1});
  add_target(backend.port());
  log();
  balancer().listeners[0].rules = {
      {.id = "r",
       .priority = 7,
       .conditions = {{.field = "path-pattern", .values = {"/fixed"}}},
       .action = {.fixed_response = FixedResponse{.status = 418, .body = "tea"}}},
      {.id = "r2",
       .priority = 8,
       .conditions = {{.field = "path-pattern", .values = {"/moved"}}},
       .action = {.redirect = Redirect{"#{protocol}", "#{host}", "#{port}", "/there", "", 301}}}};
  apply();
  {
    Peer client = Peer::connect(port_);
    client.send("GET /a\x01 HTTP/1.1\r\nHost: h\r\nUser-Agent: me/1\r\n\r\n");
    EXPECT_EQ(status_of(client.read_response()), "400");
  }
  Peer client = Peer::connect(port_);
  client.send(
      "POST /a?b=c HTTP/1.1\r\nHost: h:99\r\nUser-Agent: me \"1\"\r\nContent-Length: 3\r\n"
      "X-Amzn-Trace-Id: Root=1-2-3\r\n\r\nabc");
  EXPECT_EQ(status_of(client.read_response()), "200");
  EXPECT_EQ(status_of(get(client, "/fixed")), "418");
  EXPECT_EQ(status_of(get(client, "/moved")), "301");
  client.close();

  const auto found = lines();
  ASSERT_EQ(found.size(), 4U);
  const std::string start = kStart, port = std::to_string(port_),
                    target = "127\\.0\\.0\\.1:" + std::to_string(backend.port());
  expect_match(
      found[0],
      start +
          R"(- -1 -1 -1 400 - \d+ \d+ "- - -" "-" - - - "-" "-" "-" - \S+Z "-" "-" "-" "-" "-" "-" "-" TID_[0-9a-f]{32} "-" "-" "-")");
  expect_match(
      found[1],
      start + target + R"( 0\.\d{3} 0\.\d{3} 0\.000 200 200 \d+ \d+ "POST http://h:)" + port +
          R"(/a\?b=c HTTP/1\.1" "me \\x221\\x22" - - group "Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-2-3" "-" "-" 0 \S+Z "forward" "-" "-" ")" +
          target + R"(" "200" "-" "-" TID_[0-9a-f]{32} "-" "-" "-")");
  expect_match(
      found[2],
      start + R"(- -1 -1 -1 418 - \d+ \d+ "GET http://h:)" + port +
          R"(/fixed HTTP/1\.1" "-" - - - "Root=1-[0-9a-f]{8}-[0-9a-f]{24}" "-" "-" 7 \S+Z "fixed-response" .*)");
  expect_match(found[3], start + R"(- -1 -1 -1 301 - .* 8 \S+Z "redirect" "http://h:)" + port + R"(/there" .*)");
  // One connection, one id; and what was received and sent is whole messages.
  EXPECT_EQ(found[1].substr(found[1].find("TID_")), found[2].substr(found[2].find("TID_")));
  std::smatch sizes;
  ASSERT_TRUE(std::regex_search(found[1], sizes, std::regex("200 200 (\\d+) (\\d+) ")));
  EXPECT_EQ(sizes[1], std::to_string(std::string("POST /a?b=c HTTP/1.1\r\nHost: h:99\r\nUser-Agent: me \"1\"\r\n"
                                                 "Content-Length: 3\r\nX-Amzn-Trace-Id: Root=1-2-3\r\n\r\nabc")
                                         .size()));
}

TEST_F(Logged, WhatHadNoAnswerIsToldToo) {
  std::promise<void> arrived;
  Backend silent([&](Peer& peer) {
    peer.read_head();
    arrived.set_value();
    peer.at_end();
  });
  start({.threads = 1});
  add_target(silent.port());
  log();
  apply();
  Peer client = Peer::connect(port_);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  arrived.get_future().wait();
  client.reset();
  ASSERT_TRUE(wait([](const Stats& now) { return now.load_balancers[0].active_connections == 0; }));
  group().targets.clear();
  apply();
  EXPECT_EQ(status_of(get()), "503");
  const auto found = lines();
  ASSERT_EQ(found.size(), 2U);
  expect_match(found[0], kStart + ("127\\.0\\.0\\.1:" + std::to_string(silent.port())) +
                             R"( 0\.\d{3} -1 -1 460 - .*"forward".*)");
  expect_match(found[1], kStart + std::string(R"(- -1 -1 -1 503 - .* group ".*"forward".*)"));
}

TEST_F(Logged, NoneWhenOff) {
  Backend backend(answers("hello"));
  start({.threads = 1});
  add_target(backend.port());
  log();
  apply();
  Peer client = Peer::connect(port_);
  get(client);
  balancer().access_log.reset();
  apply();
  for (int i = 0; i < 10; ++i) get(client);
  log();
  apply();
  get(client);
  EXPECT_EQ(lines().size(), 2U);
}

class Spool : public ::testing::Test {
 protected:
  [[nodiscard]] std::shared_ptr<AccessPlace> place() const {
    return std::make_shared<AccessPlace>(root_.path() + "/a/b", "app/a/b");
  }
  env::TemporaryFolder root_;
};

TEST_F(Spool, IsBoundedAndCountsWhatItDrops) {
  const auto to = place();
  {
    AccessSpool spool({.folder_bytes = 1000, .file_bytes = 300});
    for (int i = 0; i < 30; ++i) spool.write(to, std::string(99, 'x') + "\n");
  }
  EXPECT_EQ(all_of(to->folder).size(), 1000U);
  EXPECT_EQ(to->dropped, 20);
  for (const auto& file : files_in(to->folder)) {
    EXPECT_EQ(file.extension(), ".log");
    EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_LE(fs::file_size(file), 300U);
  }
  EXPECT_EQ(fs::status(to->folder).permissions(), fs::perms::owner_all);
  // Room again once somebody has taken a file.
  fs::remove(files_in(to->folder).front());
  {
    AccessSpool spool({.folder_bytes = 1000, .file_bytes = 300});
    spool.write(to, "new\n");
  }
  EXPECT_TRUE(all_of(to->folder).ends_with("new\n"));
  EXPECT_EQ(to->dropped, 20);
}

TEST_F(Spool, WhatWaitsInMemoryIsBounded) {
  const auto to = place();
  AccessSpool spool({.waiting_bytes = 10});
  spool.write(to, "line 1\nline 2\n");
  EXPECT_EQ(to->dropped, 2);
}

TEST_F(Spool, APlaceThatCannotBeWrittenDrops) {
  const auto to = std::make_shared<AccessPlace>("/proc/nothing/here", "app/a/b");
  {
    AccessSpool spool;
    spool.write(to, "line\n");
  }
  EXPECT_EQ(to->dropped, 1);
}

// A process that was killed leaves an open file: the next one hands it over, and writes after it.
TEST_F(Spool, GoesOnAfterAKill) {
  const auto to = place();
  fs::create_directories(to->folder);
  std::ofstream(to->folder + "/09000000000000000000.open") << "left\n";
  {
    AccessSpool spool;
    spool.write(to, "");
    spool.write(to, "new\n");
  }
  const auto files = files_in(to->folder);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].filename(), "09000000000000000000.log");
  EXPECT_EQ(files[1].filename(), "09000000000000000001.log") << "also where the clock was set back";
  EXPECT_EQ(contents(files[1]), "new\n");
}

}  // namespace
}  // namespace brume::lb
