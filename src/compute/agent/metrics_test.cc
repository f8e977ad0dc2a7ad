#include <gtest/gtest.h>

#include "compute/agent/metric_publisher.h"

namespace brume::agent {
namespace {

using Lines = std::vector<std::string>;

MetricsConfig config_of(const std::string& metrics, Lines* refused = nullptr) {
  const auto read = read_config({{"a", R"({"metrics":)" + metrics + "}"}});
  EXPECT_TRUE(read) << read.error().message;
  Lines lines;
  MetricsConfig out = read_metrics_config(*read, lines);
  if (refused) *refused = lines;
  return out;
}

struct Texts {
  std::map<std::string, std::string> files;

  Machine machine() {
    return {.read = [this](const std::string& path) { return files.contains(path) ? files.at(path) : std::string(); },
            .file_system = [](const std::string&) { return FileSystem{1000, 400, 300, 100, 90}; },
            .link = {},
            .count = {},
            .processes = [] { return Lines{"1", "7", "9"}; },
            .cpus = 8};
  }
};

std::map<std::string, double> values_of(const std::string& plugin, const MetricPlugin& config, Texts& before,
                                        Texts& now) {
  EXPECT_EQ(config.name, plugin);
  std::map<std::string, double> out;
  for (const Sample& sample :
       samples(config, take_readings(config, before.machine()), take_readings(config, now.machine()), 10)) {
    std::string name = sample.measurement->metric;
    for (const auto& [key, value] : sample.dimensions) name += " " + key + "=" + value;
    out[name] = sample.value;
  }
  return out;
}

TEST(MetricsConfig, NamesUnitsAndWhatCannotBeTold) {
  Lines refused;
  const MetricsConfig config =
      config_of(R"({"namespace": "Mine", "append_dimensions": {"InstanceId": "${aws:InstanceId}",
    "Other": "x"}, "aggregation_dimensions": [["InstanceId"], []], "metrics_collected": {
      "cpu": {"measurement": ["usage_idle", {"name": "cpu_usage_active", "rename": "CPU", "unit": "None"},
                              "cpu_usage_iowait"], "totalcpu": true, "resources": ["*"],
              "drop_original_metrics": ["cpu_usage_idle"], "metrics_collection_interval": 10},
      "mem": {"measurement": ["mem_used_percent"]}, "collectd": {}}})",
                &refused);
  EXPECT_EQ(config.metric_namespace, "Mine");
  EXPECT_FALSE(config.host_dimension);
  ASSERT_EQ(config.plugins.size(), 2U);
  EXPECT_EQ(config.plugins[0].measurements, (std::vector<Measurement>{{"usage_idle", "cpu_usage_idle", "Percent", true},
                                                                      {"usage_active", "CPU", "None", false}}));
  EXPECT_EQ(config.plugins[0].interval, 10);
  EXPECT_EQ(config.plugins[1].interval, 60);
  EXPECT_EQ(refused,
            (Lines{"metrics/append_dimensions/Other is not one of the four that there are",
                   "metrics/metrics_collected/cpu/resources: the CPUs are the machine's; only cpu-total is this "
                   "instance's",
                   "metrics/metrics_collected/cpu/cpu_usage_iowait cannot be told here",
                   "metrics/metrics_collected/collectd is not followed"}));
}

