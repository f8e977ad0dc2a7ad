#include "compute/agent/config.h"

#include <gtest/gtest.h>

#include "compute/agent/placeholders.h"

namespace brume::agent {
namespace {

using Lines = std::vector<std::string>;

Config config_of(const std::string& text) {
  const auto read = read_config({{"a.json", text}});
  EXPECT_TRUE(read) << read.error().message;
  return read.value_or(Config());
}

TEST(Config, AWholeOne) {
  const Config config = config_of(R"({
    "agent": {"metrics_collection_interval": 10, "region": "eu-west-1", "logfile": "/x", "run_as_user": "cwagent"},
    "logs": {"logs_collected": {"files": {"collect_list": [
      {"file_path": "/var/log/app.log", "log_group_name": "web", "log_stream_name": "{instance_id}/app",
       "retention_in_days": 14, "timestamp_format": "%H:%M:%S", "timezone": "UTC", "encoding": "utf-8",
       "multi_line_start_pattern": "{timestamp_format}", "auto_removal": true, "log_group_class": "INFREQUENT_ACCESS",
       "filters": [{"type": "exclude", "expression": "health"}]},
      {"file_path": "/var/log/app.log"}]}},
      "log_stream_name": "all", "force_flush_interval": 15},
    "metrics": {"metrics_collected": {"mem": {"measurement": ["mem_used_percent"]}}}})");
  EXPECT_EQ(config.region, "eu-west-1");
  EXPECT_EQ(config.metrics_collection_interval, 10);
  EXPECT_EQ(config.force_flush_interval, 15);
  EXPECT_TRUE(config.has_metrics);
  ASSERT_EQ(config.files.size(), 2U);
  EXPECT_EQ(config.files[0].log_group_name, "web");
  EXPECT_EQ(config.files[0].retention_in_days, 14);
  EXPECT_TRUE(config.files[0].utc);
  EXPECT_TRUE(config.files[0].auto_removal);
  EXPECT_EQ(config.files[0].filters, (std::vector<LogFilter>{{false, "health"}}));
  EXPECT_EQ(config.files[1].key, "/var/log/app.log#2");
  EXPECT_EQ(config.files[1].log_stream_name, "all");
  EXPECT_EQ(config.refused, Lines{"agent/run_as_user: the agent runs as root, not as cwagent"});
}

TEST(Config, WhatIsNotFollowedIsNamed) {
  const Config config = config_of(R"({"traces": {}, "agent": {"credentials": {}},
    "logs": {"credentials": {}, "metrics_collected": {}, "logs_collected": {"windows_events": {}, "files": {"collect_list": [
      {"file_path": "/a", "kms_key_id": "x", "retention_in_days": 2, "log_group_class": "FAST"},
      {"file_path": "relative"}, {"file_path": "/b", "pipe": true}, 7,
      {"file_path": "/c", "filters": [{"type": "maybe", "expression": "x"}]},
      {"file_path": "/d", "auto_removal": "yes"}]}}}})");
  EXPECT_EQ(config.files.size(), 2U);
  const std::string list = "logs/logs_collected/files/collect_list/";
  EXPECT_EQ(
      config.refused,
      (Lines{"agent/credentials is not followed", "logs/credentials is not followed",
             "logs/metrics_collected is not followed", "logs/logs_collected/windows_events is not followed",
             list + "0/kms_key_id is not followed", list + "0/retention_in_days cannot be 2",
             list + "0/log_group_class is to be STANDARD, INFREQUENT_ACCESS or DELIVERY",
             list + "1/file_path is to be an absolute path", list + "1/ is not shipped",
             list + "2/pipe: named pipes are not followed, since what is read from one cannot be read again",
             list + "2/ is not shipped", list + "3/ is to be an object",
             list + "4/filters: each is to have a type (include or exclude) and an expression",
             list + "4/ is not shipped", list + "5/auto_removal is to be true or false", "traces is not followed"}));
}

TEST(Config, FilesAreMerged) {
  const std::string one =
      R"({"agent": {"region": "a"}, "logs": {"logs_collected": {"files": {"collect_list": [{"file_path": "/a"}]}}}})";
  const std::string two =
      R"({"logs": {"logs_collected": {"files": {"collect_list": [{"file_path": "/a"}, {"file_path": "/b"}]}}}})";
  const auto merged = read_config({{"1", one}, {"2", two}});
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->files.size(), 2U);
  const auto contrary = read_config({{"1", one}, {"2", R"({"agent": {"region": "b"}})"}});
  ASSERT_FALSE(contrary);
  EXPECT_EQ(contrary.error().message, "different values are given for agent/region");
  EXPECT_FALSE(read_config({{"1", "{"}}));
  EXPECT_FALSE(read_config({{"1", "[]"}}));
}

TEST(Destination, NamesAreFilledIn) {
  const Identity identity{.instance_id = "i-1",
                          .hostname = "ip-10-0-0-1.internal",
                          .local_hostname = "host",
                          .ip_address = "10.0.0.1",
                          .region = "eu-west-1",
                          .account_id = "123",
                          .image_id = {},
                          .instance_type = {}};
  const Timestamp started = parse_iso8601("2026-11-28T10:00:00Z").value();
  struct Case {
    const char *group, *stream;
    bool all;
    Destination wanted;
  };
  const Case cases[] = {
      {"g", "{instance_id}", false, {"g", "i-1"}},
      {"{account_id}/{aws_region}",
       "{hostname}-{local_hostname}-{ip_address}-{date}{x}",
       false,
       {"123/eu-west-1", "ip-10-0-0-1.internal-host-10.0.0.1-2026-11-28{x}"}},
      {"", "s", false, {"/var/log/app", "s"}},
      {"", "s", true, {"/var/log/app_x.log", "s"}},
      {"g", "s", true, {"g", "s__var_log_app_x.log"}},
  };
  for (const Case& one : cases) {
    FileEntry entry;
    entry.file_path = "/var/log/app.log";
    entry.log_group_name = one.group;
    entry.log_stream_name = one.stream;
    entry.publish_multi_logs = one.all;
    EXPECT_EQ(destination(entry, "/var/log/app x.log", identity, started), one.wanted) << one.group;
  }
}

}  // namespace
}  // namespace brume::agent
