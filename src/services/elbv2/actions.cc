#include "services/elbv2/actions.h"

#include <algorithm>
#include <set>
#include <string>

namespace brume::elbv2 {
namespace {

Result<void> check_redirect(const RedirectActionConfig& config) {
  if (config.Protocol && *config.Protocol != "HTTP" && *config.Protocol != "HTTPS" && *config.Protocol != "#{protocol}")
    return fail("ValidationError", "The redirect protocol must be HTTP, HTTPS or #{{protocol}}, not '{}'",
                *config.Protocol);
  if (config.Path && !config.Path->starts_with('/'))
    return fail("ValidationError", "The redirect path '{}' must begin with a '/'", *config.Path);
  const bool same = config.Protocol.value_or("#{protocol}") == "#{protocol}" &&
                    config.Host.value_or("#{host}") == "#{host}" && config.Port.value_or("#{port}") == "#{port}" &&
                    config.Path.value_or("/#{path}") == "/#{path}";
  if (same)
    return fail("ValidationError",
                "A redirect must change at least one of protocol, host, port and path, or it would loop");
  return {};
}

Result<void> check_fixed_response(const FixedResponseActionConfig& config) {
  static const std::set<std::string> types = {"text/plain", "text/css", "text/html", "application/javascript",
                                              "application/json"};
  const std::string& code = *config.StatusCode;
  if (code.size() != 3 || (code[0] != '2' && code[0] != '4' && code[0] != '5') ||
      !std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; }))
    return fail("ValidationError", "The status code of a fixed response must be 2XX, 4XX or 5XX, not '{}'", code);
  if (config.ContentType && !types.contains(*config.ContentType))
    return fail("ValidationError", "The content type of a fixed response cannot be '{}'", *config.ContentType);
  if (config.MessageBody && config.MessageBody->size() > 1024)
    return fail("ValidationError", "The body of a fixed response has at most 1024 bytes");
  return {};
}

Result<Action> normalise_forward(Action action) {
  if (!action.ForwardConfig) action.ForwardConfig.emplace();
  ForwardActionConfig& config = *action.ForwardConfig;
  if (config.TargetGroups.empty()) {
    if (!action.TargetGroupArn) return fail("ValidationError", "A target group ARN must be specified");
    config.TargetGroups.push_back({action.TargetGroupArn, 1});
  }
  if (config.TargetGroups.size() > 5)
    return fail("TooManyUniqueTargetGroupsPerLoadBalancer", "A forward action has at most 5 target groups");
  if (config.TargetGroupStickinessConfig && config.TargetGroupStickinessConfig->Enabled.value_or(false))
    return fail("UnsupportedOperation", "Brume's load balancer does not support target group stickiness yet");
  for (TargetGroupTuple& tuple : config.TargetGroups) {
    if (!tuple.TargetGroupArn) return fail("ValidationError", "A target group ARN must be specified");
    tuple.Weight = tuple.Weight.value_or(1);
    if (*tuple.Weight < 0 || *tuple.Weight > 999) return fail("ValidationError", "A weight must be from 0 to 999");
  }
  config.TargetGroupStickinessConfig = TargetGroupStickinessConfig{false, {}};
  if (config.TargetGroups.size() == 1) action.TargetGroupArn = config.TargetGroups.front().TargetGroupArn;
  return action;
}

}  // namespace

