#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation::resources {
namespace {

using Tags = List<elbv2::Tag>;

Result<void> retag(Work& work, const std::string& arn, const Value& before, const Value& after) {
  const TagChanges changes = tag_changes(before, after);
  if (!changes.drop.empty()) {
    elbv2::RemoveTagsInput request;
    request.ResourceArns = {arn};
    request.TagKeys = changes.drop;
    BRUME_CHECK(work.apis.elbv2.RemoveTags(work.call, request));
  }
  if (changes.put.empty()) return {};
  elbv2::AddTagsInput request;
  request.ResourceArns = {arn};
  for (const auto& [key, value] : changes.put) {
    auto& tag = request.Tags.emplace_back();
    tag.Key = key;
    tag.Value = value;
  }
  BRUME_CHECK(work.apis.elbv2.AddTags(work.call, request));
  return {};
}

// "app/name/id" out of "arn:…:loadbalancer/app/name/id".
std::string after_first(const std::string& arn, std::string_view mark, bool keep) {
  const std::size_t at = arn.find(mark);
  return at == std::string::npos ? arn : arn.substr(at + (keep ? 0 : mark.size()));
}

void set(Instance& instance, std::string name, const std::optional<std::string>& value) {
  instance.attributes.set(std::move(name), Value::string(value.value_or("")));
}

Value string_list(const List<std::string>& items) {
  Value out = Value::list();
  for (const std::string& item : items) out.items.push_back(Value::string(item));
  return out;
}

// Load balancers ----------------------------------------------------------------------------------------------------

Result<void> set_balancer_attributes(Work& work, const Instance& instance, const Value& before) {
  if (!changed(before, instance.properties, "LoadBalancerAttributes") ||
      !instance.properties.find("LoadBalancerAttributes"))
    return {};
  elbv2::ModifyLoadBalancerAttributesInput request;
  request.LoadBalancerArn = instance.physical_id;
  BRUME_TRY(attributes, read<List<elbv2::LoadBalancerAttribute>>(instance.properties, "LoadBalancerAttributes"));
  request.Attributes = std::move(attributes);
  if (request.Attributes.empty()) return {};
  BRUME_CHECK(work.apis.elbv2.ModifyLoadBalancerAttributes(work.call, request));
  return {};
}

Result<void> create_balancer(Work& work, Instance& instance) {
  BRUME_TRY(request, read<elbv2::CreateLoadBalancerInput>(without(instance.properties, {"Tags"})));
  if (!request.Name) request.Name = work.name;
  request.Tags = all_tags<elbv2::Tag>(work, instance.properties);
  BRUME_TRY(made, work.apis.elbv2.CreateLoadBalancer(work.call, request));
  if (made.LoadBalancers.empty()) return fail_internal("Elastic Load Balancing did not say what it made");
  const auto& balancer = made.LoadBalancers[0];
  instance.physical_id = balancer.LoadBalancerArn.value_or("");
  set(instance, "LoadBalancerArn", instance.physical_id);
  set(instance, "LoadBalancerFullName", after_first(instance.physical_id, "loadbalancer/", false));
  set(instance, "LoadBalancerName", balancer.LoadBalancerName);
  set(instance, "DNSName", balancer.DNSName);
  set(instance, "CanonicalHostedZoneID", balancer.CanonicalHostedZoneId);
  instance.attributes.set("SecurityGroups", string_list(balancer.SecurityGroups));
  return set_balancer_attributes(work, instance, Value::map());
}

Result<bool> balancer_settled(Work& work, Instance& instance) {
  elbv2::DescribeLoadBalancersInput request;
  request.LoadBalancerArns = {instance.physical_id};
  BRUME_TRY(found, work.apis.elbv2.DescribeLoadBalancers(work.call, request));
  if (found.LoadBalancers.empty()) return fail("NotStabilized", "Load balancer {} disappeared", instance.physical_id);
  const auto& balancer = found.LoadBalancers[0];
  set(instance, "DNSName", balancer.DNSName);
  instance.attributes.set("SecurityGroups", string_list(balancer.SecurityGroups));
  const std::string state = balancer.State ? balancer.State->Code.value_or("active") : "active";
  if (state == "failed")
    return fail("NotStabilized", "Load balancer {} failed to become active: {}", instance.physical_id,
                balancer.State->Reason.value_or(""));
  return state == "active" || state == "active_impaired";
}

Result<void> update_balancer(Work& work, Instance& instance, const Value& before) {
  const Value& now = instance.properties;
  if (changed(before, now, "Subnets") || changed(before, now, "SubnetMappings")) {
    BRUME_TRY(request, read<elbv2::SetSubnetsInput>(now));
    request.LoadBalancerArn = instance.physical_id;
    BRUME_CHECK(work.apis.elbv2.SetSubnets(work.call, request));
  }
  if (changed(before, now, "SecurityGroups")) {
    elbv2::SetSecurityGroupsInput request;
    request.LoadBalancerArn = instance.physical_id;
    request.SecurityGroups = text_list(now, "SecurityGroups");
    BRUME_CHECK(work.apis.elbv2.SetSecurityGroups(work.call, request));
  }
  if (changed(before, now, "IpAddressType")) {
    elbv2::SetIpAddressTypeInput request;
    request.LoadBalancerArn = instance.physical_id;
    request.IpAddressType = now.find("IpAddressType") ? instance.text("IpAddressType") : "ipv4";
    BRUME_CHECK(work.apis.elbv2.SetIpAddressType(work.call, request));
  }
  BRUME_CHECK(set_balancer_attributes(work, instance, before));
  return retag(work, instance.physical_id, before, now);
}

Result<void> remove_balancer(Work& work, const Instance& instance) {
  elbv2::DeleteLoadBalancerInput request;
  request.LoadBalancerArn = instance.physical_id;
  BRUME_CHECK(work.apis.elbv2.DeleteLoadBalancer(work.call, request));
  return {};
}

Result<bool> balancer_gone(Work& work, const Instance& instance) {
  elbv2::DescribeLoadBalancersInput request;
  request.LoadBalancerArns = {instance.physical_id};
  auto found = work.apis.elbv2.DescribeLoadBalancers(work.call, request);
  if (!found) return not_found(found.error()) ? Result<bool>(true) : std::unexpected(found.error());
  return found->LoadBalancers.empty();
}

// Target groups -----------------------------------------------------------------------------------------------------

Result<void> set_targets(Work& work, const Instance& instance, const Value& before) {
  const Value *old_list = before.find("Targets"), *new_list = instance.properties.find("Targets");
  const auto missing = [](const Value* from, const Value* other) -> Result<List<elbv2::TargetDescription>> {
    List<elbv2::TargetDescription> out;
    if (from) {
      for (const Value& item : from->items) {
        bool found = false;
        if (other)
          for (const Value& candidate : other->items) found |= candidate == item;
        if (found) continue;
        BRUME_TRY(target, read<elbv2::TargetDescription>(item));
        out.push_back(std::move(target));
      }
    }
    return out;
  };
  BRUME_TRY(gone, missing(old_list, new_list));
  if (!gone.empty()) {
    elbv2::DeregisterTargetsInput request;
    request.TargetGroupArn = instance.physical_id;
    request.Targets = std::move(gone);
    BRUME_CHECK(work.apis.elbv2.DeregisterTargets(work.call, request));
  }
  BRUME_TRY(added, missing(new_list, old_list));
  if (added.empty()) return {};
  elbv2::RegisterTargetsInput request;
  request.TargetGroupArn = instance.physical_id;
  request.Targets = std::move(added);
  BRUME_CHECK(work.apis.elbv2.RegisterTargets(work.call, request));
  return {};
}

Result<void> set_group_attributes(Work& work, const Instance& instance, const Value& before) {
  if (!changed(before, instance.properties, "TargetGroupAttributes") ||
      !instance.properties.find("TargetGroupAttributes"))
    return {};
  elbv2::ModifyTargetGroupAttributesInput request;
  request.TargetGroupArn = instance.physical_id;
  BRUME_TRY(attributes, read<List<elbv2::TargetGroupAttribute>>(instance.properties, "TargetGroupAttributes"));
  request.Attributes = std::move(attributes);
  if (request.Attributes.empty()) return {};
  BRUME_CHECK(work.apis.elbv2.ModifyTargetGroupAttributes(work.call, request));
  return {};
}

Result<void> create_group(Work& work, Instance& instance) {
  BRUME_TRY(request, read<elbv2::CreateTargetGroupInput>(without(instance.properties, {"Tags"})));
  if (!request.Name) request.Name = work.name;
  request.Tags = all_tags<elbv2::Tag>(work, instance.properties);
  BRUME_TRY(made, work.apis.elbv2.CreateTargetGroup(work.call, request));
  if (made.TargetGroups.empty()) return fail_internal("Elastic Load Balancing did not say what it made");
  instance.physical_id = made.TargetGroups[0].TargetGroupArn.value_or("");
  set(instance, "TargetGroupArn", instance.physical_id);
  set(instance, "TargetGroupFullName", after_first(instance.physical_id, "targetgroup/", true));
  set(instance, "TargetGroupName", made.TargetGroups[0].TargetGroupName);
  instance.attributes.set("LoadBalancerArns", string_list(made.TargetGroups[0].LoadBalancerArns));
  BRUME_CHECK(set_group_attributes(work, instance, Value::map()));
  return set_targets(work, instance, Value::map());
}

Result<void> update_group(Work& work, Instance& instance, const Value& before) {
  BRUME_TRY(request, read<elbv2::ModifyTargetGroupInput>(instance.properties));
  request.TargetGroupArn = instance.physical_id;
  BRUME_CHECK(work.apis.elbv2.ModifyTargetGroup(work.call, request));
  BRUME_CHECK(set_group_attributes(work, instance, before));
  BRUME_CHECK(set_targets(work, instance, before));
  return retag(work, instance.physical_id, before, instance.properties);
}

Result<void> remove_group(Work& work, const Instance& instance) {
  elbv2::DeleteTargetGroupInput request;
  request.TargetGroupArn = instance.physical_id;
  BRUME_CHECK(work.apis.elbv2.DeleteTargetGroup(work.call, request));
  return {};
}

// Listeners and rules -----------------------------------------------------------------------------------------------

Result<void> set_listener_attributes(Work& work, const Instance& instance, const Value& before) {
  if (!changed(before, instance.properties, "ListenerAttributes") || !instance.properties.find("ListenerAttributes"))
    return {};
  elbv2::ModifyListenerAttributesInput request;
  request.ListenerArn = instance.physical_id;
  BRUME_TRY(attributes, read<List<elbv2::ListenerAttribute>>(instance.properties, "ListenerAttributes"));
  request.Attributes = std::move(attributes);
  BRUME_CHECK(work.apis.elbv2.ModifyListenerAttributes(work.call, request));
  return {};
}

Result<void> create_listener(Work& work, Instance& instance) {
  BRUME_TRY(request, read<elbv2::CreateListenerInput>(instance.properties));
  request.Tags = all_tags<elbv2::Tag>(work, Value::map());
  BRUME_TRY(made, work.apis.elbv2.CreateListener(work.call, request));
  if (made.Listeners.empty()) return fail_internal("Elastic Load Balancing did not say what it made");
  instance.physical_id = made.Listeners[0].ListenerArn.value_or("");
  set(instance, "ListenerArn", instance.physical_id);
  return set_listener_attributes(work, instance, Value::map());
}

Result<void> update_listener(Work& work, Instance& instance, const Value& before) {
  BRUME_TRY(request, read<elbv2::ModifyListenerInput>(instance.properties));
  request.ListenerArn = instance.physical_id;
  BRUME_CHECK(work.apis.elbv2.ModifyListener(work.call, request));
  return set_listener_attributes(work, instance, before);
}

Result<void> remove_listener(Work& work, const Instance& instance) {
  elbv2::DeleteListenerInput request;
  request.ListenerArn = instance.physical_id;
  BRUME_CHECK(work.apis.elbv2.DeleteListener(work.call, request));
  return {};
}

Result<void> create_rule(Work& work, Instance& instance) {
  BRUME_TRY(request, read<elbv2::CreateRuleInput>(instance.properties));
  request.Tags = all_tags<elbv2::Tag>(work, Value::map());
  BRUME_TRY(made, work.apis.elbv2.CreateRule(work.call, request));
  if (made.Rules.empty()) return fail_internal("Elastic Load Balancing did not say what it made");
  instance.physical_id = made.Rules[0].RuleArn.value_or("");
  set(instance, "RuleArn", instance.physical_id);
  instance.attributes.set("IsDefault", Value::boolean(false));
  return {};
}

Result<void> update_rule(Work& work, Instance& instance, const Value& before) {
  if (changed(before, instance.properties, "Conditions") || changed(before, instance.properties, "Actions")) {
    BRUME_TRY(request, read<elbv2::ModifyRuleInput>(instance.properties));
    request.RuleArn = instance.physical_id;
    BRUME_CHECK(work.apis.elbv2.ModifyRule(work.call, request));
  }
  if (!changed(before, instance.properties, "Priority")) return {};
  elbv2::SetRulePrioritiesInput request;
  auto& pair = request.RulePriorities.emplace_back();
  pair.RuleArn = instance.physical_id;
  BRUME_TRY(priority, read<std::int32_t>(instance.properties, "Priority"));
  pair.Priority = priority;
  BRUME_CHECK(work.apis.elbv2.SetRulePriorities(work.call, request));
  return {};
}

Result<void> remove_rule(Work& work, const Instance& instance) {
  elbv2::DeleteRuleInput request;
  request.RuleArn = instance.physical_id;
  BRUME_CHECK(work.apis.elbv2.DeleteRule(work.call, request));
  return {};
}

}  // namespace