TEST(MetricsConfig, StatsdAndProcstat) {
  const MetricsConfig usual = config_of(R"({"metrics_collected": {"statsd": {}}})");
  ASSERT_TRUE(usual.statsd);
  EXPECT_EQ(usual.statsd->service_address, ":8125");
  EXPECT_EQ(usual.statsd->collection_interval, 10);
  EXPECT_EQ(usual.statsd->aggregation_interval, 60);
  EXPECT_EQ(usual.statsd->separator, "_");
  EXPECT_EQ(usual.statsd->pending_messages, 10'000U);
  Lines refused;
  const MetricsConfig config = config_of(R"({"metrics_collected": {"statsd": {"service_address": "127.0.0.1:9125",
      "metrics_collection_interval": 5, "metrics_aggregation_interval": 0, "metric_separator": ".",
      "allowed_pending_messages": 7, "drop_original_metrics": ["a"], "service.name": "x"},
    "procstat": [{"exe": "n", "pid_file": "/run/n.pid", "measurement": ["cpu_usage", "procstat_pid_count", "rss"]},
                 {"pattern": "(", "measurement": ["pid"]}, {"measurement": ["pid"]},
                 {"pattern": "a b", "measurement": [{"name": "memory_rss", "rename": "R"}, "rlimit_num_fds_soft"],
                  "metrics_collection_interval": 10, "append_dimensions": {"a": "b"}, "resources": ["*"]}]}})",
                                         &refused);
  EXPECT_EQ(config.statsd->service_address, "127.0.0.1:9125");
  EXPECT_EQ(config.statsd->collection_interval, 5);
  EXPECT_EQ(config.statsd->aggregation_interval, 0);
  EXPECT_EQ(config.statsd->separator, ".");
  EXPECT_EQ(config.statsd->pending_messages, 7U);
  EXPECT_EQ(config.statsd->dropped, std::set<std::string>{"a"});
  ASSERT_EQ(config.plugins.size(), 2U);
  EXPECT_EQ(config.plugins[0].processes.dimension(), "pidfile");
  EXPECT_EQ(config.plugins[0].processes.text, "/run/n.pid");
  EXPECT_EQ(config.plugins[0].measurements,
            (std::vector<Measurement>{{"cpu_usage", "procstat_cpu_usage", "Percent"},
                                      {"pid_count", "procstat_lookup_pid_count", "Count"}}));
  EXPECT_EQ(config.plugins[1].processes.dimension(), "pattern");
  EXPECT_EQ(config.plugins[1].interval, 10);
  EXPECT_EQ(config.plugins[1].measurements,
            (std::vector<Measurement>{{"memory_rss", "R", "Bytes"},
                                      {"rlimit_num_fds_soft", "procstat_rlimit_num_fds_soft", "Count"}}));
  EXPECT_EQ(refused, (Lines{"metrics/metrics_collected/statsd/service.name is not followed",
                            "metrics/metrics_collected/procstat/0/procstat_rss cannot be told here",
                            "metrics/metrics_collected/procstat/1/pattern: missing ): (",
                            "metrics/metrics_collected/procstat/2 is to have a pid_file, an exe or a pattern",
                            "metrics/metrics_collected/procstat/3/resources is not followed"}));
}

