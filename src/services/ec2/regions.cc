// Regions, zones, and what an account has besides its own resources.
#include <utility>

#include "services/ec2/filters.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/zones.h"

namespace brume::ec2 {
namespace {

constexpr FilterField<Region> kRegionFilters[] = {
    {"region-name", [](const Region& r) { return value(r.RegionName); }},
    {"endpoint", [](const Region& r) { return value(r.Endpoint); }},
    {"opt-in-status", [](const Region& r) { return value(r.OptInStatus); }},
};

constexpr FilterField<AvailabilityZone> kZoneFilters[] = {
    {"zone-name", [](const AvailabilityZone& z) { return value(z.ZoneName); }},
    {"zone-id", [](const AvailabilityZone& z) { return value(z.ZoneId); }},
    {"zone-type", [](const AvailabilityZone& z) { return value(z.ZoneType); }},
    {"region-name", [](const AvailabilityZone& z) { return value(z.RegionName); }},
    {"state", [](const AvailabilityZone& z) { return value(z.State); }},
    {"opt-in-status", [](const AvailabilityZone& z) { return value(z.OptInStatus); }},
    {"group-name", [](const AvailabilityZone& z) { return value(z.GroupName); }},
    {"group-long-name", [](const AvailabilityZone& z) { return value(z.GroupLongName); }},
    {"message", [](const AvailabilityZone& z) { return each(z.Messages, [](const auto& m) { return m.Message; }); }},
    {"parent-zone-id", [](const AvailabilityZone& z) { return value(z.ParentZoneId); }},
    {"parent-zone-name", [](const AvailabilityZone& z) { return value(z.ParentZoneName); }},
};

constexpr FilterField<DhcpOptions> kDhcpFilters[] = {
    {"dhcp-options-id", [](const DhcpOptions& d) { return value(d.DhcpOptionsId); }},
    {"owner-id", [](const DhcpOptions& d) { return value(d.OwnerId); }},
    {"key", [](const DhcpOptions& d) { return each(d.DhcpConfigurations, [](const auto& c) { return c.Key; }); }},
    {"value",
     [](const DhcpOptions& d) {
       Values all;
       for (const DhcpConfiguration& c : d.DhcpConfigurations)
         for (const AttributeValue& v : c.Values) all.push_back(v.Value.value_or(""));
       return all;
     }},
};

constexpr FilterField<PrefixList> kPrefixListFilters[] = {
    {"prefix-list-id", [](const PrefixList& p) { return value(p.PrefixListId); }},
    {"prefix-list-name", [](const PrefixList& p) { return value(p.PrefixListName); }},
};

AccountAttribute attribute(const char* name, std::initializer_list<std::string> values) {
  AccountAttribute made{.AttributeName = name, .AttributeValues = {}};
  for (const std::string& each : values) made.AttributeValues.push_back({.AttributeValue = each});
  return made;
}

// `wanted` is empty or holds `name`.
bool asked_for(const List<std::string>& wanted, const std::string& name) {
  return wanted.empty() || std::ranges::find(wanted, name) != wanted.end();
}

}  // namespace

Result<DescribeRegionsResult> NetworkOperations::DescribeRegions(const aws::Call&,
                                                                 const DescribeRegionsRequest& request) {
  for (const std::string& name : request.RegionNames)
    if (std::ranges::find(region_names(), name) == region_names().end())
      return fail("InvalidParameterValue", "Invalid region name: '{}'", name);
  std::vector<Region> regions;
  for (const std::string_view name : region_names())
    if (asked_for(request.RegionNames, std::string(name)))
      regions.push_back({.OptInStatus = is_default_region(name) ? "opt-in-not-required" : "opted-in",
                         .RegionName = std::string(name),
                         .Endpoint = fmt::format("ec2.{}.amazonaws.com", name)});
  BRUME_TRY(passed, filtered<Region>(std::move(regions), request.Filters, kRegionFilters));
  return DescribeRegionsResult{.Regions = passed};
}

Result<DescribeAvailabilityZonesResult> NetworkOperations::DescribeAvailabilityZones(
    const aws::Call&, const DescribeAvailabilityZonesRequest& request) {
  const std::string& region = context_.region;
  for (const std::string& name : request.ZoneNames)
    if (!zone_by_name(region, name)) return fail("InvalidParameterValue", "Invalid availability zone: [{}]", name);
  for (const std::string& id : request.ZoneIds)
    if (!zone_by_id(region, id)) return fail("InvalidParameterValue", "Invalid availability zone-id: [{}]", id);
  std::vector<AvailabilityZone> zones;
  for (const Zone& zone : zones_of(region))
    if (asked_for(request.ZoneNames, zone.name) && asked_for(request.ZoneIds, zone.id)) {
      zones.push_back({.OptInStatus = "opt-in-not-required",
                       .RegionName = region,
                       .ZoneName = zone.name,
                       .ZoneId = zone.id,
                       .GroupName = region + "-zg-1",
                       .NetworkBorderGroup = region,
                       .ZoneType = "availability-zone",
                       .State = "available"});
      zones.back().Messages.set_present();
    }
  BRUME_TRY(passed, filtered<AvailabilityZone>(std::move(zones), request.Filters, kZoneFilters));
  return DescribeAvailabilityZonesResult{.AvailabilityZones = passed};
}

Result<DescribeAccountAttributesResult> NetworkOperations::DescribeAccountAttributes(
    const aws::Call&, const DescribeAccountAttributesRequest& request) {
  const VpcRecord* vpc = state_.default_vpc();
  const AccountAttribute attributes[] = {
      attribute("supported-platforms", {"VPC"}), attribute("default-vpc", {vpc ? *vpc->vpc.VpcId : "none"}),
      attribute("max-instances", {"20"}),        attribute("vpc-max-security-groups-per-interface", {"5"}),
      attribute("max-elastic-ips", {"5"}),       attribute("vpc-max-elastic-ips", {"5"}),
  };
  DescribeAccountAttributesResult result;
  for (const AccountAttribute& each : attributes)
    if (asked_for(request.AttributeNames, *each.AttributeName)) result.AccountAttributes.push_back(each);
  return result;
}

Result<DescribeDhcpOptionsResult> NetworkOperations::DescribeDhcpOptions(const aws::Call&,
                                                                         const DescribeDhcpOptionsRequest& request) {
  BRUME_TRY(options, shapes_of(state_.dhcp_options, kDhcpOptions, request.DhcpOptionsIds, [&](const DhcpOptions& d) {
              DhcpOptions shape = d;
              shape.Tags = state_.tags.of(*d.DhcpOptionsId);
              shape.Tags.set_present();
              return shape;
            }));
  BRUME_TRY(page, filtered_page<DhcpOptions>(std::move(options), request, kDhcpFilters,
                                             [](const DhcpOptions& d) { return *d.DhcpOptionsId; }));
  return DescribeDhcpOptionsResult{.NextToken = page.next_token, .DhcpOptions = page.items};
}

// AWS's lists hold the addresses of its own services (S3, DynamoDB), which are not here.
Result<DescribePrefixListsResult> NetworkOperations::DescribePrefixLists(const aws::Call&,
                                                                         const DescribePrefixListsRequest& request) {
  if (!request.PrefixListIds.empty()) return no_such(kPrefixList, request.PrefixListIds[0]);
  BRUME_CHECK(filtered<PrefixList>({}, request.Filters, kPrefixListFilters));
  return DescribePrefixListsResult{};
}

}  // namespace brume::ec2
