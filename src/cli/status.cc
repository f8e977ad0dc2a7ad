#include "cli/status.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>

#include "base/json.h"
#include "cli/command.h"
#include "cli/status_view.h"
#include "services/common/capacity_units.h"

namespace brume::cli {
namespace {

constexpr std::size_t kActivities = 6;
constexpr int kMinutes = 10;  // how far back the newest datapoint may lie

// Metrics are asked for in one call: each query with where its newest value goes.
class Metrics {
 public:
  void want(const std::string& name, std::string_view metric_namespace, const std::string& metric,
            const std::vector<std::pair<std::string, std::string>>& dimensions, const std::string& statistic) {
    if (queries_.size() == 500) return;  // the most that GetMetricData takes; the rest is not shown
    cloudwatch::MetricDataQuery& query = queries_.emplace_back();
    query.Id = fmt::format("q{}", queries_.size());
    names_[*query.Id] = name;
    cloudwatch::MetricStat& stat = query.MetricStat.emplace();
    stat.Period = 60;
    stat.Stat = statistic;
    cloudwatch::Metric& asked = stat.Metric.emplace();
    asked.Namespace = std::string(metric_namespace);
    asked.MetricName = metric;
    for (const auto& [key, value] : dimensions) asked.Dimensions.push_back({key, value});
  }
  Result<void> ask(Session& session, Timestamp now) {
    if (queries_.empty()) return {};
    cloudwatch::GetMetricDataInput request;
    request.MetricDataQueries = queries_;
    request.StartTime = now - std::chrono::minutes(kMinutes);
    request.EndTime = now;
    request.ScanBy = "TimestampDescending";
    BRUME_TRY(answer, session.cloudwatch.GetMetricData(session.call, request));
    for (const cloudwatch::MetricDataResult& result : answer.MetricDataResults)
      if (!result.Values.empty()) newest_[names_[*result.Id]] = result.Values.front();
    return {};
  }
  [[nodiscard]] std::optional<double> newest(const std::string& name) const {
    const auto found = newest_.find(name);
    return found == newest_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  List<cloudwatch::MetricDataQuery> queries_;
  std::map<std::string, std::string> names_;  // by query
  std::map<std::string, double> newest_;
};

// "app/web/0123456789abcdef" of a load balancer's ARN.
std::string dimension_of(const std::string& arn) {
  const auto at = arn.find(":loadbalancer/");
  return at == std::string::npos ? arn : arn.substr(at + 14);
}

class Looker {
 public:
  Looker(Session& session, std::string region) : session_(session) { view_.region = std::move(region); }

  Result<StatusView> look(Timestamp now) {
    view_.time = now;
    BRUME_CHECK(look_at_instances());
    BRUME_CHECK(look_at_balancers());
    BRUME_CHECK(look_at_groups());
    for (auto& [id, line] : instances_) view_.others.push_back(std::move(line));
    BRUME_CHECK(look_at_alarms());
    BRUME_CHECK(metrics_.ask(session_, now));
    fill_in();
    return std::move(view_);
  }

 private:
  Result<void> look_at_instances() {
    ec2::DescribeInstancesRequest request;
    do {
      BRUME_TRY(page, session_.ec2.DescribeInstances(session_.call, request));
      for (const ec2::Reservation& reservation : page.Reservations)
        for (const ec2::Instance& instance : reservation.Instances) {
          if (instance.State->Name == "terminated") continue;
          InstanceLine& line = instances_[*instance.InstanceId];
          line.id = *instance.InstanceId;
          line.zone = instance.Placement ? instance.Placement->AvailabilityZone.value_or("") : "";
          line.type = instance.InstanceType.value_or("");
          line.address = instance.PrivateIpAddress.value_or("");
          line.state = instance.State->Name.value_or("");
          metrics_.want("cpu " + line.id, "AWS/EC2", "CPUUtilization", {{"InstanceId", line.id}}, "Average");
        }
      request.NextToken = page.NextToken;
    } while (request.NextToken);
    return {};
  }

