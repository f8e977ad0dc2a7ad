#include "compute/isolation_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace brume::compute {
namespace {

namespace fs = std::filesystem;

std::string mounts() {
  std::ifstream in("/proc/self/mountinfo");
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

TEST(IsolationCheck, TriesAndLeavesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  if (const auto able = can_isolate("/tmp"); !able) GTEST_SKIP() << able.error().message;
  EXPECT_EQ(mounts().find("/sys/image"), std::string::npos);
  EXPECT_TRUE(fs::exists("/sys/kernel"));
  // A file system that cannot map.
  const auto unable = can_isolate("/proc");
  ASSERT_FALSE(unable);
  EXPECT_NE(unable.error().message.find("keep Brume's state on ext4"), std::string::npos) << unable.error().message;
  EXPECT_NE(can_isolate("/nowhere").error().message.find("/nowhere"), std::string::npos);
}

TEST(IsolationCheck, AFolderIsPassedIfAllAboveItAre) {
  char name[] = "/tmp/brume-passed-XXXXXX";
  const std::string root = ::mkdtemp(name);
  fs::create_directories(root + "/a/b");
  const struct {
    int root, a, b;
    const char* closed;  // relative to the root; null: none
  } cases[] = {
      {0711, 0711, 0711, nullptr}, {0755, 0755, 0755, nullptr}, {0711, 0711, 0710, "/a/b"},
      {0711, 0700, 0711, "/a"},    {0770, 0777, 0777, ""},      {0744, 0711, 0711, ""},
  };
  for (const auto& c : cases) {
    ASSERT_EQ(::chmod((root).c_str(), mode_t(c.root)), 0);
    ASSERT_EQ(::chmod((root + "/a").c_str(), mode_t(c.a)), 0);
    ASSERT_EQ(::chmod((root + "/a/b").c_str(), mode_t(c.b)), 0);
    const auto passed = can_be_passed(root + "/a/b");
    ASSERT_EQ(passed.has_value(), c.closed == nullptr) << std::oct << c.root << " " << c.a << " " << c.b;
    if (!c.closed) continue;
    EXPECT_NE(passed.error().message.find(": " + root + c.closed + " is closed to others"), std::string::npos)
        << passed.error().message;
  }
  ASSERT_EQ(::chmod((root).c_str(), mode_t(0700)), 0);
  fs::remove_all(root);
}

}  // namespace
}  // namespace brume::compute
