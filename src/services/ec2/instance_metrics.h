// Looks at what running instances use, and publishes it as EC2's metrics.
//
// One look is at all instances: when a minute ends and, while somebody asks for loads(), each second. A minute is one
// sample of each metric: published each minute with detailed monitoring, else five together each five minutes (EC2 user
// guide, "Manage detailed monitoring"). By instance and Auto Scaling group; with detailed monitoring also by image,
// type and over all. Minutes are those of the wall clock, divided by the time scale; what an instance did in one is
// measured by monotonic time: from its start, or from the first look if it ran before this daemon did. A restart of the
// daemon loses what was not yet published.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compute/driver.h"
#include "services/common/context.h"
#include "services/common/metric_sink.h"
#include "services/ec2/instance_record.h"
#include "services/ec2/instance_usage.h"
#include "services/ec2/tags.h"
#include "store/table.h"

namespace brume::ec2 {

// How busy an instance was between the last two looks: a second for who asks again and again, else up to a minute.
struct InstanceLoad {
  double cpu_percent = 0;  // of its processors
  std::int64_t memory_bytes = 0;
};

// The values of one metric in an interval.
struct Tally {
  double sum = 0, count = 0, minimum = 0, maximum = 0;
  std::vector<std::pair<double, double>> values;  // while they are not all the same

  void add(double value);
  void clear();
};

class InstanceMetrics {
 public:
  InstanceMetrics(services::Context context, const store::Table<InstanceRecord>& instances, const Tags& tags,
                  compute::Driver& driver, services::MetricSink& sink);
  InstanceMetrics(const InstanceMetrics&) = delete;
  InstanceMetrics& operator=(const InstanceMetrics&) = delete;

  void start();
  // Of those that run and were looked at, by id. Who asks has instances looked at each second for the next while.
  [[nodiscard]] std::map<std::string, InstanceLoad> loads();

 private:
  static constexpr std::size_t kBasicMinutes = 5;

  struct Watched {
    compute::Usage last, minute;  // at the newest look, and where its minute began
    env::MonotonicTime last_time, minute_time;
    const InstanceType* type = nullptr;
    bool runs = false;
    bool strange = false;  // it was there before this daemon: what it had used then is not known
    std::optional<InstanceLoad> load;
    std::array<MeasuredValues, kBasicMinutes> basic;
    std::size_t minutes = 0;  // of `basic`, not yet published
    services::MetricSubject metrics;
  };
  class Batch;  // samples on their way to the sink
  // What the instances of a group, an image, a type or all of them did together.
  struct Shared {
    services::MetricSubject metrics;
    std::array<Tally, kInstanceMetrics.size()> tallies;
    bool used = true;  // since publish_basic()
  };
  using Dimension = std::pair<std::string_view, std::string_view>;  // name and value; both empty: over all
  struct DimensionOrder {
    using is_transparent = void;
    bool operator()(const Dimension& a, const Dimension& b) const { return a < b; }
  };

  void look_later();
  void look();
  void looked(const std::map<std::string, compute::Usage>& usage);
  void see(const InstanceRecord& record, Watched& watched, const compute::Usage& used, env::MonotonicTime now);
  // The machine does not have it running, and need not.
  static void miss(Watched& watched);
  // The minute that began at minute_ is over.
  void end_minute(const std::string& id, const InstanceRecord& record, Watched& watched, env::MonotonicTime now,
                  Batch& detailed);
  // Of the interval that began then.
  void publish_basic(Timestamp began);
  [[nodiscard]] Timestamp begin_of(Timestamp time, std::size_t minutes) const;

  services::Context context_;
  const store::Table<InstanceRecord>& instances_;
  const Tags& tags_;
  compute::Driver& driver_;
  services::MetricSink& sink_;
  std::map<std::string, Watched> watched_;  // those that are gone too until their minutes are published
  std::map<std::pair<std::string, std::string>, Shared, DimensionOrder> shared_;
  Timestamp minute_{};
  bool looking_ = false;
  env::Loop::TimerId timer_ = 0;
  std::optional<env::MonotonicTime> looked_, asked_;  // last
};

}  // namespace brume::ec2
