#include "services/cloudwatch/instance_actions.h"

namespace brume::cloudwatch {
namespace {

Result<std::string> instance_of(const aws::Call& call, Api& alarms, const std::string& alarm) {
  DescribeAlarmsInput request;
  request.AlarmNames.push_back(alarm);
  BRUME_TRY(found, alarms.DescribeAlarms(call, request));
  if (!found.MetricAlarms.empty())
    for (const Dimension& dimension : found.MetricAlarms.front().Dimensions)
      if (dimension.Name == "InstanceId") return *dimension.Value;
  return fail("InvalidAction", "The alarm {} has no dimension InstanceId", alarm);
}

}  // namespace

void add_instance_actions(services::AlarmActions& actions, const services::Context& context, Api& alarms,
                          ec2::Api& ec2) {
  actions.add("automate", [context, &alarms, &ec2](const services::AlarmEvent& event) -> Result<std::string> {
    const aws::Call call = context.call("cloudwatch");
    BRUME_TRY(instance, instance_of(call, alarms, event.alarm_name));
    const std::string verb = event.action_arn.substr(event.action_arn.rfind(':') + 1);
    if (verb == "stop") {
      ec2::StopInstancesRequest request;
      request.InstanceIds.push_back(instance);
      BRUME_CHECK(ec2.StopInstances(call, request));
      return fmt::format("Instance {} is stopped", instance);
    }
    if (verb == "terminate") {
      ec2::TerminateInstancesRequest request;
      request.InstanceIds.push_back(instance);
      BRUME_CHECK(ec2.TerminateInstances(call, request));
      return fmt::format("Instance {} is terminated", instance);
    }
    if (verb != "reboot" && verb != "recover") return fail("InvalidAction", "EC2 has no action {}", verb);
    ec2::RebootInstancesRequest request;
    request.InstanceIds.push_back(instance);
    BRUME_CHECK(ec2.RebootInstances(call, request));
    return fmt::format("Instance {} is rebooted{}", instance, verb == "recover" ? " to recover it" : "");
  });
}

}  // namespace brume::cloudwatch
