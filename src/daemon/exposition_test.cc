#include "daemon/exposition.h"

#include <gtest/gtest.h>

namespace brume::daemon {
namespace {

using cloudwatch::MetricId;
using cloudwatch::MetricPoint;

class Metrics : public cloudwatch::MetricReader {
 public:
  [[nodiscard]] std::vector<MetricPoint> read(const MetricId& metric, const cloudwatch::Statistic& statistic,
                                              std::chrono::seconds, Timestamp, Timestamp,
                                              const std::optional<std::string>&) const override {
    const double value = statistic.kind == cloudwatch::Statistic::Kind::sample_count ? 4 : 1.5;
    if (metric.name == "Silent") return {};
    return {{Timestamp(std::chrono::minutes(1)), 0, ""}, {Timestamp(std::chrono::minutes(2)), value, ""}};
  }
  [[nodiscard]] std::vector<MetricId> list(const cloudwatch::MetricFilter&, std::size_t limit,
                                           const std::optional<MetricId>&) const override {
    return {metrics.begin(), metrics.begin() + std::ptrdiff_t(std::min(limit, metrics.size()))};
  }
  std::vector<MetricId> metrics;
};

TEST(Exposition, NamesAreThoseOfTheCloudWatchExporter) {
  EXPECT_EQ(snake_case("AWS/EC2"), "aws_ec2");
  EXPECT_EQ(snake_case("CPUUtilization"), "cpuutilization");
  EXPECT_EQ(snake_case("TargetResponseTime"), "target_response_time");
  EXPECT_EQ(snake_case("StatusCheckFailed_Instance"), "status_check_failed_instance");
  EXPECT_EQ(snake_case("9 lives"), "_9_lives");
  EXPECT_EQ(snake_case(""), "_");
}

TEST(Exposition, TheNewestPeriodOfEachMetric) {
  Metrics metrics;
  metrics.metrics = {{"AWS/EC2", "CPUUtilization", {{"InstanceId", "i-1"}}}, {"My \"App\"", "Silent", {}}};
  const std::string text =
      exposition({{"eu-west-1", &metrics}}, std::chrono::seconds(60), Timestamp(std::chrono::minutes(3)));
  EXPECT_NE(text.find("# TYPE aws_ec2_cpuutilization_average gauge\n"
                      "aws_ec2_cpuutilization_average{region=\"eu-west-1\",instance_id=\"i-1\"} 1.5 120000\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("aws_ec2_cpuutilization_sample_count{region=\"eu-west-1\",instance_id=\"i-1\"} 4 120000\n"),
            std::string::npos);
  EXPECT_EQ(text.find("silent"), std::string::npos);
}

TEST(Exposition, ValuesOfLabelsAreEscaped) {
  Metrics metrics;
  metrics.metrics = {{"App", "Errors", {{"Path", "C:\\a\"b\nc"}}}};
  const std::string text = exposition({{"r", &metrics}}, std::chrono::seconds(60), Timestamp());
  EXPECT_NE(text.find("path=\"C:\\\\a\\\"b\\nc\""), std::string::npos) << text;
}

TEST(Exposition, WhatIsLeftOutIsSaid) {
  Metrics metrics;
  for (std::size_t i = 0; i <= kMostExposed; ++i) metrics.metrics.push_back({"App", "Silent", {}});
  EXPECT_TRUE(exposition({{"r", &metrics}}, std::chrono::seconds(60), Timestamp()).starts_with("# r has more than"));
}

TEST(Exposition, TheLastSecondOfInstances) {
  EXPECT_EQ(exposition({{"r", {{"i-1", {.cpu_percent = 12.345, .memory_bytes = 7}}}}}),
            "# TYPE brume_instance_cpu_percent gauge\n"
            "brume_instance_cpu_percent{region=\"r\",instance_id=\"i-1\"} 12.35\n"
            "# TYPE brume_instance_memory_bytes gauge\n"
            "brume_instance_memory_bytes{region=\"r\",instance_id=\"i-1\"} 7\n");
}

TEST(Exposition, WhatMetricsTakeOnDisk) {
  const std::map<std::string, KeptMetrics> kept = {{"r", {.bytes = 12, .dropped = 7}}};
  EXPECT_EQ(exposition(kept),
            "# TYPE brume_metric_store_bytes gauge\n"
            "brume_metric_store_bytes{region=\"r\"} 12\n"
            "# TYPE brume_metric_store_dropped_bytes_total counter\n"
            "brume_metric_store_dropped_bytes_total{region=\"r\"} 7\n");
}

}  // namespace
}  // namespace brume::daemon
