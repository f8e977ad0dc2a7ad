// What the commands of `brume` share: settings, a session with the daemon, and how errors are shown.
#pragma once

#include <memory>
#include <string>

#include "autoscaling/api.h"
#include "aws/client.h"
#include "cloudformation/api.h"
#include "cloudwatch/api.h"
#include "daemon/settings.h"
#include "ec2/api.h"
#include "elbv2/api.h"
#include "logs/api.h"
#include "ssm/api.h"

namespace brume::cli {

// The daemon's API as its owner.
struct Session {
  explicit Session(aws::HttpTransport::Options options) : transport(std::move(options)) {}
  aws::HttpTransport transport;
  aws::Call call;
  autoscaling::Client autoscaling{transport};
  cloudformation::Client cloudformation{transport};
  cloudwatch::Client cloudwatch{transport};
  ec2::Client ec2{transport};
  elbv2::Client elbv2{transport};
  logs::Client logs{transport};
  ssm::Client ssm{transport};
};

// With the owner's key from the state folder; region from AWS_REGION, AWS_DEFAULT_REGION or the settings.
// Errors: NotStarted (no key yet), AccessDenied (not root).
Result<std::unique_ptr<Session>> open_session(const daemon::Settings& settings);

// With the keys of the environment, if it has some and AWS_ENDPOINT_URL says that they are for a Brume on this machine;
// else as open_session().
Result<std::unique_ptr<Session>> open_caller_session(const daemon::Settings& settings);

// Whether an endpoint of the API, without a path, can only be a Brume's on the machine that we run on. Pure.
bool is_on_this_machine(std::string_view endpoint);

std::string region_of(const daemon::Settings& settings);

// Prints "brume: <message>" on standard error; returns the exit status 1.
int report(const Error& error);

}  // namespace brume::cli
