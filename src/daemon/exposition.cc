#include "daemon/exposition.h"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace brume::daemon {
namespace {

using cloudwatch::Statistic;

constexpr std::array<std::pair<Statistic::Kind, std::string_view>, 5> kStatistics = {
    {{Statistic::Kind::average, "average"},
     {Statistic::Kind::sum, "sum"},
     {Statistic::Kind::minimum, "minimum"},
     {Statistic::Kind::maximum, "maximum"},
     {Statistic::Kind::sample_count, "sample_count"}}};
constexpr int kPeriods = 15;

bool is_lower(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

// A label's value between its quotes.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string labels_of(const std::string& region, const cloudwatch::MetricId& metric) {
  std::string labels = fmt::format("region=\"{}\"", escaped(region));
  for (const auto& [name, value] : metric.dimensions)
    labels += fmt::format(",{}=\"{}\"", snake_case(name), escaped(value));
  return labels;
}

}  // namespace

std::string snake_case(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (is_upper(c)) {
      if (i > 0 && is_lower(name[i - 1])) out += '_';
      out += char(c - 'A' + 'a');
    } else {
      out += is_lower(c) ? c : '_';
    }
  }
  // A name must not begin with a digit.
  return out.empty() || (out[0] >= '0' && out[0] <= '9') ? "_" + out : out;
}

std::string exposition(const std::map<std::string, const cloudwatch::MetricReader*>& regions,
                       std::chrono::seconds period, Timestamp now) {
  std::map<std::string, std::string> families;  // samples by metric's name: a family's lines stand together
  std::string notes;
  const Timestamp start = now - kPeriods * period;
  for (const auto& [region, reader] : regions) {
    const auto metrics =
        reader->list({.metric_namespace = {}, .name = {}, .dimensions = {}, .active_since = start}, kMostExposed + 1);
    if (metrics.size() > kMostExposed)
      notes += fmt::format("# {} has more than {} metrics; the others are left out\n", region, kMostExposed);
    for (std::size_t i = 0; i < std::min(metrics.size(), kMostExposed); ++i) {
      const cloudwatch::MetricId& metric = metrics[i];
      const std::string name = snake_case(metric.metric_namespace) + "_" + snake_case(metric.name);
      const std::string labels = labels_of(region, metric);
      for (const auto& [kind, suffix] : kStatistics) {
        const auto points = reader->read(metric, Statistic{.kind = kind}, period, start, now + period);
        if (points.empty()) break;
        const std::string full = fmt::format("{}_{}", name, suffix);
        families[full] += fmt::format("{}{{{}}} {} {}\n", full, labels, points.back().value,
                                      points.back().time.time_since_epoch().count());
      }
    }
  }
  std::string out = notes;
  for (const auto& [name, lines] : families) out += fmt::format("# TYPE {} gauge\n{}", name, lines);
  return out;
}

std::string exposition(const std::map<std::string, std::map<std::string, ec2::InstanceLoad>>& regions) {
  std::string cpu = "# TYPE brume_instance_cpu_percent gauge\n", memory = "# TYPE brume_instance_memory_bytes gauge\n";
  for (const auto& [region, loads] : regions)
    for (const auto& [id, load] : loads) {
      const std::string labels = fmt::format("region=\"{}\",instance_id=\"{}\"", escaped(region), id);
      cpu += fmt::format("brume_instance_cpu_percent{{{}}} {:.2f}\n", labels, load.cpu_percent);
      memory += fmt::format("brume_instance_memory_bytes{{{}}} {}\n", labels, load.memory_bytes);
    }
  return cpu + memory;
}

std::string exposition(const std::map<std::string, KeptMetrics>& regions) {
  std::string bytes = "# TYPE brume_metric_store_bytes gauge\n",
              dropped = "# TYPE brume_metric_store_dropped_bytes_total counter\n";
  for (const auto& [region, kept] : regions) {
    bytes += fmt::format("brume_metric_store_bytes{{region=\"{}\"}} {}\n", escaped(region), kept.bytes);
    dropped +=
        fmt::format("brume_metric_store_dropped_bytes_total{{region=\"{}\"}} {}\n", escaped(region), kept.dropped);
  }
  return bytes + dropped;
}

}  // namespace brume::daemon
