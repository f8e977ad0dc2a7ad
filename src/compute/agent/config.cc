#include "compute/agent/config.h"

#include <algorithm>
#include <map>
#include <set>

#include <boost/json.hpp>

namespace brume::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxEntries = 200;
constexpr int kRetentions[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                               365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

// Adds what `from` says to `to`. Objects are merged, lists gain what they do not have.
Result<void> merge(const json::object& from, json::object& to, const std::string& path) {
  for (const auto& [name, value] : from) {
    const std::string here = path + std::string(name);
    json::value* known = to.if_contains(name);
    if (!known) {
      to[name] = value;
    } else if (known->is_object() && value.is_object()) {
      BRUME_CHECK(merge(value.get_object(), known->get_object(), here + "/"));
    } else if (known->is_array() && value.is_array()) {
      for (const json::value& item : value.get_array())
        if (std::ranges::find(known->get_array(), item) == known->get_array().end()) known->get_array().push_back(item);
    } else if (*known != value) {
      return fail("InvalidConfiguration", "different values are given for {}", here);
    }
  }
  return {};
}

// The members of an object, by kind; what is of another kind is refused.
class Section {
 public:
  Section(const json::object& object, std::string path, std::vector<std::string>& refused)
      : object_(object), path_(std::move(path)), refused_(refused) {}

  void read(std::string_view name, std::string& out) {
    if (const json::value* value = take(name)) {
      if (value->is_string())
        out = std::string(value->get_string());
      else
        wrong(name, "a string");
    }
  }
  void read(std::string_view name, bool& out) {
    if (const json::value* value = take(name)) {
      if (value->is_bool())
        out = value->get_bool();
      else
        wrong(name, "true or false");
    }
  }
  void read(std::string_view name, int& out, int minimum, int maximum) {
    if (const json::value* value = take(name)) {
      boost::system::error_code error;
      const auto number = value->to_number<std::int64_t>(error);
      if (!error && number >= minimum && number <= maximum)
        out = int(number);
      else
        wrong(name, fmt::format("a whole number from {} to {}", minimum, maximum));
    }
  }
  const json::object* object(std::string_view name) {
    const json::value* value = take(name);
    if (value && !value->is_object()) wrong(name, "an object");
    return value ? value->if_object() : nullptr;
  }
  const json::array* array(std::string_view name) {
    const json::value* value = take(name);
    if (value && !value->is_array()) wrong(name, "a list");
    return value ? value->if_array() : nullptr;
  }
  // Members without an effect here.
  void skip(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) take(name);
  }
  void refuse_rest() {
    for (const auto& [name, value] : object_)
      if (!taken_.contains(std::string_view(name)))
        refused_.push_back(fmt::format("{}{} is not followed", path_, std::string_view(name)));
  }
  [[nodiscard]] std::string path(std::string_view name) const { return fmt::format("{}{}/", path_, name); }

 private:
  const json::value* take(std::string_view name) {
    taken_.insert(name);
    return object_.if_contains(name);
  }
  void wrong(std::string_view name, std::string_view wanted) {
    refused_.push_back(fmt::format("{}{} is to be {}", path_, name, wanted));
  }

  const json::object& object_;
  std::string path_;
  std::vector<std::string>& refused_;
  std::set<std::string_view> taken_;
};

// False: an entry that cannot be shipped as it says.
bool read_filters(const json::array& list, const std::string& path, FileEntry& out, std::vector<std::string>& refused) {
  for (const json::value& item : list) {
    const json::object* object = item.if_object();
    const json::value* type = object ? object->if_contains("type") : nullptr;
    const json::value* expression = object ? object->if_contains("expression") : nullptr;
    const bool include = type && *type == "include";
    if (!expression || !expression->is_string() || (!include && !(type && *type == "exclude"))) {
      refused.push_back(path + "filters: each is to have a type (include or exclude) and an expression");
      return false;
    }
    out.filters.push_back({include, std::string(expression->get_string())});
  }
  return true;
}

