#include "services/autoscaling/targets.h"

namespace brume::autoscaling {
namespace {

elbv2::TargetDescription as_target(const std::string& instance) {
  elbv2::TargetDescription target;
  target.Id = instance;
  return target;
}

}  // namespace

Result<void> register_targets(const services::Context& context, elbv2::Api& elbv2, const List<std::string>& arns,
                              const std::string& instance) {
  for (const std::string& arn : arns) {
    elbv2::RegisterTargetsInput request;
    request.TargetGroupArn = arn;
    request.Targets = {as_target(instance)};
    BRUME_CHECK(elbv2.RegisterTargets(context.call("autoscaling"), request));
  }
  return {};
}

Result<void> deregister_targets(const services::Context& context, elbv2::Api& elbv2, const List<std::string>& arns,
                                const std::string& instance) {
  for (const std::string& arn : arns) {
    elbv2::DeregisterTargetsInput request;
    request.TargetGroupArn = arn;
    request.Targets = {as_target(instance)};
    const auto done = elbv2.DeregisterTargets(context.call("autoscaling"), request);
    if (!done && done.error().code != "InvalidTarget" && done.error().code != "TargetGroupNotFound")
      return std::unexpected(done.error());
  }
  return {};
}

}  // namespace brume::autoscaling
