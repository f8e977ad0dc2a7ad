// Elastic Load Balancing v2: load balancers, target groups, listeners, rules, target health.
//
// Decides and records; the load balancer process (lb/) does. Whenever a record changes the whole configuration of the
// region is published anew, so the process needs no history. What the process reports (health, requests in flight)
// is kept in memory: it is told again after a restart.
// Leaves out (named in the error): HTTPS and network load balancers, lambda and alb targets, authentication.
#pragma once

#include <set>

#include "ec2/api.h"
#include "elbv2/api.h"
#include "services/common/context.h"
#include "services/elbv2/balancer_metrics.h"
#include "services/elbv2/data_plane.h"
#include "services/elbv2/records.h"
#include "store/table.h"

namespace brume::elbv2 {

class Service : public Api {
 public:
  Service(services::Context context, ec2::Api& ec2, DataPlane& data_plane, services::MetricSink& metrics);
  Result<void> load();
  // Publishes what is recorded and begins to look after draining targets.
  void start();
  // What the process reports; of all regions, others' are passed over.
  void on_stats(const lb::Stats& stats);
  // Load balancers that keep an access log (access_log_name).
  [[nodiscard]] std::set<std::string> access_logs() const;

  using Call = aws::Call;
  Result<CreateLoadBalancerOutput> CreateLoadBalancer(const Call&, const CreateLoadBalancerInput&) override;
  Result<DescribeLoadBalancersOutput> DescribeLoadBalancers(const Call&, const DescribeLoadBalancersInput&) override;
  Result<DeleteLoadBalancerOutput> DeleteLoadBalancer(const Call&, const DeleteLoadBalancerInput&) override;
  Result<DescribeLoadBalancerAttributesOutput> DescribeLoadBalancerAttributes(
      const Call&, const DescribeLoadBalancerAttributesInput&) override;
  Result<ModifyLoadBalancerAttributesOutput> ModifyLoadBalancerAttributes(
      const Call&, const ModifyLoadBalancerAttributesInput&) override;
  Result<SetSecurityGroupsOutput> SetSecurityGroups(const Call&, const SetSecurityGroupsInput&) override;
  Result<SetSubnetsOutput> SetSubnets(const Call&, const SetSubnetsInput&) override;
  Result<SetIpAddressTypeOutput> SetIpAddressType(const Call&, const SetIpAddressTypeInput&) override;
  Result<DescribeCapacityReservationOutput> DescribeCapacityReservation(
      const Call&, const DescribeCapacityReservationInput&) override;

  Result<CreateTargetGroupOutput> CreateTargetGroup(const Call&, const CreateTargetGroupInput&) override;
  Result<DescribeTargetGroupsOutput> DescribeTargetGroups(const Call&, const DescribeTargetGroupsInput&) override;
  Result<ModifyTargetGroupOutput> ModifyTargetGroup(const Call&, const ModifyTargetGroupInput&) override;
  Result<DeleteTargetGroupOutput> DeleteTargetGroup(const Call&, const DeleteTargetGroupInput&) override;
  Result<DescribeTargetGroupAttributesOutput> DescribeTargetGroupAttributes(
      const Call&, const DescribeTargetGroupAttributesInput&) override;
  Result<ModifyTargetGroupAttributesOutput> ModifyTargetGroupAttributes(
      const Call&, const ModifyTargetGroupAttributesInput&) override;
  Result<RegisterTargetsOutput> RegisterTargets(const Call&, const RegisterTargetsInput&) override;
  Result<DeregisterTargetsOutput> DeregisterTargets(const Call&, const DeregisterTargetsInput&) override;
  Result<DescribeTargetHealthOutput> DescribeTargetHealth(const Call&, const DescribeTargetHealthInput&) override;

  Result<CreateListenerOutput> CreateListener(const Call&, const CreateListenerInput&) override;
  Result<DescribeListenersOutput> DescribeListeners(const Call&, const DescribeListenersInput&) override;
  Result<ModifyListenerOutput> ModifyListener(const Call&, const ModifyListenerInput&) override;
  Result<DeleteListenerOutput> DeleteListener(const Call&, const DeleteListenerInput&) override;
  Result<DescribeListenerAttributesOutput> DescribeListenerAttributes(const Call&,
                                                                      const DescribeListenerAttributesInput&) override;
  Result<ModifyListenerAttributesOutput> ModifyListenerAttributes(const Call&,
                                                                  const ModifyListenerAttributesInput&) override;
  Result<CreateRuleOutput> CreateRule(const Call&, const CreateRuleInput&) override;
  Result<DescribeRulesOutput> DescribeRules(const Call&, const DescribeRulesInput&) override;
  Result<ModifyRuleOutput> ModifyRule(const Call&, const ModifyRuleInput&) override;
  Result<DeleteRuleOutput> DeleteRule(const Call&, const DeleteRuleInput&) override;
  Result<SetRulePrioritiesOutput> SetRulePriorities(const Call&, const SetRulePrioritiesInput&) override;

