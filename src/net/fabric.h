// The VPC fabric: network namespaces, links and addresses, as the kernel has them.
//
// A VPC is a network namespace; an instance has one of its own, joined to the VPC's by a routed veth with /32 routes
// (ARCHITECTURE.md, "Network"). The host's own addresses and routes are not touched. Every call is idempotent and
// brings the kernel to what the spec says; a failed call leaves nothing half made. Where a spec has IPv6 and the kernel
// does not: UnsupportedOperation. list() tells what is there after a
// restart.
//
// All calls block briefly (netlink), so make them from a worker (env::Loop::run_blocking); they may run concurrently.
// Leaves to others: choosing addresses (services/ec2), the metadata
// service (metadata_server.h). Implementations: KernelFabric (kernel_fabric.h), SimFabric (sim_fabric.h).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/flows.h"
#include "net/policy.h"
#include "net/routing.h"

namespace brume::net {

struct VpcSpec {
  std::string id;  // vpc-…
  std::vector<std::string>
      subnet_cidrs;  // the first host address of each is the gateway, answered in the VPC namespace
  std::string cidr;  // the primary range: its base + 2 is the resolver's address; empty: only 169.254.169.253 is
  std::vector<std::string> subnet_ipv6_cidrs = {};  // /64 each, with a gateway like the others
  bool operator==(const VpcSpec&) const = default;
};

// An instance's network interface.
struct InterfaceSpec {
  std::string id;  // eni-…
  std::string vpc_id;
  std::string instance_id;  // i-…, whose namespace it lies in
  std::string address;      // private IPv4, "10.0.101.7"
  std::string subnet_cidr;  // "10.0.101.0/24"
  std::string mac;          // "02:…"
  int device_index = 0;     // eth<index>
  // Off: packets from and to addresses that are not its own may pass, as a router needs. Changes without remaking it.
  bool source_dest_check = true;
  // Both may be none, and change without remaking the interface.
  std::vector<std::string> secondary_addresses = {};  // private IPv4, of the same subnet
  std::vector<std::string> ipv6_addresses = {};
  std::string ipv6_cidr = {};  // the subnet's /64, if there are any
  bool operator==(const InterfaceSpec&) const = default;
};

// A load balancer's node: an address inside the VPC namespace itself.
struct NodeSpec {
  std::string id;  // eni-…
  std::string vpc_id;
  std::string address;
  bool operator==(const NodeSpec&) const = default;
};

struct Inventory {
  std::vector<std::string> vpcs;        // vpc ids with a namespace
  std::vector<std::string> instances;   // instance ids with a namespace
  std::vector<std::string> interfaces;  // eni ids of instances
};

class Fabric {
 public:
  virtual ~Fabric() = default;

  virtual Result<void> ensure_vpc(const VpcSpec& spec) = 0;
  // With all that is in it.
  virtual Result<void> remove_vpc(const std::string& vpc_id) = 0;
  // Makes the instance's namespace too. The VPC must be there.
  virtual Result<void> ensure_interface(const InterfaceSpec& spec) = 0;
  virtual Result<void> remove_interface(const std::string& interface_id, const std::string& vpc_id) = 0;
  virtual Result<void> remove_instance(const std::string& instance_id) = 0;
  virtual Result<void> ensure_node(const NodeSpec& spec) = 0;
  virtual Result<void> remove_node(const NodeSpec& spec) = 0;
  // From now on the VPC's packets are judged by these rules, all at once; connections that both allow are not touched.
  // What no interface of the policy sends or receives is dropped. The VPC must be there.
  virtual Result<void> enforce(const Policy& policy) = 0;
  // From now on the VPC's packets follow these tables, gateways and addresses; those of connections that both allow are
  // not touched. A failed call takes back what it made. A route to an interface (without source check) or a peer VPC
  // that is not there drops: call again once it has come. Answers the peers that are not there. The VPC must be.
  virtual Result<std::vector<std::string>> route(const Routing& routing) = 0;
  // From now on the packets of these interfaces, and no others, are counted by flow; where none were before, in a
  // period that begins `now` (seconds since the epoch). Periods that began no later than `delivered` are dropped, but
  // for the one under way. Answers the begin of that one. The VPC must be there, unless the watch has no interfaces.
  virtual Result<std::int64_t> watch_flows(const FlowWatch& watch, std::int64_t now, std::int64_t delivered) = 0;
  // Closes the period under way and answers what was counted in it of the watch's interfaces; another begins `now`, or
  // a second after the last began. If there are periods that were closed before, answers those and closes none. Tells
  // the same until watch_flows() drops them. None are there if nothing is watched.
  virtual Result<std::vector<FlowPeriod>> collect_flows(const FlowWatch& watch, std::int64_t now) = 0;
  virtual Result<Inventory> list() = 0;

  // Paths of the bind-mounted namespaces, whether or not they are there yet.
  [[nodiscard]] virtual std::string vpc_namespace(const std::string& vpc_id) const = 0;
  [[nodiscard]] virtual std::string instance_namespace(const std::string& instance_id) const = 0;
};

}  // namespace brume::net
