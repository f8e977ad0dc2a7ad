// EC2 Auto Scaling: groups that keep the number of instances they are told, in balance over their zones, healthy.
//
// Handlers record what is desired; the controller looks at each group whose instances, targets or wishes changed (and
// at each now and then), decides the next steps (decide.h) and carries them out, one transaction a step. What a step
// does in EC2 and to target groups is in the same transaction as what is recorded here, so nothing is launched twice.
// Policies (policies.cc, scaling_actions.cc) and scheduled actions only change the desired capacity and the bounds.
// What a group launches of several instance types, and what each counts, is mixed_instances.h's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaling/api.h"
#include "cloudwatch/api.h"
#include "ec2/api.h"
#include "elbv2/api.h"
#include "services/autoscaling/decide.h"
#include "services/autoscaling/mixed_instances.h"
#include "services/autoscaling/records.h"
#include "services/autoscaling/refresh_decision.h"
#include "services/autoscaling/scaling/adjustment.h"
#include "services/autoscaling/scaling/capacity.h"
#include "services/autoscaling/scaling/elapsed.h"
#include "services/autoscaling/scaling/records.h"
#include "services/autoscaling/warm_pool.h"
#include "services/common/alarm_actions.h"
#include "services/common/context.h"
#include "services/common/metric_sink.h"
#include "store/table.h"

namespace brume::autoscaling {

class Service : public Api {
 public:
  // `actions`: where alarms find what their actions on policies are carried out by. `metrics`: where groups' own go.
  Service(services::Context context, ec2::Api& ec2, elbv2::Api& elbv2, cloudwatch::Api& cloudwatch,
          services::AlarmActions& actions, services::MetricSink& metrics);
  Result<void> load();
  void start();

  // Rounds of the controller so far, for benchmarks.
  [[nodiscard]] std::uint64_t rounds() const { return rounds_; }

  // What was decided about a group's desired capacity and why, newest first; at most the last hundred.
  [[nodiscard]] std::vector<DecisionRecord> decisions(const std::string& group) const;

