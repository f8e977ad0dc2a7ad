#include "services/autoscaling/mixed_instances.h"

#include <algorithm>
#include <charconv>

#include "services/common/capacity_units.h"

namespace brume::autoscaling {
namespace {

constexpr std::size_t kMaxOverrides = 40;  // user guide, "Configure overrides"
constexpr int kMaxWeight = 999, kMaxSpotPools = 20;
constexpr int kDefaultSpotPools = 2;
constexpr int kMaxRequirements = 4;  // API reference, LaunchTemplateOverrides

Pool pool_of(const std::string& zone, const LaunchOption& option) {
  return {zone, option.type.value_or(""), option.spot};
}

std::optional<int> whole_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<void> check_overrides(const List<LaunchTemplateOverrides>& overrides) {
  if (overrides.size() > kMaxOverrides)
    return fail("ValidationError", "A mixed instances policy can have at most {} overrides, not {}", kMaxOverrides,
                overrides.size());
  std::set<std::string> types;
  int requirements = 0;
  for (const LaunchTemplateOverrides& one : overrides) {
    if (one.ImageId)
      return fail("UnsupportedOperation",
                  "Brume's Auto Scaling groups do not support an ImageId in an override: name a launch template");
    if (one.InstanceType.has_value() == one.InstanceRequirements.has_value())
      return fail("ValidationError", "Each override must specify either an InstanceType or InstanceRequirements");
    if (one.InstanceRequirements && one.WeightedCapacity)
      return fail("ValidationError", "Weights are for instance types: InstanceRequirements have no WeightedCapacity");
    if (one.InstanceRequirements && ++requirements > kMaxRequirements)
      return fail("ValidationError", "A mixed instances policy can have at most {} sets of InstanceRequirements",
                  kMaxRequirements);
    if (one.InstanceType && !types.insert(*one.InstanceType).second)
      return fail("ValidationError", "The instance type {} is in the overrides more than once", *one.InstanceType);
    if (one.WeightedCapacity.has_value() != overrides.front().WeightedCapacity.has_value())
      return fail("ValidationError",
                  "If you specify WeightedCapacity for one instance type, you must specify it for all of them");
    if (!one.WeightedCapacity) continue;
    const auto weight = whole_number(*one.WeightedCapacity);
    if (!weight || *weight < 1 || *weight > kMaxWeight)
      return fail("ValidationError", "The WeightedCapacity of {} must be a whole number from 1 to {}, not '{}'",
                  *one.InstanceType, kMaxWeight, *one.WeightedCapacity);
  }
  return {};
}

Result<void> check_distribution(const InstancesDistribution& distribution) {
  const std::string& strategy = *distribution.OnDemandAllocationStrategy;
  if (strategy != "prioritized" && strategy != "lowest-price")
    return fail("ValidationError", "OnDemandAllocationStrategy must be prioritized or lowest-price, not '{}'",
                strategy);
  if (*distribution.OnDemandBaseCapacity < 0)
    return fail("ValidationError", "OnDemandBaseCapacity must not be negative");
  const int percentage = *distribution.OnDemandPercentageAboveBaseCapacity;
  if (percentage < 0 || percentage > 100)
    return fail("ValidationError", "OnDemandPercentageAboveBaseCapacity must be from 0 to 100, not {}", percentage);
  static const std::set<std::string, std::less<>> known = {
      "lowest-price", "capacity-optimized", "capacity-optimized-prioritized", "price-capacity-optimized"};
  const std::string& spot = *distribution.SpotAllocationStrategy;
  if (!known.contains(spot))
    return fail("ValidationError",
                "SpotAllocationStrategy must be one of: lowest-price, capacity-optimized, "
                "capacity-optimized-prioritized, price-capacity-optimized, not '{}'",
                spot);
  if (!distribution.SpotInstancePools) return {};
  if (spot != "lowest-price")
    return fail("ValidationError",
                "SpotInstancePools option is only available with the lowest-price allocation strategy.");
  if (*distribution.SpotInstancePools < 1 || *distribution.SpotInstancePools > kMaxSpotPools)
    return fail("ValidationError", "SpotInstancePools must be from 1 to {}, not {}", kMaxSpotPools,
                *distribution.SpotInstancePools);
  return {};
}

bool has_requirements(const LaunchTemplate& launch) {
  return std::ranges::any_of(launch.Overrides,
                             [](const LaunchTemplateOverrides& one) { return one.InstanceRequirements.has_value(); });
}

InstancesDistribution merged(InstancesDistribution now, const InstancesDistribution& request) {
  const auto take = [](auto& field, const auto& value) {
    if (value) field = value;
  };
  // The pools are those of a strategy.
  if (request.SpotAllocationStrategy && request.SpotAllocationStrategy != now.SpotAllocationStrategy)
    now.SpotInstancePools.reset();
  take(now.OnDemandAllocationStrategy, request.OnDemandAllocationStrategy);
  take(now.OnDemandBaseCapacity, request.OnDemandBaseCapacity);
  take(now.OnDemandPercentageAboveBaseCapacity, request.OnDemandPercentageAboveBaseCapacity);
  take(now.SpotAllocationStrategy, request.SpotAllocationStrategy);
  take(now.SpotInstancePools, request.SpotInstancePools);
  take(now.SpotMaxPrice, request.SpotMaxPrice);
  if (now.SpotMaxPrice == "") now.SpotMaxPrice.reset();  // how a price is taken back
  if (!now.OnDemandAllocationStrategy) now.OnDemandAllocationStrategy = "prioritized";
  if (!now.OnDemandBaseCapacity) now.OnDemandBaseCapacity = 0;
  if (!now.OnDemandPercentageAboveBaseCapacity) now.OnDemandPercentageAboveBaseCapacity = 100;
  if (!now.SpotAllocationStrategy) now.SpotAllocationStrategy = "lowest-price";
  if (!now.SpotInstancePools && now.SpotAllocationStrategy == "lowest-price") now.SpotInstancePools = kDefaultSpotPools;
  return now;
}

}  // namespace

MixedInstancesPolicy merged(const std::optional<MixedInstancesPolicy>& before, const MixedInstancesPolicy& request) {
  MixedInstancesPolicy policy = before.value_or(MixedInstancesPolicy{});
  if (!policy.LaunchTemplate) policy.LaunchTemplate.emplace();
  if (request.LaunchTemplate) {
    if (request.LaunchTemplate->LaunchTemplateSpecification)
      policy.LaunchTemplate->LaunchTemplateSpecification = request.LaunchTemplate->LaunchTemplateSpecification;
    if (request.LaunchTemplate->Overrides.present())
      policy.LaunchTemplate->Overrides = request.LaunchTemplate->Overrides;
  }
  policy.LaunchTemplate->Overrides.set_present();
  policy.InstancesDistribution = merged(policy.InstancesDistribution.value_or(InstancesDistribution{}),
                                        request.InstancesDistribution.value_or(InstancesDistribution{}));
  // The default is another with InstanceRequirements; if there were none before, what stays is not what anybody chose.
  const bool chosen = request.InstancesDistribution && request.InstancesDistribution->OnDemandAllocationStrategy;
  const bool by_requirements = has_requirements(*policy.LaunchTemplate);
  if (!chosen && by_requirements != (before && has_requirements(*before->LaunchTemplate)))
    policy.InstancesDistribution->OnDemandAllocationStrategy = by_requirements ? "lowest-price" : "prioritized";
  return policy;
}

Result<void> check_template_names(const MixedInstancesPolicy& request) {
  const auto check = [](const std::optional<LaunchTemplateSpecification>& launch) -> Result<void> {
    if (launch && launch->LaunchTemplateId.has_value() == launch->LaunchTemplateName.has_value())
      return fail("ValidationError", "Valid requests must contain either launchTemplateId or LaunchTemplateName");
    return {};
  };
  if (!request.LaunchTemplate) return {};
  BRUME_CHECK(check(request.LaunchTemplate->LaunchTemplateSpecification));
  for (const LaunchTemplateOverrides& one : request.LaunchTemplate->Overrides)
    BRUME_CHECK(check(one.LaunchTemplateSpecification));
  return {};
}

Result<void> check_mixed(const MixedInstancesPolicy& policy) {
  if (!policy.LaunchTemplate->LaunchTemplateSpecification)
    return fail("ValidationError",
                "A mixed instances policy must have a LaunchTemplate with a LaunchTemplateSpecification");
  BRUME_CHECK(check_overrides(policy.LaunchTemplate->Overrides));
  if (has_requirements(*policy.LaunchTemplate) &&
      policy.InstancesDistribution->OnDemandAllocationStrategy == "prioritized")
    return fail("ValidationError",
                "The On-Demand allocation strategy prioritized cannot be used with InstanceRequirements, which have no "
                "order: use lowest-price");
  return check_distribution(*policy.InstancesDistribution);
}

bool is_weighted(const std::optional<MixedInstancesPolicy>& policy) {
  return policy && !policy->LaunchTemplate->Overrides.empty() &&
         policy->LaunchTemplate->Overrides.front().WeightedCapacity.has_value();
}

Result<std::optional<std::string>> reweighed(const std::optional<MixedInstancesPolicy>& policy,
                                             const Instance& instance) {
  if (!is_weighted(policy)) return std::nullopt;
  const std::string& type = *instance.InstanceType;
  if (auto weight = weight_of(*policy, type)) return weight;
  if (instance.WeightedCapacity) return instance.WeightedCapacity;
  return fail(
      "ValidationError",
      "Cannot configure weights because instance type [{0}] is not in the overrides but is currently running in "
      "the group. Add [{0}] to the overrides, specify a weight, and try again.",
      type);
}

std::optional<std::string> weight_of(const MixedInstancesPolicy& policy, std::string_view type) {
  for (const LaunchTemplateOverrides& one : policy.LaunchTemplate->Overrides)
    if (one.InstanceType == type) return one.WeightedCapacity;
  return std::nullopt;
}

std::vector<LaunchOption> launch_options(const AutoScalingGroup& group) {
  std::vector<LaunchOption> options;
  if (!group.MixedInstancesPolicy) {
    options.emplace_back().launch_template = group.LaunchTemplate.value_or(LaunchTemplateSpecification{});
    return options;
  }
  const LaunchTemplate& launch = *group.MixedInstancesPolicy->LaunchTemplate;
  const LaunchTemplateSpecification& base = *launch.LaunchTemplateSpecification;
  for (const LaunchTemplateOverrides& one : launch.Overrides) {
    LaunchOption& option = options.emplace_back();
    option.launch_template = one.LaunchTemplateSpecification.value_or(base);
    option.type = one.InstanceType;
    option.requirements = one.InstanceRequirements;
    option.weight = one.WeightedCapacity;
    Instance weighed;
    weighed.WeightedCapacity = one.WeightedCapacity;
    option.units = services::units_of(weighed);
  }
  if (options.empty()) options.emplace_back().launch_template = base;
  return options;
}

LaunchOption choose_option(std::span<const LaunchOption> options, const std::string& zone, const std::set<Pool>& full) {
  const auto found =
      std::ranges::find_if(options, [&](const LaunchOption& o) { return !full.contains(pool_of(zone, o)); });
  return found == options.end() ? options.front() : *found;
}

bool is_full(std::span<const LaunchOption> options, const std::string& zone, const std::set<Pool>& full) {
  return std::ranges::all_of(options, [&](const LaunchOption& o) { return full.contains(pool_of(zone, o)); });
}

bool lacks_capacity(std::string_view code) {
  return code == "InsufficientInstanceCapacity" || code == "Server.InsufficientInstanceCapacity";
}

int rank_of(std::span<const LaunchOption> options, std::string_view type) {
  const auto found = std::ranges::find_if(options, [&](const LaunchOption& o) { return !o.type || *o.type == type; });
  return int(found - options.begin());
}

bool is_launched_by(const Instance& instance, std::span<const LaunchOption> options) {
  return instance.LaunchTemplate && std::ranges::any_of(options, [&](const LaunchOption& o) {
           return (!o.type || o.type == instance.InstanceType) &&
                  o.launch_template.LaunchTemplateId == instance.LaunchTemplate->LaunchTemplateId &&
                  o.launch_template.Version == instance.LaunchTemplate->Version;
         });
}

}  // namespace brume::autoscaling
