// Out of an instance, into another one or beyond its limits: each way is tried by a root inside, and has to be refused
// in the way that is named. What the network refuses is tried by tests/clients/test_isolation.py.
#include <arpa/inet.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/json.h"
#include "compute/machine_fixture.h"
#include "compute/oci_exec.h"

namespace brume::compute {
namespace {

namespace fs = std::filesystem;
using testing::Machine;

std::string read(const std::string& path) {
  std::ifstream in(path);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

class Isolation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = testing::cannot_run_instances(); !reason.empty()) GTEST_SKIP() << reason;
    machine = std::make_unique<Machine>();
    const std::string image = machine->root + "/image";
    fs::copy_file(BRUME_ESCAPES, image + "/bin/escapes");
    for (const char* applet :
         {"ls", "stat", "grep", "find", "readlink", "chown", "mkdir", "touch", "dd", "seq", "rm", "mv", "cp", "cmp"})
      fs::create_symlink("busybox", image + "/bin/" + applet);
    std::ofstream(image + "/etc/passwd") << "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/:/bin/sh\n";
    ASSERT_TRUE(machine->images->import("ami-isolation", image));
    driver = std::make_unique<OciDriver>(machine->real.env(), machine->paths, machine->settings, *machine->images);
    exec = std::make_unique<OciExec>(machine->real.env(), machine->paths, machine->settings, *machine->images);
  }
  void start(const std::string& id, std::int64_t memory = 64 << 20) {
    InstanceSpec spec = machine->spec(id);
    spec.image_id = "ami-isolation";
    spec.memory_bytes = memory;
    spec.vcpus = 2;
    const auto started = start(spec);
    ASSERT_TRUE(started) << started.error().message;
  }
  Result<void> start(const InstanceSpec& spec) {
    return machine->wait([&](Done done) { driver->start(spec, std::move(done)); });
  }
  Result<void> stop(const std::string& id) {
    return machine->wait([&](Done done) { driver->stop(id, std::chrono::seconds(15), std::move(done)); });
  }
  Running running(const std::string& id) {
    return from_json<Running>(read(machine->paths.run_dir + "/instances/" + id + "/running")).value_or(Running{});
  }
  // What it prints, and how it ends.
  std::pair<std::string, int> run(const std::string& id, const std::vector<std::string>& command,
                                  const std::string& user = "") {
    std::optional<Result<std::unique_ptr<ExecProcess>>> process;
    int status = -1;
    exec->exec(id, {.command = command, .user = user, .terminal = ""},
               [&](Result<std::unique_ptr<ExecProcess>> started) {
                 process.emplace(std::move(started));
                 if (*process) (**process)->ended = [&](int s) { status = s; };
               });
    machine->run_until([&] { return process.has_value(); });
    if (!*process) return {process->error().message, -1};
    std::string output;
    bool open = true;
    machine->run_until([&] {
      char buffer[4096];
      for (ssize_t n; open && (n = ::read((**process)->output.get(), buffer, sizeof buffer)) >= 0;) {
        output.append(buffer, std::size_t(n));
        open = n > 0;
      }
      return status >= 0 && !open;
    });
    return {output, status};
  }
  std::string shell(const std::string& id, const std::string& script) {
    return run(id, {"sh", "-c", script + " 2>&1"}).first;
  }
  std::string run_here(std::vector<std::string> command) {
    return machine->real.env().processes.run({.argv = std::move(command)}).value_or(env::Finished{}).output;
  }
  [[nodiscard]] uid_t first_id(const std::string& id) const {
    struct stat info{};
    EXPECT_EQ(::stat((machine->paths.state_dir + "/instances/" + id + "/upper").c_str(), &info), 0);
    return info.st_uid;
  }

  std::unique_ptr<Machine> machine;
  std::unique_ptr<OciDriver> driver;
  std::unique_ptr<OciExec> exec;
};