  using Call = aws::Call;
  // group.cc
  Result<void> CreateAutoScalingGroup(const Call&, const CreateAutoScalingGroupType&) override;
  Result<void> UpdateAutoScalingGroup(const Call&, const UpdateAutoScalingGroupType&) override;
  Result<void> DeleteAutoScalingGroup(const Call&, const DeleteAutoScalingGroupType&) override;
  Result<AutoScalingGroupsType> DescribeAutoScalingGroups(const Call&, const AutoScalingGroupNamesType&) override;
  Result<AutoScalingInstancesType> DescribeAutoScalingInstances(const Call&,
                                                                const DescribeAutoScalingInstancesType&) override;
  Result<void> SuspendProcesses(const Call&, const ScalingProcessQuery&) override;
  Result<void> ResumeProcesses(const Call&, const ScalingProcessQuery&) override;
  // capacity.cc
  Result<void> SetDesiredCapacity(const Call&, const SetDesiredCapacityType&) override;
  Result<ActivityType> TerminateInstanceInAutoScalingGroup(const Call&,
                                                           const TerminateInstanceInAutoScalingGroupType&) override;
  Result<SetInstanceProtectionAnswer> SetInstanceProtection(const Call&, const SetInstanceProtectionQuery&) override;
  Result<void> SetInstanceHealth(const Call&, const SetInstanceHealthQuery&) override;
  Result<EnterStandbyAnswer> EnterStandby(const Call&, const EnterStandbyQuery&) override;
  Result<ExitStandbyAnswer> ExitStandby(const Call&, const ExitStandbyQuery&) override;
  Result<void> AttachInstances(const Call&, const AttachInstancesQuery&) override;
  Result<DetachInstancesAnswer> DetachInstances(const Call&, const DetachInstancesQuery&) override;
  Result<ActivitiesType> DescribeScalingActivities(const Call&, const DescribeScalingActivitiesType&) override;
  // traffic.cc
  Result<AttachLoadBalancerTargetGroupsResultType> AttachLoadBalancerTargetGroups(
      const Call&, const AttachLoadBalancerTargetGroupsType&) override;
  Result<DetachLoadBalancerTargetGroupsResultType> DetachLoadBalancerTargetGroups(
      const Call&, const DetachLoadBalancerTargetGroupsType&) override;
  Result<DescribeLoadBalancerTargetGroupsResponse> DescribeLoadBalancerTargetGroups(
      const Call&, const DescribeLoadBalancerTargetGroupsRequest&) override;
  Result<AttachTrafficSourcesResultType> AttachTrafficSources(const Call&, const AttachTrafficSourcesType&) override;
  Result<DetachTrafficSourcesResultType> DetachTrafficSources(const Call&, const DetachTrafficSourcesType&) override;
  Result<DescribeTrafficSourcesResponse> DescribeTrafficSources(const Call&,
                                                                const DescribeTrafficSourcesRequest&) override;
  Result<DescribeLoadBalancersResponse> DescribeLoadBalancers(const Call&,
                                                              const DescribeLoadBalancersRequest&) override;
  // refresh.cc
  Result<StartInstanceRefreshAnswer> StartInstanceRefresh(const Call&, const StartInstanceRefreshType&) override;
  Result<DescribeInstanceRefreshesAnswer> DescribeInstanceRefreshes(const Call&,
                                                                    const DescribeInstanceRefreshesType&) override;
  Result<CancelInstanceRefreshAnswer> CancelInstanceRefresh(const Call&, const CancelInstanceRefreshType&) override;
  Result<RollbackInstanceRefreshAnswer> RollbackInstanceRefresh(const Call&,
                                                                const RollbackInstanceRefreshType&) override;
  // hooks.cc
  Result<PutLifecycleHookAnswer> PutLifecycleHook(const Call&, const PutLifecycleHookType&) override;
  Result<DescribeLifecycleHooksAnswer> DescribeLifecycleHooks(const Call&, const DescribeLifecycleHooksType&) override;
  Result<DeleteLifecycleHookAnswer> DeleteLifecycleHook(const Call&, const DeleteLifecycleHookType&) override;
  Result<CompleteLifecycleActionAnswer> CompleteLifecycleAction(const Call&,
                                                                const CompleteLifecycleActionType&) override;
  Result<RecordLifecycleActionHeartbeatAnswer> RecordLifecycleActionHeartbeat(
      const Call&, const RecordLifecycleActionHeartbeatType&) override;
  // notifications.cc
  Result<void> PutNotificationConfiguration(const Call&, const PutNotificationConfigurationType&) override;
  Result<void> DeleteNotificationConfiguration(const Call&, const DeleteNotificationConfigurationType&) override;
  Result<DescribeNotificationConfigurationsAnswer> DescribeNotificationConfigurations(
      const Call&, const DescribeNotificationConfigurationsType&) override;
  // tags.cc
  Result<void> CreateOrUpdateTags(const Call&, const CreateOrUpdateTagsType&) override;
  Result<void> DeleteTags(const Call&, const DeleteTagsType&) override;
  Result<TagsType> DescribeTags(const Call&, const DescribeTagsType&) override;
  // policies.cc
  Result<PolicyARNType> PutScalingPolicy(const Call&, const PutScalingPolicyType&) override;
  Result<PoliciesType> DescribePolicies(const Call&, const DescribePoliciesType&) override;
  Result<void> DeletePolicy(const Call&, const DeletePolicyType&) override;
  Result<void> ExecutePolicy(const Call&, const ExecutePolicyType&) override;
  // scheduled_actions.cc
  Result<void> PutScheduledUpdateGroupAction(const Call&, const PutScheduledUpdateGroupActionType&) override;
  Result<BatchPutScheduledUpdateGroupActionAnswer> BatchPutScheduledUpdateGroupAction(
      const Call&, const BatchPutScheduledUpdateGroupActionType&) override;
  Result<ScheduledActionsType> DescribeScheduledActions(const Call&, const DescribeScheduledActionsType&) override;
  Result<void> DeleteScheduledAction(const Call&, const DeleteScheduledActionType&) override;
  Result<BatchDeleteScheduledActionAnswer> BatchDeleteScheduledAction(const Call&,
                                                                      const BatchDeleteScheduledActionType&) override;
  // launch_configurations.cc
  Result<void> CreateLaunchConfiguration(const Call&, const CreateLaunchConfigurationType&) override;
  Result<LaunchConfigurationsType> DescribeLaunchConfigurations(const Call&,
                                                                const LaunchConfigurationNamesType&) override;
  Result<void> DeleteLaunchConfiguration(const Call&, const LaunchConfigurationNameType&) override;
  // warm_pools.cc
  Result<PutWarmPoolAnswer> PutWarmPool(const Call&, const PutWarmPoolType&) override;
  Result<DescribeWarmPoolAnswer> DescribeWarmPool(const Call&, const DescribeWarmPoolType&) override;
  Result<DeleteWarmPoolAnswer> DeleteWarmPool(const Call&, const DeleteWarmPoolType&) override;
  // metrics_collection.cc
  Result<void> EnableMetricsCollection(const Call&, const EnableMetricsCollectionQuery&) override;
  Result<void> DisableMetricsCollection(const Call&, const DisableMetricsCollectionQuery&) override;
  // types.cc: what there is to choose from
  Result<ProcessesType> DescribeScalingProcessTypes(const Call&) override;
  Result<DescribeAccountLimitsAnswer> DescribeAccountLimits(const Call&) override;
  Result<DescribeAdjustmentTypesAnswer> DescribeAdjustmentTypes(const Call&) override;
  Result<DescribeAutoScalingNotificationTypesAnswer> DescribeAutoScalingNotificationTypes(const Call&) override;
  Result<DescribeTerminationPolicyTypesAnswer> DescribeTerminationPolicyTypes(const Call&) override;
  Result<DescribeLifecycleHookTypesAnswer> DescribeLifecycleHookTypes(const Call&) override;
  Result<DescribeMetricCollectionTypesAnswer> DescribeMetricCollectionTypes(const Call&) override;

