// Scaling policies: put, described, deleted, executed; the alarms that target tracking policies keep; and what policies
// do when they are called.
//
// A policy changes its group's desired capacity, within the bounds, and nothing else; each call is remembered with its
// reason. A target tracking policy and its alarms are made, changed and deleted in one transaction. Leaves to others:
// what one policy wants and what comes of several (scaling/), carrying the capacity out (controller.h).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaling/api.h"
#include "cloudwatch/api.h"
#include "elbv2/api.h"
#include "services/autoscaling/cooldowns.h"
#include "services/autoscaling/decision_log.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/scaling/adjustment.h"
#include "services/autoscaling/scaling/capacity.h"
#include "services/common/alarm_actions.h"

namespace brume::autoscaling {

class PolicyOperations : public virtual Api, protected GroupPart {
 public:
  // `actions`: where alarms find what their actions on policies are carried out by.
  PolicyOperations(GroupState& state, elbv2::Api& elbv2, cloudwatch::Api& cloudwatch, services::AlarmActions& actions,
                   Cooldowns& cooldowns, DecisionLog& decisions);
  Result<void> load_policies() { return policies_.load(); }

  // policies.cc
  Result<PolicyARNType> PutScalingPolicy(const Call&, const PutScalingPolicyType&) override;
  Result<PoliciesType> DescribePolicies(const Call&, const DescribePoliciesType&) override;
  Result<void> DeletePolicy(const Call&, const DeletePolicyType&) override;
  Result<void> ExecutePolicy(const Call&, const ExecutePolicyType&) override;

 private:
  // policies.cc. Names may be ARNs; those need no group. Error: ValidationError.
  Result<const PolicyRecord*> find_policy(const std::optional<std::string>& group, const std::string& name) const;
  [[nodiscard]] const PolicyRecord* find_policy(std::string_view arn) const;
  [[nodiscard]] std::vector<const PolicyRecord*> policies_of(const std::string& group) const;
  // ALBRequestCountPerTarget: does the load balancer serve a target group of this group?
  Result<void> check_resource_label(const Call& call, const AutoScalingGroup& group, const ScalingPolicy& policy);
  // Makes or changes the alarms of a target tracking policy, fills in their names, deletes those of `before` that it no
  // longer has.
  Result<void> put_alarms(const List<Alarm>& before, ScalingPolicy& policy);
  Result<void> delete_alarm(const std::string& name);
  // Those whose actions are the policy.
  Result<List<Alarm>> alarms_that_call(const ScalingPolicy& policy);
  Result<void> erase_policy(const PolicyRecord& record, bool with_its_group);

  // scaling_actions.cc
  static Adjustment adjustment_of(const ScalingPolicy& policy, int by);
  // As the policy's warm-up counts: its own, else the group's, else the default cooldown.
  Capacity capacity_for(const GroupRecord& record, const ScalingPolicy& policy);
  // An alarm's action: a sentence for its history, or why it could not be done.
  Result<std::string> perform(const services::AlarmEvent& event);
  // `metric`: what the policy compares. None: the alarm has no datapoint.
  Result<Wish> wish_on_alarm(const GroupRecord& record, const ScalingPolicy& policy, const Capacity& capacity,
                             const services::AlarmEvent& event, std::optional<double> metric);
  Result<Wish> tracking_wish(const GroupRecord& record, const ScalingPolicy& policy, const Capacity& capacity,
                             const services::AlarmEvent& event, double metric);
  // Changes the desired capacity within its bounds, or not, and remembers it. A sentence on what was done.
  Result<std::string> follow(const ScalingPolicy& policy, const Wish& wanted, const Capacity& capacity,
                             DecisionRecord decision, const std::string& alarm_state = "");

  elbv2::Api& elbv2_;
  cloudwatch::Api& cloudwatch_;
  Cooldowns& cooldowns_;
  DecisionLog& decisions_;
  store::Table<PolicyRecord> policies_;
  std::map<std::string, double, std::less<>> low_values_;  // of target tracking metrics at AlarmLow's last call, by ARN
};

}  // namespace brume::autoscaling