// "what: refusals that are right". EPERM where nothing is named. Where a kernel is without a thing, it is not there.
constexpr std::pair<const char*, const char*> kRefusals[] = {
    {"bind a low port", "DONE"},
    {"a ping socket", "DONE"},
    {"a local socket", "DONE"},
    {"a netlink socket", "DONE"},
    {"open /dev/null", "DONE"},
    {"make a pipe with a name", "DONE"},
    {"give a file away", "DONE"},
    {"trace a child", "DONE"},
    {"a call of the future", "ENOSYS"},
    {"a newer chmod", "ENOSYS ENOENT"},
    {"be another user", "DONE"},
    {"make /dev/mem", ""},
    {"make /dev/kmsg", ""},
    {"make /dev/kvm", ""},
    {"make a disk", ""},
    {"make a loop device", ""},
    {"make a whiteout", ""},
    {"open /dev/mem", "ENOENT"},
    {"open /dev/kmsg", "ENOENT"},
    {"open /dev/kvm", "ENOENT"},
    {"open /dev/fuse", "ENOENT"},
    {"open /dev/vsock", "ENOENT"},
    {"open /dev/vda", "ENOENT"},
    {"open /dev/net/tun", "ENOENT"},
    {"mount a tmpfs", ""},
    {"mount a proc", ""},
    {"bind /", ""},
    {"make /proc/sys writable", ""},
    {"make /sys writable", ""},
    {"uncover /proc/kcore", ""},
    {"open a file system", ""},
    {"clone a mount", ""},
    {"change a mount", ""},
    {"pivot_root", ""},
    {"unshare user", ""},
    {"clone into a new user", ""},
    {"unshare network", ""},
    {"clone into a new network", ""},
    {"unshare mount", ""},
    {"clone into a new mount", ""},
    {"unshare pid", ""},
    {"clone into a new pid", ""},
    {"unshare uts", ""},
    {"clone into a new uts", ""},
    {"unshare cgroup", ""},
    {"clone into a new cgroup", ""},
    {"clone3", "ENOSYS"},
    {"enter a namespace", ""},
    {"write /proc/self/uid_map", ""},
    {"write /proc/1/uid_map", ""},
    {"load a module", ""},
    {"load a module file", ""},
    {"remove a module", ""},
    {"load a kernel", ""},
    {"reboot", ""},
    {"swap", ""},
    {"accounting", ""},
    {"quotas", ""},
    {"bpf", ""},
    {"perf_event_open", ""},
    {"userfaultfd", ""},
    {"io_uring_setup", ""},
    {"a keyring", ""},
    {"a key", ""},
    {"ask for a key", ""},
    {"the kernel's log", ""},
    {"ports of the processor", ""},
    {"compare processes", ""},
    {"set the clock", ""},
    {"slew the clock", ""},
    {"set the host name", ""},
    {"set the domain name", ""},
    {"a persona that makes memory executable", ""},
    {"raise a limit", ""},
    {"a better priority", "EACCES"},
    {"real time", ""},
    {"real time for the disk", ""},
    {"write /proc/self/oom_score_adj", "EACCES"},
    // Under cgroup v1 or hybrid the first three are there, under v2 the others.
    {"write /sys/fs/cgroup/pids/pids.max", "EACCES EROFS ENOENT"},
    {"write /sys/fs/cgroup/memory/memory.limit_in_bytes", "EACCES EROFS ENOENT"},
    {"write /sys/fs/cgroup/memory/cgroup.procs", "EACCES EROFS ENOENT"},
    {"write /sys/fs/cgroup/cgroup.procs", "EACCES EROFS ENOENT"},
    {"write /sys/fs/cgroup/unified/cgroup.procs", "EACCES EROFS ENOENT"},
    {"write /sys/fs/cgroup/pids.max", "EACCES EROFS ENOENT"},
    {"write /proc/sys/kernel/core_pattern", "EACCES EROFS"},
    {"write /proc/sys/kernel/modprobe", "EACCES EROFS ENOENT"},
    {"write /proc/sys/kernel/hostname", "EACCES EROFS"},
    {"write /proc/sys/net/ipv4/ip_forward", "EACCES EROFS"},
    {"write /proc/sys/vm/overcommit_memory", "EACCES EROFS"},
    {"write /proc/sysrq-trigger", "EACCES EROFS ENOENT"},
    {"write /sys/kernel/uevent_helper", "EACCES EROFS ENOENT"},
    {"write /sys/class/net/lo/mtu", "EACCES EROFS"},
    // Masked files are empty, masked folders have nothing in them.
    {"read /proc/kcore", "EOF EACCES ENOENT"},
    {"read /proc/kmsg", "EPERM EACCES"},
    {"read /proc/keys", "EOF ENOENT"},
    {"read /proc/timer_list", "EOF ENOENT"},
    {"read /proc/sched_debug", "EOF ENOENT"},
    {"read /sys/firmware/dmi", "ENOENT"},
    {"read /sys/kernel/debug/sched", "ENOENT EACCES"},
    {"read /sys/kernel/security/lsm", "ENOENT"},
    {"open a file by its handle", ""},
    {"break out of a chroot", "OWN ROOT"},
    {"a socket of the hypervisor", ""},
    {"a socket of the hypervisor, in disguise", ""},
    {"a socket of the kernel's cryptography", ""},
    {"a packet socket", ""},
    {"a key socket", ""},
    {"a Bluetooth socket", ""},
    {"a raw socket", ""},
    {"a raw ICMP socket", ""},
    {"bind another's address", "EADDRNOTAVAIL"},
    {"be transparent", ""},
    {"mark packets", ""},
    {"send from its own address", "DONE"},
    {"send from another's address", "ENETUNREACH EINVAL"},
    {"take a link down", ""},
    {"take an address", ""},
    {"add a route", ""},
    {"make a link", ""},
    {"connect to the machine's loopback", "ECONNREFUSED"},
    {"connect to an abstract socket of the machine's", "ECONNREFUSED"},
    {"signal a process of the machine's", "ESRCH"},
    {"trace a process of the machine's", "ESRCH"},
    {"open a process of the machine's", "ESRCH"},
};