  Result<AddTagsOutput> AddTags(const Call&, const AddTagsInput&) override;
  Result<RemoveTagsOutput> RemoveTags(const Call&, const RemoveTagsInput&) override;
  Result<DescribeTagsOutput> DescribeTags(const Call&, const DescribeTagsInput&) override;
  Result<DescribeAccountLimitsOutput> DescribeAccountLimits(const Call&, const DescribeAccountLimitsInput&) override;

 private:
  template <typename Record>
  static Result<const Record*> find(const store::Table<Record>& table, const std::string& arn, std::string_view code,
                                    std::string_view what) {
    const Record* record = table.find(arn);
    if (!record) return fail(code, "One or more {} not found", what);
    return record;
  }
  Result<const LoadBalancerRecord*> find_load_balancer(const std::string& arn) const;
  Result<const TargetGroupRecord*> find_target_group(const std::string& arn) const;
  Result<const ListenerRecord*> find_listener(const std::string& arn) const;
  Result<const RuleRecord*> find_rule(const std::string& arn) const;

  // A node in each of `subnets`, with its network interface. Errors: SubnetNotFound, InvalidConfigurationRequest.
  Result<std::vector<NodeRecord>> make_nodes(const Call& call, const LoadBalancer& balancer,
                                             const List<std::string>& subnets);
  [[nodiscard]] List<AvailabilityZone> zones_of(const LoadBalancerRecord& record) const;
  // The host address that a new load balancer listens on: everywhere for the first that is published, a loopback
  // address of its own for every other.
  [[nodiscard]] std::string free_listen_address(bool published) const;
  Result<void> check_listen(const LoadBalancerRecord& balancer, int port, const std::string& but_listener) const;

  // Checks actions and gives them the form in which AWS echoes them. They must be of `load_balancer`.
  Result<List<Action>> check_actions(const List<Action>& actions, const LoadBalancerRecord& balancer) const;
  // Rules of a listener by ascending priority, the default one last.
  [[nodiscard]] std::vector<Rule> rules_of(const ListenerRecord& listener) const;
  [[nodiscard]] List<std::string> balancers_of(const std::string& target_group) const;
  // With its state as the process reports it: active_impaired while one of its listeners does not work.
  [[nodiscard]] LoadBalancer shown(const LoadBalancerRecord& record) const;
  [[nodiscard]] TargetGroup shown(const TargetGroupRecord& record) const;
  // Errors: InvalidTarget with the sentence that AWS gives.
  Result<TargetRecord> resolve_target(const Call& call, const TargetGroupRecord& group,
                                      const TargetDescription& target) const;
  [[nodiscard]] TargetHealth health_of(const TargetGroupRecord& group, const TargetRecord& target,
                                       const std::map<std::string, std::string>& instance_states) const;
  // Tags of a resource of any kind, changed by `change(List<Tag>&)`.
  Result<void> change_tags(const std::string& arn, const std::function<Result<void>(List<Tag>&)>& change);

  // Who may talk to a listener from outside; nobody, with a word in the log, if its groups cannot be told.
  [[nodiscard]] std::vector<std::string> clients_of(const ListenerRecord& listener) const;
  // Something in the VPC changed: publishes if it is who may talk to a load balancer of it.
  void vpc_changed(std::string_view vpc_id);

  // Publishes soon after the transaction under way, once for any number of changes.
  void changed();
  void publish();
  // Takes out the targets that have drained; looks again when the next may have.
  void finish_draining();

  services::Context context_;
  ec2::Api& ec2_;
  DataPlane& data_plane_;
  store::Table<LoadBalancerRecord> load_balancers_;  // each by ARN
  store::Table<TargetGroupRecord> target_groups_;
  store::Table<ListenerRecord> listeners_;
  store::Table<RuleRecord> rules_;

  bool started_ = false;
  bool publish_due_ = false;
  std::int64_t published_ = 0;  // version of the newest snapshot
  std::int64_t applied_ = 0;    // of the snapshot that the process has
  env::Loop::TimerId drain_timer_ = 0;
  std::map<std::string, std::map<std::string, lb::TargetStats>> health_;  // by target group and target
  std::map<std::string, std::string> listener_errors_;
  std::map<std::string, std::vector<std::string>> clients_;   // by listener, as published
  std::map<std::string, std::int64_t> access_lines_dropped_;  // by load balancer, as told
  BalancerMetrics metrics_;
};

// The data plane's id of a target: "i-…:80".
std::string target_id(const TargetRecord& target);

}  // namespace brume::elbv2
