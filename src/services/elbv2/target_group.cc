// Target groups: their health checks and attributes.
#include <algorithm>

#include "services/common/ids.h"
#include "services/common/page.h"
#include "services/elbv2/attributes.h"
#include "services/elbv2/service.h"
#include "services/elbv2/tags.h"

namespace brume::elbv2 {
namespace {

List<TargetGroupAttribute> as_list(const Attributes& attributes) {
  List<TargetGroupAttribute> list;
  for (const auto& [key, value] : attributes) list.push_back({key, value});
  return list;
}

// "200", "200,202", "200-299", each within 200–499.
bool valid_matcher(std::string_view matcher) {
  while (true) {
    const std::size_t comma = matcher.find(',');
    std::string_view part = matcher.substr(0, comma);
    while (true) {
      const std::size_t dash = part.find('-');
      const std::string_view code = part.substr(0, dash);
      if (code.size() != 3 || code[0] < '2' || code[0] > '4' ||
          !std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; }))
        return false;
      if (dash == std::string_view::npos) break;
      part.remove_prefix(dash + 1);
      if (part.find('-') != std::string_view::npos) return false;
    }
    if (comma == std::string_view::npos) return true;
    matcher.remove_prefix(comma + 1);
  }
}

// The bounds of alb.md's health checks, whichever of the two operations sets them.
Result<void> check_health_check(const TargetGroup& group) {
  const std::string& port = *group.HealthCheckPort;
  if (port != "traffic-port") {
    const bool digits =
        !port.empty() && port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || std::stoi(port) < 1 || std::stoi(port) > 65535)
      return fail("ValidationError", "Health check port must be 'traffic-port' or a port from 1 to 65535, not '{}'",
                  port);
  }
  if (*group.HealthCheckProtocol != "HTTP")
    return fail("UnsupportedOperation", "Brume's health checks speak HTTP only, not {}", *group.HealthCheckProtocol);
  if (!group.HealthCheckPath->starts_with('/') || group.HealthCheckPath->size() > 1024)
    return fail("ValidationError", "Health check path '{}' must begin with a '/' and have at most 1024 characters",
                *group.HealthCheckPath);
  if (!valid_matcher(group.Matcher->HttpCode.value_or("")))
    return fail("ValidationError", "Health check matcher HTTP code '{}' must be within '200-499' inclusive",
                group.Matcher->HttpCode.value_or(""));
  if (*group.HealthCheckTimeoutSeconds >= *group.HealthCheckIntervalSeconds)
    return fail("ValidationError", "Health check interval must be greater than the timeout.");
  return {};
}

}  // namespace

List<std::string> Service::balancers_of(const std::string& target_group) const {
  std::set<std::string> found;
  const auto look = [&](const List<Action>& actions, const std::string& balancer) {
    for (const Action& action : actions)
      if (action.ForwardConfig)
        for (const TargetGroupTuple& tuple : action.ForwardConfig->TargetGroups)
          if (*tuple.TargetGroupArn == target_group) found.insert(balancer);
  };
  for (const auto& [arn, record] : listeners_.rows())
    look(record.listener.DefaultActions, *record.listener.LoadBalancerArn);
  for (const auto& [arn, record] : rules_.rows())
    look(record.rule.Actions, *listeners_.find(record.listener)->listener.LoadBalancerArn);
  List<std::string> list;
  list.assign(found.begin(), found.end());
  list.set_present();
  return list;
}

TargetGroup Service::shown(const TargetGroupRecord& record) const {
  TargetGroup group = record.target_group;
  group.LoadBalancerArns = balancers_of(*group.TargetGroupArn);
  return group;
}

