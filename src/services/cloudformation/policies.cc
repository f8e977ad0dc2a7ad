#include "services/cloudformation/policies.h"

#include <algorithm>
#include <charconv>

#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation {

// The policies as templates write them.
struct ResourceSignal {
  std::optional<std::int32_t> Count;
  std::optional<std::string> Timeout;
};
struct AutoScalingCreationPolicy {
  std::optional<std::int32_t> MinSuccessfulInstancesPercent;
};
struct CreationPolicy {
  std::optional<brume::cloudformation::ResourceSignal> ResourceSignal;
  std::optional<brume::cloudformation::AutoScalingCreationPolicy> AutoScalingCreationPolicy;
};
struct AutoScalingReplacingUpdate {
  std::optional<bool> WillReplace;
};
struct AutoScalingRollingUpdate {
  std::optional<std::int32_t> MaxBatchSize, MinInstancesInService;
  std::optional<double> MinSuccessfulInstancesPercent, MinActiveInstancesPercent;
  std::optional<std::string> PauseTime;
  List<std::string> SuspendProcesses;
  std::optional<bool> WaitOnResourceSignals;
};
struct AutoScalingScheduledAction {
  std::optional<bool> IgnoreUnmodifiedGroupSizeProperties;
};
struct UpdatePolicy {
  std::optional<brume::cloudformation::AutoScalingReplacingUpdate> AutoScalingReplacingUpdate;
  std::optional<brume::cloudformation::AutoScalingRollingUpdate> AutoScalingRollingUpdate;
  std::optional<brume::cloudformation::AutoScalingScheduledAction> AutoScalingScheduledAction;
};

}  // namespace brume::cloudformation

BRUME_RECORD(brume::cloudformation::ResourceSignal, Count, Timeout)
BRUME_RECORD(brume::cloudformation::AutoScalingCreationPolicy, MinSuccessfulInstancesPercent)
BRUME_RECORD(brume::cloudformation::CreationPolicy, ResourceSignal, AutoScalingCreationPolicy)
BRUME_RECORD(brume::cloudformation::AutoScalingReplacingUpdate, WillReplace)
BRUME_RECORD(brume::cloudformation::AutoScalingRollingUpdate, MaxBatchSize, MinInstancesInService,
             MinSuccessfulInstancesPercent, MinActiveInstancesPercent, PauseTime, SuspendProcesses,
             WaitOnResourceSignals)
BRUME_RECORD(brume::cloudformation::AutoScalingScheduledAction, IgnoreUnmodifiedGroupSizeProperties)
BRUME_RECORD(brume::cloudformation::UpdatePolicy, AutoScalingReplacingUpdate, AutoScalingRollingUpdate,
             AutoScalingScheduledAction)

namespace brume::cloudformation {
namespace {

using templates::Value;

// Functions in policies are judged when they are evaluated; here only what is written plainly.
Value plain(const Value& value) {
  if (!templates::function_of(value).empty()) return Value::unknown(value.line);
  Value out = value;
  for (Value& item : out.items) item = plain(item);
  return out;
}

void check(const Shape& shape, const char* name, const Value& policy, const templates::Resource& resource,
           std::vector<Finding>& findings) {
  std::vector<resources::Problem> problems;
  resources::check_value(shape, plain(policy), name, problems);
  for (const auto& problem : problems)
    findings.push_back(
        {fmt::format("Template error: Resource {}: {} (line {})", resource.id, problem.message, problem.line),
         resource.id, problem.line});
}

}  // namespace

Result<std::chrono::seconds> parse_iso_duration(std::string_view text) {
  const auto bad = [&] { return fail("ValidationError", "'{}' is not a duration such as PT5M", text); };
  if (!text.starts_with('P') || text.size() < 2) return bad();
  std::int64_t total = 0;
  bool time = false, any = false;
  for (std::size_t at = 1; at < text.size();) {
    if (text[at] == 'T' && !time) {
      time = true;
      ++at;
      continue;
    }
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data() + at, text.data() + text.size(), number);
    if (problem != std::errc() || end == text.data() + text.size() || number < 0 || number > 1'000'000) return bad();
    const char unit = *end;
    at = std::size_t(end - text.data()) + 1;
    if (!time && unit == 'D')
      total += number * 86'400;
    else if (time && unit == 'H')
      total += number * 3'600;
    else if (time && unit == 'M')
      total += number * 60;
    else if (time && unit == 'S')
      total += number;
    else
      return bad();
    any = true;
  }
  if (!any) return bad();
  return std::chrono::seconds(total);
}

