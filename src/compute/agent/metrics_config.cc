#include "compute/agent/metrics_config.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "compute/agent/procstat.h"

namespace brume::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxSelections = 255;  // of procstat

struct Known {
  std::string_view plugin, name, unit;
};
constexpr Known kKnown[] = {
    {"cpu", "usage_active", "Percent"},
    {"cpu", "usage_idle", "Percent"},
    {"cpu", "usage_user", "Percent"},
    {"cpu", "usage_system", "Percent"},
    {"mem", "active", "Bytes"},
    {"mem", "available", "Bytes"},
    {"mem", "available_percent", "Percent"},
    {"mem", "cached", "Bytes"},
    {"mem", "free", "Bytes"},
    {"mem", "inactive", "Bytes"},
    {"mem", "total", "Bytes"},
    {"mem", "used", "Bytes"},
    {"mem", "used_percent", "Percent"},
    {"disk", "free", "Bytes"},
    {"disk", "inodes_free", "Count"},
    {"disk", "inodes_total", "Count"},
    {"disk", "inodes_used", "Count"},
    {"disk", "total", "Bytes"},
    {"disk", "used", "Bytes"},
    {"disk", "used_percent", "Percent"},
    {"diskio", "reads", "Count"},
    {"diskio", "writes", "Count"},
    {"diskio", "read_bytes", "Bytes"},
    {"diskio", "write_bytes", "Bytes"},
    {"net", "bytes_recv", "Bytes"},
    {"net", "bytes_sent", "Bytes"},
    {"net", "drop_in", "Count"},
    {"net", "drop_out", "Count"},
    {"net", "err_in", "Count"},
    {"net", "err_out", "Count"},
    {"net", "packets_recv", "Count"},
    {"net", "packets_sent", "Count"},
    {"netstat", "tcp_close", "Count"},
    {"netstat", "tcp_close_wait", "Count"},
    {"netstat", "tcp_closing", "Count"},
    {"netstat", "tcp_established", "Count"},
    {"netstat", "tcp_fin_wait1", "Count"},
    {"netstat", "tcp_fin_wait2", "Count"},
    {"netstat", "tcp_last_ack", "Count"},
    {"netstat", "tcp_listen", "Count"},
    {"netstat", "tcp_syn_recv", "Count"},
    {"netstat", "tcp_syn_sent", "Count"},
    {"netstat", "tcp_time_wait", "Count"},
    {"netstat", "udp_socket", "Count"},
    {"swap", "free", "Bytes"},
    {"swap", "used", "Bytes"},
    {"swap", "used_percent", "Percent"},
    {"processes", "blocked", "Count"},
    {"processes", "dead", "Count"},
    {"processes", "idle", "Count"},
    {"processes", "running", "Count"},
    {"processes", "sleeping", "Count"},
    {"processes", "stopped", "Count"},
    {"processes", "total", "Count"},
    {"processes", "zombies", "Count"},
};

