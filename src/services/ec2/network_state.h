// The network's desired state: one table a kind of resource, in AWS's own shapes.
//
// Invariants: ids that a record holds lead to records (what is in use cannot be deleted); of every VPC exactly one
// route table has a main association, one ACL is the default and one group is called "default"; every subnet is
// associated with one ACL; an interface's address and its memberships are in `addresses` and `links`. Tags are in
// `tags` only. Answers what controllers and other services ask; changing it is the operations' business
// (network_operations.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ec2/shapes.h"
#include "services/common/context.h"
#include "services/ec2/cidr.h"
#include "services/ec2/tags.h"
#include "store/table.h"

namespace brume::ec2 {

struct VpcRecord {
  Vpc vpc;
  bool dns_support = true;
  bool dns_hostnames = false;
  bool address_usage_metrics = false;
};

// "child is in parent", so that one finds children without looking at every interface: key "<parent>/<child>".
// Parents of an interface: its instance, its security groups; of a load balancer's node also its VPC.
struct Link {
  std::string parent, child;
};

// A public address in use, by its text: an Elastic IP (with an allocation id) or one that an instance has while it
// runs. `address` without tags and instance; the association is also in the interface's record.
struct PublicAddressRecord {
  Address address;
  bool automatic = false;  // goes with its association
};

// A peering between two VPCs; if they lie in two regions, a row in each.
struct PeeringRecord {
  VpcPeeringConnection connection;
  std::optional<brume::Timestamp> ended_at;  // failed, rejected or deleted; still shown for a while
};

// A customer's list of ranges, in its latest version.
struct PrefixListRecord {
  ManagedPrefixList list;
  List<PrefixListEntry> entries;  // canonical, in the order of their ranges
};

// A private address in use, key "<subnet>/<address as ten digits>"; of IPv6 "ipv6/<address>".
struct AddressRecord {
  std::string interface_id;
};

// A load balancer's node that is out of the tables and has yet to leave the kernel (fabric_controller.h). By interface
// id.
struct RemovedNode {
  std::string vpc_id, address;
};

// A flow log, without its tags, and the request that made it, by whose token it is known again.
struct FlowLogRecord {
  FlowLog log;
  std::string client_token, request;
};

// A VPC whose flows are counted: what was delivered of them, by the begin of the period (net/flows.h).
struct FlowCursor {
  std::int64_t delivered = 0;
};

// What load() did once: key "default-vpc".
struct Milestone {
  bool done = false;
};

class NetworkState {
 public:
  explicit NetworkState(services::Context service_context);
  NetworkState(const NetworkState&) = delete;
  NetworkState& operator=(const NetworkState&) = delete;

  // Reads the tables; the first time in a region, makes its default VPC.
  Result<void> load();

  services::Context context;
  Tags tags;
  store::Table<VpcRecord> vpcs;
  store::Table<Subnet> subnets;
  store::Table<InternetGateway> internet_gateways;
  store::Table<EgressOnlyInternetGateway> egress_only_gateways;
  store::Table<RouteTable> route_tables;
  store::Table<NetworkAcl> network_acls;
  store::Table<SecurityGroup> security_groups;           // without their rules
  store::Table<SecurityGroupRule> security_group_rules;  // key "<group>/<rule>"
  store::Table<NetworkInterface> network_interfaces;
  store::Table<DhcpOptions> dhcp_options;
  store::Table<Link> links;
  store::Table<AddressRecord> addresses;
  store::Table<PublicAddressRecord> public_addresses;
  store::Table<NatGateway> nat_gateways;
  store::Table<PeeringRecord> peerings;
  store::Table<PrefixListRecord> prefix_lists;
  store::Table<FlowLogRecord> flow_logs;
  store::Table<FlowCursor> flow_cursors;  // by VPC
  store::Table<RemovedNode> removed_nodes;
  store::Table<Milestone> milestones;

  [[nodiscard]] std::vector<std::string> children(std::string_view parent) const;
  void link(const std::string& parent, const std::string& child);
  void unlink(const std::string& parent, const std::string& child);

  [[nodiscard]] std::vector<const SecurityGroupRule*> rules_of(std::string_view group_id) const;
  [[nodiscard]] const VpcRecord* default_vpc() const;
  [[nodiscard]] const SecurityGroup* group_by_name(std::string_view vpc_id, std::string_view name) const;
  [[nodiscard]] std::vector<const Subnet*> subnets_of(std::string_view vpc_id) const;
  // The table that routes for the subnet: its own, or the VPC's main one.
  [[nodiscard]] const RouteTable* route_table_of(const Subnet& subnet) const;
  [[nodiscard]] const RouteTable* main_route_table(std::string_view vpc_id) const;
  [[nodiscard]] const NetworkAcl* network_acl_of(std::string_view subnet_id) const;
  [[nodiscard]] const NetworkAcl* default_network_acl(std::string_view vpc_id) const;
  [[nodiscard]] const InternetGateway* internet_gateway_of(std::string_view vpc_id) const;

  // The Elastic IP of this allocation.
  [[nodiscard]] const PublicAddressRecord* elastic_ip(std::string_view allocation_id) const;

  // Ranges from which public addresses come, the same for all regions of the machine.
  std::vector<Cidr> public_pool = {{127U << 24 | 8U << 16, 16}};
  // Has the machine's kernel any?
  bool ipv6 = true;
  // All regions of the machine, this one among them: public addresses are unique among them, peerings join them. They
  // share the store, so that a transaction spans them. Set by who puts the regions together.
  std::function<std::vector<NetworkState*>()> regions;
  [[nodiscard]] std::vector<NetworkState*> all_regions() { return regions ? regions() : std::vector{this}; }

  // Tells the listener, once the transaction is durable, that something of the VPC changed (or that it is gone).
  void changed(const std::string& vpc_id);
  std::function<void(const std::string& vpc_id)> on_change;
  std::function<void(const std::string& vpc_id)> on_flow_change;  // the same, for flow_log_controller.h
};

// Who asked for the interfaces that are a load balancer's nodes (those made with a description "ELB …").
inline constexpr const char* kLoadBalancerRequester = "amazon-elb";
// InterfaceType of a NAT gateway's interface.
inline constexpr const char* kNatGatewayInterface = "nat_gateway";
// Is it a load balancer's node rather than an instance's interface?
bool is_node(const NetworkInterface& interface);
// Is something in the VPC that sends packets: an instance's interface or a node?
bool is_used(const NetworkState& state, std::string_view vpc_id);
// A VPC that goes takes its peerings with it (vpc_peering.cc).
void end_peerings(NetworkState& state, const std::string& vpc_id);

}  // namespace brume::ec2

BRUME_RECORD(brume::ec2::VpcRecord, vpc, dns_support, dns_hostnames, address_usage_metrics)
BRUME_RECORD(brume::ec2::Link, parent, child)
BRUME_RECORD(brume::ec2::AddressRecord, interface_id)
BRUME_RECORD(brume::ec2::PublicAddressRecord, address, automatic)
BRUME_RECORD(brume::ec2::PeeringRecord, connection, ended_at)
BRUME_RECORD(brume::ec2::PrefixListRecord, list, entries)
BRUME_RECORD(brume::ec2::RemovedNode, vpc_id, address)
BRUME_RECORD(brume::ec2::FlowLogRecord, log, client_token, request)
BRUME_RECORD(brume::ec2::FlowCursor, delivered)
BRUME_RECORD(brume::ec2::Milestone, done)
