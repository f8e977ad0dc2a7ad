#include "services/common/log_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "env/posix_files.h"
#include "env/sim.h"

namespace brume::services {
namespace {

std::vector<LogEvent> events(std::initializer_list<const char*> messages) {
  std::vector<LogEvent> made;
  for (const char* message : messages) made.push_back({Timestamp(), message});
  return made;
}

class LogFilesTest : public testing::Test {
 protected:
  std::string content(const std::string& path) { return sim.files.read(path).value_or("nothing"); }
  env::SimEnv sim;
};

TEST_F(LogFilesTest, OneLineAnEvent) {
  LogFiles logs(sim.files, "/logs");
  ASSERT_TRUE(logs.append("flows", "eni-1-all", events({"a", "b\nc"}), false));
  ASSERT_TRUE(logs.append("flows", "eni-1-all", events({}), false));
  ASSERT_TRUE(logs.append("flows", "eni-1-all", events({"d"}), false));
  EXPECT_EQ(content("/logs/flows/eni-1-all.log"), "a\nb c\nd\n");
}

TEST_F(LogFilesTest, NamesStayWithinTheFolder) {
  const LogFiles logs(sim.files, "/logs");
  struct Case {
    std::string group, path;
  };
  const Case cases[] = {
      {"/aws/vpc/flow", "/logs/%2Faws%2Fvpc%2Fflow/s.log"},
      {"..", "/logs/%2E%2E/s.log"},
      {".", "/logs/%2E/s.log"},
      {"a.log", "/logs/a%2Elog/s.log"},
      {"a#b", "/logs/a%23b/s.log"},
      {"+a", "/logs/%2Ba/s.log"},
      {std::string(512, 'g'),
       "/logs/" + std::string(200, 'g') + "/+" + std::string(200, 'g') + "/+" + std::string(112, 'g') + "/s.log"},
  };
  for (const Case& c : cases) EXPECT_EQ(logs.path(c.group, "s"), c.path);
  EXPECT_EQ(logs.path("g", "../s"), "/logs/g/%2E%2E%2Fs.log");
}

TEST_F(LogFilesTest, AnAppendThatMayHaveHappenedHappensOnce) {
  LogFiles logs(sim.files, "/logs");
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(logs.append("g", "s", events({"a", "b"}), true));
  EXPECT_EQ(content("/logs/g/s.log"), "a\nb\n");
  ASSERT_TRUE(logs.append("g", "s", events({"a", "b"}), false));
  EXPECT_EQ(content("/logs/g/s.log"), "a\nb\na\nb\n") << "the same lines, but new ones";
  ASSERT_TRUE(logs.append("g", "s", events({"b"}), false));
  ASSERT_TRUE(logs.append("g", "s", events({"a", "b"}), true));
  EXPECT_EQ(content("/logs/g/s.log"), "a\nb\na\nb\nb\na\nb\n");
}

TEST_F(LogFilesTest, AFullFileMakesRoom) {
  LogFiles logs(sim.files, "/logs", {.file = 6, .total = 100});
  for (const char* line : {"a", "b", "c", "d", "e", "f", "g"})
    ASSERT_TRUE(logs.append("g", "s", events({line}), false));
  EXPECT_EQ(content("/logs/g/s.log"), "g\n");
  EXPECT_EQ(content("/logs/g/s.log.1"), "d\ne\nf\n");
  ASSERT_TRUE(logs.append("g", "t", events({"more than a file holds"}), false));
  EXPECT_EQ(content("/logs/g/t.log"), "more than a file holds\n");
}

TEST_F(LogFilesTest, AllTogetherAreBoundedAndTheOldestGo) {
  LogFiles logs(sim.files, "/logs", {.file = 6, .total = 8});
  for (const char* stream : {"s1", "s2", "s3", "s4"}) {
    ASSERT_TRUE(logs.append(std::string(300, 'g'), stream, events({"a"}), false));
    sim.loop.run_for(std::chrono::seconds(1));
  }
  ASSERT_TRUE(logs.append(std::string(300, 'g'), "s1", events({"b"}), false));
  sim.loop.run_for(std::chrono::seconds(1));
  ASSERT_TRUE(logs.append("h", "s5", events({"a"}), false));
  EXPECT_FALSE(sim.files.exists(logs.path(std::string(300, 'g'), "s2")));
  EXPECT_TRUE(sim.files.exists(logs.path(std::string(300, 'g'), "s1")));
  EXPECT_TRUE(sim.files.exists(logs.path(std::string(300, 'g'), "s4")));
  EXPECT_TRUE(sim.files.exists(logs.path("h", "s5")));
}

TEST_F(LogFilesTest, AFullDiskLeavesTheFileAsItWas) {
  LogFiles logs(sim.files, "/logs");
  ASSERT_TRUE(logs.append("g", "s", events({"a"}), false));
  sim.files.full = true;
  EXPECT_EQ(logs.append("g", "s", events({"b"}), false).error().code, "InsufficientStorage");
  sim.files.full = false;
  ASSERT_TRUE(logs.append("g", "s", events({"b"}), true));
  EXPECT_EQ(content("/logs/g/s.log"), "a\nb\n");
}

TEST(LogFilesOnDisk, AreTheirOwnersOnly) {
  char folder[] = "/tmp/brume-logs.XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  env::PosixFiles files;
  LogFiles logs(files, std::string(folder) + "/logs", {.file = 4, .total = 100});
  for (const char* line : {"a", "b", "c"}) ASSERT_TRUE(logs.append("/g", "s", events({line}), false));
  struct stat info;
  ASSERT_EQ(::stat(logs.path("/g", "s").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(files.read(logs.path("/g", "s")).value_or(""), "c\n");
  EXPECT_EQ(files.read(logs.path("/g", "s") + ".1").value_or(""), "a\nb\n");
  EXPECT_TRUE(files.remove_all(folder));
}

}  // namespace
}  // namespace brume::services