  Result<void> look_at_balancers() {
    BRUME_TRY(balancers, session_.elbv2.DescribeLoadBalancers(session_.call, {}));
    std::map<std::string, BalancerLine*> lines;
    view_.load_balancers.reserve(balancers.LoadBalancers.size());
    for (const elbv2::LoadBalancer& balancer : balancers.LoadBalancers) {
      BalancerLine& line = view_.load_balancers.emplace_back();
      lines[*balancer.LoadBalancerArn] = &line;
      line.name = *balancer.LoadBalancerName;
      line.state = balancer.State ? balancer.State->Code.value_or("") : "";
      line.address = "localhost";
      for (const elbv2::AvailabilityZone& zone : balancer.AvailabilityZones)
        for (const elbv2::LoadBalancerAddress& address : zone.LoadBalancerAddresses)
          if (address.IpAddress) line.address = *address.IpAddress;
      BRUME_TRY(listeners,
                session_.elbv2.DescribeListeners(session_.call, {.LoadBalancerArn = *balancer.LoadBalancerArn}));
      for (const elbv2::Listener& listener : listeners.Listeners) line.ports.push_back(*listener.Port);
      const auto want = [&](const std::string& metric, const std::string& statistic) {
        metrics_.want(fmt::format("{} {} {}", metric, statistic, line.name), "AWS/ApplicationELB", metric,
                      {{"LoadBalancer", dimension_of(*balancer.LoadBalancerArn)}}, statistic);
      };
      want("RequestCount", "Sum");
      want("HTTPCode_ELB_5XX_Count", "Sum");
      want("HTTPCode_Target_5XX_Count", "Sum");
      want("TargetResponseTime", "Average");
      want("TargetResponseTime", "p99");
    }
    BRUME_TRY(groups, session_.elbv2.DescribeTargetGroups(session_.call, {}));
    for (const elbv2::TargetGroup& group : groups.TargetGroups) {
      elbv2::DescribeTargetHealthInput request;
      request.TargetGroupArn = group.TargetGroupArn;
      BRUME_TRY(health, session_.elbv2.DescribeTargetHealth(session_.call, request));
      for (const elbv2::TargetHealthDescription& target : health.TargetHealthDescriptions) {
        const std::string state = target.TargetHealth->State.value_or("");
        if (const auto found = instances_.find(*target.Target->Id); found != instances_.end())
          found->second.targets.push_back(state);
        for (const std::string& balancer : group.LoadBalancerArns)
          if (const auto line = lines.find(balancer); line != lines.end()) {
            ++line->second->targets;
            if (state == "healthy") ++line->second->healthy;
          }
      }
    }
    return {};
  }

  Result<void> look_at_groups() {
    autoscaling::AutoScalingGroupNamesType request;
    do {
      BRUME_TRY(page, session_.autoscaling.DescribeAutoScalingGroups(session_.call, request));
      for (const autoscaling::AutoScalingGroup& group : page.AutoScalingGroups) BRUME_CHECK(look_at(group));
      request.NextToken = page.NextToken;
    } while (request.NextToken);
    std::ranges::stable_sort(view_.activities, std::greater(), &ActivityLine::start);
    view_.activities.resize(std::min(view_.activities.size(), kActivities));
    return {};
  }

  Result<void> look_at(const autoscaling::AutoScalingGroup& group) {
    GroupLine& line = view_.groups.emplace_back();
    line.name = *group.AutoScalingGroupName;
    line.min = *group.MinSize;
    line.desired = *group.DesiredCapacity;
    line.max = *group.MaxSize;
    for (const autoscaling::SuspendedProcess& process : group.SuspendedProcesses)
      line.suspended.push_back(process.ProcessName.value_or(""));
    for (const autoscaling::Instance& member : group.Instances) {
      InstanceLine& one = line.instances.emplace_back();
      if (auto known = instances_.extract(*member.InstanceId)) one = std::move(known.mapped());
      one.id = *member.InstanceId;
      one.zone = member.AvailabilityZone.value_or("");
      one.state = member.LifecycleState.value_or("");
      one.health = member.HealthStatus.value_or("");
      one.units = services::units_of(member);
      if (member.LaunchTemplate) one.version = member.LaunchTemplate->Version.value_or("");
    }
    autoscaling::DescribeInstanceRefreshesType refreshes;
    refreshes.AutoScalingGroupName = line.name;
    BRUME_TRY(known, session_.autoscaling.DescribeInstanceRefreshes(session_.call, refreshes));
    if (!known.InstanceRefreshes.empty() && !known.InstanceRefreshes.front().EndTime) {
      const autoscaling::InstanceRefresh& refresh = known.InstanceRefreshes.front();
      line.refresh = {refresh.InstanceRefreshId.value_or(""), refresh.Status.value_or(""),
                      refresh.StatusReason.value_or(""), refresh.PercentageComplete.value_or(0)};
    }
    autoscaling::DescribeScalingActivitiesType activities;
    activities.AutoScalingGroupName = line.name;
    activities.MaxRecords = std::int32_t(kActivities);
    BRUME_TRY(last, session_.autoscaling.DescribeScalingActivities(session_.call, activities));
    for (const autoscaling::Activity& activity : last.Activities)
      view_.activities.push_back({line.name, activity.StartTime.value_or(Timestamp()),
                                  activity.Description.value_or(""), activity.StatusCode.value_or("")});
    return {};
  }

