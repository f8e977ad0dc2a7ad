#include "compute/agent/procstat.h"

#include <bit>
#include <cmath>

#include "compute/agent/proc_text.h"

namespace brume::agent {
namespace {

constexpr double kTicks = 100;                       // a second has in /proc/<pid>/stat, on every Linux
constexpr double kUnlimited = 2'147'483'647;         // what Telegraf tells for "unlimited"
constexpr std::size_t kShortName = 15;               // the kernel keeps no more of a process's name
constexpr std::size_t kLimitName = 26, kLimit = 21;  // columns of /proc/<pid>/limits

constexpr std::pair<std::string_view, std::string_view> kUnits[] = {
    {"cpu_time", "Count"},
    {"cpu_time_system", "Count"},
    {"cpu_time_user", "Count"},
    {"cpu_usage", "Percent"},
    {"involuntary_context_switches", "Count"},
    {"memory_data", "Bytes"},
    {"memory_locked", "Bytes"},
    {"memory_rss", "Bytes"},
    {"memory_stack", "Bytes"},
    {"memory_swap", "Bytes"},
    {"memory_vms", "Bytes"},
    {"nice_priority", "Count"},
    {"num_fds", ""},
    {"num_threads", ""},
    {"pid", "Count"},
    {"pid_count", "Count"},
    {"read_bytes", "Bytes"},
    {"read_count", "Count"},
    {"realtime_priority", "Count"},
    {"signals_pending", "Count"},
    {"voluntary_context_switches", "Count"},
    {"write_bytes", "Bytes"},
    {"write_count", "Count"},
};

// Lines of /proc/<pid>/limits, and what of rlimit_<name>_soft and _hard they are.
constexpr std::pair<std::string_view, std::string_view> kLimits[] = {
    {"Max cpu time", "cpu_time"},
    {"Max data size", "memory_data"},
    {"Max stack size", "memory_stack"},
    {"Max resident set", "memory_rss"},
    {"Max open files", "num_fds"},
    {"Max locked memory", "memory_locked"},
    {"Max address space", "memory_vms"},
    {"Max file locks", "file_locks"},
    {"Max pending signals", "signals_pending"},
    {"Max nice priority", "nice_priority"},
    {"Max realtime priority", "realtime_priority"},
};

struct Process {
  std::string folder;                  // "/proc/7"
  std::string name;                    // of at most fifteen characters
  std::vector<std::string> arguments;  // of its command line
  std::string stat;                    // behind the name
};

std::optional<Process> find_process(const Machine& machine, const std::string& pid) {
  Process out{.folder = "/proc/" + pid, .name = {}, .arguments = {}, .stat = {}};
  const std::string stat = machine.read(out.folder + "/stat");
  const std::size_t open = stat.find('('), close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 2 >= stat.size()) return std::nullopt;
  out.name = stat.substr(open + 1, close - open - 1);
  out.stat = stat.substr(close + 2);
  if (out.stat[0] == 'Z') return std::nullopt;
  const std::string command = machine.read(out.folder + "/cmdline");
  for (const std::string_view argument : split(command, std::string_view("\0", 1)))
    out.arguments.emplace_back(argument);
  return out;
}

bool is_chosen(const ProcessSelector& selector, const Machine& machine, const Process& process) {
  std::string text;
  if (selector.by == ProcessSelector::By::exe) {
    text = machine.link(process.folder + "/exe");
    if (text.empty()) text = process.arguments.empty() ? process.name : process.arguments[0];
  } else {
    for (const std::string& argument : process.arguments) text += (text.empty() ? "" : " ") + argument;
  }
  return !text.empty() && RE2::PartialMatch(text, *selector.expression);
}

// The command line has the name whole, where the kernel has cut it.
std::string whole_name(const Process& process) {
  if (process.name.size() < kShortName || process.arguments.empty()) return process.name;
  const std::string& program = process.arguments[0];
  const std::string last = program.substr(program.rfind('/') + 1);
  return last.starts_with(process.name) ? last : process.name;
}

void read_limits(std::string_view text, std::map<std::string, double>& values) {
  for (const std::string& line : lines(text))
    for (const auto& [begin, name] : kLimits) {
      if (!line.starts_with(begin) || line.size() < kLimitName + 2 * kLimit) continue;
      const auto limit = [&](std::size_t column, std::string_view suffix) {
        const auto words = split(std::string_view(line).substr(column, kLimit), " ");
        if (words.size() != 1) return;
        const auto value = words[0] == "unlimited" ? std::optional(kUnlimited) : number(words[0]);
        if (value) values[fmt::format("rlimit_{}_{}", name, suffix)] = std::min(*value, kUnlimited);
      };
      limit(kLimitName, "soft");
      limit(kLimitName + kLimit, "hard");
    }
}

void read_status(std::string_view text, std::map<std::string, double>& values) {
  static constexpr std::tuple<const char*, const char*, double> kLines[] = {
      {"VmSize", "memory_vms", 1024},
      {"VmRSS", "memory_rss", 1024},
      {"VmSwap", "memory_swap", 1024},
      {"VmData", "memory_data", 1024},
      {"VmStk", "memory_stack", 1024},
      {"VmLck", "memory_locked", 1024},
      {"voluntary_ctxt_switches", "voluntary_context_switches", 1},
      {"nonvoluntary_ctxt_switches", "involuntary_context_switches", 1}};
  const auto found = pairs(text);
  for (const auto& [line, name, scale] : kLines)
    if (const auto value = found.find(line); value != found.end()) values[name] = value->second * scale;
  // Signals to the process, and to its first thread: a bit each.
  for (const std::string& line : lines(text))
    if (line.starts_with("SigPnd:") || line.starts_with("ShdPnd:"))
      if (const auto words = split(line, " \t"); words.size() == 2) {
        std::uint64_t signals = 0;
        std::from_chars(words[1].data(), words[1].data() + words[1].size(), signals, 16);
        values["signals_pending"] += std::popcount(signals);
      }
}

Reading read_process(const Machine& machine, const Process& process, const std::string& pid) {
  Reading out;
  const auto words = split(process.stat, " \n");
  // Fields of proc(5), which counts from the number and the name.
  const auto field = [&](std::size_t index) {
    return index - 3 < words.size() ? number(words[index - 3]).value_or(0) : 0;
  };
  const double user = field(14) / kTicks, system = field(15) / kTicks;
  out.id = fmt::format("{} {}", pid, field(22));  // with when it began: numbers are given again
  out.dimensions["process_name"] = whole_name(process);
  out.values = {{"pid", number(pid).value_or(0)}, {"cpu_time_user", user},
                {"cpu_time_system", system},      {"cpu_time", std::floor(user + system)},
                {"num_threads", field(20)},       {"nice_priority", 20 - field(19)},  // as getpriority(2) has it
                {"realtime_priority", field(40)}};
  out.totals["cpu_usage"] = user + system;
  read_status(machine.read(process.folder + "/status"), out.values);
  read_limits(machine.read(process.folder + "/limits"), out.values);
  const auto io = pairs(machine.read(process.folder + "/io"));
  for (const auto& [line, name] : {std::pair("syscr", "read_count"), std::pair("syscw", "write_count"),
                                   std::pair("read_bytes", "read_bytes"), std::pair("write_bytes", "write_bytes")})
    if (const auto value = io.find(line); value != io.end()) out.values[name] = value->second;
  if (const auto files = machine.count(process.folder + "/fd")) out.values["num_fds"] = double(*files);
  return out;
}

}  // namespace

