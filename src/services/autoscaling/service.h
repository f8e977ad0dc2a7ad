// EC2 Auto Scaling: groups that keep the number of instances they are told, in balance over their zones, healthy.
//
// The API by theme, one class each (their headers list the operations), over what all share (group_state.h); beside
// them what makes it so: how instances come (launch.h) and change (transitions.h), and the controllers of groups,
// warm pools and instance refreshes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/autoscaling/controller.h"
#include "services/autoscaling/cooldowns.h"
#include "services/autoscaling/decision_log.h"
#include "services/autoscaling/group.h"
#include "services/autoscaling/hooks.h"
#include "services/autoscaling/launch.h"
#include "services/autoscaling/launch_configurations.h"
#include "services/autoscaling/metrics_collection.h"
#include "services/autoscaling/notifications.h"
#include "services/autoscaling/policies.h"
#include "services/autoscaling/refresh.h"
#include "services/autoscaling/refresh_controller.h"
#include "services/autoscaling/scheduled_actions.h"
#include "services/autoscaling/transitions.h"
#include "services/autoscaling/warm_pool_controller.h"
#include "services/autoscaling/warm_pools.h"

namespace brume::autoscaling {

// What the operations stand on; a base of Service so that it is there before them. Each takes what is above it.
struct ServiceGround {
  ServiceGround(services::Context context, ec2::Api& ec2, elbv2::Api& elbv2, cloudwatch::Api& cloudwatch)
      : state(std::move(context)),
        decision_log(state),
        cooldowns(state),
        launches(state, ec2),
        transitions(state, ec2, elbv2),
        warm_pools(state, ec2, launches, transitions),
        refreshes(state, ec2, cloudwatch, transitions),
        controller(state, ec2, elbv2, launches, transitions, warm_pools, refreshes, cooldowns) {}
  GroupState state;
  DecisionLog decision_log;
  Cooldowns cooldowns;
  Launches launches;
  Transitions transitions;
  WarmPoolController warm_pools;
  RefreshController refreshes;
  GroupController controller;
};

class Service : private ServiceGround,
                public GroupOperations,
                public LaunchConfigurationOperations,
                public PolicyOperations,
                public ScheduledActionOperations,
                public HookOperations,
                public WarmPoolOperations,
                public RefreshOperations,
                public NotificationOperations,
                public MetricsCollectionOperations {
 public:
  // `actions`: where alarms find what their actions on policies are carried out by. `metrics`: where groups' own go.
  Service(services::Context context, ec2::Api& ec2, elbv2::Api& elbv2, cloudwatch::Api& cloudwatch,
          services::AlarmActions& actions, services::MetricSink& metrics)
      : ServiceGround(std::move(context), ec2, elbv2, cloudwatch),
        GroupOperations(state, ec2, elbv2, launches, transitions, cooldowns, decision_log),
        LaunchConfigurationOperations(state, ec2),
        PolicyOperations(state, elbv2, cloudwatch, actions, cooldowns, decision_log),
        ScheduledActionOperations(state, decision_log),
        HookOperations(state),
        WarmPoolOperations(state),
        RefreshOperations(state, ec2, cloudwatch, launches, refreshes),
        NotificationOperations(state),
        MetricsCollectionOperations(state, metrics) {}

  // Reads the tables.
  Result<void> load() {
    BRUME_CHECK(state.load());
    BRUME_CHECK(decision_log.load());
    BRUME_CHECK(cooldowns.load());
    BRUME_CHECK(load_policies());
    BRUME_CHECK(load_schedules());
    return load_notifications();
  }
  // Begins to look at groups, and to do what is due.
  void start() {
    controller.start();
    start_schedules();
    start_metrics();
  }

  // Rounds of the controller so far, for benchmarks.
  [[nodiscard]] std::uint64_t rounds() const { return controller.rounds(); }
  // What was decided about a group's desired capacity and why, newest first; at most the last hundred.
  [[nodiscard]] std::vector<DecisionRecord> decisions(const std::string& group) const { return decision_log.of(group); }
};

}  // namespace brume::autoscaling
