// DescribeSpotInstanceRequests and CancelSpotInstanceRequests.
#include <algorithm>

#include "services/ec2/filters.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/instance_operations.h"

namespace brume::ec2 {
namespace {

using Request = SpotInstanceRequest;

constexpr FilterField<Request> kFields[] = {
    {"spot-instance-request-id", [](const Request& r) { return value(r.SpotInstanceRequestId); }},
    {"state", [](const Request& r) { return value(r.State); }},
    {"status-code", [](const Request& r) { return value(r.Status->Code); }},
    {"status-message", [](const Request& r) { return value(r.Status->Message); }},
    {"instance-id", [](const Request& r) { return value(r.InstanceId); }},
    {"type", [](const Request& r) { return value(r.Type); }},
    {"spot-price", [](const Request& r) { return value(r.SpotPrice); }},
    {"product-description", [](const Request& r) { return value(r.ProductDescription); }},
    {"launched-availability-zone", [](const Request& r) { return value(r.LaunchedAvailabilityZone); }},
    {"launched-availability-zone-id", [](const Request& r) { return value(r.LaunchedAvailabilityZoneId); }},
    {"create-time", [](const Request& r) { return Values{to_iso8601(*r.CreateTime, true)}; }},
    {"launch.image-id", [](const Request& r) { return value(r.LaunchSpecification->ImageId); }},
    {"launch.instance-type", [](const Request& r) { return value(r.LaunchSpecification->InstanceType); }},
    {"launch.key-name", [](const Request& r) { return value(r.LaunchSpecification->KeyName); }},
    {"launch.monitoring-enabled", [](const Request& r) { return value(r.LaunchSpecification->Monitoring->Enabled); }},
    {"network-interface.subnet-id", [](const Request& r) { return value(r.LaunchSpecification->SubnetId); }},
};

}  // namespace

Result<DescribeSpotInstanceRequestsResult> InstanceOperations::DescribeSpotInstanceRequests(
    const aws::Call&, const DescribeSpotInstanceRequestsRequest& request) {
  std::vector<Request> all;
  std::vector<std::string> ids(request.SpotInstanceRequestIds.begin(), request.SpotInstanceRequestIds.end());
  if (ids.empty())
    for (const auto& [id, record] : spot_.requests().rows())
      if (spot_.exists(id)) ids.push_back(id);
  std::ranges::sort(ids);
  const auto repeated = std::ranges::unique(ids);
  ids.erase(repeated.begin(), repeated.end());
  for (const std::string& id : ids) {
    if (!spot_.exists(id)) return no_such(kSpotRequest, id);
    all.push_back(spot_.describe(*spot_.find(id)));
  }
  BRUME_TRY(page, filtered_page(std::move(all), request, std::span<const FilterField<Request>>(kFields),
                                [](const Request& r) { return *r.SpotInstanceRequestId; }));
  DescribeSpotInstanceRequestsResult result;
  result.SpotInstanceRequests = std::move(page.items);
  result.NextToken = page.next_token;
  return unless_dry_run(request, std::move(result));
}

Result<CancelSpotInstanceRequestsResult> InstanceOperations::CancelSpotInstanceRequests(
    const aws::Call&, const CancelSpotInstanceRequestsRequest& request) {
  if (request.SpotInstanceRequestIds.empty())
    return fail("MissingParameter", "The request must contain the parameter SpotInstanceRequestId");
  CancelSpotInstanceRequestsResult result;
  for (const std::string& id : request.SpotInstanceRequestIds) {
    if (!spot_.exists(id)) return no_such(kSpotRequest, id);
    if (spot_.describe(*spot_.find(id)).State == "active") spot_.cancel(id);
    auto& cancelled = result.CancelledSpotInstanceRequests.emplace_back();
    cancelled.SpotInstanceRequestId = id;
    cancelled.State = spot_.describe(*spot_.find(id)).State;
  }
  return unless_dry_run(request, std::move(result));
}

}  // namespace brume::ec2
