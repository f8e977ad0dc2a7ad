#include "services/elbv2/attributes.h"

#include <algorithm>
#include <charconv>

namespace brume::elbv2 {
namespace {

constexpr AttributeModel kLoadBalancer[] = {
    {.key = "access_logs.s3.bucket", .initial = ""},
    {.key = "access_logs.s3.enabled", .initial = "false", .values = "true|false"},
    {.key = "access_logs.s3.prefix", .initial = ""},
    {.key = "client_keep_alive.seconds", .initial = "3600", .min = 60, .max = 604800},
    {.key = "connection_logs.s3.bucket", .initial = "", .served = false},
    {.key = "connection_logs.s3.enabled", .initial = "false", .values = "true|false", .served = false},
    {.key = "connection_logs.s3.prefix", .initial = "", .served = false},
    {.key = "deletion_protection.enabled", .initial = "false", .values = "true|false"},
    {.key = "health_check_logs.s3.bucket", .initial = "", .served = false},
    {.key = "health_check_logs.s3.enabled", .initial = "false", .values = "true|false", .served = false},
    {.key = "health_check_logs.s3.prefix", .initial = "", .served = false},
    {.key = "idle_timeout.timeout_seconds", .initial = "60", .min = 1, .max = 4000},
    {.key = "ipv6.deny_all_igw_traffic", .initial = "false", .values = "true|false", .served = false},
    {.key = "load_balancing.cross_zone.enabled", .initial = "true", .values = "true"},
    {.key = "routing.http.desync_mitigation_mode",
     .initial = "defensive",
     .values = "monitor|defensive|strictest",
     .served = false},
    {.key = "routing.http.drop_invalid_header_fields.enabled", .initial = "false", .values = "true|false"},
    {.key = "routing.http.preserve_host_header.enabled", .initial = "false", .values = "true|false"},
    {.key = "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
     .initial = "false",
     .values = "true|false",
     .served = false},
    {.key = "routing.http.xff_client_port.enabled", .initial = "false", .values = "true|false"},
    {.key = "routing.http.xff_header_processing.mode", .initial = "append", .values = "append|preserve|remove"},
    // HTTP/2 is spoken on HTTPS listeners only, and there are none yet: either value holds.
    {.key = "routing.http2.enabled", .initial = "true", .values = "true|false"},
    {.key = "waf.fail_open.enabled", .initial = "false", .values = "true|false", .served = false},
    {.key = "zonal_shift.config.enabled", .initial = "false", .values = "true|false", .served = false},
};

constexpr AttributeModel kTargetGroup[] = {
    {.key = "deregistration_delay.timeout_seconds", .initial = "300", .min = 0, .max = 3600},
    {.key = "load_balancing.algorithm.anomaly_mitigation", .initial = "off", .values = "on|off", .served = false},
    {.key = "load_balancing.algorithm.type",
     .initial = "round_robin",
     .values = "round_robin|least_outstanding_requests"},
    {.key = "load_balancing.cross_zone.enabled",
     .initial = "use_load_balancer_configuration",
     .values = "true|false|use_load_balancer_configuration",
     .served = false},
    {.key = "slow_start.duration_seconds", .initial = "0", .min = 0, .max = 900, .served = false},
    {.key = "stickiness.app_cookie.cookie_name", .initial = "", .served = false},
    {.key = "stickiness.app_cookie.duration_seconds", .initial = "86400", .min = 1, .max = 604800, .served = false},
    {.key = "stickiness.enabled", .initial = "false", .values = "true|false", .served = false},
    {.key = "stickiness.lb_cookie.duration_seconds", .initial = "86400", .min = 1, .max = 604800, .served = false},
    {.key = "stickiness.type", .initial = "lb_cookie", .values = "lb_cookie|app_cookie"},
    {.key = "target_group_health.dns_failover.minimum_healthy_targets.count", .initial = "1", .served = false},
    {.key = "target_group_health.dns_failover.minimum_healthy_targets.percentage", .initial = "off", .served = false},
    {.key = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
     .initial = "1",
     .served = false},
    {.key = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
     .initial = "off",
     .served = false},
};

constexpr AttributeModel kListener[] = {
    {.key = "routing.http.response.server.enabled", .initial = "true", .values = "true|false", .served = false},
};

}  // namespace

std::span<const AttributeModel> load_balancer_attributes() {
  return kLoadBalancer;
}
std::span<const AttributeModel> target_group_attributes() {
  return kTargetGroup;
}
std::span<const AttributeModel> listener_attributes() {
  return kListener;
}

Attributes initial_attributes(std::span<const AttributeModel> models) {
  Attributes attributes;
  for (const AttributeModel& model : models) attributes.emplace(model.key, model.initial);
  return attributes;
}

Result<void> check_attribute(std::span<const AttributeModel> models, const std::string& key, const std::string& value) {
  const auto model = std::ranges::find(models, key, &AttributeModel::key);
  if (model == models.end()) return fail("ValidationError", "The attribute key '{}' is not recognized", key);
  if (!model->values.empty()) {
    const std::string listed = "|" + std::string(model->values) + "|";
    if (value.empty() || listed.find("|" + value + "|") == std::string::npos)
      return fail("ValidationError", "The value of '{}' must be one of {}, not '{}'", key, model->values, value);
  } else if (model->max >= model->min) {
    long number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool in_range = error == std::errc() && end == value.data() + value.size() && number >= model->min &&
                          number <= model->max &&
                          // Slow start is off or at least 30 seconds.
                          !(key == "slow_start.duration_seconds" && number > 0 && number < 30);
    if (!in_range)
      return fail("ValidationError", "The value of '{}' must be a number from {} to {}, not '{}'", key, model->min,
                  model->max, value);
  }
  if (!model->served && value != model->initial)
    return fail("UnsupportedOperation", "Brume's load balancer does not support {}={} yet", key, value);
  return {};
}

Result<void> check_together(const Attributes& attributes) {
  if (attributes.at("access_logs.s3.enabled") == "true" && attributes.at("access_logs.s3.bucket").empty())
    return fail("InvalidConfigurationRequest", "access_logs.s3.bucket must be specified to enable access logs");
  if (attributes.at("access_logs.s3.prefix").find("AWSLogs") != std::string::npos)
    return fail("InvalidConfigurationRequest", "The value of 'access_logs.s3.prefix' must not contain 'AWSLogs'");
  return {};
}

}  // namespace brume::elbv2