TEST(Measurements, OfCgroupsOfBothVersions) {
  const MetricsConfig config = config_of(R"({"metrics_collected": {
    "cpu": {"measurement": ["usage_active", "usage_idle", "usage_user", "usage_system"]},
    "mem": {"measurement": ["total", "used", "available", "used_percent", "cached"]},
    "diskio": {"measurement": ["reads", "read_bytes", "write_bytes"]}}})");
  const std::string c = "/sys/fs/cgroup/";
  Texts v2{{{c + "cpu.stat", "usage_usec 1000000\nuser_usec 600000\nsystem_usec 400000\n"},
            {c + "cpu.max", "200000 100000\n"},
            {c + "memory.current", "1000\n"},
            {c + "memory.max", "2000\n"},
            {c + "memory.stat", "inactive_file 200\nfile 300\nactive_anon 10\n"},
            {c + "io.stat", "8:0 rbytes=100 wbytes=10 rios=3 wios=1\n"},
            {"/proc/diskstats", "   8       0 sda 1 2 3\n"}}};
  Texts later = v2;
  later.files[c + "cpu.stat"] = "usage_usec 6000000\nuser_usec 3600000\nsystem_usec 2400000\n";
  later.files[c + "io.stat"] = "8:0 rbytes=4100 wbytes=10 rios=5 wios=1\n";
  using Values = std::map<std::string, double>;
  EXPECT_EQ(values_of("cpu", config.plugins[0], v2, later), (Values{{"cpu_usage_active cpu=cpu-total", 25},
                                                                    {"cpu_usage_idle cpu=cpu-total", 75},
                                                                    {"cpu_usage_user cpu=cpu-total", 15},
                                                                    {"cpu_usage_system cpu=cpu-total", 10}}));
  const Values memory = {
      {"mem_total", 2000}, {"mem_used", 800}, {"mem_available", 1200}, {"mem_used_percent", 40}, {"mem_cached", 300}};
  EXPECT_EQ(values_of("mem", config.plugins[1], v2, later), memory);
  const Values io = {
      {"diskio_reads name=sda", 2}, {"diskio_read_bytes name=sda", 4000}, {"diskio_write_bytes name=sda", 0}};
  EXPECT_EQ(values_of("diskio", config.plugins[2], v2, later), io);

  Texts v1{{{c + "cpu,cpuacct/cpuacct.usage", "1000000000\n"},
            {c + "cpu/cpu.cfs_quota_us", "200000\n"},
            {c + "cpu/cpu.cfs_period_us", "100000\n"},
            {c + "memory/memory.usage_in_bytes", "1000\n"},
            {c + "memory/memory.limit_in_bytes", "2000\n"},
            {c + "memory/memory.stat", "cache 1\ninactive_file 1\ntotal_cache 300\ntotal_inactive_file 200\n"},
            {c + "blkio/blkio.throttle.io_service_bytes_recursive", "8:0 Read 100\n8:0 Write 10\nTotal 110\n"},
            {c + "blkio/blkio.throttle.io_serviced_recursive", "8:0 Read 3\n"},
            {"/proc/diskstats", "   8       0 sda 1 2 3\n"}}};
  later = v1;
  later.files[c + "cpu,cpuacct/cpuacct.usage"] = "6000000000\n";
  later.files[c + "blkio/blkio.throttle.io_service_bytes_recursive"] = "8:0 Read 4100\n8:0 Write 10\n";
  later.files[c + "blkio/blkio.throttle.io_serviced_recursive"] = "8:0 Read 5\n";
  EXPECT_EQ(values_of("cpu", config.plugins[0], v1, later),
            (Values{{"cpu_usage_active cpu=cpu-total", 25}, {"cpu_usage_idle cpu=cpu-total", 75}}));
  EXPECT_EQ(values_of("mem", config.plugins[1], v1, later), memory);
  EXPECT_EQ(values_of("diskio", config.plugins[2], v1, later), io);
  Texts nothing;
  EXPECT_TRUE(values_of("cpu", config.plugins[0], nothing, nothing).empty());
}

TEST(Measurements, OfProcAndFileSystems) {
  const MetricsConfig config = config_of(R"({"metrics_collected": {
    "disk": {"measurement": ["used_percent", "inodes_free"], "drop_device": true},
    "net": {"measurement": ["bytes_recv", "packets_sent"]},
    "netstat": {"measurement": ["tcp_listen", "tcp_established", "udp_socket"]},
    "processes": {"measurement": ["total", "running", "zombies"]}}})");
  Texts before{{{"/proc/self/mounts",
                 "overlay / overlay rw 0 0\nproc /proc proc rw 0 0\n/dev/sda1 /run/brume-init ext4 ro 0 0\n"
                 "/dev/sdb /data ext4 rw 0 0\n"},
                {"/proc/net/dev",
                 "Inter-| Receive\n face |bytes\n  lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
                 "eth0: 100 2 0 0 0 0 0 0 50 1 0 0 0 0 0 0\n"},
                {"/proc/net/tcp",
                 "  sl  local_address rem_address   st\n   0: 00000000:0050 00000000:0000 0A x\n"
                 "   1: 0100007F:0050 0100007F:1234 01 x\n"},
                {"/proc/net/udp", "  sl\n   0: x\n"},
                {"/proc/1/stat", "1 (brume-init) S 0"},
                {"/proc/7/stat", "7 (a) b) R 1"},
                {"/proc/9/stat", "9 (c) Z 1"}}};
  Texts now = before;
  now.files["/proc/net/dev"] = "eth0: 1100 2 0 0 0 0 0 0 50 4 0 0 0 0 0 0\n";
  using Values = std::map<std::string, double>;
  EXPECT_EQ(values_of("disk", config.plugins[0], before, now),
            (Values{{"disk_used_percent fstype=overlay path=/", 600.0 / 900 * 100},
                    {"disk_inodes_free fstype=overlay path=/", 90},
                    {"disk_used_percent fstype=ext4 path=/data", 600.0 / 900 * 100},
                    {"disk_inodes_free fstype=ext4 path=/data", 90}}));
  EXPECT_EQ(values_of("net", config.plugins[1], before, now),
            (Values{{"net_bytes_recv interface=eth0", 1000}, {"net_packets_sent interface=eth0", 3}}));
  EXPECT_EQ(values_of("netstat", config.plugins[2], before, now),
            (Values{{"netstat_tcp_listen", 1}, {"netstat_tcp_established", 1}, {"netstat_udp_socket", 1}}));
  EXPECT_EQ(values_of("processes", config.plugins[3], before, now),
            (Values{{"processes_total", 3}, {"processes_running", 1}, {"processes_zombies", 1}}));
}

