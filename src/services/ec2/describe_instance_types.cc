// DescribeInstanceTypes, DescribeInstanceTypeOfferings and GetInstanceTypesFromInstanceRequirements: the table of
// instance_types.h.
#include <algorithm>

#include "services/ec2/filters.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/instance_requirements.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/refusals.h"
#include "services/ec2/zones.h"

namespace brume::ec2 {
namespace {

constexpr FilterField<InstanceTypeInfo> kFields[] = {
    {"instance-type", [](const InstanceTypeInfo& t) { return value(t.InstanceType); }},
    {"current-generation", [](const InstanceTypeInfo& t) { return value(t.CurrentGeneration); }},
    {"free-tier-eligible", [](const InstanceTypeInfo& t) { return value(t.FreeTierEligible); }},
    {"bare-metal", [](const InstanceTypeInfo& t) { return value(t.BareMetal); }},
    {"hypervisor", [](const InstanceTypeInfo& t) { return value(t.Hypervisor); }},
    {"burstable-performance-supported",
     [](const InstanceTypeInfo& t) { return value(t.BurstablePerformanceSupported); }},
    {"instance-storage-supported", [](const InstanceTypeInfo& t) { return value(t.InstanceStorageSupported); }},
    {"memory-info.size-in-mib",
     [](const InstanceTypeInfo& t) { return Values{std::to_string(*t.MemoryInfo->SizeInMiB)}; }},
    {"vcpu-info.default-vcpus", [](const InstanceTypeInfo& t) { return value(t.VCpuInfo->DefaultVCpus); }},
    {"vcpu-info.default-cores", [](const InstanceTypeInfo& t) { return value(t.VCpuInfo->DefaultCores); }},
    {"processor-info.supported-architecture",
     [](const InstanceTypeInfo& t) { return Values(t.ProcessorInfo->SupportedArchitectures); }},
    {"supported-usage-class", [](const InstanceTypeInfo& t) { return Values(t.SupportedUsageClasses); }},
    {"supported-root-device-type", [](const InstanceTypeInfo& t) { return Values(t.SupportedRootDeviceTypes); }},
    {"supported-virtualization-type", [](const InstanceTypeInfo& t) { return Values(t.SupportedVirtualizationTypes); }},
};

constexpr FilterField<InstanceTypeOffering> kOfferingFields[] = {
    {"instance-type", [](const InstanceTypeOffering& o) { return value(o.InstanceType); }},
    {"location", [](const InstanceTypeOffering& o) { return value(o.Location); }},
};

}  // namespace

Result<DescribeInstanceTypesResult> InstanceOperations::DescribeInstanceTypes(
    const aws::Call&, const DescribeInstanceTypesRequest& request) {
  std::string unknown;
  for (const std::string& name : request.InstanceTypes)
    if (!find_instance_type(name)) unknown += (unknown.empty() ? "" : ", ") + name;
  if (!unknown.empty())
    return fail("InvalidInstanceType", "The following supplied instance types do not exist: [{}]", unknown);
  std::vector<InstanceTypeInfo> shown;
  for (const InstanceType& type : instance_types())
    if (request.InstanceTypes.empty() ||
        std::ranges::find(request.InstanceTypes, type.name) != request.InstanceTypes.end())
      shown.push_back(describe(type));
  BRUME_TRY(page, filtered_page(std::move(shown), request, std::span<const FilterField<InstanceTypeInfo>>(kFields),
                                [](const InstanceTypeInfo& t) { return *t.InstanceType; }));
  DescribeInstanceTypesResult result;
  result.InstanceTypes = std::move(page.items);
  result.NextToken = page.next_token;
  return unless_dry_run(request, std::move(result));
}

Result<GetInstanceTypesFromInstanceRequirementsResult> InstanceOperations::GetInstanceTypesFromInstanceRequirements(
    const aws::Call&, const GetInstanceTypesFromInstanceRequirementsRequest& request) {
  if (!request.InstanceRequirements)
    return fail("MissingParameter", "The request must contain the parameter InstanceRequirements");
  BRUME_CHECK(check_requirements(*request.InstanceRequirements));
  const auto contains = [](const List<std::string>& list, std::string_view value) {
    return std::ranges::find(list, value) != list.end();
  };
  std::vector<InstanceTypeInfoFromInstanceRequirements> shown;
  // All that is offered is of this kind.
  if (contains(request.ArchitectureTypes, "x86_64") && contains(request.VirtualizationTypes, "hvm"))
    for (const InstanceType* type : matching_types(*request.InstanceRequirements))
      shown.push_back({.InstanceType = std::string(type->name)});
  BRUME_TRY(page, services::paginate(
                      std::move(shown), std::size_t(std::max(0, request.MaxResults.value_or(0))), request.NextToken,
                      [](const InstanceTypeInfoFromInstanceRequirements& t) { return *t.InstanceType; }));
  GetInstanceTypesFromInstanceRequirementsResult result;
  result.InstanceTypes = std::move(page.items);
  result.NextToken = page.next_token;
  return unless_dry_run(request, std::move(result));
}

Result<DescribeInstanceTypeOfferingsResult> InstanceOperations::DescribeInstanceTypeOfferings(
    const aws::Call&, const DescribeInstanceTypeOfferingsRequest& request) {
  const std::string kind = request.LocationType.value_or("region");
  std::vector<std::string> locations;
  if (kind == "region")
    locations = {context_.region};
  else if (kind == "availability-zone")
    for (const Zone& zone : zones_of(context_.region)) locations.push_back(zone.name);
  else if (kind == "availability-zone-id")
    for (const Zone& zone : zones_of(context_.region)) locations.push_back(zone.id);
  else
    return unsupported("Brume does not support the location type '{}'.", kind);
  std::vector<InstanceTypeOffering> shown;
  for (const InstanceType& type : instance_types())
    for (const std::string& location : locations)
      shown.push_back({.InstanceType = std::string(type.name), .LocationType = kind, .Location = location});
  const auto key = [](const InstanceTypeOffering& o) { return *o.InstanceType + "/" + *o.Location; };
  std::ranges::sort(shown, {}, key);
  BRUME_TRY(page, filtered_page(std::move(shown), request,
                                std::span<const FilterField<InstanceTypeOffering>>(kOfferingFields), key));
  DescribeInstanceTypeOfferingsResult result;
  result.InstanceTypeOfferings = std::move(page.items);
  result.NextToken = page.next_token;
  return unless_dry_run(request, std::move(result));
}

}  // namespace brume::ec2
