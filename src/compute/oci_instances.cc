#include "compute/oci_instances.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "compute/bundle.h"
#include "compute/console_files.h"
#include "compute/consoles.h"
#include "compute/isolation_check.h"
#include "compute/mapped_mount.h"
#include "compute/process_end.h"
#include "env/fd.h"
#include "env/namespaces.h"
#include "env/posix_error.h"

namespace brume::compute {
namespace {

constexpr std::size_t kConsoleLimit = 64 << 10;  // EC2 user guide: the most recent 64 KB of console output
constexpr int kLastWords = 2'000;                // milliseconds for conmon to write down what was printed last

// Identifiers become names of folders and cgroups.
bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::vector<std::string> hierarchies(const env::Files& files) {
  const auto text = files.read("/proc/self/mountinfo");
  return text ? cgroup_hierarchies(*text) : std::vector<std::string>();
}

std::uint64_t open_files() {
  constexpr rlim_t kEnough = 65536;
  rlimit limit{kEnough, kEnough};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return std::min(kEnough, limit.rlim_max);
}

Result<void> set_access(const std::string& folder, mode_t mode, gid_t group) {
  if (::chown(folder.c_str(), 0, group) != 0 || ::chmod(folder.c_str(), mode) != 0)
    return env::posix_error("Cannot set the access to", folder);
  return {};
}

// conmon's pipes are the machine's root's. Programs that open /dev/stdout and /dev/stderr anew, as web servers do for
// their logs, need them to be their own. Of no use with a runtime whose container is none of the machine's processes.
void give_output(pid_t pid, uid_t owner) {
  for (const int number : {1, 2}) {
    const std::string path = fmt::format("/proc/{}/fd/{}", pid, number);
    const env::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info{};
    if (fd && ::fstat(fd.get(), &info) == 0 && S_ISFIFO(info.st_mode)) (void)::fchown(fd.get(), owner, owner);
  }
}

// A full disk means that the machine has no room for the instance.
Error as_capacity(Error error) {
  if (error.code == "InsufficientStorage") error = {"InsufficientInstanceCapacity", error.message, 500};
  return error;
}

}  // namespace

OciInstances::OciInstances(env::Files& files, env::Processes& processes, Paths paths, Settings settings, Images& images)
    : files_(files),
      paths_(std::move(paths)),
      settings_(std::move(settings)),
      images_(images),
      cgroups_(settings_.cgroup_root, hierarchies(files)),
      disks_(files, paths_.state_dir + "/instances"),
      runtime_(files, processes, settings_.runtime, settings_.conmon, paths_.run_dir + "/runtime") {}

std::optional<Running> OciInstances::running(const std::string& id) const {
  const std::string path = bundle(id) + "/running";
  if (!files_.exists(path)) return std::nullopt;
  const auto text = files_.read(path);
  if (!text) return std::nullopt;
  auto record = from_json<Running>(*text);
  if (!record || !runtime_.alive(*record)) return std::nullopt;
  return *record;
}

int OciInstances::exit_status(const std::string& id) const {
  return runtime_.exit_status(id, bundle(id)).value_or(-1);
}

Result<Running> OciInstances::start(const InstanceSpec& spec) {
  if (!is_name(spec.id) || !is_name(spec.zone)) return fail_internal("'{}' in '{}' is not a name", spec.id, spec.zone);
  if (const auto found = running(spec.id)) return *found;
  if (!images_.exists(spec.image_id))
    return fail("InvalidAMIID.NotFound", "The image id '[{}]' does not exist", spec.image_id);
  BRUME_CHECK(clear(spec.id));
  auto launched = launch(spec);
  if (launched) return launched;
  Error error = as_capacity(std::move(launched).error());
  if (const auto cleared = clear(spec.id); !cleared) error.message += "; then: " + cleared.error().message;
  return std::unexpected(std::move(error));
}

Result<void> OciInstances::make_bundle(const std::string& place, IdRange range) {
  BRUME_CHECK(files_.make_folders(paths_.run_dir + "/instances", 0711));
  BRUME_CHECK(set_access(paths_.run_dir + "/instances", 0711, 0));
  // A word for who keeps Brume in a folder that is closed to others: the runtime would only say "permission denied".
  BRUME_CHECK(can_be_passed(paths_.run_dir + "/instances"));
  for (const char* mount : {"/rootfs", "/image", "/sys"}) BRUME_CHECK(files_.make_folders(place + mount));
  return set_access(place, 0710, range.first);
}

Result<Running> OciInstances::launch(const InstanceSpec& spec) {
  const std::string place = bundle(spec.id);
  const std::string rootfs = place + "/rootfs", image = place + "/image", sysfs = place + "/sys";
  BRUME_CHECK(disks_.make(spec.id, {spec.hostname, spec.private_address, spec.nameserver}));
  BRUME_TRY(range, disks_.ids(spec.id));
  BRUME_CHECK(make_bundle(place, range));
  BRUME_CHECK(files_.write(place + "/config.json", bundle_config({
                                                       .ids = range,
                                                       .rootfs = rootfs,
                                                       .sysfs = sysfs,
                                                       .hostname = spec.hostname,
                                                       .cgroup = cgroups_.path(spec.zone, spec.id),
                                                       .vcpus = spec.vcpus,
                                                       .memory_bytes = spec.memory_bytes,
                                                       .open_files = open_files(),
                                                       .init_path = settings_.init_path,
                                                   })));
  BRUME_CHECK(mount_mapped(paths_.state_dir + "/images/" + spec.image_id + "/rootfs", image, range));
  BRUME_CHECK(disks_.mount(spec.id, image, rootfs));
  // The disk has a copy of this mount for itself.
  BRUME_CHECK(unmount(image));
  Running running;
  BRUME_CHECK(env::apart([&]() -> Result<void> {
    // The instance gets the network namespace that its runtime is started in (bundle.h).
    BRUME_CHECK(env::enter_network_namespace(spec.network_namespace));
    BRUME_CHECK(mount_sysfs(sysfs));
    BRUME_TRY(made, runtime_.create(spec.id, place, log_of(spec.id)));
    running = made;
    return {};
  }));
  give_output(pid_t(running.pid), range.first);
  BRUME_CHECK(cgroups_.show(spec.id));
  BRUME_CHECK(runtime_.start(spec.id, place));
  keep_previous(disks_.folder(spec.id));
  BRUME_CHECK(files_.write(place + "/running", to_json(running)));
  return running;
}

Result<void> OciInstances::clear(const std::string& id) {
  const std::string place = bundle(id);
  if (!files_.exists(place)) return {};
  // The instance first and conmon after it, so that nothing that was printed is lost between them.
  if (const auto left = running(id)) {
    kill_and_wait(pid_t(left->pid), [&] { return runtime_.alive(*left); });
    wait_for_end(pid_t(left->conmon), kLastWords);
  }
  BRUME_CHECK(runtime_.remove(id, place));
  BRUME_CHECK(cgroups_.remove(id));
  for (const char* mount : {"/rootfs", "/image", "/sys"}) BRUME_CHECK(unmount(place + mount));
  return files_.remove_all(place);
}

Result<void> OciInstances::destroy(const std::string& id) {
  if (!is_name(id)) return {};
  BRUME_CHECK(clear(id));
  keep_last_words(disks_.folder(id), last_words(paths_.state_dir, id));
  return disks_.remove(id);
}

Result<std::vector<Observed>> OciInstances::list() {
  BRUME_CHECK(disks_.finish_removals());
  BRUME_TRY(disks, disks_.list());
  BRUME_TRY(bundles, files_.list(paths_.run_dir + "/instances"));
  std::set<std::string> ids(disks.begin(), disks.end());
  ids.insert(bundles.begin(), bundles.end());
  std::vector<Observed> out;
  for (const std::string& id : ids) {
    const bool runs = running(id).has_value();
    if (!runs) BRUME_CHECK(clear(id));
    if (runs || disks_.exists(id)) out.push_back({id, runs ? State::running : State::stopped});
  }
  return out;
}

Result<std::string> OciInstances::console(const std::string& id) const {
  if (!is_name(id) || !disks_.exists(id))
    return fail("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist", id);
  return read_console(files_, disks_.folder(id), kConsoleLimit);
}

void OciInstances::keep_consoles() const {
  const auto ids = disks_.list();
  if (!ids) return;
  for (const std::string& id : *ids) keep_previous(disks_.folder(id));
}

Result<void> OciInstances::sweep() {
  BRUME_TRY(bundles, files_.list(paths_.run_dir + "/instances"));
  std::set<std::string> ids(bundles.begin(), bundles.end());
  for (std::string& id : cgroups_.instances()) ids.insert(std::move(id));
  for (const std::string& id : ids) {
    BRUME_CHECK(clear(id));
    BRUME_CHECK(cgroups_.remove(id));
  }
  cgroups_.remove_root();
  BRUME_CHECK(unmount_below(paths_.run_dir + "/instances"));
  return files_.remove_all(paths_.run_dir + "/instances");
}

}  // namespace brume::compute