bool is_one_of(const std::string& word, const std::string& words) {
  return (" " + words + " ").find(" " + word + " ") != std::string::npos;
}

TEST_F(Isolation, EveryEscapeIsRefused) {
  start("i-1");
  // What is to be reached outside: two sockets and this process.
  const env::Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(tcp.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(tcp.get(), 1), 0);
  ASSERT_EQ(::getsockname(tcp.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const env::Fd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const std::string name = machine->settings.cgroup_root;
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  name.copy(path.sun_path + 1, sizeof path.sun_path - 1);
  const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(local.get(), reinterpret_cast<sockaddr*>(&path), length), 0);
  ASSERT_EQ(::listen(local.get(), 1), 0);

  const auto [output, status] =
      run("i-1", {"escapes", "all", std::to_string(::getpid()), std::to_string(ntohs(address.sin_port)), name});
  EXPECT_EQ(status, 0);
  std::map<std::string, std::string> told;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.rfind(": ");
    ASSERT_NE(colon, std::string::npos) << line;
    told[line.substr(0, colon)] = line.substr(colon + 2);
  }
  for (const auto& [what, refusals] : kRefusals) {
    const auto found = told.find(what);
    if (found == told.end()) {
      ADD_FAILURE() << what << ": not tried";
      continue;
    }
    EXPECT_TRUE(found->second == refusals || is_one_of(found->second, *refusals ? refusals : "EPERM"))
        << what << ": " << found->second;
    told.erase(found);
  }
  for (const auto& [what, result] : told) ADD_FAILURE() << what << " is in no table: " << result;
  EXPECT_EQ(shell("i-1", "ls /dev | grep -v core"),
            "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n");
  EXPECT_EQ(shell("i-1", "ls /sys/class/net"), "lo\n");
}

