#include "cli/deploy.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

#include "cli/command.h"
#include "cli/image.h"
#include "cli/stack_progress.h"

namespace brume::cli {
namespace {

using cloudformation::Parameter;
using std::chrono::steady_clock;

constexpr std::string_view kSsmImage = "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>";
constexpr std::string_view kImage = "AWS::EC2::Image::Id";
// A refresh that replaces no instance for so long is given up.
constexpr std::chrono::minutes kPatience{15};

// The template's parameter that says which image.
struct ImageParameter {
  std::string name;
  std::string value;  // in the stack now: an SSM parameter's name, or the image
  bool is_ssm = false;
};

Result<ImageParameter> image_parameter(Session& session, const cloudformation::Stack& stack,
                                       const std::string& wanted) {
  cloudformation::GetTemplateSummaryInput request;
  request.StackName = stack.StackName;
  BRUME_TRY(summary, session.cloudformation.GetTemplateSummary(session.call, request));
  std::vector<ImageParameter> found;
  for (const cloudformation::ParameterDeclaration& declared : summary.Parameters) {
    const std::string name = declared.ParameterKey.value_or(""), type = declared.ParameterType.value_or("");
    if (wanted.empty() ? type != kSsmImage && type != kImage : name != wanted) continue;
    ImageParameter& one = found.emplace_back(name, "", type == kSsmImage);
    for (const Parameter& given : stack.Parameters)
      if (given.ParameterKey == name) one.value = given.ParameterValue.value_or("");
  }
  if (found.size() == 1) return found.front();
  if (!wanted.empty())
    return fail("InvalidParameterValue", "The template of {} has no parameter '{}'", *stack.StackName, wanted);
  if (found.empty())
    return fail("InvalidParameterValue",
                "The template of {} has no parameter of type {} or {}; name the one that holds the image with "
                "--parameter",
                *stack.StackName, kImage, kSsmImage);
  return fail("InvalidParameterValue", "The template of {} has several image parameters; name one with --parameter",
              *stack.StackName);
}

// Updates the stack to `image` and follows it. False: the stack has it already.
Result<bool> update(Session& session, const cloudformation::Stack& stack, const ImageParameter& parameter,
                    const std::string& image) {
  if (parameter.is_ssm) BRUME_CHECK(set_image_parameter(session, parameter.value, image));
  cloudformation::UpdateStackInput request;
  request.StackName = stack.StackName;
  request.UsePreviousTemplate = true;
  request.Capabilities = stack.Capabilities;
  for (const Parameter& given : stack.Parameters) {
    Parameter& kept = request.Parameters.emplace_back();
    kept.ParameterKey = given.ParameterKey;
    if (given.ParameterKey == parameter.name && !parameter.is_ssm)
      kept.ParameterValue = image;
    else
      kept.UsePreviousValue = true;
  }
  StackProgress progress(session, *stack.StackName);
  progress.skip();
  const auto updated = session.cloudformation.UpdateStack(session.call, request);
  if (!updated && updated.error().message.find("No updates are to be performed") != std::string::npos) return false;
  if (!updated) return std::unexpected(updated.error());
  BRUME_TRY(end, progress.follow());
  if (end == "UPDATE_COMPLETE") return true;
  return fail("DeployFailed", "The stack {} was not updated ({}). {}", *stack.StackName, end, progress.failure());
}

Result<autoscaling::AutoScalingGroup> group_of(Session& session, const std::string& name) {
  autoscaling::AutoScalingGroupNamesType request;
  request.AutoScalingGroupNames = {name};
  BRUME_TRY(found, session.autoscaling.DescribeAutoScalingGroups(session.call, request));
  if (found.AutoScalingGroups.empty())
    return fail("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup '{}' not found", name);
  return found.AutoScalingGroups.front();
}

// Instances of the group that do not run the image.
Result<int> outdated(Session& session, const autoscaling::AutoScalingGroup& group, const std::string& image) {
  List<std::string> ids;
  for (const autoscaling::Instance& member : group.Instances) ids.push_back(*member.InstanceId);
  if (ids.empty()) return 0;
  BRUME_TRY(described, session.ec2.DescribeInstances(session.call, {.Filters = {{"instance-id", ids}}}));
  int count = 0;
  for (const ec2::Reservation& reservation : described.Reservations)
    for (const ec2::Instance& instance : reservation.Instances)
      if (instance.ImageId != image && instance.State->Name != "terminated") ++count;
  return count;
}

// Replaces the group's instances and prints how far that is.
Result<void> refresh(Session& session, const std::string& group) {
  autoscaling::StartInstanceRefreshType request;
  request.AutoScalingGroupName = group;
  autoscaling::RefreshPreferences& preferences = request.Preferences.emplace();
  // A new one serves before an old one goes.
  preferences.MinHealthyPercentage = 100;
  preferences.MaxHealthyPercentage = 110;
  preferences.SkipMatching = true;
  BRUME_TRY(started, session.autoscaling.StartInstanceRefresh(session.call, request));
  autoscaling::DescribeInstanceRefreshesType ask;
  ask.AutoScalingGroupName = group;
  ask.InstanceRefreshIds = {*started.InstanceRefreshId};
  std::string said;
  auto end = steady_clock::now() + kPatience;
  std::int32_t percent = 0;
  while (true) {
    BRUME_TRY(found, session.autoscaling.DescribeInstanceRefreshes(session.call, ask));
    if (found.InstanceRefreshes.empty()) return fail("DeployFailed", "The refresh of {} is gone", group);
    const autoscaling::InstanceRefresh& now = found.InstanceRefreshes.front();
    const std::string line =
        fmt::format("Refresh        {}  {} %  {} to go  {}", *now.Status, now.PercentageComplete.value_or(0),
                    now.InstancesToUpdate.value_or(0), now.StatusReason.value_or(""));
    if (line != said) std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    said = line;
    if (now.Status == "Successful") return {};
    if (now.EndTime)
      return fail("DeployFailed", "The instances of {} were not all replaced ({}). {}", group, *now.Status,
                  now.StatusReason.value_or(""));
    if (std::exchange(percent, now.PercentageComplete.value_or(0)) != now.PercentageComplete.value_or(0))
      end = steady_clock::now() + kPatience;
    if (steady_clock::now() >= end) {
      autoscaling::CancelInstanceRefreshType cancel;
      cancel.AutoScalingGroupName = group;
      BRUME_CHECK(session.autoscaling.CancelInstanceRefresh(session.call, cancel));
      return fail("DeployFailed", "No instance of {} came up with the image in {} minutes", group, kPatience.count());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

Result<void> replace_instances(Session& session, const std::string& stack, const std::string& image) {
  BRUME_TRY(groups, resources_of(session, stack, "AWS::AutoScaling::AutoScalingGroup"));
  for (const std::string& name : groups) {
    BRUME_TRY(group, group_of(session, name));
    BRUME_TRY(left, outdated(session, group, image));
    if (left == 0) continue;
    std::printf("Group          %s: %d instances run another image\n", name.c_str(), left);
    BRUME_CHECK(refresh(session, name));
  }
  return {};
}

Result<void> bring_about(Session& session, const std::string& name, const std::string& image,
                         const std::string& wanted) {
  BRUME_CHECK(session.ec2.DescribeImages(session.call, {.ImageIds = {image}}));
  BRUME_TRY(described, session.cloudformation.DescribeStacks(session.call, {.StackName = name}));
  const cloudformation::Stack stack = described.Stacks.front();
  if (stack.StackStatus->ends_with("_IN_PROGRESS"))
    return fail("DeployFailed", "The stack {} is being changed ({}); wait until it rests", name, *stack.StackStatus);
  BRUME_TRY(parameter, image_parameter(session, stack, wanted));
  std::string before = parameter.value;
  if (parameter.is_ssm) {
    ssm::GetParameterRequest request;
    request.Name = parameter.value;
    BRUME_TRY(now, session.ssm.GetParameter(session.call, request));
    before = now.Parameter->Value.value_or("");
  }
  const auto updated = update(session, stack, parameter, image);
  if (!updated) {
    // The stack has gone back by itself.
    if (parameter.is_ssm) BRUME_CHECK(set_image_parameter(session, parameter.value, before));
    return std::unexpected(updated.error());
  }
  const auto replaced = replace_instances(session, name, image);
  if (replaced || before == image) return replaced;
  std::printf("%s\nGoing back to %s\n", replaced.error().message.c_str(), before.c_str());
  BRUME_CHECK(update(session, stack, parameter, before));
  BRUME_CHECK(replace_instances(session, name, before));
  return fail("DeployFailed", "{} Every instance runs {} again.", replaced.error().message, before);
}

}  // namespace

int deploy(const daemon::Settings& settings, const std::string& stack, const std::string& image,
           const std::string& parameter) {
  const auto session = open_caller_session(settings);
  if (!session) return report(session.error());
  if (const auto done = bring_about(**session, stack, image, parameter); !done) return report(done.error());
  std::printf("Every instance of %s runs %s.\n", stack.c_str(), image.c_str());
  return 0;
}

}  // namespace brume::cli