  Result<void> look_at_alarms() {
    cloudwatch::DescribeAlarmsInput request;
    request.AlarmTypes = {std::string("MetricAlarm"), std::string("CompositeAlarm")};
    do {
      BRUME_TRY(page, session_.cloudwatch.DescribeAlarms(session_.call, request));
      for (const cloudwatch::MetricAlarm& alarm : page.MetricAlarms)
        view_.alarms.push_back({alarm.AlarmName.value_or(""), alarm.StateValue.value_or(""),
                                alarm.StateReason.value_or(""), alarm.StateUpdatedTimestamp});
      for (const cloudwatch::CompositeAlarm& alarm : page.CompositeAlarms)
        view_.alarms.push_back({alarm.AlarmName.value_or(""), alarm.StateValue.value_or(""),
                                alarm.StateReason.value_or(""), alarm.StateUpdatedTimestamp});
      request.NextToken = page.NextToken;
    } while (request.NextToken);
    return {};
  }

  void fill_in() {
    const auto with_cpu = [&](std::vector<InstanceLine>& lines) {
      for (InstanceLine& line : lines) line.cpu = metrics_.newest("cpu " + line.id);
    };
    with_cpu(view_.others);
    for (GroupLine& group : view_.groups) with_cpu(group.instances);
    for (BalancerLine& line : view_.load_balancers) {
      const auto newest = [&](std::string_view metric, std::string_view statistic) {
        return metrics_.newest(fmt::format("{} {} {}", metric, statistic, line.name));
      };
      if (const auto requests = newest("RequestCount", "Sum")) {
        line.requests_a_second = *requests / 60;
        line.errors_a_second = (newest("HTTPCode_ELB_5XX_Count", "Sum").value_or(0) +
                                newest("HTTPCode_Target_5XX_Count", "Sum").value_or(0)) /
                               60;
      }
      if (const auto time = newest("TargetResponseTime", "Average")) line.average_ms = *time * 1000;
      if (const auto time = newest("TargetResponseTime", "p99")) line.p99_ms = *time * 1000;
    }
  }

  Session& session_;
  Metrics metrics_;
  std::map<std::string, InstanceLine> instances_;  // those not shown yet
  StatusView view_;
};

Result<StatusView> look(Session& session, const std::string& region) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return Looker(session, region).look(now);
}

volatile sig_atomic_t g_interrupted = 0;

std::size_t width_of_terminal() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 120;
}

// On the terminal's other screen, which leaves the first as it was.
Result<void> watch(Session& session, const std::string& region) {
  struct sigaction action{};
  action.sa_handler = [](int) { g_interrupted = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::printf("\033[?1049h\033[?25l");
  Result<void> result;
  while (g_interrupted == 0) {
    const auto view = look(session, region);
    if (!view) {
      result = std::unexpected(view.error());
      break;
    }
    const std::string text = to_text(*view, width_of_terminal(), true);
    std::printf("\033[H\033[2J%s", text.c_str());
    std::fflush(stdout);
    ::usleep(2'000'000);  // a signal ends it
  }
  std::printf("\033[?25h\033[?1049l");
  std::fflush(stdout);
  return result;
}

}  // namespace

int status(const daemon::Settings& settings, const StatusOptions& options) {
  const auto session = open_caller_session(settings);
  if (!session) return report(session.error());
  if (options.watch || (!options.json && ::isatty(STDOUT_FILENO) == 1)) {
    const auto watched = watch(**session, region_of(settings));
    return watched ? 0 : report(watched.error());
  }
  const auto view = look(**session, region_of(settings));
  if (!view) return report(view.error());
  if (options.json)
    std::printf("%s\n", to_json(*view).c_str());
  else
    std::printf("%s", to_text(*view, std::size_t(-1), false).c_str());
  return 0;
}

}  // namespace brume::cli
