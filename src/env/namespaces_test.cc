#include "env/namespaces.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace brume::env {
namespace {

// Which network namespace the calling thread is in.
ino_t own_namespace() {
  struct stat info{};
  ::stat("/proc/thread-self/ns/net", &info);
  return info.st_ino;
}

class NamespacesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    char folder[] = "/tmp/brume-env-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    path_ = (folder_ = folder) + "/one";
  }
  void TearDown() override {
    if (folder_.empty()) return;
    EXPECT_TRUE(remove_network_namespace(path_));
    EXPECT_EQ(::rmdir(folder_.c_str()), 0);
  }
  std::string folder_, path_;
};

TEST_F(NamespacesTest, IsMadeOnceAndRemovedOnce) {
  EXPECT_FALSE(network_namespace_exists(path_));
  EXPECT_EQ(make_network_namespace(path_), true);
  EXPECT_EQ(make_network_namespace(path_), false);
  EXPECT_TRUE(network_namespace_exists(path_));
  EXPECT_TRUE(remove_network_namespace(path_));
  EXPECT_TRUE(remove_network_namespace(path_));
  EXPECT_FALSE(network_namespace_exists(path_));
}

TEST_F(NamespacesTest, OnlyTheThreadApartMoves) {
  ASSERT_TRUE(make_network_namespace(path_));
  const ino_t here = own_namespace();
  ino_t there = here;
  std::string forwarding;
  EXPECT_TRUE(apart([&]() -> Result<void> {
    BRUME_CHECK(enter_network_namespace(path_));
    there = own_namespace();
    BRUME_CHECK(write_sysctl("ipv4/ip_forward", "1"));
    std::ifstream("/proc/sys/net/ipv4/ip_forward") >> forwarding;
    return {};
  }));
  EXPECT_NE(there, here);
  EXPECT_EQ(forwarding, "1");
  EXPECT_EQ(own_namespace(), here);
}

TEST_F(NamespacesTest, AnInterruptedMakeIsTakenUpAgain) {
  std::ofstream(path_).close();
  EXPECT_FALSE(network_namespace_exists(path_));
  EXPECT_FALSE(apart([&] { return enter_network_namespace(path_); }));
  EXPECT_EQ(make_network_namespace(path_), true);
}

TEST_F(NamespacesTest, IsPreparedBeforeItIsThere) {
  EXPECT_FALSE(make_network_namespace(path_, []() -> Result<void> { return fail("Some.Code", "a reason"); }));
  EXPECT_FALSE(network_namespace_exists(path_));
  EXPECT_EQ(make_network_namespace(path_,
                                   [&]() -> Result<void> {
                                     EXPECT_FALSE(network_namespace_exists(path_));
                                     return write_sysctl("ipv4/ip_forward", "1");
                                   }),
            true);
  EXPECT_TRUE(apart([&]() -> Result<void> {
    BRUME_CHECK(enter_network_namespace(path_));
    std::string forwarding;
    std::ifstream("/proc/sys/net/ipv4/ip_forward") >> forwarding;
    EXPECT_EQ(forwarding, "1");
    return {};
  }));
}

TEST_F(NamespacesTest, PassesFailuresOn) {
  const auto result = apart([]() -> Result<void> { return fail("Some.Code", "a reason"); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, "Some.Code");
  EXPECT_FALSE(make_network_namespace(folder_ + "/missing/one"));
}

}  // namespace
}  // namespace brume::env