TEST_F(Isolation, NothingOfTheMachineIsFound) {
  start("i-1");
  // Its folders, also by way of any process there is, and its processes.
  const std::string place = machine->root;
  EXPECT_EQ(shell("i-1", "for r in / /proc/[0-9]*/root /proc/[0-9]*/cwd; do ls -d $r" + place + "; done | grep ^/"),
            "");
  EXPECT_EQ(
      shell("i-1", "for p in /proc/[0-9]*; do readlink $p/exe; done | grep -v -e ^/bin/busybox -e ^/run/brume-init"),
      "");
  EXPECT_EQ(shell("i-1", "ls -l /proc/1/fd | grep -v -e pipe: -e /dev/null -e ^total -e anon_inode: -e socket:"), "");
}

TEST_F(Isolation, AnInstanceIsNobodyOutside) {
  start("i-1");
  start("i-2");
  EXPECT_NE(range_of(first_id("i-1")), range_of(first_id("i-2")));
  for (const std::string id : {"i-1", "i-2"}) {
    const uid_t first = first_id(id);
    EXPECT_EQ(range_of(first), IdRange{first});
    const std::string process = "/proc/" + std::to_string(running(id).pid);
    struct stat info{};
    ASSERT_EQ(::stat(process.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, first);
    EXPECT_EQ(info.st_gid, first);
    EXPECT_EQ(read(process + "/uid_map"), fmt::format("{:10} {:10} {:10}\n", 0, first, 65536));
    EXPECT_EQ(read(process + "/gid_map"), read(process + "/uid_map"));
    for (const char* space : {"user", "pid", "mnt", "ipc", "uts", "net", "cgroup"})
      EXPECT_NE(fs::read_symlink(process + "/ns/" + space), fs::read_symlink(std::string("/proc/self/ns/") + space))
          << space;
    struct stat network{};
    ASSERT_EQ(::stat((process + "/ns/net").c_str(), &info), 0);
    ASSERT_EQ(::stat((machine->root + "/netns").c_str(), &network), 0);
    EXPECT_EQ(info.st_ino, network.st_ino);
  }
  EXPECT_NE(fs::read_symlink("/proc/" + std::to_string(running("i-1").pid) + "/ns/user"),
            fs::read_symlink("/proc/" + std::to_string(running("i-2").pid) + "/ns/user"));

  // A program that is run inside gets no more than what PID 1 has.
  EXPECT_EQ(shell("i-1",
                  "for n in user pid mnt ipc uts net cgroup; do test $(readlink /proc/self/ns/$n) = $(readlink "
                  "/proc/1/ns/$n) || "
                  "echo $n; done; for l in CapBnd Seccomp:; do grep $l /proc/1/status /proc/self/status; done | wc -l"),
            "4\n");
  EXPECT_EQ(shell("i-1",
                  "grep -h -e CapBnd -e Seccomp: /proc/1/status > /tmp/a; grep -h -e CapBnd -e Seccomp: "
                  "/proc/self/status > /tmp/b; "
                  "cat /tmp/a; cmp /tmp/a /tmp/b"),
            "CapBnd:\t00000000a00425fb\nSeccomp:\t2\n");
}

TEST_F(Isolation, FilesHaveTheInstancesIdsOutsideAndTheImageKeepsItsOwn) {
  const std::string image = machine->root + "/image";
  fs::create_directories(image + "/srv");
  std::ofstream(image + "/srv/page") << "from the image";
  ASSERT_EQ(::chown((image + "/srv/page").c_str(), 33, 34), 0);
  ASSERT_TRUE(machine->images->import("ami-files", image));
  InstanceSpec spec = machine->spec("i-1");
  spec.image_id = "ami-files";
  ASSERT_TRUE(start(spec));
  EXPECT_EQ(shell("i-1", "stat -c '%n %u %g' / /bin/busybox /srv/page /etc /etc/hostname"),
            "/ 0 0\n/bin/busybox 0 0\n/srv/page 33 34\n/etc 0 0\n/etc/hostname 0 0\n");
  EXPECT_EQ(
      shell(
          "i-1",
          "touch /made /srv/page; mkdir -p /given; chown 1000:1001 /given; chown 65535 /made; chown 7 /; rm /bin/trap; "
          "find / -xdev -user 65534 | grep -v -x -e /proc -e /sys"),
      "");
  const uid_t owner = first_id("i-1");
  const uid_t first = range_of(owner)->first;
  EXPECT_EQ(owner, first + 7);  // the disk's range is told all the same
  const std::string upper = machine->paths.state_dir + "/instances/i-1/upper";
  const auto ids = [](const std::string& path) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return std::pair(info.st_uid, info.st_gid);
  };
  EXPECT_EQ(ids(upper + "/made"), std::pair(first + 65535, first));
  EXPECT_EQ(ids(upper + "/given"), std::pair(first + 1000, first + 1001));
  EXPECT_EQ(ids(upper + "/srv/page"), std::pair(first + 33, first + 34));
  EXPECT_EQ(ids(machine->paths.state_dir + "/images/ami-files/rootfs/srv/page"), std::pair(33U, 34U));
  EXPECT_EQ(ids(machine->paths.state_dir + "/images/ami-files/rootfs/bin/busybox"), std::pair(0U, 0U));
  // No file outside of the range, the kernel's own marks of what is removed apart.
  for (const auto& entry : fs::recursive_directory_iterator(upper))
    EXPECT_TRUE(entry.is_character_file() || range_of(ids(entry.path()).first) == IdRange{first}) << entry.path();

  // The same again after a stop.
  ASSERT_TRUE(stop("i-1"));
  ASSERT_TRUE(start(spec));
  EXPECT_EQ(shell("i-1", "stat -c '%n %u %g' / /made /given /srv/page; ls /bin/trap"),
            "/ 7 0\n/made 65535 0\n/given 1000 1001\n/srv/page 33 34\nls: /bin/trap: No such file or directory\n");
}

