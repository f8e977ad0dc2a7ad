#include "compute/agent/run_agent.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "compute/agent/agent_paths.h"
#include "compute/agent/config.h"
#include "compute/agent/posix_world.h"
#include "compute/agent/shipper.h"
#include "compute/init/children.h"
#include "compute/init/console.h"
#include "compute/init/user_data.h"

namespace brume::agent {
namespace {

constexpr double kStep = 0.25;      // seconds between looks
constexpr double kLookAround = 5;   // between looks at the configuration and at who else runs
constexpr double kLastSeconds = 6;  // of a stop, for others to end; brume-init gives ten
// The kernel keeps fifteen characters of a process's name.
constexpr std::string_view kAmazonsAgent = "amazon-cloudwatch-agent";

void tell(const std::string& line) {
  init::say("agent: %s", line.c_str());
}

std::vector<std::string> config_files() {
  std::vector<std::string> out;
  if (::access(kConfigFile, R_OK) == 0) out.emplace_back(kConfigFile);
  std::vector<std::string> more;
  if (DIR* folder = ::opendir(kConfigFolder)) {
    while (const dirent* entry = ::readdir(folder)) {
      const std::string_view name = entry->d_name;
      // `amazon-cloudwatch-agent-ctl` leaves files without a suffix here ("file_config.json", "default").
      if (!name.starts_with('.') && !name.ends_with(".tmp") && !name.ends_with(".toml") && !name.ends_with(".yaml"))
        more.push_back(std::string(kConfigFolder) + "/" + entry->d_name);
    }
    ::closedir(folder);
  }
  std::ranges::sort(more);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::vector<std::pair<std::string, std::string>> read_config_files() {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& path : config_files()) out.emplace_back(path, init::read_file(path));
  return out;
}

// Of the processes here, is there one that `matches` by its number and name?
template <typename Matches>
bool any_process(const Matches& matches) {
  DIR* folder = ::opendir("/proc");
  if (!folder) return false;
  bool found = false;
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const std::string status = init::read_file(std::string("/proc/") + entry->d_name + "/stat");
    const std::size_t open = status.find('('), close = status.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close + 2 >= status.size()) continue;
    if (status[close + 2] == 'Z') continue;
    if (matches(::atoi(entry->d_name), status.substr(open + 1, close - open - 1))) {
      found = true;
      break;
    }
  }
  ::closedir(folder);
  return found;
}

bool amazons_agent_runs() {
  return any_process([](pid_t, const std::string& name) { return name == kAmazonsAgent.substr(0, 15); });
}

bool others_run() {
  return any_process([](pid_t pid, const std::string&) { return pid != 1 && pid != ::getpid(); });
}

// True: it is time to stop.
bool pause(double seconds, const sigset_t& ends) {
  const timespec limit{time_t(seconds), long((seconds - double(time_t(seconds))) * 1e9)};
  return ::sigtimedwait(&ends, nullptr, &limit) > 0;
}

}  // namespace

bool is_configured() {
  return !config_files().empty();
}

int run_agent() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&ends, signal);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);

  const auto files = read_config_files();
  Config config;
  if (auto read = read_config(files))
    config = *std::move(read);
  else
    tell(fmt::format("the configuration cannot be followed: {}", read.error().message));
  for (const std::string& line : config.refused) tell(line);
  Endpoint endpoint;
  if (!config.logs_endpoint.empty()) {
    if (const auto given = read_endpoint(config.logs_endpoint))
      endpoint = *given;
    else
      tell(fmt::format("logs/endpoint_override: {} is not http://, an IPv4 address and a port; {} is used",
                       config.logs_endpoint, endpoint.host()));
  }

  std::optional<Identity> identity;
  for (double wait = 0.1; !(identity = Cloud::identify()); wait = std::min(wait * 2, 5.0))
    if (pause(wait, ends)) return 0;
  if (!init::is_instance_id(identity->instance_id)) {
    tell("the metadata service gives no valid instance id");
    return 1;
  }
  Cloud cloud(endpoint);
  cloud.set_region(config.region.empty() ? identity->region : config.region);
  const std::string state_folder = std::string(kStateFolder) + "/" + identity->instance_id;
  PosixWorld world(state_folder, cloud, tell);
  Notices notices(tell);
  Shipper shipper(config, *identity, kStateFolder, world, notices);
  if (!shipper.empty()) tell(fmt::format("ships {} entries of logs", config.files.size()));

  bool stands_by = false;
  double look_around_at = 0;
  for (bool stop = false; !stop;) {
    if (world.seconds() >= look_around_at) {
      look_around_at = world.seconds() + kLookAround;
      if (read_config_files() != files) {
        tell("the configuration has changed");
        return 0;
      }
      stands_by = amazons_agent_runs();
      if (stands_by)
        notices.trouble("agent", "Amazon's agent runs; it is left to it");
      else
        notices.well("agent");
    }
    if (!stands_by) shipper.step();
    stop = pause(kStep, ends);
  }
  // Others are told to end at the same time, and may have something to say about it.
  for (const double deadline = world.seconds() + kLastSeconds; world.seconds() < deadline && others_run();)
    pause(kStep, ends);
  if (!stands_by) shipper.finish();
  return 0;
}

}  // namespace brume::agent