std::vector<Finding> check_policies(const templates::Resource& resource) {
  std::vector<Finding> out;
  const bool group = resource.type == "AWS::AutoScaling::AutoScalingGroup";
  const auto refuse = [&](const char* policy, int line) {
    out.push_back({fmt::format("Template format error: {} is not allowed on resource {} of type {} (line {})", policy,
                               resource.id, resource.type, line),
                   resource.id, line});
  };
  if (!resource.creation_policy.keys.empty()) {
    if (!group && resource.type != "AWS::EC2::Instance") refuse("CreationPolicy", resource.creation_policy.line);
    check(shape_of<CreationPolicy>(), "CreationPolicy", resource.creation_policy, resource, out);
    if (const Value* signal = resource.creation_policy.find("ResourceSignal"); signal && signal->is_map()) {
      const Value* timeout = signal->find("Timeout");
      if (timeout && timeout->is_scalar() && !parse_iso_duration(timeout->text))
        out.push_back(
            {fmt::format(
                 "Template error: Resource {}: CreationPolicy Timeout '{}' is not a duration such as PT5M (line {})",
                 resource.id, timeout->text, timeout->line),
             resource.id, timeout->line});
    }
  }
  if (!resource.update_policy.keys.empty()) {
    if (!group) refuse("UpdatePolicy", resource.update_policy.line);
    check(shape_of<UpdatePolicy>(), "UpdatePolicy", resource.update_policy, resource, out);
    // What has functions in it is judged when they are evaluated.
    if (const Value policy = plain(resource.update_policy); out.empty() && !policy.has_unknown())
      if (auto rules = update_rules(policy); !rules)
        out.push_back({fmt::format("Template error: Resource {}: UpdatePolicy: {} (line {})", resource.id,
                                   rules.error().message, resource.update_policy.line),
                       resource.id, resource.update_policy.line});
  }
  return out;
}

Awaited awaited_signals(const Value& creation_policy) {
  Awaited out;
  const Value* signal = creation_policy.find("ResourceSignal");
  if (!signal) return out;
  auto read = resources::read<ResourceSignal>(*signal);
  if (!read) return out;
  out.count = read->Count.value_or(1);
  if (read->Timeout)
    if (auto timeout = parse_iso_duration(*read->Timeout)) out.timeout = *timeout;
  if (const Value* group = creation_policy.find("AutoScalingCreationPolicy"))
    if (auto policy = resources::read<AutoScalingCreationPolicy>(*group))
      out.minimum_percent = policy->MinSuccessfulInstancesPercent.value_or(100);
  return out;
}

Result<UpdateRules> update_rules(const Value& update_policy) {
  std::vector<resources::Problem> problems;
  resources::check_value(shape_of<UpdatePolicy>(), update_policy, "UpdatePolicy", problems);
  if (!problems.empty()) return fail("ValidationError", "{}", problems[0].message);
  BRUME_TRY(policy, resources::read<UpdatePolicy>(update_policy));
  UpdateRules out;
  out.will_replace =
      policy.AutoScalingReplacingUpdate && policy.AutoScalingReplacingUpdate->WillReplace.value_or(false);
  if (!policy.AutoScalingRollingUpdate) return out;
  const AutoScalingRollingUpdate& given = *policy.AutoScalingRollingUpdate;
  RollingPolicy& rolling = out.rolling.emplace();
  rolling.max_batch = given.MaxBatchSize.value_or(1);
  rolling.min_in_service = given.MinInstancesInService.value_or(0);
  rolling.min_successful_percent = given.MinSuccessfulInstancesPercent.value_or(100);
  rolling.min_active_percent = given.MinActiveInstancesPercent.value_or(100);
  rolling.wait_on_signals = given.WaitOnResourceSignals.value_or(false);
  rolling.suspend = given.SuspendProcesses;
  rolling.pause_text = given.PauseTime.value_or(rolling.wait_on_signals ? "PT5M" : "PT0S");
  BRUME_TRY(pause, parse_iso_duration(rolling.pause_text));
  rolling.pause = pause;
  if (rolling.max_batch < 1)
    return fail("ValidationError", "MaxBatchSize must be at least 1, not {}", rolling.max_batch);
  if (rolling.min_in_service < 0)
    return fail("ValidationError", "MinInstancesInService must not be negative, it is {}", rolling.min_in_service);
  if (pause > std::chrono::hours(1))
    return fail("ValidationError", "PauseTime must not be above one hour (PT1H), it is {}", rolling.pause_text);
  for (const double percent : {rolling.min_successful_percent, rolling.min_active_percent})
    if (percent < 0 || percent > 100)
      return fail("ValidationError", "A percentage of instances must be between 0 and 100, not {}", percent);
  return out;
}

}  // namespace brume::cloudformation
