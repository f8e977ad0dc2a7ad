#include "services/elbv2/snapshot.h"

#include "services/elbv2/access_log_shipper.h"
#include "services/elbv2/service.h"

namespace brume::elbv2 {
namespace {

lb::Action describe_action(const List<Action>& actions) {
  // Exactly one action is terminal and last; check_actions has seen to it.
  const Action& action = actions.back();
  lb::Action out;
  if (*action.Type == "forward") {
    for (const TargetGroupTuple& tuple : action.ForwardConfig->TargetGroups)
      out.forward.push_back({*tuple.TargetGroupArn, tuple.Weight.value_or(1)});
  } else if (*action.Type == "redirect") {
    const RedirectActionConfig& redirect = *action.RedirectConfig;
    out.redirect =
        lb::Redirect{redirect.Protocol.value_or("#{protocol}"), redirect.Host.value_or("#{host}"),
                     redirect.Port.value_or("#{port}"),         redirect.Path.value_or("/#{path}"),
                     redirect.Query.value_or("#{query}"),       *redirect.StatusCode == "HTTP_301" ? 301 : 302};
  } else {
    const FixedResponseActionConfig& fixed = *action.FixedResponseConfig;
    out.fixed_response = lb::FixedResponse{std::stoi(*fixed.StatusCode), fixed.ContentType.value_or("text/plain"),
                                           fixed.MessageBody.value_or("")};
  }
  return out;
}

lb::Condition describe_condition(const RuleCondition& condition) {
  lb::Condition out;
  out.field = *condition.Field;
  const auto take = [&](const auto& config) {
    if (config) out.values.assign(config->Values.begin(), config->Values.end());
  };
  out.values.assign(condition.Values.begin(), condition.Values.end());
  take(condition.HostHeaderConfig);
  take(condition.PathPatternConfig);
  take(condition.HttpRequestMethodConfig);
  take(condition.SourceIpConfig);
  take(condition.HttpHeaderConfig);
  if (condition.HttpHeaderConfig) out.header_name = *condition.HttpHeaderConfig->HttpHeaderName;
  if (condition.QueryStringConfig)
    for (const QueryStringKeyValuePair& pair : condition.QueryStringConfig->Values)
      out.values.push_back(pair.Key.value_or("") + "=" + pair.Value.value_or(""));
  return out;
}

}  // namespace

lb::LoadBalancer describe(const LoadBalancerRecord& record, const std::string& network_namespace,
                          const std::string& access_log_folder) {
  const auto on = [&](const char* key) { return record.attributes.at(key) == "true"; };
  lb::LoadBalancer out;
  out.id = *record.load_balancer.LoadBalancerArn;
  out.network_namespace = network_namespace;
  out.listen_address = record.listen_address;
  for (const NodeRecord& node : record.nodes) out.nodes.push_back({node.zone, node.address});
  out.idle_timeout_seconds = std::stod(record.attributes.at("idle_timeout.timeout_seconds"));
  out.client_keep_alive_seconds = std::stod(record.attributes.at("client_keep_alive.seconds"));
  out.preserve_host_header = on("routing.http.preserve_host_header.enabled");
  out.drop_invalid_header_fields = on("routing.http.drop_invalid_header_fields.enabled");
  out.xff_client_port = on("routing.http.xff_client_port.enabled");
  if (on("access_logs.s3.enabled")) {
    const std::string name = access_log_name(*record.load_balancer.LoadBalancerArn);
    out.access_log = lb::AccessLog{access_log_folder + "/" + folder_of(name), name};
  }
  out.xff_mode = record.attributes.at("routing.http.xff_header_processing.mode");
  return out;
}

lb::Listener describe(const ListenerRecord& record, const std::vector<Rule>& rules,
                      const std::vector<std::string>& clients) {
  lb::Listener out;
  out.id = *record.listener.ListenerArn;
  out.port = *record.listener.Port;
  out.clients = clients;
  for (const Rule& rule : rules) {
    if (*rule.IsDefault) {
      out.default_action = describe_action(rule.Actions);
      continue;
    }
    lb::Rule& added = out.rules.emplace_back();
    added.id = *rule.RuleArn;
    added.priority = std::stoi(*rule.Priority);
    for (const RuleCondition& condition : rule.Conditions) added.conditions.push_back(describe_condition(condition));
    added.action = describe_action(rule.Actions);
  }
  return out;
}

lb::TargetGroup describe(const TargetGroupRecord& record) {
  const TargetGroup& group = record.target_group;
  lb::TargetGroup out;
  out.id = *group.TargetGroupArn;
  out.algorithm = record.attributes.at("load_balancing.algorithm.type");
  lb::HealthCheck& check = out.health_check;
  check.enabled = *group.HealthCheckEnabled;
  check.port = *group.HealthCheckPort == "traffic-port" ? 0 : std::stoi(*group.HealthCheckPort);
  check.path = group.HealthCheckPath.value_or("/");
  check.matcher = group.Matcher ? group.Matcher->HttpCode.value_or("200") : "200";
  check.interval_seconds = *group.HealthCheckIntervalSeconds;
  check.timeout_seconds = *group.HealthCheckTimeoutSeconds;
  check.healthy_threshold = *group.HealthyThresholdCount;
  check.unhealthy_threshold = *group.UnhealthyThresholdCount;
  for (const TargetRecord& target : record.targets)
    out.targets.push_back(
        {target_id(target), target.address, target.port, target.zone, target.draining_since.has_value(), ""});
  return out;
}

}  // namespace brume::elbv2