Result<CreateTargetGroupOutput> Service::CreateTargetGroup(const Call& call, const CreateTargetGroupInput& request) {
  const std::string& name = *request.Name;
  BRUME_CHECK(check_resource_name(name, "target group"));
  const std::string type = request.TargetType.value_or("instance");
  if (type != "instance" && type != "ip")
    return fail("UnsupportedOperation", "Brume's target groups have targets of type instance or ip, not {}", type);
  if (!request.Protocol) return fail("ValidationError", "A protocol must be specified");
  if (*request.Protocol != "HTTP")
    return fail("UnsupportedOperation", "Brume's load balancer speaks HTTP to its targets, not {}", *request.Protocol);
  // Terraform sends it empty where its user names none.
  if (const std::string version = request.ProtocolVersion.value_or(""); !version.empty() && version != "HTTP1")
    return fail("UnsupportedOperation", "Brume's load balancer speaks HTTP1 to its targets, not {}",
                *request.ProtocolVersion);
  if (!request.Port) return fail("ValidationError", "A port must be specified");
  if (!request.VpcId) return fail("ValidationError", "A VPC ID must be specified");
  if (request.IpAddressType.value_or("ipv4") != "ipv4")
    return fail("UnsupportedOperation", "Brume's target groups have the IP address type ipv4 only");
  if (auto vpc = ec2_.DescribeVpcs(call, {.VpcIds = {*request.VpcId}}); !vpc)
    return fail("ValidationError", "The VPC ID '{}' is not found", *request.VpcId);

  TargetGroupRecord record;
  TargetGroup& group = record.target_group;
  group.TargetGroupArn = services::arn("elasticloadbalancing", context_.region,
                                       fmt::format("targetgroup/{}/{}", name, context_.env.random.hex(16)));
  group.TargetGroupName = name;
  group.Protocol = request.Protocol;
  group.Port = request.Port;
  group.VpcId = request.VpcId;
  group.HealthCheckProtocol = request.HealthCheckProtocol.value_or("HTTP");
  group.HealthCheckPort = request.HealthCheckPort.value_or("traffic-port");
  group.HealthCheckEnabled = request.HealthCheckEnabled.value_or(true);
  if (!*group.HealthCheckEnabled)
    return fail("ValidationError", "Health check enabled must be true for target groups with target type '{}'", type);
  group.HealthCheckIntervalSeconds = request.HealthCheckIntervalSeconds.value_or(30);
  group.HealthCheckTimeoutSeconds = request.HealthCheckTimeoutSeconds.value_or(5);
  group.HealthyThresholdCount = request.HealthyThresholdCount.value_or(5);
  group.UnhealthyThresholdCount = request.UnhealthyThresholdCount.value_or(2);
  group.HealthCheckPath = request.HealthCheckPath.value_or("/");
  group.Matcher = Matcher{request.Matcher ? request.Matcher->HttpCode.value_or("200") : "200", {}};
  group.TargetType = type;
  group.ProtocolVersion = "HTTP1";
  group.IpAddressType = "ipv4";
  BRUME_CHECK(check_health_check(group));
  for (const auto& [arn, existing] : target_groups_.rows()) {
    if (*existing.target_group.TargetGroupName != name) continue;
    // The same request again answers the same group, as AWS's does.
    TargetGroup same = group;
    same.TargetGroupArn = arn;
    if (to_json(same) == to_json(existing.target_group)) return CreateTargetGroupOutput{{shown(existing)}};
    return fail("DuplicateTargetGroupName",
                "A target group with the same name '{}' exists, but with different settings", name);
  }
  record.attributes = initial_attributes(target_group_attributes());
  BRUME_CHECK(merge_tags(record.tags, request.Tags));
  CreateTargetGroupOutput output{{shown(record)}};
  target_groups_.put(*group.TargetGroupArn, std::move(record));
  changed();
  return output;
}