std::optional<std::string_view> procstat_unit(std::string_view measurement) {
  for (const auto& [name, unit] : kUnits)
    if (measurement == name) return unit;
  for (const auto& [line, name] : kLimits)
    for (const char* suffix : {"soft", "hard"})
      if (measurement == fmt::format("rlimit_{}_{}", name, suffix))
        return name.starts_with("memory") ? "Bytes" : "Count";
  return std::nullopt;
}

std::vector<Reading> read_procstat(const ProcessSelector& selector, const Machine& machine) {
  std::vector<std::string> pids;
  if (selector.by == ProcessSelector::By::pid_file) {
    const std::string text = machine.read(selector.text);
    const auto words = split(text, " \t\r\n");
    if (words.size() == 1 && words[0].find_first_not_of("0123456789") == std::string_view::npos)
      pids.emplace_back(words[0]);
  } else {
    pids = machine.processes();
  }
  // There also while no process is: an alarm waits for the 0.
  Reading count{.id = {},
                .dimensions = {{std::string(selector.dimension()), selector.text}, {"pid_finder", "native"}},
                .values = {{"pid_count", 0}},
                .totals = {}};
  std::vector<Reading> out;
  for (const std::string& pid : pids) {
    const auto process = find_process(machine, pid);
    if (!process || (selector.expression && !is_chosen(selector, machine, *process))) continue;
    count.values["pid_count"] += 1;
    Reading reading = read_process(machine, *process, pid);
    reading.dimensions[std::string(selector.dimension())] = selector.text;
    out.push_back(std::move(reading));
  }
  out.push_back(std::move(count));
  return out;
}

}  // namespace brume::agent
