#include "compute/cgroup.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "compute/mountinfo.h"

namespace brume::compute {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kV2 =
    "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
constexpr std::string_view kV1 =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "36 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
constexpr std::string_view kHybrid =
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw shared:9 master:1 - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "50 31 0:38 / /elsewhere rw - cgroup2 cgroup2 rw\n";

TEST(Cgroups, HierarchiesOfEveryLayout) {
  using Paths = std::vector<std::string>;
  EXPECT_EQ(cgroup_hierarchies(kV2), Paths{"/sys/fs/cgroup"});
  EXPECT_EQ(cgroup_hierarchies(kV1), (Paths{"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory"}));
  EXPECT_EQ(cgroup_hierarchies(kHybrid),
            (Paths{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"}));
  EXPECT_TRUE(cgroup_hierarchies("").empty());
  EXPECT_TRUE(cgroup_hierarchies("31 - cgroup2\n - \n1 2 3\n").empty());
}

TEST(Mountinfo, NamesWithSpacesAreReadable) {
  const auto mounts = parse_mountinfo("1 2 0:1 / /a\\040b\\134c rw - overlay brume rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].point, "/a b\\c");
  EXPECT_EQ(mounts[0].type, "overlay");
}

TEST(Cgroups, FindsAndRemovesAnInstanceInEveryHierarchyAndZone) {
  char name[] = "/tmp/brume-cgroup-XXXXXX";
  const std::string top = ::mkdtemp(name);
  for (const char* folder :
       {"/cpu/brume/a/i-1", "/memory/brume/a/i-1/nested", "/memory/brume/b/i-2", "/unified/other/a/i-3"})
    fs::create_directories(top + folder);
  const Cgroups cgroups("brume", {top + "/cpu", top + "/memory", top + "/unified", top + "/none"});
  EXPECT_EQ(cgroups.path("a", "i-1"), "/brume/a/i-1");
  EXPECT_EQ(cgroups.instances(), (std::vector<std::string>{"i-1", "i-2"}));
  EXPECT_EQ(cgroups.folders("i-1"), (std::vector<std::string>{top + "/cpu/brume/a/i-1", top + "/memory/brume/a/i-1"}));
  EXPECT_TRUE(cgroups.remove("i-1"));
  EXPECT_TRUE(cgroups.remove("i-1"));
  EXPECT_EQ(cgroups.instances(), std::vector<std::string>{"i-2"});
  EXPECT_TRUE(cgroups.remove("i-2"));
  cgroups.remove_root();
  EXPECT_FALSE(fs::exists(top + "/cpu/brume"));
  EXPECT_TRUE(fs::exists(top + "/unified/other/a/i-3"));
  fs::remove_all(top);
}

}  // namespace
}  // namespace brume::compute
