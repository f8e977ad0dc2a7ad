#include "compute/bundle.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/json.h"
#include "compute/allowed_calls.h"

namespace brume::compute {
namespace {

constexpr std::int64_t kCpuPeriod = 100'000;  // microseconds, the kernel's default
constexpr std::int64_t kMinCpuQuota = 1'000;  // the kernel's least
constexpr int kMaxProcesses = 8192;

// What Docker and Podman give a container by default; no SYS_ADMIN, no NET_ADMIN. They count in the instance's user
// namespace only, to which its network namespace does not belong: those for the network are there because a program
// that asks for them in its file (ping) cannot be run without, and MKNOD, which makes nothing here, is not.
constexpr std::string_view kCapabilities =
    R"(["CAP_AUDIT_WRITE","CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL",)"
    R"("CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_SETFCAP","CAP_SETGID","CAP_SETPCAP","CAP_SETUID","CAP_SYS_CHROOT"])";

// /run is new at each boot, as on a machine, but starts with what the image has there (tmpcopyup).
// Before them comes /sys.
constexpr std::string_view kMounts = R"(
  {"destination":"/proc","type":"proc","source":"proc","options":["nosuid","noexec","nodev"]},
  {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","strictatime","mode=755","size=65536k"]},
  {"destination":"/dev/pts","type":"devpts","source":"devpts",
   "options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620","gid=5"]},
  {"destination":"/dev/shm","type":"tmpfs","source":"shm","options":["nosuid","noexec","nodev","mode=1777"]},
  {"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]},
  {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["nosuid","noexec","nodev","ro"]},
  {"destination":"/run","type":"tmpfs","source":"tmpfs","options":["nosuid","nodev","mode=755","tmpcopyup"]},
)";

constexpr std::string_view kMaskedPaths =
    R"(["/proc/acpi","/proc/asound","/proc/interrupts","/proc/kcore","/proc/keys","/proc/latency_stats",)"
    R"("/proc/sched_debug","/proc/scsi","/proc/timer_list","/proc/timer_stats","/sys/devices/virtual/powercap",)"
    R"("/sys/firmware","/sys/dev/block"])";
constexpr std::string_view kReadonlyPaths = R"(["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"])";

std::string resources(const BundleSpec& spec) {
  std::string out = R"({"devices":[{"allow":false,"access":"rwm"}])";
  if (spec.vcpus > 0) {
    const auto quota = std::max(kMinCpuQuota, std::int64_t(spec.vcpus * double(kCpuPeriod)));
    out += fmt::format(R"(,"cpu":{{"quota":{},"period":{}}})", quota, kCpuPeriod);
  }
  if (spec.memory_bytes > 0) out += fmt::format(R"(,"memory":{{"limit":{}}})", spec.memory_bytes);
  return out + fmt::format(R"(,"pids":{{"limit":{}}}}})", kMaxProcesses);
}

}  // namespace

std::string bundle_config(const BundleSpec& spec) {
  std::string out = R"({"ociVersion":"1.0.2","process":{"terminal":false,"user":{"uid":0,"gid":0},"cwd":"/",)";
  out += fmt::format(R"("args":[{}],)", json_quote(kInitInside));
  out += R"("env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOME=/root","TERM=dumb"],)";
  out += fmt::format(R"("capabilities":{{"bounding":{0},"effective":{0},"permitted":{0}}},)", kCapabilities);
  out += fmt::format(R"("rlimits":[{{"type":"RLIMIT_NOFILE","soft":{0},"hard":{0}}}],"noNewPrivileges":false,)",
                     spec.open_files);
  // conmon shields itself from the out-of-memory killer; the instance must not inherit that.
  out += R"("oomScoreAdj":0},)";
  out += fmt::format(R"("root":{{"path":{},"readonly":false}},"hostname":{},)", json_quote(spec.rootfs),
                     json_quote(spec.hostname));
  out += fmt::format(R"("mounts":[{{"destination":"/sys","type":"bind","source":{},)"
                     R"("options":["bind","ro","nosuid","noexec","nodev"]}},{})",
                     json_quote(spec.sysfs), kMounts);
  out += fmt::format(R"({{"destination":{},"type":"bind","source":{},"options":["bind","ro","nosuid","nodev"]}}],)",
                     json_quote(kInitInside), json_quote(spec.init_path));
  const std::string ids = fmt::format(R"([{{"containerID":0,"hostID":{},"size":{}}}])", spec.ids.first, IdRange::kSize);
  out += fmt::format(R"("linux":{{"uidMappings":{0},"gidMappings":{0},"cgroupsPath":{1},"resources":{2},)", ids,
                     json_quote(spec.cgroup), resources(spec));
  out += R"("namespaces":[{"type":"user"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},)"
         R"({"type":"cgroup"}],)";
  out += fmt::format(R"("seccomp":{},"maskedPaths":{},"readonlyPaths":{}}}}})", allowed_calls(), kMaskedPaths,
                     kReadonlyPaths);
  return out;
}

}  // namespace brume::compute
