#include "compute/init/accounts.h"

#include <gtest/gtest.h>

namespace brume::init {
namespace {

TEST(Accounts, AreFoundByNameAndByNumber) {
  const char* passwd =
      "# accounts\nroot:x:0:0:root:/root:/bin/bash\nbroken:x:1\nnohome:x:7:7:::/bin/sh\n"
      "big:x:4294967295:1::/big:\nneg:x:-1:1::/neg:\n1000:x:5:5::/named-by-digits:\nweb:x:1000:1001:Web,,,:/srv/web:";
  EXPECT_EQ(find_account(passwd, "root"), (Account{"root", 0, 0, "/root", "/bin/bash"}));
  EXPECT_EQ(find_account(passwd, "0")->name, "root");
  EXPECT_EQ(find_account(passwd, "web"), (Account{"web", 1000, 1001, "/srv/web", ""}));
  EXPECT_EQ(find_account(passwd, "1000")->home, "/named-by-digits");  // a name comes before a number
  for (const char* none : {"", "broken", "nohome", "big", "neg", "nobody", "1", "4294967295", "-1", "0x0", "root:x"})
    EXPECT_FALSE(find_account(passwd, none)) << none;
}

TEST(Accounts, AKeyPairIsForTheImagesDefaultUser) {
  const std::string root = "root:x:0:0:root:/root:/bin/sh\n";
  const auto user = [](const std::string& name) { return name + ":x:1000:1000::/home/" + name + ":/bin/sh\n"; };
  EXPECT_EQ(login_account(root + user("debian") + user("ubuntu") + user("admin") + user("ec2-user")).name, "ec2-user");
  EXPECT_EQ(login_account(root + user("debian") + user("ubuntu") + user("admin")).name, "admin");
  EXPECT_EQ(login_account(root + user("debian") + user("ubuntu")).name, "ubuntu");
  EXPECT_EQ(login_account(root + user("debian")).name, "debian");
  EXPECT_EQ(login_account(root + user("web")).name, "root");
  EXPECT_EQ(login_account("root:x:0:0::/var/root:/bin/sh").home, "/var/root");
  EXPECT_EQ(login_account(""), (Account{"root", 0, 0, "/root", "/bin/sh"}));
}

TEST(Accounts, GroupsAreThoseThatListTheAccount) {
  const char* group = "root:x:0:\nadm:x:4:syslog,web\nwebs:x:5:webs\nsudo:x:27:web\nbad:x:x:web\nshort:x:9\n";
  EXPECT_EQ(groups_of(group, "web"), (std::vector<gid_t>{4, 27}));
  EXPECT_EQ(groups_of(group, "root"), std::vector<gid_t>{});
  std::string many;
  for (int i = 0; i < 100; ++i) many += "g" + std::to_string(i) + ":x:" + std::to_string(i) + ":web\n";
  EXPECT_EQ(groups_of(many, "web").size(), 64U);
}

}  // namespace
}  // namespace brume::init
