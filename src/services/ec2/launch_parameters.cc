#include "services/ec2/launch_parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/base64.h"
#include "base/json.h"
#include "services/ec2/lay_over.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

// Items of `over` replace those of `base` with an equal key, others are added.
template <typename T, typename KeyOf>
void overlay(List<T>& base, List<T>& over, KeyOf key_of) {
  for (T& item : over) {
    const auto same = std::ranges::find_if(base, [&](const T& other) { return key_of(other) == key_of(item); });
    if (same == base.end())
      base.push_back(std::move(item));
    else
      *same = std::move(item);
  }
}

std::unexpected<Error> not_supported(std::string_view what) {
  return unsupported("Brume does not support {}.", what);
}

Result<void> check_placement(const Placement& placement) {
  if (placement.Tenancy && *placement.Tenancy != "default")
    return not_supported("Placement.Tenancy other than default");
  const std::pair<bool, const char*> refused[] = {
      {placement.Affinity.has_value(), "Placement.Affinity"},
      {placement.GroupName && !placement.GroupName->empty(), "Placement.GroupName"},
      {placement.GroupId.has_value(), "Placement.GroupId"},
      {placement.PartitionNumber.has_value(), "Placement.PartitionNumber"},
      {placement.HostId.has_value(), "Placement.HostId"},
      {placement.HostResourceGroupArn.has_value(), "Placement.HostResourceGroupArn"},
      {placement.SpreadDomain.has_value(), "Placement.SpreadDomain"},
  };
  for (const auto& [present, name] : refused)
    if (present) return not_supported(name);
  return {};
}

Result<void> check_interface(const InstanceNetworkInterfaceSpecification& spec) {
  if (spec.InterfaceType && *spec.InterfaceType != "interface")
    return not_supported("NetworkInterface.InterfaceType other than interface");
  const std::pair<bool, const char*> refused[] = {
      {spec.AssociateCarrierIpAddress.value_or(false), "NetworkInterface.AssociateCarrierIpAddress"},
      {spec.NetworkCardIndex.value_or(0) != 0, "NetworkInterface.NetworkCardIndex other than 0"},
      {!spec.Ipv4Prefixes.empty() || spec.Ipv4PrefixCount.value_or(0) != 0, "IPv4 prefixes of interfaces"},
      {!spec.Ipv6Prefixes.empty() || spec.Ipv6PrefixCount.value_or(0) != 0, "IPv6 prefixes of interfaces"},
      {spec.PrimaryIpv6.value_or(false), "NetworkInterface.PrimaryIpv6"},
      {spec.EnaSrdSpecification.has_value(), "NetworkInterface.EnaSrdSpecification"},
      {spec.ConnectionTrackingSpecification.has_value(), "NetworkInterface.ConnectionTrackingSpecification"},
  };
  // EnaQueueCount is a matter of hardware.
  for (const auto& [present, name] : refused)
    if (present) return not_supported(name);
  return {};
}

// A positive amount of dollars an hour, as "0.0125".
bool is_price(const std::string& text) {
  double price = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), price);
  return error == std::errc() && end == text.data() + text.size() && price > 0 && std::isfinite(price);
}

Result<void> check_market(const InstanceMarketOptionsRequest& market, const RunInstancesRequest& request) {
  if (!market.MarketType) return fail("MissingParameter", "The request must contain the parameter MarketType");
  if (*market.MarketType != "spot") return not_supported("InstanceMarketOptions.MarketType other than spot");
  if (request.DisableApiTermination.value_or(false))
    return fail("InvalidParameterCombination", "Termination protection is not supported for Spot Instances.");
  const SpotMarketOptions options = market.SpotOptions.value_or(SpotMarketOptions());
  if (options.SpotInstanceType.value_or("one-time") != "one-time")
    return not_supported("SpotOptions.SpotInstanceType other than one-time");
  if (options.InstanceInterruptionBehavior.value_or("terminate") != "terminate")
    return not_supported("SpotOptions.InstanceInterruptionBehavior other than terminate");
  if (options.BlockDurationMinutes) return not_supported("SpotOptions.BlockDurationMinutes");
  if (options.ValidUntil)
    return fail("InvalidParameterCombination", "ValidUntil is supported for persistent Spot requests only.");
  if (options.MaxPrice && !is_price(*options.MaxPrice))
    return fail("InvalidParameterValue", "Invalid value '{}' for MaxPrice: a positive number of dollars is expected",
                *options.MaxPrice);
  return {};
}

}  // namespace

