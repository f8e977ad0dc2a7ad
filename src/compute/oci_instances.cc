#include "compute/oci_instances.h"

#include <sys/resource.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "compute/bundle.h"
#include "compute/console_files.h"
#include "compute/process_end.h"

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

Result<Running> OciInstances::launch(const InstanceSpec& spec) {
  const std::string place = bundle(spec.id);
  const std::string rootfs = place + "/rootfs";
  BRUME_CHECK(disks_.make(spec.id, {spec.hostname, spec.private_address, spec.nameserver}));
  BRUME_CHECK(files_.make_folders(rootfs));
  BRUME_CHECK(files_.write(place + "/config.json", bundle_config({
                                                       .rootfs = rootfs,
                                                       .hostname = spec.hostname,
                                                       .network_namespace = spec.network_namespace,
                                                       .cgroup = cgroups_.path(spec.zone, spec.id),
                                                       .vcpus = spec.vcpus,
                                                       .memory_bytes = spec.memory_bytes,
                                                       .open_files = open_files(),
                                                       .init_path = settings_.init_path,
                                                   })));
  BRUME_CHECK(disks_.mount(spec.id, paths_.state_dir + "/images/" + spec.image_id + "/rootfs", rootfs));
  BRUME_TRY(running, runtime_.start(spec.id, place, log_of(spec.id)));
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
  BRUME_CHECK(unmount(place + "/rootfs"));
  return files_.remove_all(place);
}

Result<void> OciInstances::destroy(const std::string& id) {
  if (!is_name(id)) return {};
  BRUME_CHECK(clear(id));
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
