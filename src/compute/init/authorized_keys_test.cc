#include "compute/init/authorized_keys.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace brume::init {
namespace {

namespace fs = std::filesystem;

const std::string kKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOne ops";

TEST(AuthorizedKeys, OnlyOnePlainKeyIsTaken) {
  EXPECT_EQ(one_public_key(kKey + "\n"), kKey);
  EXPECT_EQ(one_public_key("ssh-rsa AAAAB3Nza+/=="), "ssh-rsa AAAAB3Nza+/==");
  const std::string bad[] = {"",
                             "ssh-ed25519",
                             "ssh-ed25519 ",
                             "ssh-ed25519 BBBB x",
                             "ssh-ed25519 AAAA;x y",
                             "ssh-dss AAAAB3 x",
                             "command=\"/bin/sh\" ssh-ed25519 AAAA x",
                             " " + kKey,
                             kKey + "\n" + kKey,
                             kKey + "\rssh-rsa AAAA",
                             kKey + std::string("\0x", 2),
                             "ssh-rsa AAAA" + std::string(16 << 10, 'A')};
  for (const std::string& text : bad) EXPECT_FALSE(one_public_key(text)) << text;
}

TEST(AuthorizedKeys, AKeyIsAddedOnce) {
  const std::string other = "ssh-rsa AAAAB3other me";
  EXPECT_EQ(with_key("", kKey), kKey + "\n");
  EXPECT_EQ(with_key(other, kKey), other + "\n" + kKey + "\n");
  EXPECT_EQ(with_key(other + "\n", kKey), other + "\n" + kKey + "\n");
  EXPECT_EQ(with_key(other + "\n" + kKey, kKey), std::nullopt);
  EXPECT_EQ(with_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOne another comment\n", kKey), std::nullopt);
  EXPECT_EQ(with_key("from=\"10.0.0.0/8\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOne\r\n", kKey), std::nullopt);
  // Taken out of use by hand, or part of another: not there.
  EXPECT_TRUE(with_key("#" + kKey + "\n", kKey));
  EXPECT_TRUE(with_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnemore x\n", kKey));
}

class InstallKey : public testing::Test {
 protected:
  InstallKey() {
    char name[] = "/tmp/brume-keys-XXXXXX";
    root = ::mkdtemp(name);
    account = {"me", ::getuid(), ::getgid(), root + "/home", "/bin/sh"};
  }
  ~InstallKey() override { fs::remove_all(root); }
  static std::string read(const std::string& path) {
    std::ifstream in(path);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }
  static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static mode_t mode(const std::string& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }

  std::string root;
  Account account;
};

TEST_F(InstallKey, MakesWhatIsMissingWithTheModesThatSshdAsksFor) {
  EXPECT_EQ(install_key(account, kKey), "");
  EXPECT_EQ(read(account.home + "/.ssh/authorized_keys"), kKey + "\n");
  EXPECT_EQ(mode(account.home), 0755U);
  EXPECT_EQ(mode(account.home + "/.ssh"), 0700U);
  EXPECT_EQ(mode(account.home + "/.ssh/authorized_keys"), 0600U);
  EXPECT_EQ(install_key(account, kKey), "");
  EXPECT_EQ(read(account.home + "/.ssh/authorized_keys"), kKey + "\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(account.home + "/.ssh"), {}), 1);
}

TEST_F(InstallKey, KeepsWhatIsThere) {
  fs::create_directories(account.home + "/.ssh");
  write(account.home + "/.ssh/authorized_keys", "ssh-rsa AAAAB3other me");
  EXPECT_EQ(install_key(account, kKey), "");
  EXPECT_EQ(read(account.home + "/.ssh/authorized_keys"), "ssh-rsa AAAAB3other me\n" + kKey + "\n");
}

TEST_F(InstallKey, OwnershipIsTheAccounts) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  account.uid = account.gid = 12345;
  EXPECT_EQ(install_key(account, kKey), "");
  for (const char* path : {"", "/.ssh", "/.ssh/authorized_keys"}) {
    struct stat info{};
    ASSERT_EQ(::stat((account.home + path).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 12345U) << path;
    EXPECT_EQ(info.st_gid, 12345U) << path;
  }
}

TEST_F(InstallKey, FollowsNoLinkOfTheAccounts) {
  const std::string victim = root + "/victim";
  write(victim, "kept\n");
  fs::create_directories(root + "/elsewhere");
  fs::create_directories(account.home + "/.ssh");
  const std::string file = account.home + "/.ssh/authorized_keys";
  fs::create_symlink(victim, file);
  EXPECT_NE(install_key(account, kKey), "");
  fs::remove(file);
  fs::create_hard_link(victim, file);
  EXPECT_NE(install_key(account, kKey), "");
  fs::remove(file);
  fs::create_symlink(victim, account.home + "/.ssh/.authorized_keys.brume");  // where the draft goes
  EXPECT_EQ(install_key(account, kKey), "");
  fs::remove_all(account.home + "/.ssh");
  fs::create_directory_symlink(root + "/elsewhere", account.home + "/.ssh");
  EXPECT_NE(install_key(account, kKey), "");
  EXPECT_EQ(read(victim), "kept\n");
  EXPECT_TRUE(fs::is_empty(root + "/elsewhere"));
}

TEST_F(InstallKey, SaysWhatIsInTheWay) {
  write(account.home, "a file");
  EXPECT_EQ(install_key(account, kKey), "cannot use " + account.home + ": Not a directory");
}

}  // namespace
}  // namespace brume::init