TEST(MetricData, DimensionsAndRollUps) {
  const Datum datum{.metric = "disk_used_percent",
                    .unit = "Percent",
                    .dimensions = {{"path", "/"}, {"stage", "a\"b"}},
                    .time = Timestamp(std::chrono::seconds(7)),
                    .values = {{12.5, 1}},
                    .high_resolution = true};
  const std::string begin =
      R"({"MetricName":"disk_used_percent","Timestamp":7,"Value":12.5,"Unit":"Percent","StorageResolution":1,"Dimensions":[)";
  const std::string id = R"({"Name":"InstanceId","Value":"i-1"})", path = R"({"Name":"path","Value":"/"})";
  const std::vector<std::set<std::string>> rollups = {{"InstanceId"}, {"InstanceId", "path"}, {"x"}, {}};
  EXPECT_EQ(metric_data(rollups, datum, {{"InstanceId", "i-1"}}),
            (Lines{begin + id + "," + path + R"(,{"Name":"stage","Value":"a\"b"}]})", begin + id + "]}",
                   begin + id + "," + path + "]}", begin + "]}"}));
}

TEST(MetricData, ManyValuesAreSeveralData) {
  Datum datum{.metric = "m",
              .unit = {},
              .dimensions = {},
              .time = Timestamp(std::chrono::seconds(7)),
              .values = {{1, 2.5}, {3, 1}}};
  EXPECT_EQ(metric_data({}, datum, {}),
            Lines{R"({"MetricName":"m","Timestamp":7,"Values":[1,3],"Counts":[2.5,1],"Dimensions":[]})"});
  datum.values.clear();
  for (int i = 0; i < 151; ++i) datum.values.emplace_back(i, 1);
  const Lines data = metric_data({}, datum, {});
  ASSERT_EQ(data.size(), 2U);
  EXPECT_EQ(data[1], R"({"MetricName":"m","Timestamp":7,"Value":150,"Dimensions":[]})");
  for (int i = 0; i < 40; ++i) datum.dimensions[fmt::format("d{:02}", i)] = "x";
  EXPECT_NE(metric_data({}, datum, {})[1].find("d29"), std::string::npos);
  EXPECT_EQ(metric_data({}, datum, {})[1].find("d30"), std::string::npos);
}