TEST_F(Isolation, SetuidProgramsAndFileCapabilitiesWorkInside) {
  const std::string image = machine->root + "/image";
  fs::copy_file(BRUME_ESCAPES, image + "/bin/suid");
  ASSERT_EQ(::chmod((image + "/bin/suid").c_str(), 04755), 0);
  fs::copy_file(BRUME_ESCAPES, image + "/bin/caps");
  ASSERT_EQ(run_here({BRUME_ESCAPES, "allow", image + "/bin/caps"}), "allow: DONE\n");
  ASSERT_TRUE(machine->images->import("ami-isolation-2", image));
  InstanceSpec spec = machine->spec("i-1");
  spec.image_id = "ami-isolation-2";
  ASSERT_TRUE(start(spec));
  EXPECT_EQ(run("i-1", {"escapes", "who"}, "web").first, "1000 1001 0000000000000000\n");
  EXPECT_EQ(run("i-1", {"suid", "who"}, "web").first, "0 1001 00000000a00425fb\n");
  EXPECT_EQ(run("i-1", {"caps", "who"}, "web").first, "1000 1001 0000000000000400\n");
  // The same for what has been moved, hence copied to the disk, and for what is set inside.
  EXPECT_EQ(shell("i-1", "mv /bin/suid /bin/caps /tmp; cp /bin/escapes /tmp/own; escapes allow /tmp/own"),
            "allow: DONE\n");
  EXPECT_EQ(run("i-1", {"/tmp/suid", "who"}, "web").first, "0 1001 00000000a00425fb\n");
  EXPECT_EQ(run("i-1", {"/tmp/caps", "who"}, "web").first, "1000 1001 0000000000000400\n");
  EXPECT_EQ(run("i-1", {"/tmp/own", "who"}, "web").first, "1000 1001 0000000000000400\n");
}

TEST_F(Isolation, OutputCanBeOpenedAnew) {
  machine->set_user_data("#!/bin/sh\necho out again > /dev/stdout; echo err again > /proc/self/fd/2\n");
  start("i-1");
  EXPECT_TRUE(
      machine->run_until([&] { return driver->console("i-1").value_or("").find("err again\n") != std::string::npos; }));
  EXPECT_NE(driver->console("i-1").value_or("").find("out again\n"), std::string::npos);
  EXPECT_EQ(run("i-1", {"sh", "-c", "echo exec > /dev/stdout"}).first, "exec\n");
}