 private:
  // Errors: ValidationError "AutoScalingGroup name not found - …".
  Result<const GroupRecord*> find_group(const std::string& name) const;
  [[nodiscard]] static bool is_suspended(const GroupRecord& group, const std::string& process);
  // Units of the members that count towards the desired capacity.
  [[nodiscard]] int capacity_of(const std::string& group) const;
  // May the group do without these instances? Error: ValidationError; `verb` is what is asked for.
  Result<void> check_shrink(const AutoScalingGroup& group, const List<std::string>& instances,
                            std::string_view verb) const;
  // What the members weigh by a policy that the group has now. Error: ValidationError.
  Result<void> reweigh(const AutoScalingGroup& group);
  Result<const MemberRecord*> find_member(const std::string& instance) const;
  Result<const MemberRecord*> find_member(const std::string& group, const std::string& instance) const;
  // The group's instances, without those of its warm pool.
  [[nodiscard]] std::vector<const MemberRecord*> members_of(const std::string& group) const;
  [[nodiscard]] std::vector<const MemberRecord*> pool_of(const std::string& group) const;
  [[nodiscard]] std::vector<const MemberRecord*> every_member_of(const std::string& group) const;
  [[nodiscard]] AutoScalingGroup shown(const GroupRecord& record) const;
  // Error: ValidationError "Launch configuration name not found - …".
  Result<const LaunchConfiguration*> find_configuration(const std::string& name) const;
  // Checks what Create and Update have in common; fills in what AWS echoes (both the template's id and name).
  Result<void> check_group(const Call& call, AutoScalingGroup& group);
  // min ≤ desired ≤ max. Error: ValidationError.
  static Result<void> check_sizes(const AutoScalingGroup& group);
  Result<void> check_target_groups(const Call& call, const List<std::string>& arns);
  void put_member(const MemberRecord& member);
  void erase_member(const std::string& group, const std::string& instance);

  // Activities (activities.cc). A key is "<group>/<number>".
  std::string begin_activity(const std::string& group, std::string description, std::string cause, std::string status,
                             std::int32_t progress, const std::string& zone, const std::string& subnet);
  void update_activity(const std::string& key, const std::function<void(Activity&)>& change);
  void end_activity(const std::string& key, bool success, const std::string& message = "");

  // Starts to take a member out: deregisters it and begins the activity. It ends as `lifecycle` ("Terminating", …).
  Result<void> take_out(const std::string& group, const std::string& instance, const std::string& lifecycle,
                        const std::string& description, const std::string& cause);
  Result<void> register_targets(const GroupRecord& group, const std::string& instance);
  Result<void> deregister_targets(const GroupRecord& group, const std::string& instance);
  void resize(const std::string& group, int by);

  // Policies and their alarms (policies.cc). Names may be ARNs; those need no group. Error: ValidationError.
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
  // All that policies and scheduled actions have of a group that goes.
  Result<void> forget_scaling(const std::string& group);

  // What policies do (scaling_actions.cc).
  static Adjustment adjustment_of(const ScalingPolicy& policy, int by);
  // As the policy's warm-up counts: its own, else the group's, else the default cooldown.
  Capacity capacity_for(const GroupRecord& record, const ScalingPolicy& policy);
  // Why a simple policy has to wait: an activity, or a cooldown. None: it need not.
  std::optional<std::string> why_waiting(const std::string& group);
  // The cooldown of a simple policy begins once its instances have come or gone.
  void begin_cooldown(const std::string& group);
  // An alarm's action: a sentence for its history, or why it could not be done.
  Result<std::string> perform(const services::AlarmEvent& event);
  Result<Wish> wish_on_alarm(const GroupRecord& record, const ScalingPolicy& policy, const Capacity& capacity,
                             const services::AlarmEvent& event);
  Result<Wish> tracking_wish(const GroupRecord& record, const ScalingPolicy& policy, const Capacity& capacity,
                             const services::AlarmEvent& event);
  // Changes the desired capacity within its bounds, or not, and remembers it. A sentence on what was done.
  Result<std::string> follow(const ScalingPolicy& policy, const Wish& wanted, const Capacity& capacity,
                             DecisionRecord decision, const std::string& alarm_state = "");
  void remember(const std::string& group, DecisionRecord decision);
  void remember_request(const std::string& group, int before, int after);

