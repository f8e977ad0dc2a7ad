// EC2's alarm actions: arn:aws:automate:<region>:ec2:{stop,terminate,reboot,recover} on the instance that an alarm
// watches.
#pragma once

#include "cloudwatch/api.h"
#include "ec2/api.h"
#include "services/common/alarm_actions.h"
#include "services/common/context.h"

namespace brume::cloudwatch {

// `alarms` tells which instance: the alarm's dimension InstanceId. There is one machine here, so an instance that is
// recovered is started again where it is: a reboot. All references must outlive `actions`.
void add_instance_actions(services::AlarmActions& actions, const services::Context& context, Api& alarms,
                          ec2::Api& ec2);

}  // namespace brume::cloudwatch