bool read_file_entry(const json::object& object, const std::string& path, FileEntry& out,
                     std::vector<std::string>& refused) {
  Section section(object, path, refused);
  std::string timezone;
  bool pipe = false;
  int retention = -1;
  section.read("file_path", out.file_path);
  section.read("log_group_name", out.log_group_name);
  section.read("log_stream_name", out.log_stream_name);
  section.read("log_group_class", out.log_group_class);
  section.read("retention_in_days", retention, -1, 3653);
  section.read("timestamp_format", out.timestamp_format);
  section.read("multi_line_start_pattern", out.multi_line_start_pattern);
  section.read("encoding", out.encoding);
  section.read("blacklist", out.blacklist);
  section.read("timezone", timezone);
  section.read("trim_timestamp", out.trim_timestamp);
  section.read("auto_removal", out.auto_removal);
  section.read("publish_multi_logs", out.publish_multi_logs);
  section.read("from_beginning", out.from_beginning);
  section.read("pipe", pipe);
  bool whole = true;
  if (const json::array* filters = section.array("filters")) whole = read_filters(*filters, path, out, refused);
  section.refuse_rest();
  out.utc = timezone == "UTC";
  const auto refuse = [&](std::string why) { refused.push_back(path + std::move(why)); };
  if (!out.file_path.starts_with('/')) {
    refuse("file_path is to be an absolute path");
    return false;
  }
  if (pipe) {
    refuse("pipe: named pipes are not followed, since what is read from one cannot be read again");
    return false;
  }
  if (retention > 0 && std::ranges::find(kRetentions, retention) == std::end(kRetentions))
    refuse(fmt::format("retention_in_days cannot be {}", retention));
  else if (retention > 0)
    out.retention_in_days = retention;
  if (!out.log_group_class.empty() && out.log_group_class != "STANDARD" && out.log_group_class != "INFREQUENT_ACCESS" &&
      out.log_group_class != "DELIVERY") {
    refuse("log_group_class is to be STANDARD, INFREQUENT_ACCESS or DELIVERY");
    out.log_group_class.clear();
  }
  return whole;
}

void read_logs(const json::object& object, Config& out) {
  Section logs(object, "logs/", out.refused);
  std::string default_stream;
  logs.read("log_stream_name", default_stream);
  logs.read("force_flush_interval", out.force_flush_interval, 1, 3600);
  logs.read("endpoint_override", out.logs_endpoint);
  const json::object* collected = logs.object("logs_collected");
  logs.refuse_rest();
  if (!collected) return;
  Section sources(*collected, logs.path("logs_collected"), out.refused);
  const json::object* files = sources.object("files");
  sources.refuse_rest();
  if (!files) return;
  Section section(*files, sources.path("files"), out.refused);
  const json::array* list = section.array("collect_list");
  section.refuse_rest();
  std::map<std::string, int> seen;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    const std::string path = fmt::format("{}collect_list/{}/", sources.path("files"), i);
    if (out.files.size() == kMaxEntries) {
      out.refused.push_back(fmt::format("{}: at most {} entries are followed", path, kMaxEntries));
      break;
    }
    FileEntry entry;
    const json::object* item = (*list)[i].if_object();
    if (!item) {
      out.refused.push_back(path + " is to be an object");
    } else if (read_file_entry(*item, path, entry, out.refused)) {
      if (entry.log_stream_name.empty()) entry.log_stream_name = default_stream;
      if (entry.log_stream_name.empty()) entry.log_stream_name = "{instance_id}";
      const int number = ++seen[entry.file_path];
      entry.key = number == 1 ? entry.file_path : fmt::format("{}#{}", entry.file_path, number);
      out.files.push_back(std::move(entry));
    } else {
      out.refused.push_back(fmt::format("{} is not shipped", path));
    }
  }
}

}  // namespace

void refuse_others(const json::object& object, std::string_view path, const std::vector<std::string_view>& known,
                   std::vector<std::string>& refused) {
  for (const auto& [name, value] : object)
    if (std::ranges::find(known, std::string_view(name)) == known.end())
      refused.push_back(fmt::format("{}{} is not followed", path, std::string_view(name)));
}

Result<Config> read_config(const std::vector<std::pair<std::string, std::string>>& files) {
  json::object merged;
  for (const auto& [name, text] : files) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object())
      return fail("InvalidConfiguration", "{} is not a JSON object{}{}", name, error ? ": " : "",
                  error ? error.message() : "");
    BRUME_CHECK(merge(value.get_object(), merged, ""));
  }
  Config out;
  Section root(merged, "", out.refused);
  if (const json::object* object = root.object("agent")) {
    Section agent(*object, "agent/", out.refused);
    agent.read("region", out.region);
    agent.read("metrics_collection_interval", out.metrics_collection_interval, 1, 172800);
    agent.read("omit_hostname", out.omit_hostname);
    agent.skip({"debug", "quiet", "logfile", "aws_sdk_log_level", "user_agent", "internal"});
    std::string user = "root";
    agent.read("run_as_user", user);
    if (user != "root")
      out.refused.push_back(fmt::format("agent/run_as_user: the agent runs as root, not as {}", user));
    agent.refuse_rest();
  }
  if (const json::object* object = root.object("logs")) read_logs(*object, out);
  if (const json::object* object = root.object("metrics")) {
    out.has_metrics = true;
    out.metrics = *object;
  }
  root.skip({"csm"});
  root.refuse_rest();
  return out;
}

}  // namespace brume::agent