std::span<const ResourceType> elbv2_types() {
  static const ResourceType types[] = {
      {.name = "AWS::ElasticLoadBalancingV2::LoadBalancer",
       .properties = {text("Name", kCreateOnly), text("Scheme", kCreateOnly), text("Type", kCreateOnly),
                      texts("Subnets"), property<List<elbv2::SubnetMapping>>("SubnetMappings"), texts("SecurityGroups"),
                      text("IpAddressType"), property<List<elbv2::LoadBalancerAttribute>>("LoadBalancerAttributes"),
                      property<Tags>("Tags")},
       .attributes = {"LoadBalancerArn", "LoadBalancerFullName", "LoadBalancerName", "DNSName", "CanonicalHostedZoneID",
                      "SecurityGroups"},
       .name_property = "Name",
       .name_limit = 32,
       .create = create_balancer,
       .settled = balancer_settled,
       .update = update_balancer,
       .remove = remove_balancer,
       .gone = balancer_gone},
      {.name = "AWS::ElasticLoadBalancingV2::TargetGroup",
       .properties = {text("Name", kCreateOnly), number("Port", kCreateOnly), text("Protocol", kCreateOnly),
                      text("ProtocolVersion", kCreateOnly), text("VpcId", kCreateOnly), text("TargetType", kCreateOnly),
                      text("IpAddressType", kCreateOnly), boolean("HealthCheckEnabled"), text("HealthCheckProtocol"),
                      text("HealthCheckPort"), text("HealthCheckPath"), number("HealthCheckIntervalSeconds"),
                      number("HealthCheckTimeoutSeconds"), number("HealthyThresholdCount"),
                      number("UnhealthyThresholdCount"), property<elbv2::Matcher>("Matcher"),
                      property<List<elbv2::TargetGroupAttribute>>("TargetGroupAttributes"),
                      property<List<elbv2::TargetDescription>>("Targets"), property<Tags>("Tags")},
       .attributes = {"TargetGroupArn", "TargetGroupFullName", "TargetGroupName", "LoadBalancerArns"},
       .name_property = "Name",
       .name_limit = 32,
       .create = create_group,
       .update = update_group,
       .remove = remove_group},
      {.name = "AWS::ElasticLoadBalancingV2::Listener",
       .properties = {text("LoadBalancerArn", kRequired | kCreateOnly), number("Port"), text("Protocol"),
                      property<List<elbv2::Action>>("DefaultActions", kRequired),
                      property<List<elbv2::Certificate>>("Certificates"), text("SslPolicy"), texts("AlpnPolicy"),
                      property<List<elbv2::ListenerAttribute>>("ListenerAttributes")},
       .attributes = {"ListenerArn"},
       .create = create_listener,
       .update = update_listener,
       .remove = remove_listener},
      {.name = "AWS::ElasticLoadBalancingV2::ListenerRule",
       .properties = {text("ListenerArn", kRequired | kCreateOnly), number("Priority", kRequired),
                      property<List<elbv2::RuleCondition>>("Conditions", kRequired),
                      property<List<elbv2::Action>>("Actions", kRequired)},
       .attributes = {"RuleArn", "IsDefault"},
       .create = create_rule,
       .update = update_rule,
       .remove = remove_rule},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
