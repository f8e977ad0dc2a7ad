#include "services/ec2/instance_requirements.h"

#include <algorithm>

#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

constexpr std::size_t kMaxNames = 400;  // EC2 API reference: of allowed and of excluded types

// `*` stands for any characters; there is no other wildcard. Instance type names are short, so this ends soon.
bool fits(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(pattern.find_first_not_of('*', star) == std::string_view::npos
                                                   ? pattern.size()
                                                   : pattern.find_first_not_of('*', star));
  if (rest.empty()) return true;
  for (std::size_t at = star; at < name.size(); ++at)
    if (fits(rest, name.substr(at))) return true;
  return false;
}

bool any_fits(const List<std::string>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return fits(pattern, name); });
}

template <typename Range>
bool within(const std::optional<Range>& range, double value) {
  if (!range) return true;
  if (range->Min && value < double(*range->Min)) return false;
  return !range->Max || value <= double(*range->Max);
}

template <typename Range>
Result<void> check_range(const std::optional<Range>& range, std::string_view name) {
  if (!range) return {};
  if ((range->Min && *range->Min < 0) || (range->Max && *range->Max < 0))
    return fail("InvalidParameterValue", "InstanceRequirements.{} must not be negative", name);
  if (range->Min && range->Max && *range->Min > *range->Max)
    return fail("InvalidParameterValue", "The Min of InstanceRequirements.{} must not be above its Max", name);
  return {};
}

// "included", "required" or "excluded", of types that have it or have not.
bool permits(const std::optional<std::string>& wish, std::string_view by_default, bool has) {
  const std::string_view now = wish ? std::string_view(*wish) : by_default;
  return now == "included" || (now == "required") == has;
}

Result<void> check_wish(const std::optional<std::string>& wish, std::string_view name) {
  if (!wish || *wish == "included" || *wish == "required" || *wish == "excluded") return {};
  return fail("InvalidParameterValue", "InstanceRequirements.{} must be included, required or excluded, not '{}'", name,
              *wish);
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return text;
}

bool matches(const InstanceRequirementsRequest& wanted, const InstanceType& type) {
  const InstanceTypeInfo info = describe(type);
  const auto one_of = [](const List<std::string>& list, std::string_view value) {
    return list.empty() || std::ranges::find(list, value) != list.end();
  };
  const bool asks_for_accelerators =
      !wanted.AcceleratorTypes.empty() || !wanted.AcceleratorManufacturers.empty() || !wanted.AcceleratorNames.empty();
  return within(wanted.VCpuCount, type.vcpus) && within(wanted.MemoryMiB, double(type.memory_mib)) &&
         within(wanted.MemoryGiBPerVCpu, double(type.memory_mib) / 1024 / type.vcpus) &&
         one_of(wanted.CpuManufacturers, lower(*info.ProcessorInfo->Manufacturer)) &&
         one_of(wanted.InstanceGenerations, *info.CurrentGeneration ? "current" : "previous") &&
         (wanted.AllowedInstanceTypes.empty() || any_fits(wanted.AllowedInstanceTypes, type.name)) &&
         !any_fits(wanted.ExcludedInstanceTypes, type.name) &&
         permits(wanted.BurstablePerformance, "excluded", type.burstable()) &&
         permits(wanted.BareMetal, "excluded", *info.BareMetal) &&
         permits(wanted.LocalStorage, "included", *info.InstanceStorageSupported) &&
         within(wanted.TotalLocalStorageGB, 0) && within(wanted.NetworkInterfaceCount, type.interfaces) &&
         within(wanted.AcceleratorCount, 0) && within(wanted.AcceleratorTotalMemoryMiB, 0) && !asks_for_accelerators &&
         (!wanted.RequireHibernateSupport.value_or(false) || *info.HibernationSupported) &&
         (!wanted.RequireEncryptionInTransit.value_or(false) || *info.NetworkInfo->EncryptionInTransitSupported);
}

}  // namespace

Result<void> check_requirements(const InstanceRequirementsRequest& wanted) {
  if (!wanted.VCpuCount || !wanted.VCpuCount->Min)
    return fail("MissingParameter", "The request must contain the parameter InstanceRequirements.VCpuCount.Min");
  if (!wanted.MemoryMiB || !wanted.MemoryMiB->Min)
    return fail("MissingParameter", "The request must contain the parameter InstanceRequirements.MemoryMiB.Min");
  BRUME_CHECK(check_range(wanted.VCpuCount, "VCpuCount"));
  BRUME_CHECK(check_range(wanted.MemoryMiB, "MemoryMiB"));
  BRUME_CHECK(check_range(wanted.MemoryGiBPerVCpu, "MemoryGiBPerVCpu"));
  BRUME_CHECK(check_range(wanted.NetworkInterfaceCount, "NetworkInterfaceCount"));
  BRUME_CHECK(check_range(wanted.TotalLocalStorageGB, "TotalLocalStorageGB"));
  BRUME_CHECK(check_range(wanted.AcceleratorCount, "AcceleratorCount"));
  BRUME_CHECK(check_range(wanted.AcceleratorTotalMemoryMiB, "AcceleratorTotalMemoryMiB"));
  BRUME_CHECK(check_wish(wanted.BurstablePerformance, "BurstablePerformance"));
  BRUME_CHECK(check_wish(wanted.BareMetal, "BareMetal"));
  BRUME_CHECK(check_wish(wanted.LocalStorage, "LocalStorage"));
  if (!wanted.AllowedInstanceTypes.empty() && !wanted.ExcludedInstanceTypes.empty())
    return fail("InvalidParameterCombination",
                "You can specify either AllowedInstanceTypes or ExcludedInstanceTypes, not both");
  if (wanted.AllowedInstanceTypes.size() > kMaxNames || wanted.ExcludedInstanceTypes.size() > kMaxNames)
    return fail("InvalidParameterValue", "InstanceRequirements can name at most {} instance types", kMaxNames);
  BRUME_CHECK(refuse("InstanceRequirements.BaselineEbsBandwidthMbps", wanted.BaselineEbsBandwidthMbps.has_value()));
  BRUME_CHECK(refuse("InstanceRequirements.NetworkBandwidthGbps", wanted.NetworkBandwidthGbps.has_value()));
  return refuse("InstanceRequirements.BaselinePerformanceFactors", wanted.BaselinePerformanceFactors.has_value());
}

std::vector<const InstanceType*> matching_types(const InstanceRequirementsRequest& requirements) {
  std::vector<const InstanceType*> found;
  for (const InstanceType& type : instance_types())
    if (matches(requirements, type)) found.push_back(&type);
  return found;
}

}  // namespace brume::ec2
