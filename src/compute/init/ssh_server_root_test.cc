// brume-init's SSH part inside a real instance, with programs that only say that they were called.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "compute/machine_fixture.h"

namespace brume::compute {
namespace {

namespace fs = std::filesystem;
using testing::Machine;

constexpr const char* kKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOne ops";

std::string read(const std::string& path) {
  std::ifstream in(path);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

class InitSsh : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = testing::cannot_run_instances(); !reason.empty()) GTEST_SKIP() << reason;
    machine = std::make_unique<Machine>();
    machine->set_public_key(kKey);
    image = machine->root + "/ssh-image";
    fs::copy(machine->root + "/image", image, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    put("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nadmin:x:1000:1000::/home/admin:/bin/sh\n");
    fs::create_directories(image + "/home");
  }
  void put(const std::string& path, const std::string& text, bool program = false) {
    fs::create_directories(fs::path(image + path).parent_path());
    std::ofstream(image + path) << text;
    if (program) fs::permissions(image + path, fs::perms::owner_all);
  }
  void start() {
    if (!machine->images->exists("ami-ssh")) {
      ASSERT_TRUE(machine->images->import("ami-ssh", image));
    }
    InstanceSpec spec = machine->spec("i-1");
    spec.image_id = "ami-ssh";
    const auto started = machine->wait([&](Done done) { driver->start(spec, std::move(done)); });
    ASSERT_TRUE(started) << started.error().message;
  }
  void stop() {
    ASSERT_TRUE(machine->wait([&](Done done) { driver->stop("i-1", std::chrono::seconds(15), std::move(done)); }));
  }
  std::string console() { return driver->console("i-1").value_or(""); }
  void prints(const std::string& text, std::size_t times = 1) {
    const auto count = [&] {
      std::size_t n = 0;
      const std::string all = console();
      for (std::size_t at = 0; (at = all.find(text, at)) != std::string::npos; at += text.size()) ++n;
      return n;
    };
    EXPECT_TRUE(machine->run_until([&] { return count() >= times; })) << "no '" << text << "' in: " << console();
  }
  [[nodiscard]] std::string disk(const std::string& path) const {
    return machine->paths.state_dir + "/instances/i-1/upper" + path;
  }

  std::unique_ptr<Machine> machine;
  std::unique_ptr<OciDriver> driver;
  std::string image;
  void make_driver() {
    driver = std::make_unique<OciDriver>(machine->real.env(), machine->paths, machine->settings, *machine->images);
  }
};

TEST_F(InitSsh, TheKeyIsSetUpOnceAlsoWithoutAServer) {
  make_driver();
  start();
  prints("admin may log in with the instance's key pair\n");
  const std::string file = disk("/home/admin/.ssh/authorized_keys");
  EXPECT_EQ(read(file), std::string(kKey) + "\n");
  stop();
  std::ofstream(file) << "";  // taken out by its owner
  machine->set_user_data("#!/bin/sh\necho second boot\n");
  start();
  prints("second boot\n");
  EXPECT_EQ(console().find("sshd"), std::string::npos);
  stop();
  EXPECT_EQ(read(file), "");
}

TEST_F(InitSsh, TheServerRunsWithHostKeysOfTheInstancesOwnAndRunsAgainWhenItEnds) {
  put("/etc/ssh/ssh_host_rsa_key", "the image's");
  put("/etc/ssh/ssh_host_rsa_key.pub", "the image's");
  put("/usr/sbin/sshd", "#!/bin/sh\necho sshd called with $*\ntest -e /once && exec sleep 1000\n: > /once\nexit 3\n",
      true);
  put("/usr/bin/ssh-keygen",
      "#!/bin/sh\nif test \"$1\" = -A; then\ntest -e /etc/ssh/ssh_host_rsa_key || echo keys are made\n"
      ": > /etc/ssh/ssh_host_rsa_key\necho own > /etc/ssh/ssh_host_rsa_key.pub\n"
      "else echo 256 SHA256:abc \"$3\"; fi\n",
      true);
  make_driver();
  start();
  prints("keys are made\n");
  prints(
      "-----BEGIN SSH HOST KEY FINGERPRINTS-----\n256 SHA256:abc /etc/ssh/ssh_host_rsa_key.pub\n"
      "-----END SSH HOST KEY FINGERPRINTS-----\n-----BEGIN SSH HOST KEY KEYS-----\nown\n");
  prints("sshd called with -D -e\n");
  prints("/usr/sbin/sshd ended with status 3\n");
  prints("sshd called with -D -e\n", 2);
  stop();
  start();
  prints("sshd called with -D -e\n", 3);
  stop();
  EXPECT_EQ(console().find("keys are made\n"), console().rfind("keys are made\n"));  // once an instance
}

TEST_F(InitSsh, TheServerIsLeftToWhoeverServesThePort) {
  // busybox's nc is up before the preparation is through, which waits for it.
  put("/etc/rc.local", "#!/bin/sh\nexec /bin/busybox nc -l -p 22\n", true);
  put("/usr/bin/ssh-keygen", "#!/bin/sh\nuntil grep -q :0016 /proc/net/tcp /proc/net/tcp6; do :; done\n", true);
  put("/usr/sbin/sshd", "#!/bin/sh\necho not called\n", true);
  fs::create_symlink("busybox", image + "/bin/grep");
  make_driver();
  start();
  prints("port 22 is served already; /usr/sbin/sshd is left to whoever does\n");
  stop();
  EXPECT_EQ(console().find("not called"), std::string::npos);
}

}  // namespace
}  // namespace brume::compute