TEST(MetricPublisher, PublishesEachFlushAndWaitsForTheGroup) {
  const MetricsConfig config =
      config_of(R"({"append_dimensions": {"AutoScalingGroupName": "${aws:AutoScalingGroupName}"},
    "metrics_collected": {"processes": {"measurement": ["total"], "metrics_collection_interval": 20}}})");
  Texts texts{{{"/proc/1/stat", "1 (x) S"}}};
  double seconds = 100;
  std::optional<std::string> group;
  Answer answer{.status = 200, .code = {}, .message = {}, .body = {}};
  Lines bodies, said;
  Notices notices([&](const std::string& line) { said.push_back(line); });
  MetricPublisher publisher(config, {}, texts.machine(),
                            {.seconds = [&] { return seconds; },
                             .now = [&] { return Timestamp(std::chrono::seconds(std::int64_t(seconds))); },
                             .put =
                                 [&](const std::string& body) {
                                   bodies.push_back(body);
                                   return answer;
                                 },
                             .group = [&] { return group; },
                             .datagrams = {}},
                            notices);
  const auto pass = [&](double how_long) {
    for (const double end = seconds + how_long; seconds < end; seconds += 1) publisher.step();
  };
  pass(61);
  EXPECT_TRUE(bodies.empty());
  group = "web";
  answer = {.status = 400, .code = "ThrottlingException", .message = {}, .body = {}};
  pass(60);
  ASSERT_EQ(bodies.size(), 1U);
  answer = {.status = 200, .code = {}, .message = {}, .body = {}};
  pass(60);
  ASSERT_EQ(bodies.size(), 2U);
  EXPECT_TRUE(
      bodies[1].starts_with(R"({"Namespace":"CWAgent","MetricData":[{"MetricName":"processes_total","Timestamp":)"));
  EXPECT_NE(bodies[1].find(R"("Dimensions":[{"Name":"AutoScalingGroupName","Value":"web"}])"), std::string::npos);
  EXPECT_EQ(said, (Lines{"metrics: ThrottlingException", "metrics: works again"}));
  // What may have been counted is not sent again.
  answer = {.status = 0, .code = "Unanswered", .message = {}, .body = {}};
  pass(60);
  answer = {.status = 200, .code = {}, .message = {}, .body = {}};
  pass(60);
  ASSERT_EQ(bodies.size(), 4U);
  for (std::size_t at = 0; (at = bodies[3].find("\"Timestamp\":", at)) != std::string::npos; ++at)
    EXPECT_GE(std::stol(bodies[3].substr(at + 12)), 340);
}

TEST(MetricPublisher, PublishesWhatCameByStatsd) {
  const MetricsConfig config = config_of(R"({"namespace": "N", "append_dimensions": {"InstanceId": "${aws:InstanceId}"},
    "metrics_collected": {"statsd": {"metrics_collection_interval": 10, "metrics_aggregation_interval": 60}}})");
  double seconds = 6000;
  Lines bodies, datagrams = {"hits:2|c\nhits:3|c|#path:/\nnothing"}, said;
  Notices notices([&](const std::string& line) { said.push_back(line); });
  Identity identity;
  identity.instance_id = "i-1";
  MetricPublisher publisher(config, identity, {},
                            {.seconds = [&] { return seconds; },
                             .now = [&] { return Timestamp(std::chrono::seconds(std::int64_t(seconds))); },
                             .put =
                                 [&](const std::string& body) {
                                   bodies.push_back(body);
                                   return Answer{.status = 200, .code = {}, .message = {}, .body = {}};
                                 },
                             .group = [] { return std::optional<std::string>(); },
                             .datagrams = [&] { return std::exchange(datagrams, {}); }},
                            notices);
  for (; seconds <= 6060; ++seconds) publisher.step();
  const std::string id = R"({"Name":"InstanceId","Value":"i-1"},{"Name":"metric_type","Value":"counter"})";
  const std::string first =
      R"({"Namespace":"N","MetricData":[{"MetricName":"hits","Timestamp":6000,"Value":2,"Dimensions":[)" + id +
      R"(]},{"MetricName":"hits","Timestamp":6000,"Value":3,"Dimensions":[)" + id +
      R"(,{"Name":"path","Value":"/"}]}]})";
  EXPECT_EQ(bodies, Lines{first});
  EXPECT_EQ(said,
            Lines{"statsd: 1 lines that cannot be read, and 0 values for which there is no room, are left out so far"});
  datagrams = {"last:1|g"};
  publisher.finish();
  ASSERT_EQ(bodies.size(), 2U);
  EXPECT_NE(bodies[1].find("last"), std::string::npos);
}

TEST(GroupOfTags, IsFound) {
  EXPECT_EQ(group_of_tags("<x><tagSet><item><resourceId>i-1</resourceId><key>aws:autoscaling:groupName</key>"
                          "<value>a&amp;b</value></item></tagSet></x>"),
            "a&b");
  EXPECT_EQ(group_of_tags("<tagSet/>"), "");
}

}  // namespace
}  // namespace brume::agent