// The unit of a measurement that can be told.
std::optional<std::string_view> unit_of(std::string_view plugin, std::string_view name) {
  if (plugin == "procstat") return procstat_unit(name);
  for (const Known& known : kKnown)
    if (known.plugin == plugin && known.name == name) return known.unit;
  return std::nullopt;
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

int seconds_of(const json::object& object, std::string_view name, int otherwise) {
  const json::value* value = object.if_contains(name);
  return value && value->is_int64() && value->get_int64() >= 1 && value->get_int64() <= 172'800
             ? int(value->get_int64())
             : otherwise;
}

std::set<std::string> texts_of(const json::object& object, std::string_view name) {
  std::set<std::string> out;
  if (const json::value* value = object.if_contains(name); value && value->is_array())
    for (const json::value& item : value->get_array())
      if (item.is_string()) out.emplace(item.get_string());
  return out;
}

class Reader {
 public:
  Reader(MetricsConfig& out, std::vector<std::string>& refused, int interval)
      : out_(out), refused_(refused), interval_(interval) {}

  void section(std::string_view name, const json::value& value) {
    const std::string path = fmt::format("metrics/metrics_collected/{}", name);
    if (name == "statsd") return statsd(path, value);
    if (name == "procstat") return procstat(path, value);
    if (std::ranges::none_of(kKnown, [&](const Known& known) { return known.plugin == name; }))
      return refuse(path + " is not followed");
    plugin(name, path, value.if_object(), {});
  }

 private:
  void refuse(std::string why) { refused_.push_back(std::move(why)); }

  void plugin(std::string_view name, const std::string& path, const json::object* object, ProcessSelector processes) {
    const json::value* measurement = object ? object->if_contains("measurement") : nullptr;
    if (!measurement || !measurement->is_array()) return refuse(path + " is to have a list of measurements");
    std::vector<std::string_view> known = {"measurement", "metrics_collection_interval", "append_dimensions",
                                           "drop_original_metrics"};
    for (const char* more : {"resources", "totalcpu", "ignore_file_system_types", "drop_device"})
      if (name != "procstat") known.push_back(more);
    for (const char* more : {"pid_file", "exe", "pattern"})
      if (name == "procstat") known.push_back(more);
    refuse_others(*object, path + "/", known, refused_);
    MetricPlugin plugin{.name = std::string(name),
                        .interval = seconds_of(*object, "metrics_collection_interval", interval_),
                        .measurements = {},
                        .resources = texts_of(*object, "resources"),
                        .ignored_types = texts_of(*object, "ignore_file_system_types"),
                        .drop_device = false,
                        .dimensions = {},
                        .processes = std::move(processes)};
    if (const json::value* drop = object->if_contains("drop_device"); drop && drop->is_bool())
      plugin.drop_device = drop->get_bool();
    if (name == "cpu" && !plugin.resources.empty())
      refuse(path + "/resources: the CPUs are the machine's; only cpu-total is this instance's");
    if (name == "cpu")
      if (const json::value* total = object->if_contains("totalcpu"); total && *total == false)
        return refuse(path + "/totalcpu: without it there is nothing to tell");
    if (plugin.resources.contains("*")) plugin.resources.clear();
    if (const json::value* more = object->if_contains("append_dimensions"); more && more->is_object())
      for (const auto& [key, text] : more->get_object())
        if (text.is_string()) plugin.dimensions[std::string(key)] = std::string(text.get_string());
    const std::set<std::string> dropped = texts_of(*object, "drop_original_metrics");
    for (const json::value& item : measurement->get_array()) one(plugin, path, item, dropped);
    if (!plugin.measurements.empty()) out_.plugins.push_back(std::move(plugin));
  }

  // A list of selections; of several ways to choose in one, the first of these counts.
  void procstat(const std::string& path, const json::value& value) {
    const json::array* list = value.if_array();
    if (!list) return refuse(path + " is to be a list");
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string here = fmt::format("{}/{}", path, i);
      if (i == kMaxSelections) return refuse(fmt::format("{}: at most {} are followed", here, kMaxSelections));
      const json::object* object = (*list)[i].if_object();
      ProcessSelector processes;
      for (const auto& [member, by] :
           {std::pair("pid_file", ProcessSelector::By::pid_file), std::pair("exe", ProcessSelector::By::exe),
            std::pair("pattern", ProcessSelector::By::pattern)}) {
        if (!object || !processes.text.empty()) continue;
        processes.by = by;
        processes.text = text_of(*object, member);
      }
      if (processes.text.empty()) {
        refuse(here + " is to have a pid_file, an exe or a pattern");
        continue;
      }
      if (processes.by != ProcessSelector::By::pid_file) {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(1 << 20);
        processes.expression = std::make_shared<const RE2>(processes.text, options);
        if (!processes.expression->ok()) {
          refuse(fmt::format("{}/{}: {}", here, processes.dimension(), processes.expression->error()));
          continue;
        }
      }
      plugin("procstat", here, object, std::move(processes));
    }
  }

  void statsd(const std::string& path, const json::value& value) {
    const json::object* object = value.if_object();
    if (!object) return refuse(path + " is to be an object");
    refuse_others(*object, path + "/",
                  {"service_address", "metrics_collection_interval", "metrics_aggregation_interval", "metric_separator",
                   "allowed_pending_messages", "drop_original_metrics"},
                  refused_);
    StatsdConfig& out = out_.statsd.emplace();
    if (const std::string address = text_of(*object, "service_address"); !address.empty())
      out.service_address = address;
    out.collection_interval = seconds_of(*object, "metrics_collection_interval", out.collection_interval);
    const json::value* aggregation = object->if_contains("metrics_aggregation_interval");
    out.aggregation_interval = aggregation && *aggregation == 0
                                   ? 0
                                   : seconds_of(*object, "metrics_aggregation_interval", out.aggregation_interval);
    if (const std::string separator = text_of(*object, "metric_separator"); !separator.empty())
      out.separator = separator;
    if (const json::value* pending = object->if_contains("allowed_pending_messages"))
      if (pending->is_int64() && pending->get_int64() >= 1) out.pending_messages = std::size_t(pending->get_int64());
    out.dropped = texts_of(*object, "drop_original_metrics");
  }

  void one(MetricPlugin& plugin, const std::string& path, const json::value& item,
           const std::set<std::string>& dropped) {
    const json::object* object = item.if_object();
    std::string name = object ? text_of(*object, "name") : item.is_string() ? std::string(item.get_string()) : "";
    const std::string prefix = plugin.name + "_";
    const std::string full = name.starts_with(prefix) ? name : prefix + name;
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
    const auto unit_known = unit_of(plugin.name, name);
    if (!unit_known) return refuse(fmt::format("{}/{} cannot be told here", path, full));
    Measurement out{name, full, std::string(*unit_known), dropped.contains(name) || dropped.contains(full)};
    // Telegraf's measurement of its own for how many processes were found.
    if (out.metric == "procstat_pid_count") out.metric = "procstat_lookup_pid_count";
    if (object) {
      if (const std::string rename = text_of(*object, "rename"); !rename.empty()) out.metric = rename;
      if (const std::string unit = text_of(*object, "unit"); !unit.empty()) out.unit = unit;
    }
    plugin.measurements.push_back(std::move(out));
  }

  MetricsConfig& out_;
  std::vector<std::string>& refused_;
  int interval_;
};

}  // namespace

