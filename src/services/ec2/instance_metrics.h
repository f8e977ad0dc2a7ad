// Looks each second at what running instances use, and publishes it as EC2's metrics.
//
// A minute is one sample of each metric: published each minute with detailed monitoring, else five together each five
// minutes (EC2 user guide, "Manage detailed monitoring"). By instance and Auto Scaling group; with detailed monitoring
// also by image, type and over all. Minutes are those of the wall clock, divided by the time scale; what an instance
// did in one is measured by monotonic time. A restart of the daemon loses what was not yet published.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "compute/driver.h"
#include "services/common/context.h"
#include "services/common/metric_sink.h"
#include "services/ec2/instance_record.h"
#include "services/ec2/tags.h"
#include "store/table.h"

namespace brume::ec2 {

// How busy an instance was in the last second.
struct InstanceLoad {
  double cpu_percent = 0;  // of its processors
  std::int64_t memory_bytes = 0;
};

class InstanceMetrics {
 public:
  InstanceMetrics(services::Context context, const store::Table<InstanceRecord>& instances, const Tags& tags,
                  compute::Driver& driver, services::MetricSink& sink);
  InstanceMetrics(const InstanceMetrics&) = delete;
  InstanceMetrics& operator=(const InstanceMetrics&) = delete;

  void start();
  // Of those that have run for a second, by id.
  [[nodiscard]] std::map<std::string, InstanceLoad> loads() const;

 private:
  struct Look {
    compute::Usage usage;
    env::MonotonicTime time;
  };
  struct Watched {
    Look last, minute;  // the newest look, and that with which its minute began
    std::optional<InstanceLoad> load;
  };
  // Metrics of one interval by namespace, dimensions and name.
  using Key = std::tuple<std::string, std::vector<std::pair<std::string, std::string>>, std::string>;
  using Samples = std::map<Key, services::MetricSample>;

  void look_soon();
  void looked(const std::map<std::string, compute::Usage>& usage);
  // The minute that began at minute_ is over.
  void end_minute(const std::map<std::string, compute::Usage>& usage, env::MonotonicTime now);
  void publish(Samples& samples);
  [[nodiscard]] Timestamp begin_of(Timestamp time, int minutes) const;

  services::Context context_;
  const store::Table<InstanceRecord>& instances_;
  const Tags& tags_;
  compute::Driver& driver_;
  services::MetricSink& sink_;
  std::map<std::string, Watched> watched_;
  Timestamp minute_{};
  Samples basic_;  // of the five minutes that are under way
};

}  // namespace brume::ec2
