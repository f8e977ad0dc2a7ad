#include "compute/agent/procstat.h"

#include <gtest/gtest.h>

namespace brume::agent {
namespace {

struct Processes {
  std::map<std::string, std::string> files, links;
  std::map<std::string, std::size_t> counts;
  std::vector<std::string> pids;

  // As /proc shows a process; `ticks` of user time.
  void add(const std::string& pid, const std::string& name, const std::string& command, int ticks, int began = 900) {
    pids.push_back(pid);
    files["/proc/" + pid + "/stat"] = fmt::format(
        "{} ({}) S 1 1 1 0 -1 4194560 1 0 0 0 {} 50 0 0 20 5 3 0 {} 1000 10 18446744073709551615 1 1 0 0 0 "
        "0 0 4096 0 0 0 0 17 0 2 0 0 0 0 0\n",
        pid, name, ticks, began);
    std::string arguments = command;
    for (char& c : arguments)
      if (c == ' ') c = '\0';
    files["/proc/" + pid + "/cmdline"] = arguments + std::string(1, '\0');
    files["/proc/" + pid + "/status"] =
        "Name:\tx\nVmSize:\t    2000 kB\nVmLck:\t       1 kB\nVmRSS:\t     100 kB\nVmData:\t 20 kB\nVmStk:\t 132 kB\n"
        "VmSwap:\t 8 kB\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000401\nvoluntary_ctxt_switches:\t42\n"
        "nonvoluntary_ctxt_switches:\t7\n";
    files["/proc/" + pid + "/limits"] =
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            1024                 4096                 files     \n"
        "Max locked memory         unlimited            unlimited            bytes     \n";
  }
  Machine machine() {
    return {.read = [this](const std::string& path) { return files.contains(path) ? files.at(path) : std::string(); },
            .file_system = {},
            .link = [this](const std::string& path) { return links.contains(path) ? links.at(path) : std::string(); },
            .count =
                [this](const std::string& path) {
                  return counts.contains(path) ? std::optional(counts.at(path)) : std::nullopt;
                },
            .processes = [this] { return pids; },
            .cpus = 2};
  }
};

MetricPlugin plugin_of(const std::string& selection) {
  const auto read = read_config({{"a", R"({"metrics":{"metrics_collected":{"procstat":[)" + selection + "]}}}"}});
  std::vector<std::string> refused;
  MetricsConfig config = read_metrics_config(*read, refused);
  EXPECT_TRUE(refused.empty()) << refused[0];
  return config.plugins.at(0);
}

using Told = std::map<std::string, std::vector<double>>;

Told told(const MetricPlugin& plugin, Processes& before, Processes& now, double seconds = 10) {
  Told out;
  for (const Sample& sample :
       samples(plugin, take_readings(plugin, before.machine()), take_readings(plugin, now.machine()), seconds)) {
    std::string name = sample.measurement->metric;
    for (const auto& [key, value] : sample.dimensions) name += " " + key + "=" + value;
    out[name].push_back(sample.value);
  }
  return out;
}

TEST(Procstat, ChoosesByProgramCommandLineAndPidFile) {
  Processes here;
  here.add("1", "brume-init", "/run/brume-init", 0);
  here.add("7", "amazon-cloudwat", "/opt/amazon-cloudwatch-agent -c x", 0);
  here.add("8", "python3", "/usr/bin/python3 /srv/app.py --port 80", 0);
  here.add("9", "nginx", "nginx: worker process", 0);
  here.add("10", "python3", "", 0);
  here.files["/proc/10/stat"] = "10 (python3) Z 1";
  here.links["/proc/8/exe"] = "/usr/bin/python3.11";
  here.files["/run/nginx.pid"] = "9\n";
  const auto found = [&](const char* selection) {
    std::vector<double> pids;
    for (const auto& [name, values] : told(plugin_of(selection), here, here)) {
      EXPECT_TRUE(name.starts_with("procstat_pid ")) << name;
      pids.insert(pids.end(), values.begin(), values.end());
    }
    return pids;
  };
  EXPECT_EQ(found(R"({"exe": "python", "measurement": ["pid"]})"), std::vector<double>{8});
  EXPECT_EQ(found(R"({"exe": "python3.11$", "measurement": ["pid"]})"), std::vector<double>{8});
  // Its path may not be read: the command line tells.
  EXPECT_EQ(found(R"({"exe": "^nginx", "measurement": ["pid"]})"), std::vector<double>{9});
  EXPECT_EQ(found(R"({"pattern": "app.py --port", "measurement": ["pid"]})"), std::vector<double>{8});
  EXPECT_EQ(found(R"({"pid_file": "/run/nginx.pid", "measurement": ["pid"]})"), std::vector<double>{9});
  EXPECT_TRUE(found(R"({"pid_file": "/run/none.pid", "measurement": ["pid"]})").empty());
  here.files["/run/nginx.pid"] = "../1\n";
  EXPECT_TRUE(found(R"({"pid_file": "/run/nginx.pid", "measurement": ["pid"]})").empty());
  EXPECT_EQ(told(plugin_of(R"({"exe": "amazon-cloudwatch", "measurement": ["pid", "pid_count"]})"), here, here),
            (Told{{"procstat_pid exe=amazon-cloudwatch process_name=amazon-cloudwatch-agent", {7}},
                  {"procstat_lookup_pid_count exe=amazon-cloudwatch pid_finder=native", {1}}}));
  EXPECT_EQ(told(plugin_of(R"({"pid_file": "/run/none.pid", "measurement": ["pid_count"]})"), here, here),
            (Told{{"procstat_lookup_pid_count pid_finder=native pidfile=/run/none.pid", {0}}}));
}

TEST(Procstat, TellsWhatAProcessUses) {
  Processes before;
  before.add("7", "web", "web", 100);
  Processes now;
  now.add("7", "web", "web", 250);
  now.files["/proc/7/io"] = "rchar: 9\nwchar: 9\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\n";
  now.counts["/proc/7/fd"] = 6;
  Told wanted;
  std::string names;
  for (const auto& [name, value] : std::map<std::string, double>{{"cpu_time", 3},
                                                                 {"cpu_time_system", 0.5},
                                                                 {"cpu_time_user", 2.5},
                                                                 {"cpu_usage", 15},
                                                                 {"involuntary_context_switches", 7},
                                                                 {"memory_data", 20 * 1024},
                                                                 {"memory_locked", 1024},
                                                                 {"memory_rss", 100 * 1024},
                                                                 {"memory_stack", 132 * 1024},
                                                                 {"memory_swap", 8 * 1024},
                                                                 {"memory_vms", 2000 * 1024},
                                                                 {"nice_priority", 15},
                                                                 {"num_fds", 6},
                                                                 {"num_threads", 3},
                                                                 {"pid", 7},
                                                                 {"read_bytes", 4096},
                                                                 {"read_count", 3},
                                                                 {"realtime_priority", 2},
                                                                 {"rlimit_memory_locked_hard", 2147483647},
                                                                 {"rlimit_num_fds_hard", 4096},
                                                                 {"rlimit_num_fds_soft", 1024},
                                                                 {"signals_pending", 3},
                                                                 {"voluntary_context_switches", 42},
                                                                 {"write_bytes", 8192},
                                                                 {"write_count", 4}}) {
    names += (names.empty() ? "\"" : ",\"") + name + "\"";
    wanted["procstat_" + name + " exe=web process_name=web"] = {value};
  }
  const MetricPlugin plugin = plugin_of(R"({"exe": "web", "measurement": [)" + names + "]}");
  EXPECT_EQ(told(plugin, before, now), wanted);
}

TEST(Procstat, ProcessesOfOneNameAreOneMetricAndOneNumberMayBeTwoProcesses) {
  const MetricPlugin plugin = plugin_of(R"({"exe": "web", "measurement": ["cpu_usage", "read_bytes"]})");
  Processes before, now;
  before.add("7", "web", "web", 100);
  before.add("8", "web", "web", 0);
  now.add("7", "web", "web", 200);
  now.add("8", "web", "web", 500, 77);  // began later: another one
  now.add("9", "web", "web", 900);
  EXPECT_EQ(told(plugin, before, now), (Told{{"procstat_cpu_usage exe=web process_name=web", {10}}}));
  before.add("9", "web", "web", 800);
  EXPECT_EQ(told(plugin, before, now), (Told{{"procstat_cpu_usage exe=web process_name=web", {10, 10}}}));
}

}  // namespace
}  // namespace brume::agent
