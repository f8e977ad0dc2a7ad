#include "services/autoscaling/launch_configurations.h"

#include <algorithm>
#include <set>

#include "services/autoscaling/launch_configuration.h"
#include "services/common/ids.h"
#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

std::unexpected<Error> invalid(const Error& error) {
  return fail("ValidationError", "{}", error.message);
}

}  // namespace

Result<const LaunchConfiguration*> find_configuration(const GroupState& state, const std::string& name) {
  const LaunchConfiguration* found = state.configurations.find(name);
  if (!found)
    return fail("ValidationError",
                "Launch configuration name not found - A launch configuration with the name: {} does not exist", name);
  return found;
}

Result<ec2::Instance> running_instance(ec2::Api& ec2, const aws::Call& call, const std::string& id) {
  ec2::DescribeInstancesRequest request;
  request.InstanceIds = {id};
  const auto found = ec2.DescribeInstances(call, request);
  if (!found) return invalid(found.error());
  const ec2::Instance& instance = found->Reservations.front().Instances.front();
  if (instance.State->Name != "running")
    return fail("ValidationError", "The instance {} is not in the state running, but {}", id, *instance.State->Name);
  return instance;
}

Result<void> LaunchConfigurationOperations::CreateLaunchConfiguration(const Call& call,
                                                                      const CreateLaunchConfigurationType& request) {
  const std::string& name = *request.LaunchConfigurationName;
  if (state_.configurations.contains(name))
    return fail("AlreadyExists",
                "Launch Configuration by this name already exists - A launch configuration already exists with the "
                "name {}",
                name);
  if (state_.configurations.rows().size() >= kMaxConfigurations)
    return fail("LimitExceeded", "You have reached the limit of {} launch configurations", kMaxConfigurations);
  CreateLaunchConfigurationType said = request;
  if (request.InstanceId) {
    BRUME_TRY(instance, running_instance(ec2_, call, *request.InstanceId));
    ec2::DescribeInstanceAttributeRequest attribute;
    attribute.InstanceId = request.InstanceId;
    attribute.Attribute = "userData";
    BRUME_TRY(answer, ec2_.DescribeInstanceAttribute(call, attribute));
    said = completed_by(request, instance, answer.UserData ? answer.UserData->Value.value_or("") : "");
  }
  BRUME_TRY(made, checked_configuration(said));

  // What it names has to exist now; what may be had of it, only a group's subnets tell.
  ec2::DescribeImagesRequest images;
  images.ImageIds = {*made.ImageId};
  if (const auto found = ec2_.DescribeImages(call, images); !found) return invalid(found.error());
  if (!made.KeyName->empty()) {
    ec2::DescribeKeyPairsRequest keys;
    keys.KeyNames = {*made.KeyName};
    if (const auto found = ec2_.DescribeKeyPairs(call, keys); !found) return invalid(found.error());
  }
  ec2::DescribeSecurityGroupsRequest groups;
  for (const std::string& group : made.SecurityGroups)
    if (group.starts_with("sg-")) groups.GroupIds.push_back(group);
  if (!groups.GroupIds.empty())
    if (const auto found = ec2_.DescribeSecurityGroups(call, groups); !found) return invalid(found.error());

  made.LaunchConfigurationARN =
      services::arn("autoscaling", context_.region,
                    fmt::format("launchConfiguration:{}:launchConfigurationName/{}", context_.env.random.uuid(), name));
  made.CreatedTime = context_.env.clock.wall();
  state_.configurations.put(name, std::move(made));
  return {};
}

Result<LaunchConfigurationsType> LaunchConfigurationOperations::DescribeLaunchConfigurations(
    const Call&, const LaunchConfigurationNamesType& request) {
  std::vector<LaunchConfiguration> found;
  const std::set<std::string> wanted(request.LaunchConfigurationNames.begin(), request.LaunchConfigurationNames.end());
  if (wanted.empty())
    for (const auto& [name, configuration] : state_.configurations.rows()) found.push_back(configuration);
  else
    for (const std::string& name : wanted)  // unknown names are left out, not an error
      if (const LaunchConfiguration* configuration = state_.configurations.find(name)) found.push_back(*configuration);
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(50)), request.NextToken,
                                     [](const LaunchConfiguration& c) { return *c.LaunchConfigurationName; }));
  LaunchConfigurationsType answer{std::move(page.items), std::move(page.next_token)};
  answer.LaunchConfigurations.set_present();
  return answer;
}

Result<void> LaunchConfigurationOperations::DeleteLaunchConfiguration(const Call&,
                                                                      const LaunchConfigurationNameType& request) {
  const std::string& name = *request.LaunchConfigurationName;
  BRUME_CHECK(find_configuration(state_, name));
  for (const auto& [group, record] : groups_.rows())
    if (record.group.LaunchConfigurationName == name)
      return fail("ResourceInUse",
                  "Cannot delete launch configuration {} because it is attached to AutoScalingGroup {}", name, group);
  state_.configurations.erase(name);
  // Instances outlive it. Another that takes its name is not what they were launched from.
  std::vector<std::string> launched;
  for (const auto& [key, member] : members_.rows())
    if (member.instance.LaunchConfigurationName == name) launched.push_back(key);
  for (const std::string& key : launched)
    members_.modify(key, [](MemberRecord& member) { member.instance.LaunchConfigurationName.reset(); });
  return {};
}

}  // namespace brume::autoscaling
