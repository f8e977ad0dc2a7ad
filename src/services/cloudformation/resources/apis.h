// The services that a stack's resources live in.
#pragma once

#include "autoscaling/api.h"
#include "cloudwatch/api.h"
#include "ec2/api.h"
#include "elbv2/api.h"
#include "iam/api.h"
#include "logs/api.h"
#include "ssm/api.h"

namespace brume::cloudformation {

struct Apis {
  ec2::Api& ec2;
  autoscaling::Api& autoscaling;
  elbv2::Api& elbv2;
  iam::Api& iam;
  ssm::Api& ssm;
  cloudwatch::Api& cloudwatch;
  logs::Api& logs;
};

}  // namespace brume::cloudformation
