// Network interfaces as the instance half of EC2 uses them: attaching, detaching, and what becomes of them at the end.
//
// For use inside a transaction. Interfaces are made and deleted through the API (CreateNetworkInterface,
// DeleteNetworkInterface); its public addresses are public_address.h's. Invariant: an interface is "in-use" exactly
// while it is attached to an instance or is a load balancer's node; an instance's interfaces have different device
// indexes. Leaves the kernel's side to fabric_controller.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/ec2/network_state.h"

namespace brume::ec2 {

// The interfaces of an instance, in the order of their device index.
std::vector<const NetworkInterface*> interfaces_of(const NetworkState& state, std::string_view instance_id);

// An instance's interface, where an operation takes an instance for its only one. Errors: InvalidInstanceID.NotFound,
// InvalidInstanceID (it has several).
Result<const NetworkInterface*> only_interface_of(const NetworkState& state, const std::string& instance_id);

// Errors: InvalidNetworkInterfaceID.NotFound, InvalidNetworkInterface.InUse, InvalidParameterValue (index taken).
Result<void> attach(NetworkState& state, const std::string& interface_id, const std::string& instance_id,
                    int device_index, bool delete_on_termination = false);
// Nothing if it is not attached.
void detach(NetworkState& state, const std::string& interface_id);
// Errors: InvalidNetworkInterfaceID.NotFound, IncorrectState if it is not attached.
Result<void> set_delete_on_termination(NetworkState& state, const std::string& interface_id,
                                       bool delete_on_termination);

// When an instance has ended: detaches its interfaces and deletes those with DeleteOnTermination.
void release_interfaces(NetworkState& state, const std::string& instance_id);

// An answer's shape: the record with its tags, groups' names and DNS names.
NetworkInterface describe(const NetworkState& state, const NetworkInterface& record);

// Puts a new interface's addresses and group memberships beside its record.
void enter_interface(NetworkState& state, const NetworkInterface& interface);
// Erases an interface with its address, links and tags, whatever its state.
void erase_interface(NetworkState& state, const std::string& interface_id);

// A hardware address of nobody else's: locally administered, so that it is never a real card's.
std::string new_mac(env::Random& random);

}  // namespace brume::ec2
