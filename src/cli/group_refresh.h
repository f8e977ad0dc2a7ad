// An Auto Scaling group's instances are replaced by an instance refresh, so that they run another image.
//
// A new instance serves before an old one goes. A group that names its launch template's version by number goes on
// launching the old one until the refresh has succeeded, and the refresh goes back by itself (AutoRollback) also when
// nobody watches; one that has a launch configuration, or $Latest, cannot do that, and its caller has to bring the old
// image back. Leaves to deploy.h: the stack. Uses nothing but the AWS API.
#pragma once

#include <optional>
#include <string>

#include "cli/command.h"

namespace brume::cli {

// Error: ValidationError, there is none of that name.
Result<autoscaling::AutoScalingGroup> group_of(Session& session, const std::string& name);

// How many of the group's instances run another image.
Result<int> outdated(Session& session, const autoscaling::AutoScalingGroup& group, const std::string& image);

// Whether the group is to launch this image: what it launches now, or the newest version of its launch template (as a
// deployment that was broken off leaves it).
Result<bool> wants_image(Session& session, const autoscaling::AutoScalingGroup& group, const std::string& image);

// "InProgress, 50 %": the refresh that the group has under way.
Result<std::optional<std::string>> refresh_under_way(Session& session, const std::string& group);

// Replaces those that run another image and says how far that is; blocks until it is over. Precondition: wants_image().
// Error: DeployFailed, no instance of the image serves, and the refresh was rolled back or cancelled.
Result<void> refresh_group(Session& session, const autoscaling::AutoScalingGroup& group, const std::string& image);

}  // namespace brume::cli
