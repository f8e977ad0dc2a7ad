#include "compute/overlay_disk.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "env/posix_files.h"

namespace brume::compute {
namespace {

namespace fs = std::filesystem;

// Owners are given, so root is needed; everything lies in a folder of the test's own.
struct OverlayDisksTest : ::testing::Test {
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char name[] = "/tmp/brume-disks-XXXXXX";
    root = ::mkdtemp(name);
  }
  void TearDown() override {
    if (!root.empty()) fs::remove_all(root);
  }
  [[nodiscard]] struct stat look(const std::string& path) const {
    struct stat info{};
    EXPECT_EQ(::lstat((root + path).c_str(), &info), 0) << path;
    return info;
  }

  env::PosixFiles files;
  std::string root;
};

TEST_F(OverlayDisksTest, ADiskHasIdsOfItsOwnAsLongAsItIsThere) {
  OverlayDisks disks(files, root);
  const mode_t before = ::umask(0077);
  ASSERT_TRUE(disks.make("i-1", {"ip-10-0-0-5", "10.0.0.5", "10.0.0.2"}));
  ::umask(before);
  const IdRange range = disks.ids("i-1").value();
  const struct {
    const char* path;
    mode_t mode;
  } cases[] = {{"", S_IFDIR | 0755},
               {"/etc", S_IFDIR | 0755},
               {"/etc/hostname", S_IFREG | 0644},
               {"/etc/hosts", S_IFREG | 0644},
               {"/etc/resolv.conf", S_IFREG | 0644}};
  for (const auto& c : cases) {
    const struct stat info = look(std::string("/i-1/upper") + c.path);
    EXPECT_EQ(info.st_mode, c.mode) << c.path;
    EXPECT_EQ(info.st_uid, range.first) << c.path;
    EXPECT_EQ(info.st_gid, range.first) << c.path;
  }
  // Another object, as after a restart; and what the instance's root may have made of its `/`.
  EXPECT_EQ(OverlayDisks(files, root).ids("i-1").value(), range);
  ASSERT_EQ(::chown((root + "/i-1/upper").c_str(), range.first + 1000, range.first), 0);
  EXPECT_EQ(disks.ids("i-1").value(), range);
  ASSERT_TRUE(disks.make("i-1", {}));
  EXPECT_EQ(disks.ids("i-1").value(), range);
}

TEST_F(OverlayDisksTest, NoRangeIsGivenTwice) {
  OverlayDisks disks(files, root);
  // Where the search for i-2 begins is taken, by a disk, one that is being made or one that is being removed.
  for (const char* taker : {"i-a/upper", "i-b/upper.new", "i-c.removed/upper"}) {
    const IdRange first = *choose_range("i-2", {});
    fs::create_directories(root + "/" + taker);
    ASSERT_EQ(::chown((root + "/" + taker).c_str(), first.first + 7, 0), 0);
    ASSERT_TRUE(disks.make("i-2", {}));
    EXPECT_EQ(disks.ids("i-2").value().first, first.first + IdRange::kSize) << taker;
    ASSERT_TRUE(disks.remove("i-2"));
    fs::remove_all(root + "/" + std::string(taker).substr(0, 3));
    fs::remove_all(root + "/i-c.removed");
    ASSERT_TRUE(disks.make("i-2", {}));
    EXPECT_EQ(disks.ids("i-2").value(), first) << taker;
    ASSERT_TRUE(disks.remove("i-2"));
  }
}

TEST_F(OverlayDisksTest, ADiskWithoutIdsOrWithoutAnOwnerIsToldApart) {
  OverlayDisks disks(files, root);
  fs::create_directories(root + "/i-old/upper");
  EXPECT_NE(disks.ids("i-old").error().message.find("i-old was made by a Brume"), std::string::npos);
  EXPECT_NE(disks.ids("i-none").error().message.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace brume::compute