  // Scheduled actions (scheduled_actions.cc).
  static std::string scheduled_key(const ScheduledUpdateGroupAction& action);
  [[nodiscard]] std::vector<const ScheduledRecord*> scheduled_of(const std::string& group) const;
  Result<void> put_scheduled(const std::string& group, const ScheduledUpdateGroupActionRequest& request);
  Result<void> check_times(const std::string& key, ScheduledUpdateGroupAction& action,
                           const ScheduledUpdateGroupActionRequest& request);
  Result<void> delete_scheduled(const std::string& group, const std::string& name);
  void plan_schedules();
  void do_due();
  Result<void> do_scheduled(const std::string& key, Timestamp now);

  // Tells what groups collect of themselves, each minute (metrics_collection.cc).
  void publish_metrics_later();

  // The controller (controller.cc).
  void wake(const std::string& group);  // looks at it soon, once
  void wake_after_commit(const std::string& group);
  void look(const std::string& group);
  Result<std::vector<MemberView>> observe(const GroupRecord& group);
  GroupView view(const GroupRecord& group) const;
  Result<void> carry_out(const std::string& group, const Step& step);
  // Launches (launch.cc).
  // What the group launches: one of a template and a configuration. Fills in what AWS echoes. Error: ValidationError.
  Result<void> check_configuration(const Call& call, AutoScalingGroup& group);
  Result<ec2::RunInstancesRequest> launch_request(const GroupRecord& group, const LaunchOption& option,
                                                  const std::string& zone);
  // Whether EC2 would launch for the group: asked when one is made or given another configuration. ValidationError.
  Result<void> try_launch(const GroupRecord& group);
  // From the warm pool if it has one, else a new one.
  Result<void> launch(const GroupRecord& group, const std::string& zone);
  [[nodiscard]] std::string launch_cause(const GroupRecord& group, int units) const;
  // Where EC2 had no room lately.
  [[nodiscard]] std::set<Pool> full_pools(const std::string& group) const;
  // The number of a template's version, whatever "$Latest" or "$Default" is now.
  Result<std::string> version_number(const LaunchTemplateSpecification& launch) const;
  Result<void> number_versions(MixedInstancesPolicy& policy) const;
  // What a refresh is to bring: checked, completed, and into its row. Error: ValidationError, UnsupportedOperation.
  Result<void> take_desired(const Call& call, const GroupRecord& group, const DesiredConfiguration& desired,
                            RefreshRecord& refresh);
  // With numbers for versions; one whose template is gone stays as it is.
  [[nodiscard]] std::vector<LaunchOption> numbered(std::vector<LaunchOption> options) const;
  // After a launch that failed: is there another type to be tried in the zone at once? Else the group backs off.
  bool try_another(const std::string& group, const Pool& pool, std::string_view code);
  enum class Into { group, pool };
  Result<void> launch_instance(const GroupRecord& group, const std::string& zone, Into where);
  // No launch for a while: a second, doubling to a minute with each failure.
  void back_off(const std::string& group);
  void launch_failed(const std::string& group, const std::string& zone, const Error& error);
  Result<void> scale_in(const GroupRecord& group, const std::vector<MemberView>& members);
  void resync();

  // Warm pools (warm_pool_controller.cc).
  Result<std::vector<PoolMember>> observe_pool(const GroupRecord& group);
  // Whether a scale-in gives its instance back.
  [[nodiscard]] bool may_return(const GroupRecord& group) const;
  // Starts an instance of the pool for the group. False: there is none.
  Result<bool> take_from_pool(const GroupRecord& group, const std::string& zone, const std::string& cause);
  void take_out_of_pool(MemberRecord member, const std::string& cause);
  // The pool's next steps, when the group has nothing more urgent to do. False: there was nothing to be done.
  Result<bool> tend_pool(const std::string& group, const std::vector<MemberView>& members);
  Result<void> carry_out(const std::string& group, const PoolStep& step);
  // Calls EC2 and remembers that.
  Result<void> send_termination(MemberRecord member);