Result<List<Action>> normalise_actions(const List<Action>& actions) {
  if (actions.empty()) return fail("ValidationError", "At least one action must be specified");
  if (actions.size() > 1 || *actions.front().Type == "authenticate-oidc" ||
      *actions.front().Type == "authenticate-cognito" || *actions.front().Type == "jwt-validation")
    return fail("UnsupportedOperation", "Brume's load balancer does not support authentication actions yet");
  Action action = actions.front();
  if (*action.Type == "forward") {
    BRUME_TRY(forward, normalise_forward(action));
    action = forward;
  } else if (*action.Type == "redirect") {
    if (!action.RedirectConfig || !action.RedirectConfig->StatusCode)
      return fail("ValidationError", "A redirect action needs a RedirectConfig with a StatusCode");
    BRUME_CHECK(check_redirect(*action.RedirectConfig));
    RedirectActionConfig& config = *action.RedirectConfig;
    config.Protocol = config.Protocol.value_or("#{protocol}");
    config.Host = config.Host.value_or("#{host}");
    config.Port = config.Port.value_or("#{port}");
    config.Path = config.Path.value_or("/#{path}");
    config.Query = config.Query.value_or("#{query}");
  } else {
    if (!action.FixedResponseConfig || !action.FixedResponseConfig->StatusCode)
      return fail("ValidationError", "A fixed-response action needs a FixedResponseConfig with a StatusCode");
    BRUME_CHECK(check_fixed_response(*action.FixedResponseConfig));
  }
  return List<Action>(std::vector{std::move(action)});
}

Result<List<RuleCondition>> normalise_conditions(const List<RuleCondition>& conditions) {
  if (conditions.empty()) return fail("ValidationError", "A condition must be specified");
  std::set<std::string> seen;
  std::size_t total = 0;
  List<RuleCondition> out = conditions;
  for (RuleCondition& condition : out) {
    if (!condition.Field) return fail("ValidationError", "A condition field must be specified");
    const std::string& field = *condition.Field;
    if (field != "http-header" && field != "query-string" && !seen.insert(field).second)
      return fail("ValidationError", "A rule can have only one '{}' condition", field);
    if (!condition.RegexValues.empty())
      return fail("UnsupportedOperation", "Brume's load balancer does not support RegexValues yet");
    std::size_t count = 0;
    // The older form gives Values beside the field; AWS echoes both forms.
    const auto take = [&](auto& config) -> Result<void> {
      if (!config) config.emplace();
      if (!config->RegexValues.empty())
        return fail("UnsupportedOperation", "Brume's load balancer does not support RegexValues yet");
      if (config->Values.empty())
        config->Values = condition.Values;
      else
        condition.Values = config->Values;
      count = config->Values.size();
      return {};
    };
    if (field == "host-header") {
      BRUME_CHECK(take(condition.HostHeaderConfig));
    } else if (field == "path-pattern") {
      BRUME_CHECK(take(condition.PathPatternConfig));
    } else if (field == "http-header") {
      if (!condition.HttpHeaderConfig || !condition.HttpHeaderConfig->HttpHeaderName)
        return fail("ValidationError", "An http-header condition needs an HttpHeaderName");
      if (condition.HttpHeaderConfig->HttpHeaderName->size() > 40)
        return fail("ValidationError", "The name of an http-header condition has at most 40 characters");
      if (!condition.HttpHeaderConfig->RegexValues.empty())
        return fail("UnsupportedOperation", "Brume's load balancer does not support RegexValues yet");
      count = condition.HttpHeaderConfig->Values.size();
    } else if (field == "query-string" && condition.QueryStringConfig) {
      count = condition.QueryStringConfig->Values.size();
    } else if (field == "http-request-method" && condition.HttpRequestMethodConfig) {
      count = condition.HttpRequestMethodConfig->Values.size();
    } else if (field == "source-ip" && condition.SourceIpConfig) {
      count = condition.SourceIpConfig->Values.size();
    } else if (field != "query-string" && field != "http-request-method" && field != "source-ip") {
      return fail("ValidationError",
                  "Condition field '{}' must be one of '[path-pattern, host-header, http-header, http-request-method, "
                  "query-string, source-ip]'",
                  field);
    }
    if (count == 0) return fail("ValidationError", "A condition value must be specified");
    if (count > 3) return fail("TooManyConditionValues", "A condition can have at most 3 values");
    total += count;
  }
  if (total > 5) return fail("TooManyConditionValues", "A rule can have at most 5 condition values");
  return out;
}

}  // namespace brume::elbv2
