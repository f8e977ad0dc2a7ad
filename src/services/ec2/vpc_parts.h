// What a VPC and a subnet come with, as AWS makes them. For use inside a transaction.
#pragma once

#include <string>

#include "services/ec2/cidr.h"
#include "services/ec2/network_state.h"
#include "services/ec2/zones.h"

namespace brume::ec2 {

// A VPC with its main route table, default ACL and default group. Answers its id. Leaves checks to the caller.
std::string make_vpc(NetworkState& state, const Cidr& cidr, bool is_default, const std::string& tenancy = "default");
// A subnet, associated with the VPC's default ACL. Answers its id. Leaves checks to the caller.
std::string make_subnet(NetworkState& state, const std::string& vpc_id, const Cidr& cidr, const Zone& zone,
                        bool is_default);
// 172.31.0.0/16 with a /20 subnet in each zone and a way out through an internet gateway. Answers its id.
std::string make_default_vpc(NetworkState& state);

// An ACL's last entries, which nobody can delete: all that no other entry decides is denied.
void add_final_entries(NetworkAcl& acl);
// The same for IPv6, once the VPC has any; nothing if they are there.
void add_final_ipv6_entries(NetworkAcl& acl);
// What a VPC's default ACL gets with its first IPv6 block: all of it is allowed.
void allow_ipv6(NetworkAcl& acl);
// A rule without source, for all protocols and ports. `id` is its own, new.
SecurityGroupRule rule_for_all(NetworkState& state, const SecurityGroup& group, bool egress);
void put_rule(NetworkState& state, const SecurityGroupRule& rule);
// Every VPC of a region that has no options of its own uses these.
std::string default_dhcp_options(NetworkState& state);

}  // namespace brume::ec2
