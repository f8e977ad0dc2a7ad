#include "compute/bundle.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/json.h"

namespace brume::compute {

struct TestCpu {
  std::int64_t quota = 0, period = 0;
};
struct TestLimit {
  std::int64_t limit = 0;
};
struct TestResources {
  std::optional<TestCpu> cpu;
  std::optional<TestLimit> memory;
  std::optional<TestLimit> pids;
};
struct TestNamespace {
  std::string type, path;
};
struct TestMapping {
  std::int64_t containerID = 0, hostID = 0, size = 0;
};
struct TestArgument {
  std::int64_t index = 0, value = 0, valueTwo = 0;
  std::string op;
};
struct TestCall {
  List<std::string> names;
  std::string action;
  std::optional<std::int64_t> errnoRet;
  List<TestArgument> args;
};
struct TestSeccomp {
  std::string defaultAction;
  List<TestCall> syscalls;
};
struct TestLinux {
  std::string cgroupsPath;
  TestResources resources;
  List<TestNamespace> namespaces;
  List<TestMapping> uidMappings, gidMappings;
  TestSeccomp seccomp;
  List<std::string> maskedPaths;
};
struct TestCapabilities {
  List<std::string> bounding, inheritable, ambient;
};
struct TestProcess {
  List<std::string> args;
  TestCapabilities capabilities;
};
struct TestMount {
  std::string destination, type, source;
  List<std::string> options;
};
struct TestRoot {
  std::string path;
};
struct TestConfig {
  TestProcess process;
  TestRoot root;
  std::string hostname;
  List<TestMount> mounts;
  TestLinux linux_part;
};

}  // namespace brume::compute

BRUME_RECORD(brume::compute::TestCpu, quota, period)
BRUME_RECORD(brume::compute::TestLimit, limit)
BRUME_RECORD(brume::compute::TestResources, cpu, memory, pids)
BRUME_RECORD(brume::compute::TestNamespace, type, path)
BRUME_RECORD(brume::compute::TestMapping, containerID, hostID, size)
BRUME_RECORD(brume::compute::TestArgument, index, value, valueTwo, op)
BRUME_RECORD(brume::compute::TestCall, names, action, errnoRet, args)
BRUME_RECORD(brume::compute::TestSeccomp, defaultAction, syscalls)
BRUME_RECORD(brume::compute::TestLinux, cgroupsPath, resources, namespaces, uidMappings, gidMappings, seccomp,
             maskedPaths)
BRUME_RECORD(brume::compute::TestCapabilities, bounding, inheritable, ambient)
BRUME_RECORD(brume::compute::TestProcess, args, capabilities)
BRUME_RECORD(brume::compute::TestMount, destination, type, source, options)
BRUME_RECORD(brume::compute::TestRoot, path)
BRUME_RECORD(brume::compute::TestConfig, process, root, hostname, mounts, linux_part)