Result<DescribeTargetGroupsOutput> Service::DescribeTargetGroups(const Call&,
                                                                 const DescribeTargetGroupsInput& request) {
  std::vector<TargetGroup> found;
  for (const std::string& arn : request.TargetGroupArns) {
    BRUME_TRY(record, find_target_group(arn));
    found.push_back(shown(*record));
  }
  for (const std::string& name : request.Names) {
    const auto named = std::ranges::find_if(
        target_groups_.rows(), [&](const auto& row) { return *row.second.target_group.TargetGroupName == name; });
    if (named == target_groups_.rows().end()) return fail("TargetGroupNotFound", "One or more target groups not found");
    found.push_back(shown(named->second));
  }
  if (request.LoadBalancerArn) BRUME_CHECK(find_load_balancer(*request.LoadBalancerArn));
  if (request.TargetGroupArns.empty() && request.Names.empty())
    for (const auto& [arn, record] : target_groups_.rows()) found.push_back(shown(record));
  if (request.LoadBalancerArn)
    std::erase_if(found, [&](const TargetGroup& group) {
      return std::ranges::find(group.LoadBalancerArns, *request.LoadBalancerArn) == group.LoadBalancerArns.end();
    });
  std::ranges::sort(found, {}, &TargetGroup::TargetGroupArn);
  BRUME_TRY(page, services::paginate(
                      std::move(found), std::size_t(request.PageSize.value_or(400)), request.Marker,
                      [](const TargetGroup& g) { return *g.TargetGroupArn; }, "ValidationError"));
  return DescribeTargetGroupsOutput{std::move(page.items), std::move(page.next_token)};
}

Result<ModifyTargetGroupOutput> Service::ModifyTargetGroup(const Call&, const ModifyTargetGroupInput& request) {
  BRUME_TRY(found, find_target_group(*request.TargetGroupArn));
  TargetGroupRecord record = *found;
  TargetGroup& group = record.target_group;
  const auto take = [](auto& field, const auto& value) {
    if (value) field = value;
  };
  take(group.HealthCheckProtocol, request.HealthCheckProtocol);
  take(group.HealthCheckPort, request.HealthCheckPort);
  take(group.HealthCheckPath, request.HealthCheckPath);
  take(group.HealthCheckIntervalSeconds, request.HealthCheckIntervalSeconds);
  take(group.HealthCheckTimeoutSeconds, request.HealthCheckTimeoutSeconds);
  take(group.HealthyThresholdCount, request.HealthyThresholdCount);
  take(group.UnhealthyThresholdCount, request.UnhealthyThresholdCount);
  if (request.Matcher) take(group.Matcher->HttpCode, request.Matcher->HttpCode);
  if (!request.HealthCheckEnabled.value_or(true))
    return fail("ValidationError", "Health check enabled must be true for target groups with target type '{}'",
                *group.TargetType);
  BRUME_CHECK(check_health_check(group));
  ModifyTargetGroupOutput output{{shown(record)}};
  target_groups_.put(*request.TargetGroupArn, std::move(record));
  changed();
  return output;
}

Result<DeleteTargetGroupOutput> Service::DeleteTargetGroup(const Call&, const DeleteTargetGroupInput& request) {
  if (!balancers_of(*request.TargetGroupArn).empty())
    return fail("ResourceInUse", "Target group '{}' is currently in use by a listener or a rule",
                *request.TargetGroupArn);
  target_groups_.erase(*request.TargetGroupArn);  // deleting what is gone succeeds
  changed();
  return DeleteTargetGroupOutput{};
}

Result<DescribeTargetGroupAttributesOutput> Service::DescribeTargetGroupAttributes(
    const Call&, const DescribeTargetGroupAttributesInput& request) {
  BRUME_TRY(record, find_target_group(*request.TargetGroupArn));
  return DescribeTargetGroupAttributesOutput{as_list(record->attributes)};
}

Result<ModifyTargetGroupAttributesOutput> Service::ModifyTargetGroupAttributes(
    const Call&, const ModifyTargetGroupAttributesInput& request) {
  BRUME_TRY(found, find_target_group(*request.TargetGroupArn));
  TargetGroupRecord record = *found;
  for (const TargetGroupAttribute& attribute : request.Attributes) {
    BRUME_CHECK(check_attribute(target_group_attributes(), attribute.Key.value_or(""), attribute.Value.value_or("")));
    record.attributes[*attribute.Key] = attribute.Value.value_or("");
  }
  ModifyTargetGroupAttributesOutput output{as_list(record.attributes)};
  target_groups_.put(*request.TargetGroupArn, std::move(record));
  changed();
  return output;
}

}  // namespace brume::elbv2