TEST_F(Isolation, LimitsHold) {
  start("i-1", 512 << 20);
  // Beyond its memory a program is killed, by itself; the instance goes on.
  EXPECT_EQ(run("i-1", {"dd", "if=/dev/zero", "of=/dev/null", "bs=1000M", "count=1"}).second, 137);
  EXPECT_EQ(shell("i-1", "echo well"), "well\n");
  start("i-2", std::int64_t(2) << 30);
  const std::string crowd = run("i-2", {"escapes", "crowd"}).first;
  EXPECT_NE(crowd.find(" EAGAIN\n"), std::string::npos) << crowd;
  EXPECT_GT(std::atoi(crowd.c_str()), 8000);
  EXPECT_LT(std::atoi(crowd.c_str()), 8192);
  EXPECT_EQ(shell("i-2", "echo well"), "well\n");
}

TEST_F(Isolation, OfItsBundleAnInstanceCouldPassNothingButTheWayToItsRoot) {
  // As the daemon has it.
  fs::create_directories(machine->paths.run_dir);
  ASSERT_EQ(::chmod((machine->paths.run_dir).c_str(), 0711), 0);
  const mode_t before = ::umask(0077);
  start("i-1");
  start("i-2");
  ::umask(before);
  const uid_t first = first_id("i-1");
  std::vector<std::string> places = {machine->paths.state_dir};
  const std::string instances = machine->paths.run_dir + "/instances";
  for (const std::string& folder : {machine->paths.run_dir, instances, instances + "/i-1", instances + "/i-2"})
    for (const auto& entry : fs::directory_iterator(folder)) places.push_back(entry.path());
  // What limits it, it can read; also users of its that are not root.
  EXPECT_EQ(run("i-1", {"sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max"},
                "web")
                .first,
            "67108864\n");

  // As an escaped root of i-1 would: what of it can be read or written, and what can be passed?
  std::string open;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(first, first, first) != 0 || ::setresuid(first, first, first) != 0)
      ::_exit(1);
    for (const std::string& place : places)
      for (const auto& [mode, letter] : {std::pair(R_OK, "r "), {W_OK, "w "}, {X_OK, "x "}})
        if (::access(place.c_str(), mode) == 0) {
          const std::string line = letter + place.substr(machine->root.size()) + "\n";
          if (::write(ends[1], line.data(), line.size()) < 0) ::_exit(1);
        }
    ::_exit(0);
  }
  ::close(ends[1]);
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) open.append(buffer, std::size_t(n));
  ::close(ends[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  std::set<std::string> lines;
  std::istringstream in(open);
  for (std::string line; std::getline(in, line);) lines.insert(line);
  EXPECT_EQ(lines, (std::set<std::string>{"x /run/instances", "x /run/instances/i-1", "r /run/instances/i-1/rootfs",
                                          "w /run/instances/i-1/rootfs", "x /run/instances/i-1/rootfs",
                                          "r /run/instances/i-1/sys", "x /run/instances/i-1/sys"}));
}

TEST_F(Isolation, ADiskWithoutIdsIsNotStarted) {
  start("i-1");
  ASSERT_TRUE(stop("i-1"));
  ASSERT_EQ(::chown((machine->paths.state_dir + "/instances/i-1/upper").c_str(), 0, 0), 0);
  const auto refused = start(machine->spec("i-1"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("Terminate the instance and launch it anew"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(machine->traces(), "");
  EXPECT_TRUE(machine->wait([&](Done done) { driver->destroy("i-1", std::move(done)); }));
}

TEST_F(Isolation, AClosedFolderIsSaid) {
  ASSERT_EQ(::chmod((machine->root).c_str(), 0700), 0);
  const auto refused = start(machine->spec("i-1"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(machine->root + " is closed to others"), std::string::npos)
      << refused.error().message;
  ASSERT_EQ(::chmod((machine->root).c_str(), 0711), 0);
  start("i-1");
}

}  // namespace
}  // namespace brume::compute
