// What the network benchmarks share: a world of their own, namespaces joined in three ways, sockets in them, policies.
//
// Everything is made in a mount namespace of the process and goes with it, however the process ends; nothing appears on
// the host. A process that takes longer than its limit is ended by SIGALRM. Gives up when something cannot be made.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "env/fd.h"
#include "net/kernel_fabric.h"

namespace brume::bench {

// The folder for all that is to be made; empty where it cannot be (no root, no namespaces), with the reason in `why`.
// Call it first, before there are threads.
std::string own_world(unsigned limit_seconds, std::string& why);

// Does the work in the network namespace at `path`.
void inside(const std::string& path, const std::function<Result<void>()>& work);

// An end of a way that packets take: a namespace and an address in it.
struct Place {
  std::string path;
  std::string address;
};

// Two places and how packets come from one to the other.
struct Way {
  std::string name;
  Place a, b;
};
// The links' MTU is a VPC's in all three. One veth pair; two of them with a router between, without any rules.
Way plain_veth(const std::string& folder);
Way routed_veths(const std::string& folder);
// Two instances of a VPC in different subnets, with what their policy says.
Way instances(net::Fabric& fabric, const net::Policy& policy);

// Sockets that stay in their namespaces wherever they are used.
env::Fd udp_socket(const Place& place, int port);
env::Fd tcp_listener(const Place& place, int port);
env::Fd tcp_socket(const Place& place);
// Whether that worked, at an address in that socket's namespace.
bool connect_to(const env::Fd& socket, const Place& place, int port);

// A VPC of two subnets with the default ACL, as values. Ids have AWS's form and length.
inline const std::string kVpcId = "vpc-0123456789abcdef0";
std::string group_id(int number);
net::VpcSpec vpc_spec();
net::Policy empty_policy();
// Adds group `number`: everything out, and `rules` of one TCP port and one range of addresses each in.
void add_group(net::Policy& policy, int number, int rules);
// The interface `number` of some 16,000, in the subnets alternately, as a spec and in the policy.
net::InterfaceSpec interface_spec(int number);
void add_interface(net::Policy& policy, int number, std::vector<std::string> group_ids);

}  // namespace brume::bench
