#include "compute/agent/measurements.h"

#include <algorithm>
#include <set>

#include "compute/agent/proc_text.h"
#include "compute/agent/procstat.h"

namespace brume::agent {
namespace {

constexpr std::string_view kCgroup = "/sys/fs/cgroup";
// No limit, in cgroup v1: the largest number of pages there is.
constexpr double kNoLimit = 9e18;

// The first of the cgroup's files that there is: v2's, v1's, and v1's where controllers share a hierarchy.
std::string cgroup_file(const Machine& machine, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (std::string text = machine.read(fmt::format("{}/{}", kCgroup, name)); !text.empty()) return text;
  return {};
}

std::vector<Reading> read_cpu(const Machine& machine) {
  Reading out{.id = {}, .dimensions = {{"cpu", "cpu-total"}}, .values = {{"cpus", double(machine.cpus)}}, .totals = {}};
  if (auto stat = pairs(cgroup_file(machine, {"cpu.stat"})); stat.contains("usage_usec")) {
    out.totals = {
        {"active", stat["usage_usec"] / 1e6}, {"user", stat["user_usec"] / 1e6}, {"system", stat["system_usec"] / 1e6}};
  } else {
    const auto nanoseconds = [&](std::string_view name, const char* total) {
      if (const auto value =
              number(cgroup_file(machine, {fmt::format("cpuacct/{}", name), fmt::format("cpu,cpuacct/{}", name)})))
        out.totals[total] = *value / 1e9;
    };
    nanoseconds("cpuacct.usage", "active");
    nanoseconds("cpuacct.usage_user", "user");
    nanoseconds("cpuacct.usage_sys", "system");
  }
  const std::string maximum = cgroup_file(machine, {"cpu.max"});
  if (const auto limit = split(maximum, " \n"); limit.size() == 2) {
    const auto quota = number(limit[0]), period = number(limit[1]);
    if (quota && period && *period > 0) out.values["cpus"] = *quota / *period;
  } else {
    const auto quota = number(cgroup_file(machine, {"cpu/cpu.cfs_quota_us", "cpu,cpuacct/cpu.cfs_quota_us"}));
    const auto period = number(cgroup_file(machine, {"cpu/cpu.cfs_period_us", "cpu,cpuacct/cpu.cfs_period_us"}));
    if (quota && period && *quota > 0 && *period > 0) out.values["cpus"] = *quota / *period;
  }
  if (!out.totals.contains("active")) return {};
  return {out};
}

std::vector<Reading> read_memory(const Machine& machine) {
  const auto current = number(cgroup_file(machine, {"memory.current", "memory/memory.usage_in_bytes"}));
  auto limit = number(cgroup_file(machine, {"memory.max", "memory/memory.limit_in_bytes"}));
  auto stat = pairs(cgroup_file(machine, {"memory.stat", "memory/memory.stat"}));
  if (!current) return {};
  if (!limit || *limit > kNoLimit) {
    limit.reset();
    for (const std::string& line : lines(machine.read("/proc/meminfo")))
      if (line.starts_with("MemTotal:"))
        if (const auto words = split(line, " "); words.size() == 3)
          if (const auto kilobytes = number(words[1])) limit = *kilobytes * 1024;
    if (!limit) return {};
  }
  const auto of = [&](const char* name) {
    const std::string total = std::string("total_") + name;  // v1: with the groups below
    return stat.contains(total) ? stat[total] : stat[name];
  };
  // What the kernel can take back at once is not in use, as EC2's mem_used_percent has it.
  const double used = std::clamp(*current - of("inactive_file"), 0.0, *limit);
  const double available = *limit - used;
  return {{.id = {},
           .dimensions = {},
           .values = {{"total", *limit},
                      {"used", used},
                      {"available", available},
                      {"free", std::max(0.0, *limit - *current)},
                      {"cached", stat.contains("total_cache") ? stat["total_cache"] : stat["file"]},
                      {"active", of("active_anon") + of("active_file")},
                      {"inactive", of("inactive_anon") + of("inactive_file")},
                      {"used_percent", used / *limit * 100},
                      {"available_percent", available / *limit * 100}},
           .totals = {}}};
}

std::vector<Reading> read_swap(const Machine& machine) {
  const auto used = number(cgroup_file(machine, {"memory.swap.current"}));
  const auto limit = number(cgroup_file(machine, {"memory.swap.max"}));
  if (!used) return {};
  Reading out{.id = {}, .dimensions = {}, .values = {{"used", *used}}, .totals = {}};
  if (limit) {
    out.values["free"] = std::max(0.0, *limit - *used);
    out.values["used_percent"] = *limit > 0 ? *used / *limit * 100 : 0;
  }
  return {out};
}

std::vector<Reading> read_disks(const MetricPlugin& plugin, const Machine& machine) {
  static const std::set<std::string, std::less<>> kNone = {
      "proc", "sysfs", "tmpfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "nsfs", "securityfs", "debugfs"};
  std::vector<Reading> out;
  std::set<std::string, std::less<>> seen;
  for (const std::string& line : lines(machine.read("/proc/self/mounts"))) {
    const auto words = split(line, " ");
    if (words.size() < 4) continue;
    const std::string path(words[1]), type(words[2]);
    const bool wanted = plugin.resources.empty() ? !kNone.contains(type) : plugin.resources.contains(path);
    // brume-init itself is bound into each instance.
    if (!wanted || plugin.ignored_types.contains(type) || path == "/run/brume-init" || !seen.insert(path).second)
      continue;
    const auto found = machine.file_system(path);
    if (!found || found->size <= 0) continue;
    Reading reading{.id = {}, .dimensions = {{"path", path}, {"fstype", type}}, .values = {}, .totals = {}};
    std::string device(words[0]);
    if (device.starts_with("/dev/")) device.erase(0, 5);
    if (!plugin.drop_device) reading.dimensions["device"] = device;
    const double used = found->size - found->free;
    reading.values = {{"total", found->size},
                      {"free", found->available},
                      {"used", used},
                      {"used_percent", used + found->available > 0 ? used / (used + found->available) * 100 : 0},
                      {"inodes_total", found->inodes},
                      {"inodes_free", found->inodes_free},
                      {"inodes_used", found->inodes - found->inodes_free}};
    out.push_back(std::move(reading));
  }
  return out;
}

std::vector<Reading> read_disk_io(const MetricPlugin& plugin, const Machine& machine) {
  std::map<std::string, std::string> names;
  for (const std::string& line : lines(machine.read("/proc/diskstats")))
    if (const auto words = split(line, " "); words.size() > 3)
      names[fmt::format("{}:{}", words[0], words[1])] = std::string(words[2]);
  std::map<std::string, Reading> disks;
  const auto add = [&](std::string_view device, const char* total, std::string_view text) {
    const auto name = names.find(std::string(device));
    const auto value = number(text);
    if (name == names.end() || !value || (!plugin.resources.empty() && !plugin.resources.contains(name->second)))
      return;
    Reading& reading = disks[name->second];
    reading.dimensions = {{"name", name->second}};
    reading.totals[total] += *value;
  };
  for (const std::string& line : lines(cgroup_file(machine, {"io.stat"}))) {
    const auto words = split(line, " ");
    for (const std::string_view word : words) {
      const std::size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string_view key = word.substr(0, equals), value = word.substr(equals + 1);
      if (key == "rbytes") add(words[0], "read_bytes", value);
      if (key == "wbytes") add(words[0], "write_bytes", value);
      if (key == "rios") add(words[0], "reads", value);
      if (key == "wios") add(words[0], "writes", value);
    }
  }
  const auto add_v1 = [&](std::string_view file, const char* reads, const char* writes) {
    for (const std::string& line : lines(cgroup_file(machine, {file}))) {
      const auto words = split(line, " ");
      if (words.size() != 3) continue;
      if (words[1] == "Read") add(words[0], reads, words[2]);
      if (words[1] == "Write") add(words[0], writes, words[2]);
    }
  };
  add_v1("blkio/blkio.throttle.io_service_bytes_recursive", "read_bytes", "write_bytes");
  add_v1("blkio/blkio.throttle.io_serviced_recursive", "reads", "writes");
  std::vector<Reading> out;
  for (auto& [name, reading] : disks) out.push_back(std::move(reading));
  return out;
}

std::vector<Reading> read_network(const MetricPlugin& plugin, const Machine& machine) {
  std::vector<Reading> out;
  for (const std::string& line : lines(machine.read("/proc/net/dev"))) {
    const auto words = split(line, ": ");
    if (words.size() != 17 || words[0] == "lo") continue;
    const std::string name(words[0]);
    if (!plugin.resources.empty() && !plugin.resources.contains(name)) continue;
    Reading reading{.id = {}, .dimensions = {{"interface", name}}, .values = {}, .totals = {}};
    static constexpr std::pair<std::size_t, const char*> kColumns[] = {
        {1, "bytes_recv"}, {2, "packets_recv"},  {3, "err_in"},   {4, "drop_in"},
        {9, "bytes_sent"}, {10, "packets_sent"}, {11, "err_out"}, {12, "drop_out"}};
    for (const auto& [column, total] : kColumns)
      if (const auto value = number(words[column])) reading.totals[total] = *value;
    out.push_back(std::move(reading));
  }
  return out;
}

std::vector<Reading> read_connections(const Machine& machine) {
  // The numbers of the kernel's include/net/tcp_states.h.
  static constexpr std::pair<std::string_view, const char*> kStates[] = {
      {"01", "tcp_established"}, {"02", "tcp_syn_sent"},  {"03", "tcp_syn_recv"}, {"04", "tcp_fin_wait1"},
      {"05", "tcp_fin_wait2"},   {"06", "tcp_time_wait"}, {"07", "tcp_close"},    {"08", "tcp_close_wait"},
      {"09", "tcp_last_ack"},    {"0A", "tcp_listen"},    {"0B", "tcp_closing"}};
  Reading out;
  for (const auto& [code, name] : kStates) out.values[name] = 0;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"})
    for (const std::string& line : lines(machine.read(table)))
      if (const auto words = split(line, " "); words.size() > 3)
        for (const auto& [code, name] : kStates)
          if (words[3] == code) out.values[name] += 1;
  double udp = 0;
  for (const char* table : {"/proc/net/udp", "/proc/net/udp6"}) {
    const std::string text = machine.read(table);
    const std::size_t rows = split(text, "\n").size();  // with a heading
    udp += rows == 0 ? 0 : double(rows - 1);
  }
  out.values["udp_socket"] = udp;
  return {out};
}

std::vector<Reading> read_processes(const Machine& machine) {
  Reading out;
  for (const char* name : {"blocked", "dead", "idle", "running", "sleeping", "stopped", "total", "zombies"})
    out.values[name] = 0;
  for (const std::string& number : machine.processes()) {
    const std::string text = machine.read("/proc/" + number + "/stat");
    const std::size_t end = text.rfind(')');
    if (end == std::string::npos || end + 2 >= text.size()) continue;
    out.values["total"] += 1;
    switch (text[end + 2]) {
      case 'R':
        out.values["running"] += 1;
        break;
      case 'S':
        out.values["sleeping"] += 1;
        break;
      case 'D':
        out.values["blocked"] += 1;
        break;
      case 'Z':
        out.values["zombies"] += 1;
        break;
      case 'X':
        out.values["dead"] += 1;
        break;
      case 'T':
      case 't':
        out.values["stopped"] += 1;
        break;
      case 'I':
        out.values["idle"] += 1;
        break;
      default:
        break;
    }
  }
  return {out};
}

}  // namespace

std::vector<Reading> take_readings(const MetricPlugin& plugin, const Machine& machine) {
  if (plugin.name == "cpu") return read_cpu(machine);
  if (plugin.name == "mem") return read_memory(machine);
  if (plugin.name == "swap") return read_swap(machine);
  if (plugin.name == "disk") return read_disks(plugin, machine);
  if (plugin.name == "diskio") return read_disk_io(plugin, machine);
  if (plugin.name == "net") return read_network(plugin, machine);
  if (plugin.name == "netstat") return read_connections(machine);
  if (plugin.name == "procstat") return read_procstat(plugin.processes, machine);
  return read_processes(machine);
}

std::vector<Sample> samples(const MetricPlugin& plugin, const std::vector<Reading>& before,
                            const std::vector<Reading>& now, double seconds) {
  std::vector<Sample> out;
  for (const Reading& reading : now) {
    const auto earlier = std::ranges::find_if(
        before, [&](const Reading& one) { return one.id == reading.id && one.dimensions == reading.dimensions; });
    std::map<std::string, double> values = reading.values;
    for (const auto& [name, total] : reading.totals) {
      const auto old = earlier == before.end() ? reading.totals.end() : earlier->totals.find(name);
      if (earlier == before.end() || old == earlier->totals.end() || total < old->second) continue;
      values[name] = total - old->second;
    }
    if (plugin.name == "cpu") {
      const double whole = seconds * values["cpus"];
      std::map<std::string, double> usage;
      for (const char* name : {"active", "user", "system"})
        if (values.contains(name) && whole > 0)
          usage[fmt::format("usage_{}", name)] = std::clamp(values[name] / whole * 100, 0.0, 100.0);
      if (usage.contains("usage_active")) usage["usage_idle"] = 100 - usage["usage_active"];
      values = std::move(usage);
    }
    // Of one processor, as Telegraf's "irix" mode.
    if (plugin.name == "procstat" && values.contains("cpu_usage")) values["cpu_usage"] *= 100 / seconds;
    for (const Measurement& measurement : plugin.measurements)
      if (const auto value = values.find(measurement.name); value != values.end())
        out.push_back({&measurement, reading.dimensions, value->second});
  }
  return out;
}

}  // namespace brume::agent