MetricsConfig read_metrics_config(const Config& config, std::vector<std::string>& refused) {
  MetricsConfig out;
  const json::object& section = config.metrics;
  refuse_others(section, "metrics/",
                {"namespace", "append_dimensions", "aggregation_dimensions", "metrics_collected",
                 "force_flush_interval", "endpoint_override"},
                refused);
  if (const std::string name = text_of(section, "namespace"); !name.empty()) out.metric_namespace = name;
  out.flush_interval = seconds_of(section, "force_flush_interval", out.flush_interval);
  out.endpoint = text_of(section, "endpoint_override");
  out.host_dimension = !config.omit_hostname;
  if (const json::value* append = section.if_contains("append_dimensions"); append && append->is_object()) {
    out.host_dimension = false;
    for (const auto& [key, value] : append->get_object()) {
      static constexpr std::array<std::string_view, 4> kNames = {"InstanceId", "ImageId", "InstanceType",
                                                                 "AutoScalingGroupName"};
      const std::string name(key), text = value.is_string() ? std::string(value.get_string()) : "";
      if (std::ranges::find(kNames, name) != kNames.end() && text == "${aws:" + name + "}")
        out.append_dimensions[name] = name;
      else
        refused.push_back(fmt::format("metrics/append_dimensions/{} is not one of the four that there are", name));
    }
  }
  if (const json::value* lists = section.if_contains("aggregation_dimensions"); lists && lists->is_array())
    for (const json::value& list : lists->get_array()) {
      std::set<std::string> names;
      if (list.is_array())
        for (const json::value& name : list.get_array())
          if (name.is_string()) names.emplace(name.get_string());
      out.aggregation_dimensions.push_back(std::move(names));
    }
  const json::value* collected = section.if_contains("metrics_collected");
  if (collected && collected->is_object()) {
    Reader reader(out, refused, config.metrics_collection_interval);
    for (const auto& [name, value] : collected->get_object()) reader.section(name, value);
  }
  return out;
}

}  // namespace brume::agent
