#include "compute/agent/run_agent.h"

#include <dirent.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "compute/agent/agent_paths.h"
#include "compute/agent/config.h"
#include "compute/agent/metric_publisher.h"
#include "compute/agent/posix_world.h"
#include "compute/agent/shipper.h"
#include "compute/agent/statsd_listener.h"
#include "compute/init/children.h"
#include "compute/init/console.h"
#include "compute/init/user_data.h"

namespace brume::agent {
namespace {

constexpr double kStep = 0.25;     // seconds between looks
constexpr double kLookAround = 5;  // between looks at the configuration and at who else runs
constexpr double kListenAgain = 5;
// Where Amazon's program is in the image, it has this long to begin and take StatsD's port.
constexpr const char* kAmazonsProgram = "/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent";
constexpr double kAmazonsStart = 60;
// Of a stop, for others to end, and until no more is tried; brume-init gives ten.
constexpr double kOthersSeconds = 6, kLastSeconds = 8.5;
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

std::vector<std::string> numbered_processes() {
  std::vector<std::string> out;
  if (DIR* folder = ::opendir("/proc")) {
    while (const dirent* entry = ::readdir(folder))
      if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') out.emplace_back(entry->d_name);
    ::closedir(folder);
  }
  return out;
}

std::string link_target(const std::string& path) {
  std::string out(4096, '\0');
  const ssize_t n = ::readlink(path.c_str(), out.data(), out.size());
  out.resize(n > 0 ? std::size_t(n) : 0);
  return out;
}

std::optional<std::size_t> count_files(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (!folder) return std::nullopt;
  std::size_t count = 0;
  while (const dirent* entry = ::readdir(folder)) count += entry->d_name[0] != '.';
  ::closedir(folder);
  return count;
}

Machine this_machine() {
  return {.read = [](const std::string& path) { return init::read_file(path); },
          .file_system = [](const std::string& path) -> std::optional<FileSystem> {
            struct statvfs info{};
            if (::statvfs(path.c_str(), &info) != 0) return std::nullopt;
            const auto bytes = [&](fsblkcnt_t blocks) { return double(blocks) * double(info.f_frsize); };
            return FileSystem{bytes(info.f_blocks), bytes(info.f_bfree), bytes(info.f_bavail), double(info.f_files),
                              double(info.f_ffree)};
          },
          .link = link_target,
          .count = count_files,
          .processes = numbered_processes,
          .cpus = int(::sysconf(_SC_NPROCESSORS_ONLN))};
}

Endpoint endpoint_of(const std::string& given, const char* member) {
  const Endpoint usual;
  if (given.empty()) return usual;
  if (const auto read = read_endpoint(given)) return *read;
  tell(fmt::format("{}: {} is not http://, an IPv4 address and a port; {} is used", member, given, usual.host()));
  return usual;
}

// EC2's answer to which Auto Scaling group the instance is in; nothing if it does not tell.
std::optional<std::string> ask_for_group(Cloud& cloud, const std::string& instance_id, Notices& notices) {
  const Answer answer =
      cloud.call("ec2", "", "application/x-www-form-urlencoded; charset=utf-8",
                 fmt::format("Action=DescribeTags&Version=2016-11-15&Filter.1.Name=resource-id&Filter.1.Value.1={}"
                             "&Filter.2.Name=key&Filter.2.Value.1=aws%3Aautoscaling%3AgroupName",
                             instance_id));
  const std::string subject = "metrics: AutoScalingGroupName";
  if (answer.status != 200) {
    notices.trouble(subject, fmt::format("ec2:DescribeTags: {}", describe(answer)));
    return std::nullopt;
  }
  notices.well(subject);
  return group_of_tags(answer.body);
}

// The port of the configuration's statsd, opened when it can be.
class StatsdPort {
 public:
  StatsdPort(const MetricsConfig& config, Notices& notices, double now)
      : config_(config.statsd),
        notices_(notices),
        open_at_(init::exists(kAmazonsProgram) ? now + kAmazonsStart : now) {}

  std::vector<std::string> take(double now) {
    if (!listener_ && now >= open_at_) open(now);
    if (!listener_) return {};
    if (const std::uint64_t dropped = listener_->dropped(); dropped >= told_) {
      told_ = 10 * dropped;
      tell(fmt::format("statsd: {} datagrams found no room so far", dropped));
    }
    return listener_->take();
  }
  void close() { listener_.reset(); }

