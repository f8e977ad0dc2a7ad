// What load balancers and target groups did, as CloudWatch's AWS/ApplicationELB metrics, once a minute.
//
// The data plane counts since it started; the difference of two of its reports is what happened between them, and a
// counter that went back began anew. Names, dimensions and which are told although nothing happened: user guide,
// "CloudWatch metrics for your Application Load Balancer". Minutes are divided by the time scale. A restart of the
// daemon loses what was not yet published. Leaves out: metrics by Availability Zone.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lb/config.h"
#include "services/common/context.h"
#include "services/common/metric_sink.h"

namespace brume::elbv2 {

// "app/web/0123456789abcdef" or "targetgroup/web/0123456789abcdef" of an ARN: the value of a dimension.
std::string dimension_of(const std::string& arn);

// Healthy and unhealthy targets of a group, as each report counted them.
struct HostCounts {
  double reports = 0;
  double healthy = 0, least_healthy = 0, most_healthy = 0;  // `healthy` and `unhealthy`: added up
  double unhealthy = 0, least_unhealthy = 0, most_unhealthy = 0;
  void add(double healthy_now, double unhealthy_now);
};

// Pure: the samples of the interval from `before` to `now`. `hosts`: by target group, in the interval. `balancers_of`:
// ARNs of the load balancers that forward to a target group.
using BalancersOf = std::function<std::vector<std::string>(const std::string& target_group)>;
std::vector<services::MetricSample> samples_of(const lb::Stats& before, const lb::Stats& now,
                                               const std::map<std::string, HostCounts>& hosts,
                                               const BalancersOf& balancers_of, Timestamp time);

class BalancerMetrics {
 public:
  BalancerMetrics(services::Context context, services::MetricSink& sink, BalancersOf balancers_of);
  BalancerMetrics(const BalancerMetrics&) = delete;
  BalancerMetrics& operator=(const BalancerMetrics&) = delete;

  void start();
  // A report of this region's load balancers and target groups.
  void on_stats(lb::Stats stats);

 private:
  void publish_later();
  void publish();

  services::Context context_;
  services::MetricSink& sink_;
  BalancersOf balancers_of_;
  bool reported_ = false;      // since this object was made
  lb::Stats published_, now_;  // up to where it was told, and the newest report
  std::map<std::string, HostCounts> hosts_;
};

}  // namespace brume::elbv2
