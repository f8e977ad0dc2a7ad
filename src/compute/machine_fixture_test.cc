#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include "compute/isolation_check.h"
#include "compute/machine_fixture.h"
#include "compute/process_end.h"
#include "env/namespaces.h"

namespace brume::compute::testing {
namespace {

namespace fs = std::filesystem;

bool in_path(const std::string& program) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"})
    if (::access((folder + program).c_str(), X_OK) == 0) return true;
  return false;
}

}  // namespace

std::string cannot_run_instances() {
  if (::geteuid() != 0) return "needs root";
  for (const char* program : {"runc", "conmon"})
    if (!in_path(program)) return std::string("needs ") + program;
  if (::access("/bin/busybox", X_OK) != 0) return "needs busybox-static";
  if (const auto able = can_isolate("/tmp"); !able) return able.error().message;
  return "";
}

Machine::Machine() {
  char name[] = "/tmp/brume-compute-XXXXXX";
  root = ::mkdtemp(name);
  EXPECT_EQ(::chmod(root.c_str(), 0711), 0);  // an instance's root has to get through
  paths = {root + "/state", root + "/run"};
  settings.cgroup_root = "brume-test-" + root.substr(root.rfind('-') + 1);
  settings.init_path = BRUME_INIT;
  const std::string image = root + "/image";
  for (const char* folder : {"/bin", "/etc", "/proc", "/sys", "/dev", "/run", "/tmp"})
    fs::create_directories(image + folder);
  fs::copy_file("/bin/busybox", image + "/bin/busybox");
  for (const char* applet : {"sh", "cat", "echo", "sleep", "wc", "id", "mount", "trap"})
    fs::create_symlink("busybox", image + "/bin/" + applet);
  std::ofstream(image + "/etc/rc.local") << "#!/bin/sh\necho boot >> /boots\necho boots: $(wc -l < /boots)\n";
  fs::permissions(image + "/etc/rc.local", fs::perms::owner_all);
  images = std::make_unique<ImagesOnDisk>(real.env().files, real.env().processes, paths.state_dir);
  EXPECT_TRUE(images->import("ami-busybox", image));
  make_namespace();
}

Machine::Machine(const std::string& existing) : root(existing), owner_(false) {
  paths = {root + "/state", root + "/run"};
  settings.cgroup_root = "brume-test-" + root.substr(root.rfind('-') + 1);
  settings.init_path = BRUME_INIT;
  images = std::make_unique<ImagesOnDisk>(real.env().files, real.env().processes, paths.state_dir);
}

Machine::~Machine() {
  if (!owner_) return;
  if (listener_ >= 0) {
    ::shutdown(listener_, SHUT_RDWR);
    server_.join();
    ::close(listener_);
  }
  OciDriver driver(real.env(), paths, settings, *images);
  EXPECT_TRUE(driver.sweep());
  ::umount2((root + "/netns").c_str(), MNT_DETACH);
  EXPECT_EQ(traces(), "");
  fs::remove_all(root);
}

void Machine::make_namespace() {
  std::ofstream(root + "/netns").flush();
  std::thread([this] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    // As net/ has it.
    ASSERT_TRUE(env::write_sysctl("ipv4/ip_unprivileged_port_start", "0"));
    ASSERT_TRUE(env::write_sysctl("ipv4/ping_group_range", "0 2147483647"));
    ASSERT_EQ(::mount("/proc/thread-self/ns/net", (root + "/netns").c_str(), nullptr, MS_BIND, nullptr), 0);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ifreq device{};
    std::strcpy(device.ifr_name, "lo");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(80);
    ::inet_pton(AF_INET, "169.254.169.254", &address.sin_addr);
    std::memcpy(&device.ifr_addr, &address, sizeof address);
    ASSERT_EQ(::ioctl(listener_, SIOCSIFADDR, &device), 0);
    device.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
    ASSERT_EQ(::ioctl(listener_, SIOCSIFFLAGS, &device), 0);
    ASSERT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener_, 64), 0);
  }).join();
  server_ = std::thread([this] { serve(); });
}

void Machine::set_user_data(const std::string& text) {
  const std::lock_guard lock(mutex_);
  user_data_ = text;
}

void Machine::set_public_key(const std::string& text) {
  const std::lock_guard lock(mutex_);
  public_key_ = text;
}

void Machine::serve() {
  const auto current = [this](const std::string& text) {
    const std::lock_guard lock(mutex_);
    return text;
  };
  for (;;) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    std::string request;
    char buffer[2048];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(client, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      request.append(buffer, std::size_t(n));
    }
    std::string body;
    const bool trusted = request.find("X-aws-ec2-metadata-token: secret\r\n") != std::string::npos;
    if (request.starts_with("PUT /latest/api/token "))
      body = "secret";
    else if (trusted && request.starts_with("GET /latest/meta-data/instance-id "))
      body = "i-1";
    else if (trusted && request.starts_with("GET /latest/user-data "))
      body = current(user_data_);
    else if (trusted && request.starts_with("GET /latest/meta-data/public-keys/0/openssh-key "))
      body = current(public_key_);
    const std::string answer =
        body.empty() ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
                     : "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    (void)::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(client);
  }
}

bool Machine::run_until(const std::function<bool()>& done) {
  env::Loop& loop = real.env().loop;
  bool late = false;
  const auto deadline = loop.after(std::chrono::seconds(30), [&] { late = true; });
  // Output and files have no callback: look at each turn of a short timer.
  std::function<void()> look;
  env::Loop::TimerId next = 0;
  look = [&] {
    if (done() || late)
      real.io().stop();
    else
      next = loop.after(std::chrono::milliseconds(2), look);
  };
  loop.post(look);
  real.io().restart();
  real.io().run();
  loop.cancel(deadline);
  loop.cancel(next);
  return done();
}

Result<void> Machine::wait(const std::function<void(Done)>& call) {
  std::optional<Result<void>> result;
  call([&](Result<void> r) { result = std::move(r); });
  run_until([&] { return result.has_value(); });
  return result ? *result : fail_internal("the call has not called back");
}

InstanceSpec Machine::spec(const std::string& id) const {
  return {.id = id,
          .image_id = "ami-busybox",
          .hostname = "ip-10-0-0-5",
          .network_namespace = root + "/netns",
          .zone = "zone-a",
          .vcpus = 0.5,
          .memory_bytes = 64 << 20,
          .private_address = "10.0.0.5",
          .nameserver = "10.0.0.2"};
}

std::string Machine::traces() const {
  std::string out;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);)
    if (line.find(root) != std::string::npos && line.find(root + "/netns") == std::string::npos) out += line + "\n";
  for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup"))
    if (hierarchy.is_directory())
      for (const auto& folder : fs::directory_iterator(hierarchy.path()))
        if (folder.path().filename() == settings.cgroup_root)
          for (const auto& zone : fs::directory_iterator(folder.path()))
            if (zone.is_directory())
              for (const auto& instance : fs::directory_iterator(zone.path()))
                if (instance.is_directory()) out += instance.path().string() + "\n";
  for (const auto& process : fs::directory_iterator("/proc")) {
    std::ifstream file(process.path() / "cmdline");
    std::string line;
    std::getline(file, line);
    if (is_about(line, {"conmon", "runc"}, paths.run_dir)) out += process.path().string() + "\n";
  }
  return out;
}

}  // namespace brume::compute::testing
