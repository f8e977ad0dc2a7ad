#include "cli/deploy.h"

#include <cstdio>
#include <optional>

#include <unistd.h>

#include "cli/command.h"
#include "cli/group_refresh.h"
#include "cli/image.h"
#include "cli/stack_progress.h"

namespace brume::cli {
namespace {

using autoscaling::AutoScalingGroup;
using cloudformation::Parameter;

constexpr std::string_view kSsmImage = "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>";
constexpr std::string_view kImage = "AWS::EC2::Image::Id";

// The template's parameter that says which image.
struct ImageParameter {
  std::string name;
  std::string ssm;    // the SSM parameter that it names; empty: it holds the image itself
  std::string image;  // the stack's, now
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
    ImageParameter& one = found.emplace_back(name, "", "");
    for (const Parameter& given : stack.Parameters) {
      if (given.ParameterKey != name) continue;
      if (type == kSsmImage) one.ssm = given.ParameterValue.value_or("");
      // What the SSM parameter holds may be what a deployment that failed has left there.
      one.image = (type == kSsmImage ? given.ResolvedValue : given.ParameterValue).value_or("");
    }
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
  if (!parameter.ssm.empty()) BRUME_CHECK(set_image_parameter(session, parameter.ssm, image));
  cloudformation::UpdateStackInput request;
  request.StackName = stack.StackName;
  request.UsePreviousTemplate = true;
  request.Capabilities = stack.Capabilities;
  for (const Parameter& given : stack.Parameters) {
    Parameter& kept = request.Parameters.emplace_back();
    kept.ParameterKey = given.ParameterKey;
    if (given.ParameterKey == parameter.name && parameter.ssm.empty())
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
  return fail("DeployFailed", "The stack {} was not updated ({}). {}.", *stack.StackName, end, progress.failure());
}

class Deployment {
 public:
  Deployment(Session& session, std::string stack, std::string image)
      : session_(session), stack_(std::move(stack)), image_(std::move(image)) {}

  // False: everything is as it is to be already.
  Result<bool> run(const std::string& wanted_parameter) {
    BRUME_CHECK(prepare(wanted_parameter));
    if (::isatty(STDOUT_FILENO) == 1)
      std::printf("The deployment goes on if you interrupt this; `brume status` shows it.\n");
    if (const auto done = bring(image_); !done) return go_back(done.error());
    return did_something_;
  }

 private:
  // What is wrong before anything is changed, or is under way already.
  Result<void> prepare(const std::string& wanted_parameter) {
    BRUME_TRY(images, session_.ec2.DescribeImages(session_.call, {.ImageIds = {image_}}));
    if (images.Images.empty() || images.Images.front().State != "available")
      return fail("InvalidAMIID.Unavailable", "The image {} is not available ({})", image_,
                  images.Images.empty() ? "gone" : images.Images.front().State.value_or(""));
    BRUME_TRY(described, session_.cloudformation.DescribeStacks(session_.call, {.StackName = stack_}));
    shown_ = described.Stacks.front();
    if (shown_.StackStatus->ends_with("_IN_PROGRESS"))
      return fail("DeployFailed",
                  "The stack {} is being changed ({}), which goes on by itself; deploy again when it rests", stack_,
                  *shown_.StackStatus);
    BRUME_TRY(groups, resources_of(session_, stack_, "AWS::AutoScaling::AutoScalingGroup"));
    if (groups.empty()) return fail("DeployFailed", "The stack {} has no Auto Scaling group", stack_);
    for (const std::string& name : groups) {
      BRUME_TRY(refresh, refresh_under_way(session_, name));
      if (refresh)
        return fail("DeployFailed",
                    "The instances of {} are being replaced ({}), which goes on by itself; deploy again when that is "
                    "over",
                    name, *refresh);
    }
    BRUME_TRY(parameter, image_parameter(session_, shown_, wanted_parameter));
    parameter_ = parameter;
    return {};
  }

  // The stack, then the instances that the update has left.
  Result<void> bring(const std::string& image) {
    BRUME_TRY(updated, update(session_, shown_, parameter_, image));
    stack_changed_ = true;
    did_something_ = did_something_ || updated;
    BRUME_TRY(groups, resources_of(session_, stack_, "AWS::AutoScaling::AutoScalingGroup"));
    bool wanted = false;
    for (const std::string& name : groups) {
      BRUME_TRY(group, group_of(session_, name));
      BRUME_TRY(wants, wants_image(session_, group, image));
      wanted = wanted || wants;
      if (!wants) continue;
      BRUME_TRY(left, outdated(session_, group, image));
      if (left == 0) continue;
      std::printf("Group          %s: %d of %zu instances run another image\n", name.c_str(), left,
                  group.Instances.size());
      did_something_ = true;
      BRUME_CHECK(refresh_group(session_, group, image));
    }
    if (wanted) return {};
    return fail("DeployFailed", "No group of the stack {} launches from the image that its parameter {} names.", stack_,
                parameter_.name);
  }

  // Errors: always; `why`, and what became of it.
  Result<bool> go_back(const Error& why) {
    const std::string& before = parameter_.image;
    if (before.empty() || before == image_) return std::unexpected(why);
    std::printf("Going back to %s\n", before.c_str());
    std::fflush(stdout);
    Result<void> back;
    if (stack_changed_)
      back = bring(before);
    else if (!parameter_.ssm.empty())  // the stack has gone back by itself
      back = set_image_parameter(session_, parameter_.ssm, before);
    if (!back)
      return fail("DeployFailed", "{} Nor could {} be brought back: {}", why.message, before, back.error().message);
    BRUME_TRY(others, others_than(before));
    if (others > 0)
      return fail("DeployFailed", "{} {} instances do not run {} again; `brume status` shows them.", why.message,
                  others, before);
    return fail("DeployFailed", "{} Every instance runs {} again.", why.message, before);
  }

  // Instances of the groups that are to run an image and do not.
  Result<int> others_than(const std::string& image) {
    BRUME_TRY(groups, resources_of(session_, stack_, "AWS::AutoScaling::AutoScalingGroup"));
    int count = 0;
    for (const std::string& name : groups) {
      BRUME_TRY(group, group_of(session_, name));
      BRUME_TRY(wants, wants_image(session_, group, image));
      if (!wants) continue;
      BRUME_TRY(left, outdated(session_, group, image));
      count += left;
    }
    return count;
  }

  Session& session_;
  std::string stack_, image_;
  cloudformation::Stack shown_;
  ImageParameter parameter_;
  bool stack_changed_ = false;  // to the new image, and rests
  bool did_something_ = false;
};

}  // namespace

int deploy(const daemon::Settings& settings, const std::string& stack, const std::string& image,
           const std::string& parameter) {
  const auto session = open_caller_session(settings);
  if (!session) return report(session.error());
  const auto changed = Deployment(**session, stack, image).run(parameter);
  if (!changed) return report(changed.error());
  std::printf(*changed ? "Every instance of %s runs %s.\n" : "Every instance of %s runs %s already.\n", stack.c_str(),
              image.c_str());
  return 0;
}

}  // namespace brume::cli