namespace brume::compute {
namespace {

TestConfig written(const BundleSpec& spec) {
  std::string text = bundle_config(spec);
  // "linux" is a macro of the compiler, so the record calls it otherwise.
  const std::size_t at = text.find(R"("linux":)");
  EXPECT_NE(at, std::string::npos);
  text.replace(at, 8, R"("linux_part":)");
  auto config = from_json<TestConfig>(text);
  EXPECT_TRUE(config) << config.error().message << text;
  return config.value_or(TestConfig{});
}

const BundleSpec kSpec{.ids = {0x70010000},
                       .rootfs = "/run/b/instances/i-1/rootfs",
                       .sysfs = "/run/b/instances/i-1/sys",
                       .hostname = "ip-10-0-0-5",
                       .cgroup = "/brume/eu-1a/i-1",
                       .vcpus = 0.25,
                       .memory_bytes = 1 << 30,
                       .open_files = 1024,
                       .init_path = "/usr/lib/brume/\"init\""};

TEST(Bundle, SaysWhatTheInstanceIs) {
  const TestConfig config = written(kSpec);
  EXPECT_EQ(config.root.path, kSpec.rootfs);
  EXPECT_EQ(config.hostname, kSpec.hostname);
  EXPECT_EQ(config.process.args, std::vector<std::string>{kInitInside});
  EXPECT_EQ(config.linux_part.cgroupsPath, kSpec.cgroup);
  EXPECT_EQ(config.linux_part.resources.cpu->quota, 25'000);
  EXPECT_EQ(config.linux_part.resources.cpu->period, 100'000);
  EXPECT_EQ(config.linux_part.resources.memory->limit, 1 << 30);
  EXPECT_GT(config.linux_part.resources.pids->limit, 0);
  EXPECT_EQ(config.mounts.back().destination, kInitInside);
  EXPECT_EQ(config.mounts.back().source, kSpec.init_path);
}

TEST(Bundle, ZeroIsNoLimit) {
  BundleSpec spec = kSpec;
  spec.vcpus = 0;
  spec.memory_bytes = 0;
  const TestConfig config = written(spec);
  EXPECT_FALSE(config.linux_part.resources.cpu);
  EXPECT_FALSE(config.linux_part.resources.memory);
}

TEST(Bundle, SeparatesTheInstanceFromTheMachine) {
  const TestConfig config = written(kSpec);
  std::set<std::string> own;
  for (const auto& space : config.linux_part.namespaces) {
    own.insert(space.type);
    EXPECT_EQ(space.path, "");
  }
  // The runtime's network namespace is the instance's.
  EXPECT_EQ(own, (std::set<std::string>{"cgroup", "ipc", "mount", "pid", "user", "uts"}));
  for (const auto& mappings : {config.linux_part.uidMappings, config.linux_part.gidMappings}) {
    ASSERT_EQ(mappings.size(), 1U);
    EXPECT_EQ(mappings[0].containerID, 0);
    EXPECT_EQ(mappings[0].hostID, 0x70010000);
    EXPECT_EQ(mappings[0].size, 65536);
  }
  const TestMount& sys = config.mounts.front();
  EXPECT_EQ(sys.destination + " " + sys.type + " " + sys.source, "/sys bind " + kSpec.sysfs);
  EXPECT_NE(std::find(sys.options.begin(), sys.options.end(), "ro"), sys.options.end());
  for (const std::string& capability : config.process.capabilities.bounding)
    for (const char* refused : {"CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO"})
      EXPECT_NE(capability, refused);
  EXPECT_TRUE(config.process.capabilities.ambient.empty());
  EXPECT_GT(config.linux_part.maskedPaths.size(), 10U);
}

// What becomes of a call with this first argument: the rules of libseccomp for ours.
std::string fate(const TestSeccomp& calls, const std::string& name, std::uint64_t argument = 0) {
  for (const TestCall& rule : calls.syscalls) {
    if (std::find(rule.names.begin(), rule.names.end(), name) == rule.names.end()) continue;
    bool meant = true;
    for (const TestArgument& condition : rule.args) {
      EXPECT_EQ(condition.op, "SCMP_CMP_MASKED_EQ");
      EXPECT_EQ(condition.index, 0);
      meant = meant && (argument & std::uint64_t(condition.value)) == std::uint64_t(condition.valueTwo);
    }
    if (meant) return rule.action == "SCMP_ACT_ALLOW" ? "allowed" : std::to_string(rule.errnoRet.value_or(1));
  }
  return calls.defaultAction == "SCMP_ACT_ERRNO" ? "1" : "allowed";
}

TEST(Bundle, OnlyCallsThatAreNamedAreAllowed) {
  const TestSeccomp calls = written(kSpec).linux_part.seccomp;
  for (const char* call : {"acct",           "add_key",         "bpf",           "clock_settime", "delete_module",
                           "finit_module",   "fsconfig",        "fsmount",       "fsopen",        "init_module",
                           "io_uring_setup", "ioperm",          "iopl",          "kcmp",          "kexec_load",
                           "keyctl",         "mount",           "mount_setattr", "move_mount",    "open_by_handle_at",
                           "open_tree",      "perf_event_open", "pidfd_getfd",   "pivot_root",    "quotactl",
                           "reboot",         "request_key",     "setdomainname", "sethostname",   "setns",
                           "settimeofday",   "swapon",          "syslog",        "umount2",       "unshare",
                           "userfaultfd",    "a_new_one"})
    EXPECT_EQ(fate(calls, call), "1") << call;
  for (const char* call : {"openat", "execve", "chroot", "futex", "mknod", "ptrace", "seccomp", "setgroups", "statx"})
    EXPECT_EQ(fate(calls, call), "allowed") << call;
  const struct {
    const char* call;
    std::uint64_t argument;
    const char* fate;
  } cases[] = {
      {"clone3", 0, "38"},
      {"clone", 0x00000011, "allowed"},        // fork
      {"clone", 0x003d0f00, "allowed"},        // a thread
      {"clone", 0x10000011, "1"},              // CLONE_NEWUSER
      {"clone", 0x00020000, "1"},              // CLONE_NEWNS
      {"clone", 0x02000000, "1"},              // CLONE_NEWCGROUP
      {"clone", 0x40000000, "1"},              // CLONE_NEWNET
      {"clone", 0x7e020000, "1"},              // all of them
      {"socket", 1, "allowed"},                // AF_UNIX
      {"socket", 2, "allowed"},                // AF_INET
      {"socket", 10, "allowed"},               // AF_INET6
      {"socket", 16, "allowed"},               // AF_NETLINK
      {"socket", 17, "1"},                     // AF_PACKET
      {"socket", 38, "1"},                     // AF_ALG
      {"socket", 40, "1"},                     // AF_VSOCK
      {"socket", 0x1'0000'0028, "1"},          // the kernel sees 40
      {"socket", 0xffff'ffff'0000'0026, "1"},  // the kernel sees 38
      {"socket", 0x1'0000'0002, "allowed"},    // the kernel sees 2
      {"personality", 0xffffffff, "allowed"},  // which is it?
      {"personality", 0x00020008, "allowed"},  // UNAME26, 32 bits
      {"personality", 0x00400000, "1"},        // READ_IMPLIES_EXEC
      {"personality", 0x00040000, "1"},        // ADDR_NO_RANDOMIZE
  };
  for (const auto& c : cases) EXPECT_EQ(fate(calls, c.call, c.argument), c.fate) << c.call << std::hex << c.argument;
}

}  // namespace
}  // namespace brume::compute
