#include "compute/bundle.h"

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
struct TestCall {
  List<std::string> names;
  std::string action;
};
struct TestSeccomp {
  std::string defaultAction;
  List<TestCall> syscalls;
};
struct TestLinux {
  std::string cgroupsPath;
  TestResources resources;
  List<TestNamespace> namespaces;
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
BRUME_RECORD(brume::compute::TestCall, names, action)
BRUME_RECORD(brume::compute::TestSeccomp, defaultAction, syscalls)
BRUME_RECORD(brume::compute::TestLinux, cgroupsPath, resources, namespaces, seccomp, maskedPaths)
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

const BundleSpec kSpec{.rootfs = "/run/b/instances/i-1/rootfs",
                       .hostname = "ip-10-0-0-5",
                       .network_namespace = "/run/b/netns/i-1",
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
    EXPECT_EQ(space.path, space.type == "network" ? kSpec.network_namespace : "");
  }
  EXPECT_EQ(own, (std::set<std::string>{"cgroup", "ipc", "mount", "network", "pid", "uts"}));
  for (const std::string& capability : config.process.capabilities.bounding)
    for (const char* refused : {"CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO"})
      EXPECT_NE(capability, refused);
  EXPECT_TRUE(config.process.capabilities.ambient.empty());
  EXPECT_GT(config.linux_part.maskedPaths.size(), 10U);
  std::set<std::string> refused;
  for (const auto& call : config.linux_part.seccomp.syscalls) refused.insert(call.names.begin(), call.names.end());
  for (const char* call : {"mount", "bpf", "init_module", "unshare", "keyctl"})
    EXPECT_TRUE(refused.contains(call)) << call;
}

}  // namespace
}  // namespace brume::compute