  // Instance refresh (refresh.cc, refresh_controller.cc): the group's newest row of it; null if it has ended.
  struct ActiveRefresh {
    std::string key;
    const RefreshRecord* record = nullptr;
    explicit operator bool() const { return record != nullptr; }
  };
  [[nodiscard]] ActiveRefresh active_refresh(const std::string& group) const;
  Result<void> check_reversible(const Call& call, const AutoScalingGroup& group);
  // Error: ValidationError while a refresh brings a configuration of its own.
  Result<void> check_configuration_free(const UpdateAutoScalingGroupType& request) const;
  // The group as instances are launched for it now: during a refresh with the configuration that this brings.
  [[nodiscard]] GroupRecord as_launched(const GroupRecord& group) const;
  // The id of the refresh that a new instance is of; empty: of none.
  [[nodiscard]] std::string launching_refresh(const std::string& group) const;
  [[nodiscard]] RefreshView refresh_view(const GroupRecord& group, const RefreshRecord& refresh,
                                         const std::vector<MemberView>& members) const;
  [[nodiscard]] bool is_stale(const RefreshRecord& refresh, const MemberRecord& member) const;
  void read_alarms(const RefreshRecord& refresh, RefreshView& view);
  // One step of what replaces instances that could stay, when the group has nothing more urgent to do. Answers when to
  // look again: zero if something was done, max if only an event can change anything.
  Result<env::Duration> maintain(const std::string& group, const std::vector<MemberView>& members);
  Result<env::Duration> refresh(const std::string& group, const std::vector<MemberView>& members);
  Result<void> carry_out(const std::string& group, const std::string& key, const RefreshStep& step,
                         const RefreshProgress& progress);
  Result<bool> carry_out(const std::string& group, const Replacements& plan, const std::string& why);
  void unmark(const std::string& group);
  // Lifecycle hooks (hooks.cc), all of the group's or those of a transition.
  [[nodiscard]] std::vector<const LifecycleHook*> hooks_of(const std::string& group, std::string_view transition) const;
  Result<void> put_hook(const PutLifecycleHookType& request);
  [[nodiscard]] List<LifecycleAction> begin_actions(const std::string& group, std::string_view transition);
  // Changes the action that is found by instance or token. Error: ValidationError.
  Result<void> change_action(const std::string& group, const std::string& hook,
                             const std::optional<std::string>& instance, const std::optional<std::string>& token,
                             const std::function<void(LifecycleAction&)>& change);
  [[nodiscard]] std::vector<std::string> notification_keys(const std::string& group, std::string_view topic) const;
  // What belongs to a group and goes with it.
  void erase_belongings(const std::string& group);

  struct Watch {  // of a group; in memory only
    bool queued = false;
    env::Loop::TimerId timer = 0;
    env::Duration back_off{};
    env::MonotonicTime retry{};                               // no launch before
    std::map<std::string, env::MonotonicTime> failing_zones;  // until
    std::map<Pool, env::MonotonicTime> full_pools;            // until
    bool said_protected = false;
  };

  services::Context context_;
  ec2::Api& ec2_;
  elbv2::Api& elbv2_;
  cloudwatch::Api& cloudwatch_;
  services::MetricSink& metrics_;
  store::Table<GroupRecord> groups_;
  store::Table<MemberRecord> members_;
  store::Table<ActivityRecord> activities_;
  store::Table<PolicyRecord> policies_;
  store::Table<ScheduledRecord> scheduled_;
  store::Table<CooldownRecord> cooldowns_;
  store::Table<DecisionRecord> decisions_;
  store::Table<RefreshRecord> refreshes_;
  store::Table<LifecycleHook> hooks_;
  store::Table<NotificationConfiguration> notifications_;
  store::Table<LaunchConfiguration> configurations_;

  bool started_ = false;
  std::uint64_t rounds_ = 0;
  std::map<std::string, std::string> group_of_;            // by instance
  std::map<std::string, std::set<std::string>> users_of_;  // groups by target group
  std::map<std::string, Watch> watches_;
  std::string resynced_;  // the group that resync() looked at last
  Elapsed elapsed_;       // since instances came into service, and since cooldowns ("cooldown:<group>") began
  std::map<std::string, double, std::less<>> low_values_;  // of target tracking metrics at AlarmLow's last call, by ARN
  env::Loop::TimerId schedule_timer_ = 0;
};

constexpr std::size_t kMaxConfigurations = 200;  // quota "Launch configurations per Region"

std::string member_key(std::string_view group, std::string_view instance);

}  // namespace brume::autoscaling
