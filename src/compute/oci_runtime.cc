#include "compute/oci_runtime.h"

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>

#include "compute/process_end.h"

namespace brume::compute {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// conmon wants the runtime's path. A program that is not found keeps its name, so that the failure names it.
std::string resolved(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* path = ::getenv("PATH");
  std::string rest = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    const std::string folder = rest.substr(0, rest.find(':'));
    rest.erase(0, folder.size() + 1);
    const std::string candidate = folder + "/" + program;
    if (folder.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return program;
}

std::string log_path(const std::string& bundle) {
  return bundle + "/runtime.log";
}
std::string pid_path(const std::string& bundle) {
  return bundle + "/pid";
}
std::string conmon_pid_path(const std::string& bundle) {
  return bundle + "/conmon.pid";
}
std::string exits_path(const std::string& bundle) {
  return bundle + "/exits";
}

// The number in a file; 0 if there is none (yet).
std::int64_t number_in(const env::Files& files, const std::string& path) {
  std::int64_t value = 0;
  if (!files.exists(path)) return 0;
  if (const auto text = files.read(path)) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

}  // namespace

OciRuntime::OciRuntime(env::Files& files, env::Processes& processes, const std::string& runtime, std::string conmon,
                       std::string root)
    : files_(files),
      processes_(processes),
      runtime_(resolved(runtime)),
      conmon_(std::move(conmon)),
      root_(std::move(root)) {}

std::string OciRuntime::complaint(const std::string& bundle, const std::string& otherwise) const {
  const auto said = files_.read_tail(log_path(bundle), 2048);
  std::string text = said && !said->empty() ? *said : otherwise;
  while (text.ends_with('\n')) text.pop_back();
  return text.empty() ? "no reason given" : text;
}

Result<Running> OciRuntime::create(const std::string& id, const std::string& bundle, const std::string& log) {
  BRUME_CHECK(files_.make_folders(exits_path(bundle)));
  const env::Command command{.argv = {conmon_,
                                      "--api-version",
                                      "1",
                                      "--cid",
                                      id,
                                      "--cuuid",
                                      id,
                                      "--runtime",
                                      runtime_,
                                      "--bundle",
                                      bundle,
                                      "--container-pidfile",
                                      pid_path(bundle),
                                      "--conmon-pidfile",
                                      conmon_pid_path(bundle),
                                      "--log-path",
                                      "k8s-file:" + log,
                                      "--log-size-max",
                                      std::to_string(kLogLimit),
                                      "--exit-dir",
                                      exits_path(bundle),
                                      "--full-attach",
                                      "--no-sync-log",
                                      "--runtime-arg=--root=" + root_,
                                      "--runtime-arg=--log=" + log_path(bundle)}};
  BRUME_TRY(forked, processes_.run(command));
  if (forked.status != 0) return fail_internal("Cannot start {}: {}", id, complaint(bundle, forked.errors));
  Running running;
  running.conmon = number_in(files_, conmon_pid_path(bundle));
  running.conmon_start = std::int64_t(processes_.start_time(pid_t(running.conmon)));
  // The runtime writes the pid once the container is made; conmon ends if that fails.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (bool ended = false;;) {
    running.pid = number_in(files_, pid_path(bundle));
    if (running.pid > 0) break;
    if (ended || running.conmon <= 0) return fail_internal("Cannot make {}: {}", id, complaint(bundle, ""));
    if (std::chrono::steady_clock::now() > deadline) return fail_internal("Cannot make {}: it takes too long", id);
    ended = wait_for_end(pid_t(running.conmon), 1);
  }
  running.pid_start = std::int64_t(processes_.start_time(pid_t(running.pid)));
  return running;
}

Result<void> OciRuntime::start(const std::string& id, const std::string& bundle) {
  BRUME_TRY(started, processes_.run({.argv = {runtime_, "--root=" + root_, "--log=" + log_path(bundle), "start", id}}));
  if (started.status != 0) return fail_internal("Cannot start {}: {}", id, complaint(bundle, started.errors));
  return {};
}

Result<void> OciRuntime::remove(const std::string& id, const std::string& bundle) {
  kill_programs_about({file_name(runtime_), file_name(conmon_)}, bundle);
  // With --force it also kills what runs. It may fail for a container that a crash left half made, which it does not
  // know: that leaves only files.
  BRUME_TRY(deleted, processes_.run({.argv = {runtime_, "--root=" + root_, "delete", "--force", id}}));
  if (deleted.status != 0) {
    BRUME_TRY(known, processes_.run({.argv = {runtime_, "--root=" + root_, "state", id}}));
    if (known.status == 0) return fail_internal("Cannot remove {}: {}", id, deleted.errors);
  }
  return files_.remove_all(root_ + "/" + id);
}

std::optional<int> OciRuntime::exit_status(const std::string& id, const std::string& bundle) const {
  const auto text = files_.read(exits_path(bundle) + "/" + id);
  int status = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), status).ec != std::errc())
    return std::nullopt;
  return status;
}

bool OciRuntime::alive(const Running& running) const {
  return running.pid_start > 0 && running.conmon_start > 0 &&
         processes_.alive(pid_t(running.pid), std::uint64_t(running.pid_start)) &&
         processes_.alive(pid_t(running.conmon), std::uint64_t(running.conmon_start));
}

}  // namespace brume::compute
