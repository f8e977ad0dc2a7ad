// Targets of a group and their health, as DescribeTargetHealth words it.
#include <algorithm>

#include "services/common/instance_states.h"
#include "services/elbv2/service.h"

namespace brume::elbv2 {
namespace {

constexpr std::size_t kMaxTargets = 1000;  // quota "Targets per Application Load Balancer"

}  // namespace

std::string target_id(const TargetRecord& target) {
  return fmt::format("{}:{}", *target.target.Id, target.port);
}

Result<TargetRecord> Service::resolve_target(const Call& call, const TargetGroupRecord& group,
                                             const TargetDescription& target) const {
  TargetRecord record;
  record.target = target;
  record.port = target.Port.value_or(*group.target_group.Port);
  record.target.Port = record.port;
  if (*group.target_group.TargetType == "ip") {
    record.address = *target.Id;
    record.zone = target.AvailabilityZone.value_or("");
    const bool address = std::ranges::count(record.address, '.') == 3 &&
                         std::ranges::all_of(record.address, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
    if (!address) return fail("ValidationError", "The IP address '{}' is not a valid IPv4 address", *target.Id);
    return record;
  }
  const auto described = ec2_.DescribeInstances(call, {.InstanceIds = {*target.Id}});
  if (!described || described->Reservations.empty())
    return fail("InvalidTarget", "The following targets are not in a running state and cannot be registered: '{}'",
                *target.Id);
  const ec2::Instance& instance = described->Reservations.front().Instances.front();
  if (*instance.State->Name != "running")
    return fail("InvalidTarget", "The following targets are not in a running state and cannot be registered: '{}'",
                *target.Id);
  if (*instance.VpcId != *group.target_group.VpcId)
    return fail("InvalidTarget", "The following targets are not in the target group VPC '{}': '{}'",
                *group.target_group.VpcId, *target.Id);
  record.address = *instance.PrivateIpAddress;
  record.zone = *instance.Placement->AvailabilityZone;
  return record;
}

Result<RegisterTargetsOutput> Service::RegisterTargets(const Call& call, const RegisterTargetsInput& request) {
  BRUME_TRY(found, find_target_group(*request.TargetGroupArn));
  TargetGroupRecord record = *found;
  for (const TargetDescription& target : request.Targets) {
    BRUME_TRY(added, resolve_target(call, record, target));
    const auto same = std::ranges::find(record.targets, target_id(added), target_id);
    // Registering one that drains makes it a target again.
    if (same != record.targets.end())
      *same = std::move(added);
    else
      record.targets.push_back(std::move(added));
  }
  if (record.targets.size() > kMaxTargets)
    return fail("TooManyTargets", "A target group can have at most {} targets", kMaxTargets);
  target_groups_.put(*request.TargetGroupArn, std::move(record));
  changed();
  context_.store.after_commit([this, arn = *request.TargetGroupArn] { context_.hints.publish(arn); });
  return RegisterTargetsOutput{};
}

Result<DeregisterTargetsOutput> Service::DeregisterTargets(const Call&, const DeregisterTargetsInput& request) {
  BRUME_TRY(found, find_target_group(*request.TargetGroupArn));
  TargetGroupRecord record = *found;
  const bool serving = !balancers_of(*request.TargetGroupArn).empty();
  for (const TargetDescription& target : request.Targets) {
    const auto meant = [&](const TargetRecord& t) {
      return *t.target.Id == *target.Id && (!target.Port || t.port == *target.Port);
    };
    if (std::ranges::none_of(record.targets, meant))
      return fail("InvalidTarget", "The target '{}' is not registered with the target group", *target.Id);
    if (!serving) {  // nothing to drain
      std::erase_if(record.targets, meant);
      continue;
    }
    for (TargetRecord& t : record.targets)
      if (meant(t) && !t.draining_since) t.draining_since = context_.env.clock.wall();
  }
  target_groups_.put(*request.TargetGroupArn, std::move(record));
  changed();
  context_.store.after_commit([this, arn = *request.TargetGroupArn] { context_.hints.publish(arn); });
  return DeregisterTargetsOutput{};
}

TargetHealth Service::health_of(const TargetGroupRecord& group, const TargetRecord& target,
                                const std::map<std::string, std::string>& instance_states) const {
  if (target.draining_since)
    return {"draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"};
  const List<std::string> balancers = balancers_of(*group.target_group.TargetGroupArn);
  if (balancers.empty())
    return {"unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"};
  if (*group.target_group.TargetType == "instance") {
    const auto state = instance_states.find(*target.target.Id);
    const std::string name = state == instance_states.end() ? "terminated" : state->second;
    if (name != "running") return {"unused", "Target.InvalidState", fmt::format("Target is in the {} state", name)};
    const bool zone_enabled = std::ranges::any_of(balancers, [&](const std::string& arn) {
      return std::ranges::find(load_balancers_.find(arn)->nodes, target.zone, &NodeRecord::zone) !=
             load_balancers_.find(arn)->nodes.end();
    });
    if (!zone_enabled)
      return {"unused", "Target.NotInUse",
              "Target is in an Availability Zone that is not enabled for the load balancer"};
  }
  const auto stats = health_.find(*group.target_group.TargetGroupArn);
  if (stats != health_.end())
    if (const auto known = stats->second.find(target_id(target)); known != stats->second.end()) {
      const lb::TargetStats& s = known->second;
      if (s.health == "healthy") return {"healthy", {}, {}};
      if (s.health != "draining") return {s.health, s.reason, s.description};
    }
  return {"initial", "Elb.RegistrationInProgress", "Target registration is in progress"};
}

Result<DescribeTargetHealthOutput> Service::DescribeTargetHealth(const Call& call,
                                                                 const DescribeTargetHealthInput& request) {
  BRUME_TRY(group, find_target_group(*request.TargetGroupArn));
  std::map<std::string, std::string> states;
  if (*group->target_group.TargetType == "instance" && !group->targets.empty()) {
    std::vector<std::string> ids;
    for (const TargetRecord& target : group->targets) ids.push_back(*target.target.Id);
    BRUME_TRY(known, services::instance_states(ec2_, call, ids));
    states = known;
  }
  DescribeTargetHealthOutput output;
  output.TargetHealthDescriptions.set_present();
  const auto add = [&](const TargetDescription& target, int port, TargetHealth health) {
    TargetHealthDescription& description = output.TargetHealthDescriptions.emplace_back();
    description.Target = target;
    description.HealthCheckPort = *group->target_group.HealthCheckPort == "traffic-port"
                                      ? std::to_string(port)
                                      : *group->target_group.HealthCheckPort;
    description.TargetHealth = std::move(health);
  };
  for (const TargetRecord& target : group->targets) {
    const bool wanted =
        request.Targets.empty() || std::ranges::any_of(request.Targets, [&](const TargetDescription& t) {
          return *t.Id == *target.target.Id && (!t.Port || *t.Port == target.port);
        });
    if (wanted) add(target.target, target.port, health_of(*group, target, states));
  }
  for (const TargetDescription& target : request.Targets)
    if (std::ranges::none_of(group->targets, [&](const TargetRecord& t) {
          return *t.target.Id == *target.Id && (!target.Port || *target.Port == t.port);
        })) {
      TargetDescription asked = target;
      asked.Port = target.Port.value_or(*group->target_group.Port);
      add(asked, *asked.Port, {"unused", "Target.NotRegistered", "Target is not registered to the target group"});
    }
  return output;
}

}  // namespace brume::elbv2
