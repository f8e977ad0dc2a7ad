// The CloudWatch agent's own configuration (amazon-cloudwatch-agent.json and the files of amazon-cloudwatch-agent.d),
// as far as Brume's agent follows it.
//
// Pure. Several files are merged by the agent's rules: lists add up, everything else may be said twice only if it is
// said alike. Nothing is passed over: what is not followed is in `refused`, by its name, for the instance's console.
// (Source: Amazon CloudWatch user guide, "Manually create or edit the CloudWatch agent configuration file".) Leaves
// regular expressions, time formats and encodings to line_rules.h, and the metrics section to metrics_config.h.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.h"

namespace brume::agent {

struct LogFilter {
  bool include = true;  // else: exclude
  std::string expression;

  bool operator==(const LogFilter&) const = default;
};

// One member of logs.logs_collected.files.collect_list.
struct FileEntry {
  std::string key;             // names the entry in the state: the path, and a number if it is there more than once
  std::string file_path;       // a glob
  std::string log_group_name;  // empty: from the file's path
  std::string log_stream_name;
  std::string log_group_class;  // empty: the service's default
  int retention_in_days = 0;    // 0: not to be set
  std::string timestamp_format, multi_line_start_pattern, encoding, blacklist;
  std::vector<LogFilter> filters;
  bool utc = false;  // times without an offset; else they are the instance's
  bool trim_timestamp = false;
  bool auto_removal = false;
  bool publish_multi_logs = false;  // all files that match, each a stream; else only the newest is taken up
  bool from_beginning = true;
};

struct Config {
  std::string region;                    // empty: the instance's
  int metrics_collection_interval = 60;  // seconds
  bool omit_hostname = false;

  std::vector<FileEntry> files;
  int force_flush_interval = 5;  // seconds; of logs
  std::string logs_endpoint;     // empty: the instance's API

  bool has_metrics = false;
  boost::json::object metrics;  // the section, for read_metrics_config()

  std::vector<std::string> refused;  // sentences
};

// `files`: name and text of each, in the order of their names. Errors: a sentence that says which file cannot be read
// as JSON, or what is said in two ways.
Result<Config> read_config(const std::vector<std::pair<std::string, std::string>>& files);

// "a/b: is not followed" for each member of `object` that is not among `known`.
void refuse_others(const boost::json::object& object, std::string_view path, const std::vector<std::string_view>& known,
                   std::vector<std::string>& refused);

}  // namespace brume::agent
