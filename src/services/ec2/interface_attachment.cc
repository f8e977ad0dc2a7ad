// Interfaces beside an instance's first: attached to and detached from it while it runs or is stopped.
#include <algorithm>

#include "services/ec2/instance_operations.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/private_addresses.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

std::vector<std::string> ids_of(const NetworkState& network, const std::string& instance_id) {
  std::vector<std::string> ids;
  for (const NetworkInterface* interface : interfaces_of(network, instance_id))
    ids.push_back(*interface->NetworkInterfaceId);
  return ids;
}

}  // namespace

Result<AttachNetworkInterfaceResult> InstanceOperations::AttachNetworkInterface(
    const aws::Call&, const AttachNetworkInterfaceRequest& request) {
  BRUME_CHECK(refuse("NetworkCardIndex other than 0", request.NetworkCardIndex.value_or(0) != 0));
  BRUME_CHECK(refuse("EnaSrdSpecification", request.EnaSrdSpecification.has_value()));
  BRUME_CHECK(refuse("EnaQueueCount", request.EnaQueueCount.has_value()));
  BRUME_TRY(found, find_instance(request.InstanceId));
  BRUME_TRY(interface, find(network_.network_interfaces, kNetworkInterface, request.NetworkInterfaceId));
  InstanceRecord record = *found;
  const std::string id = *record.instance.InstanceId, interface_id = *interface->NetworkInterfaceId;
  if (record.state() != InstanceStateCode::running && record.state() != InstanceStateCode::stopped)
    return fail("IncorrectState", "Cannot attach a network interface while the instance '{}' is in the state '{}'.", id,
                name_of(record.state()));
  const std::vector<std::string> present = ids_of(network_, id);
  const NetworkInterface* first = present.empty() ? nullptr : network_.network_interfaces.find(present.front());
  if (first && first->VpcId != interface->VpcId)
    return fail("InvalidParameterCombination",
                "You may not attach a network interface to an instance if they are not in the same VPC");
  if (first && first->AvailabilityZone != interface->AvailabilityZone)
    return fail("InvalidParameterCombination",
                "You may not attach a network interface to an instance if they are not in the same availability zone");
  const int index = request.DeviceIndex.value_or(0);
  const InstanceType* type = find_instance_type(record.instance.InstanceType.value_or(""));
  if (index < 0 || index > 31)
    return fail("InvalidParameterValue", "Value ({}) for parameter deviceIndex is invalid. It must be from 0 to 31.",
                index);
  if (type && std::cmp_greater_equal(present.size(), type->interfaces))
    return fail("AttachmentLimitExceeded", "Interface count {} exceeds the limit for {}", present.size() + 1,
                *record.instance.InstanceType);
  if (type && interface->PrivateIpAddresses.size() > std::size_t(type->addresses_per_interface))
    return too_many_private_addresses();
  BRUME_CHECK(attach(network_, interface_id, id, index));
  record.interfaces = ids_of(network_, id);
  put(id, std::move(record));
  return unless_dry_run(request,
                        AttachNetworkInterfaceResult{
                            .AttachmentId = network_.network_interfaces.find(interface_id)->Attachment->AttachmentId,
                            .NetworkCardIndex = 0});
}

Result<void> InstanceOperations::DetachNetworkInterface(const aws::Call&,
                                                        const DetachNetworkInterfaceRequest& request) {
  const auto row = std::ranges::find_if(network_.network_interfaces.rows(), [&](const auto& candidate) {
    return candidate.second.Attachment && candidate.second.Attachment->AttachmentId == request.AttachmentId;
  });
  if (row == network_.network_interfaces.rows().end())
    return fail("InvalidAttachmentID.NotFound", "The attachment '{}' does not exist",
                request.AttachmentId.value_or(""));
  const NetworkInterfaceAttachment attachment = *row->second.Attachment;
  if (!attachment.InstanceId)
    return std::unexpected(Error{"AuthFailure", "You do not have permission to access the specified resource.", 403});
  if (attachment.DeviceIndex == 0)
    return fail("OperationNotPermitted", "The network interface at device index 0 cannot be detached.");
  const std::string id = *attachment.InstanceId;
  detach(network_, row->first);
  if (const InstanceRecord* found = instances_.find(id)) {
    InstanceRecord record = *found;
    record.interfaces = ids_of(network_, id);
    put(id, std::move(record));
  }
  return unless_dry_run(request);
}

}  // namespace brume::ec2
