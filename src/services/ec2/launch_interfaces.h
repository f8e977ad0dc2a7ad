// The network interfaces of a launch: those that it makes for each instance, and those that were there.
//
// Reads the request and the tables, changes nothing. As AWS documents RunInstances (NetworkInterfaces): with
// interfaces named, nothing of the network is said at the instance's level; all lie in one VPC and one zone; one has
// device index 0. Leaves to the caller: making and attaching them (run_instances.cc).
#pragma once

#include <vector>

#include "services/ec2/instance_types.h"
#include "services/ec2/network_state.h"
#include "services/ec2/private_addresses.h"

namespace brume::ec2 {

struct LaunchInterface {
  InstanceNetworkInterfaceSpecification spec;  // with its device index, and the ids of its groups
  const Subnet* subnet = nullptr;
  bool own = true;  // made for the instance, rather than one that was there

  [[nodiscard]] WantedAddresses wanted() const;
};

// By device index; the first is the primary one. Errors: InvalidParameterCombination, InvalidParameterValue,
// Invalid….NotFound, InvalidNetworkInterface.InUse, AttachmentLimitExceeded, PrivateIpAddressLimitExceeded, and where
// nothing says the subnet VPCIdNotSpecified and MissingInput.
Result<std::vector<LaunchInterface>> launch_interfaces(const NetworkState& network, const RunInstancesRequest& request,
                                                       const InstanceType& type);

// For how many such instances the subnets have addresses, up to `most`.
int room_for(const NetworkState& network, const std::vector<LaunchInterface>& interfaces, int most);

}  // namespace brume::ec2