 private:
  void open(double now) {
    open_at_ = now + kListenAgain;
    auto opened = StatsdListener::open(config_->service_address, config_->pending_messages);
    if (!opened) return notices_.trouble("statsd", opened.error().message);
    notices_.well("statsd");
    listener_ = *std::move(opened);
    told_ = 1;
  }

  std::optional<StatsdConfig> config_;
  Notices& notices_;
  std::unique_ptr<StatsdListener> listener_;
  double open_at_;
  std::uint64_t told_ = 1;
};

// True: it is time to stop.
bool pause(double seconds, const sigset_t& ends) {
  const timespec limit{time_t(seconds), long((seconds - double(time_t(seconds))) * 1e9)};
  return ::sigtimedwait(&ends, nullptr, &limit) > 0;
}

struct Settings {
  std::vector<std::pair<std::string, std::string>> files;  // as they were read
  Config config;
  MetricsConfig metrics;
};

// Says what is not followed.
Settings read_settings() {
  Settings out;
  out.files = read_config_files();
  if (auto read = read_config(out.files))
    out.config = *std::move(read);
  else
    tell(fmt::format("the configuration cannot be followed: {}", read.error().message));
  if (out.config.has_metrics) out.metrics = read_metrics_config(out.config, out.config.refused);
  for (const std::string& line : out.config.refused) tell(line);
  return out;
}

// False: the configuration has changed. True: SIGTERM.
bool run(const Settings& settings, const Identity& identity, const sigset_t& ends) {
  const auto& [files, config, metrics] = settings;
  const std::string region = config.region.empty() ? identity.region : config.region;
  Cloud logs_cloud(endpoint_of(config.logs_endpoint, "logs/endpoint_override"), region, true);
  Cloud metrics_cloud(endpoint_of(metrics.endpoint, "metrics/endpoint_override"), region, false);
  PosixWorld world(std::string(kStateFolder) + "/" + identity.instance_id, logs_cloud, tell);
  Notices notices(tell);
  Shipper shipper(config, identity, kStateFolder, world, notices);
  if (!shipper.empty()) tell(fmt::format("ships {} entries of logs", config.files.size()));
  StatsdPort statsd(metrics, notices, world.seconds());
  MetricPublisher publisher(metrics, identity, this_machine(),
                            {.seconds = [&] { return world.seconds(); },
                             .now = [&] { return world.now(); },
                             .put =
                                 [&](const std::string& body) {
                                   return metrics_cloud.call("monitoring",
                                                             "GraniteServiceVersion20100801.PutMetricData",
                                                             "application/x-amz-json-1.0", body);
                                 },
                             .group = [&] { return ask_for_group(metrics_cloud, identity.instance_id, notices); },
                             .datagrams = [&] { return statsd.take(world.seconds()); }},
                            notices);
  if (!metrics.empty()) tell(fmt::format("publishes metrics in {}", metrics.metric_namespace));

  bool stands_by = false;
  double look_around_at = 0;
  for (bool stop = false; !stop; stop = pause(kStep, ends)) {
    if (world.seconds() >= look_around_at) {
      look_around_at = world.seconds() + kLookAround;
      if (read_config_files() != files) {
        tell("the configuration has changed");
        if (!stands_by) publisher.finish();
        return false;
      }
      stands_by = amazons_agent_runs();
      if (stands_by)
        notices.trouble("agent", "Amazon's agent runs; it is left to it");
      else
        notices.well("agent");
    }
    if (stands_by) {
      statsd.close();  // Amazon's wants the port
      continue;
    }
    shipper.step();
    publisher.step();
  }
  // Others are told to end at the same time, and may have something to say about it.
  const double began = world.seconds();
  while (world.seconds() - began < kOthersSeconds && others_run()) pause(kStep, ends);
  while (!stands_by && !shipper.finish() && world.seconds() - began < kLastSeconds) pause(1, ends);
  if (!stands_by && world.seconds() - began < kLastSeconds) publisher.finish();
  return true;
}

}  // namespace

int run_agent() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&ends, signal);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);

  std::optional<Identity> identity;
  for (double wait = 0.1; !(identity = Cloud::identify()); wait = std::min(wait * 2, 5.0))
    if (pause(wait, ends)) return 0;
  if (!init::is_instance_id(identity->instance_id)) {
    tell("the metadata service gives no valid instance id");
    return 1;
  }
  while (!run(read_settings(), *identity, ends)) {
  }
  return 0;
}

}  // namespace brume::agent
