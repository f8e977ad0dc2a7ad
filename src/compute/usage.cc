#include "compute/usage.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

namespace brume::compute {
namespace {

// Words of a line, and lines of a text.
std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) break;
    const auto end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
  return parts;
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

// The value behind `key` in lines of the form "key value".
std::int64_t value_of(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, "\n"))
    if (const auto words = split(line, " "); words.size() == 2 && words[0] == key) return number(words[1]);
  return 0;
}

// Lines "8:0 Read 4096": the sums of Read and Write.
void add_blkio(std::string_view text, std::int64_t& read, std::int64_t& write) {
  for (const std::string_view line : split(text, "\n")) {
    const auto words = split(line, " ");
    if (words.size() != 3) continue;
    if (words[1] == "Read") read += number(words[2]);
    if (words[1] == "Write") write += number(words[2]);
  }
}

std::optional<std::string> content(const std::string& path) {
  std::ifstream in(path);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

void add_cpu_stat(std::string_view text, Usage& usage) {
  usage.cpu_time += std::chrono::microseconds(value_of(text, "usage_usec"));
}

void add_cpuacct_usage(std::string_view text, Usage& usage) {
  usage.cpu_time += std::chrono::nanoseconds(number(text));
}

void add_memory(std::string_view current, std::string_view stat, Usage& usage) {
  const std::int64_t inactive = std::max(value_of(stat, "total_inactive_file"), value_of(stat, "inactive_file"));
  usage.memory_bytes += std::max<std::int64_t>(0, number(current) - inactive);
}

void add_io_stat(std::string_view text, Usage& usage) {
  for (const std::string_view line : split(text, "\n"))
    for (const std::string_view word : split(line, " ")) {
      const auto equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string_view key = word.substr(0, equals);
      const std::int64_t value = number(word.substr(equals + 1));
      if (key == "rbytes") usage.disk_read_bytes += value;
      if (key == "wbytes") usage.disk_write_bytes += value;
      if (key == "rios") usage.disk_read_operations += value;
      if (key == "wios") usage.disk_write_operations += value;
    }
}

void add_blkio_bytes(std::string_view text, Usage& usage) {
  add_blkio(text, usage.disk_read_bytes, usage.disk_write_bytes);
}

void add_blkio_operations(std::string_view text, Usage& usage) {
  add_blkio(text, usage.disk_read_operations, usage.disk_write_operations);
}

void add_network_devices(std::string_view text, Usage& usage) {
  for (const std::string_view line : split(text, "\n")) {
    const auto words = split(line, ": ");
    // Two lines of headings, then: name, 8 numbers received, 8 sent.
    if (words.size() != 17 || words[0] == "lo") continue;
    usage.network_in_bytes += number(words[1]);
    usage.network_in_packets += number(words[2]);
    usage.network_out_bytes += number(words[9]);
    usage.network_out_packets += number(words[10]);
  }
}

UsageReader::Sources UsageReader::find(const std::string& id) const {
  static constexpr std::pair<std::string_view, Add> kFiles[] = {
      {"cpu.stat", &add_cpu_stat},
      {"cpuacct.usage", &add_cpuacct_usage},
      {"io.stat", &add_io_stat},
      {"blkio.throttle.io_service_bytes_recursive", &add_blkio_bytes},
      {"blkio.throttle.io_serviced_recursive", &add_blkio_operations},
  };
  Sources found;
  for (const std::string& folder : cgroups_.folders(id)) {
    for (const auto& [name, add] : kFiles) {
      const std::string path = fmt::format("{}/{}", folder, name);
      if (::access(path.c_str(), R_OK) == 0) found.files.push_back({path, add});
    }
    for (const std::string_view name : {"memory.current", "memory.usage_in_bytes"}) {
      const std::string path = fmt::format("{}/{}", folder, name);
      if (::access(path.c_str(), R_OK) != 0) continue;
      found.memory = path;
      found.memory_stat = folder + "/memory.stat";
    }
  }
  return found;
}

std::map<std::string, Usage> UsageReader::read(const std::vector<std::pair<std::string, std::int64_t>>& instances) {
  std::map<std::string, Usage> all;
  std::map<std::string, Sources> still;
  for (const auto& [id, pid] : instances) {
    const auto known = known_.find(id);
    Sources sources = known == known_.end() ? find(id) : std::move(known->second);
    const auto network = content(fmt::format("/proc/{}/net/dev", pid));
    if (!network || sources.files.empty()) continue;  // it has ended
    Usage usage;
    add_network_devices(*network, usage);
    bool gone = false;
    for (const Source& source : sources.files) {
      const auto text = content(source.path);
      if (text) source.add(*text, usage);
      gone = gone || !text;
    }
    if (!sources.memory.empty())
      add_memory(content(sources.memory).value_or(""), content(sources.memory_stat).value_or(""), usage);
    if (gone) continue;
    all.emplace(id, usage);
    still.emplace(id, std::move(sources));
  }
  known_ = std::move(still);
  return all;
}

}  // namespace brume::compute