Result<RunInstancesRequest> merge_template(const RunInstancesRequest& request, const ResponseLaunchTemplateData& data) {
  if (!data.ElasticGpuSpecifications.empty()) return not_supported("ElasticGpuSpecifications");
  // AWS launches by requirements through fleets and groups, which choose the type.
  if (data.InstanceRequirements && !request.InstanceType)
    return fail("InvalidParameterCombination",
                "RunInstances does not choose an instance type by the template's InstanceRequirements: name one");
  // The template's members have the names of the request's, so they pass from one to the other by name.
  BRUME_TRY(merged, from_json<RunInstancesRequest>(to_json(data)));
  merged.RamdiskId = data.RamDiskId;
  RunInstancesRequest over = request;
  if (over.SecurityGroupIds.present() || over.SecurityGroups.present()) {
    merged.SecurityGroupIds = {};
    merged.SecurityGroups = {};
  }
  overlay(merged.BlockDeviceMappings, over.BlockDeviceMappings,
          [](const auto& m) { return m.DeviceName.value_or(""); });
  over.BlockDeviceMappings = {};
  // Auto Scaling gives the subnet of its choice to a template whose interfaces name none.
  if (over.SubnetId && over.NetworkInterfaces.empty()) {
    bool given = false;
    for (auto& interface : merged.NetworkInterfaces) {
      if (interface.SubnetId || interface.NetworkInterfaceId) continue;
      interface.SubnetId = over.SubnetId;
      given = true;
    }
    if (given) over.SubnetId.reset();
  }
  overlay(merged.NetworkInterfaces, over.NetworkInterfaces, [](const auto& i) { return i.DeviceIndex.value_or(0); });
  over.NetworkInterfaces = {};
  for (TagSpecification& specification : over.TagSpecifications) {
    const auto same =
        std::ranges::find(merged.TagSpecifications, specification.ResourceType, &TagSpecification::ResourceType);
    if (same == merged.TagSpecifications.end())
      merged.TagSpecifications.push_back(std::move(specification));
    else
      overlay(same->Tags, specification.Tags, [](const Tag& tag) { return tag.Key.value_or(""); });
  }
  over.TagSpecifications = {};
  return laid_over(merged, over);
}

Result<void> check_supported(const RunInstancesRequest& request) {
  // Not refused, because they only matter to billing, capacity reservations or hardware: CreditSpecification,
  // CpuOptions but for confidential computing, EbsOptimized, Monitoring, MaintenanceOptions, NetworkPerformanceOptions,
  // CapacityReservationSpecification without a target.
  const auto& cpu = request.CpuOptions;
  const auto& dns = request.PrivateDnsNameOptions;
  const std::pair<bool, const char*> refused[] = {
      {request.EnablePrimaryIpv6.value_or(false), "EnablePrimaryIpv6"},
      {request.KernelId.has_value(), "KernelId"},
      {request.RamdiskId.has_value(), "RamdiskId"},
      {request.AdditionalInfo.has_value(), "AdditionalInfo"},
      {!request.ElasticGpuSpecification.empty(), "ElasticGpuSpecification"},
      {!request.ElasticInferenceAccelerators.empty(), "ElasticInferenceAccelerators"},
      {request.CapacityReservationSpecification && request.CapacityReservationSpecification->CapacityReservationTarget,
       "CapacityReservationTarget"},
      {request.HibernationOptions && request.HibernationOptions->Configured.value_or(false), "hibernation"},
      {request.EnclaveOptions && request.EnclaveOptions->Enabled.value_or(false), "Nitro enclaves"},
      {!request.LicenseSpecifications.empty(), "LicenseSpecifications"},
      {request.Operator.has_value(), "Operator"},
      {!request.SecondaryInterfaces.empty(), "SecondaryInterfaces"},
      {cpu && cpu->AmdSevSnp && *cpu->AmdSevSnp == "enabled", "CpuOptions.AmdSevSnp"},
      {cpu && cpu->NestedVirtualization && *cpu->NestedVirtualization == "enabled", "CpuOptions.NestedVirtualization"},
      {dns && dns->HostnameType && *dns->HostnameType != "ip-name",
       "PrivateDnsNameOptions.HostnameType other than ip-name"},
      {dns && dns->EnableResourceNameDnsARecord.value_or(false), "EnableResourceNameDnsARecord"},
      {dns && dns->EnableResourceNameDnsAAAARecord.value_or(false), "EnableResourceNameDnsAAAARecord"},
      {request.MetadataOptions && request.MetadataOptions->HttpProtocolIpv6.value_or("") == "enabled",
       "MetadataOptions.HttpProtocolIpv6"},
  };
  for (const auto& [present, name] : refused)
    if (present) return not_supported(name);
  if (request.InstanceMarketOptions) BRUME_CHECK(check_market(*request.InstanceMarketOptions, request));
  if (request.Placement) BRUME_CHECK(check_placement(*request.Placement));
  for (const auto& interface : request.NetworkInterfaces) BRUME_CHECK(check_interface(interface));
  return {};
}

Result<void> check_user_data(const std::string& base64) {
  constexpr std::size_t kLimit = 16384;  // EC2 user guide: 16 KB before it is base64-encoded
  const auto bytes = base64_decode(base64);
  if (!bytes) return fail("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.");
  if (bytes->size() > kLimit) return fail("InvalidParameterValue", "User data is limited to {} bytes", kLimit);
  return {};
}

}  // namespace brume::ec2
