#include "net/reachability.h"

#include <gtest/gtest.h>

#include <random>

#include "net/verdict.h"

namespace brume::net {
namespace {

constexpr Traffic kAll{};
constexpr Traffic tcp(int from, int to) {
  return {6, from, to};
}

NetworkAcl open_acl(const std::string& id) {
  return {id,
          {{100, true, kAll, "0.0.0.0/0", true},
           {100, false, kAll, "0.0.0.0/0", true},
           {101, true, kAll, "::/0", true},
           {101, false, kAll, "::/0", true}}};
}

// Two subnets, public (1) and private (2), and a web and a db interface in each; a peer with one; a NAT gateway.
ReachableVpcs vpcs() {
  ReachableVpc a;
  a.policy.vpc_id = a.routing.vpc_id = "vpc-a";
  a.policy.groups["sg-web"] = {"sg-web",
                               {{"sgr-web-out", true, kAll, "0.0.0.0/0", ""},
                                {"sgr-web-out6", true, kAll, "::/0", ""},
                                {"sgr-http", false, tcp(80, 80), "0.0.0.0/0", ""},
                                {"sgr-self", false, tcp(9000, 9000), "", "sg-web"}}};
  a.policy.groups["sg-db"] = {"sg-db",
                              {{"sgr-db-out", true, kAll, "0.0.0.0/0", ""},
                               {"sgr-pg", false, tcp(5432, 5432), "", "sg-web"},
                               {"sgr-pg6", false, tcp(5432, 5432), "fd00:a:0:1::/64", ""},
                               {"sgr-ssh", false, tcp(22, 22), "203.0.113.0/24", ""}}};
  a.policy.groups["sg-mute"] = {"sg-mute", {{"sgr-any", false, kAll, "0.0.0.0/0", ""}}};
  a.policy.acls["acl-1"] = open_acl("acl-1");
  a.policy.acls["acl-2"] = open_acl("acl-2");
  a.policy.subnet_acls = {{"subnet-1", "acl-1"}, {"subnet-2", "acl-2"}};
  a.policy.interfaces["eni-web"] = {"eni-web", "subnet-1", {"10.0.1.4", "fd00:a:0:1::4"}, {"sg-web"}};
  a.policy.interfaces["eni-web2"] = {"eni-web2", "subnet-1", {"10.0.1.5"}, {"sg-web"}};
  a.policy.interfaces["eni-db"] = {"eni-db", "subnet-2", {"10.0.2.4", "fd00:a:0:2::4"}, {"sg-db"}};
  a.policy.interfaces["eni-mute"] = {"eni-mute", "subnet-1", {"10.0.1.6"}, {"sg-mute"}};
  a.policy.interfaces["eni-router"] = {"eni-router", "subnet-1", {"10.0.1.9"}, {"sg-mute", "sg-web"}};
  a.routers = {"eni-router"};
  a.routing.cidrs = {"10.0.0.0/16", "fd00:a::/48"};
  a.routing.route_tables["rtb-public"] = {{"0.0.0.0/0", RouteTarget::internet_gateway, ""},
                                          {"10.1.0.0/16", RouteTarget::peering, "pcx-1"},
                                          {"198.51.100.0/24", RouteTarget::blackhole, ""}};
  a.routing.route_tables["rtb-private"] = {{"0.0.0.0/0", RouteTarget::nat_gateway, "nat-1"}};
  a.routing.subnet_route_tables = {{"10.0.1.0/24", "rtb-public"},
                                   {"fd00:a:0:1::/64", "rtb-public"},
                                   {"10.0.2.0/24", "rtb-private"},
                                   {"fd00:a:0:2::/64", "rtb-private"}};
  a.routing.internet_gateway = true;
  a.routing.public_addresses = {{"127.8.0.4", "10.0.1.4", "eni-web"}, {"127.8.0.9", "10.0.1.9", "eni-router"}};
  a.routing.nat_gateways = {{"nat-1", "subnet-1", "127.8.0.7", "10.0.1.7"}};
  a.routing.peerings = {{"pcx-1", "vpc-b"}};
  ReachableVpc b;
  b.policy.vpc_id = b.routing.vpc_id = "vpc-b";
  b.policy.groups["sg-b"] = {
      "sg-b", {{"sgr-b-out", true, kAll, "0.0.0.0/0", ""}, {"sgr-b-in", false, tcp(80, 80), "10.0.1.0/24", ""}}};
  b.policy.acls["acl-b"] = open_acl("acl-b");
  b.policy.subnet_acls = {{"subnet-b", "acl-b"}};
  b.policy.interfaces["eni-b"] = {"eni-b", "subnet-b", {"10.1.1.4"}, {"sg-b"}};
  b.routing.cidrs = {"10.1.0.0/16"};
  b.routing.route_tables["rtb-b"] = {{"10.0.0.0/16", RouteTarget::peering, "pcx-1"}};
  b.routing.subnet_route_tables = {{"10.1.1.0/24", "rtb-b"}};
  b.routing.peerings = {{"pcx-1", "vpc-a"}};
  return {{"vpc-a", a}, {"vpc-b", b}};
}

Place eni(const std::string& id, const std::string& address = "") {
  return {PlaceKind::interface, id, id == "eni-b" ? "vpc-b" : "vpc-a", address};
}
Place igw(const std::string& address = "") {
  return {PlaceKind::internet_gateway, "", "vpc-a", address};
}
Place pcx(const std::string& vpc, const std::string& address = "") {
  return {PlaceKind::peering, "pcx-1", vpc, address};
}
Place whoever(const std::string& address) {
  return {PlaceKind::address, "", "", address};
}
PortRange port(int number) {
  return {number, number};
}

// "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.0.0.0/16 …", "!CODE" behind a hop that stops the packet.
std::string in_short(const std::vector<Hop>& hops) {
  std::string text;
  for (const Hop& hop : hops) {
    std::string word = hop.id;
    if (hop.kind == HopKind::internet_gateway && word.empty()) word = "igw";
    if (hop.kind == HopKind::groups && word.empty()) word = "groups";
    if (!hop.rule.empty()) word += ":" + hop.rule;
    if (!hop.code.empty()) word += "!" + hop.code;
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

struct Case {
  const char* name;
  ReachQuestion question;
  const char* forward;
  const char* back = "";
  void (*change)(ReachableVpcs&) = nullptr;
};

void deny(NetworkAcl& acl, bool egress, const Traffic& traffic, const std::string& cidr) {
  acl.entries.push_back({50, egress, traffic, cidr, false});
}

const Case kCases[] = {
    {"same subnet, by the group itself",
     {eni("eni-web"), eni("eni-web2"), 6, port(9000)},
     "eni-web sg-web:sgr-web-out sg-web:sgr-self eni-web2",
     "eni-web2 eni-web"},
    {"a self reference does not speak for other groups",
     {eni("eni-db"), eni("eni-web"), 6, port(9000)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:10.0.0.0/16 acl-1:100 groups!ENI_SG_RULES_MISMATCH eni-web"},
    {"two subnets, by a group reference",
     {eni("eni-web"), eni("eni-db"), 6, port(5432)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.0.0.0/16 acl-2:100 sg-db:sgr-pg eni-db",
     "eni-db acl-2:100 rtb-private:10.0.0.0/16 acl-1:100 eni-web"},
    {"UDP is not TCP",
     {eni("eni-web"), eni("eni-db"), 17, port(5432)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.0.0.0/16 acl-2:100 groups!ENI_SG_RULES_MISMATCH eni-db"},
    {"no egress rule at all",
     {eni("eni-mute"), eni("eni-web"), 6, port(80)},
     "eni-mute groups!SG_HAS_NO_RULES sg-web:sgr-http eni-web"},
    {"an ACL denies, and the group does not allow: both show",
     {eni("eni-web"), eni("eni-db"), 6, port(5433)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.0.0.0/16 acl-2:50!SUBNET_ACL_RESTRICTION "
     "groups!ENI_SG_RULES_MISMATCH eni-db",
     "",
     [](ReachableVpcs& vpcs) { deny(vpcs["vpc-a"].policy.acls["acl-2"], false, tcp(5433, 5433), "10.0.1.0/24"); }},
    {"no entry of the ACL",
     {eni("eni-web"), eni("eni-db"), 6, port(5432)},
     "eni-web sg-web:sgr-web-out acl-1:*!SUBNET_ACL_RESTRICTION rtb-public:10.0.0.0/16 acl-2:100 sg-db:sgr-pg eni-db",
     "",
     [](ReachableVpcs& vpcs) { vpcs["vpc-a"].policy.acls["acl-1"].entries.clear(); }},
    {"replies' ports denied",
     {eni("eni-web"), eni("eni-db"), 6, port(5432)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.0.0.0/16 acl-2:100 sg-db:sgr-pg eni-db",
     "eni-db acl-2:50!SUBNET_ACL_RESTRICTION rtb-private:10.0.0.0/16 acl-1:100 eni-web",
     [](ReachableVpcs& vpcs) { deny(vpcs["vpc-a"].policy.acls["acl-2"], true, tcp(1024, 65535), "0.0.0.0/0"); }},
    {"some replies' ports are enough",
     {eni("eni-web"), eni("eni-db"), 6, port(5432)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.0.0.0/16 acl-2:100 sg-db:sgr-pg eni-db",
     "eni-db acl-2:100 rtb-private:10.0.0.0/16 acl-1:100 eni-web",
     [](ReachableVpcs& vpcs) { deny(vpcs["vpc-a"].policy.acls["acl-2"], true, tcp(1024, 40000), "0.0.0.0/0"); }},
    {"IPv6 by CIDR",
     {eni("eni-web", "fd00:a:0:1::4"), eni("eni-db"), 6, port(5432)},
     "eni-web sg-web:sgr-web-out6 acl-1:101 rtb-public:fd00:a::/48 acl-2:101 sg-db:sgr-pg eni-db",
     "eni-db acl-2:101 rtb-private:fd00:a::/48 acl-1:101 eni-web"},
    {"IPv6, only by CIDR",
     {eni("eni-web", "fd00:a:0:1::4"), eni("eni-db"), 6, port(5432)},
     "eni-web sg-web:sgr-web-out6 acl-1:101 rtb-public:fd00:a::/48 acl-2:101 sg-db:sgr-pg6 eni-db",
     "eni-db acl-2:101 rtb-private:fd00:a::/48 acl-1:101 eni-web",
     [](ReachableVpcs& vpcs) {
       std::erase_if(vpcs["vpc-a"].policy.groups["sg-db"].rules,
                     [](const GroupRule& rule) { return rule.id == "sgr-pg"; });
     }},
    {"IPv6 rules do not speak for IPv4",
     {eni("eni-web"), eni("eni-db"), 6, port(5432)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.0.0.0/16 acl-2:100 groups!ENI_SG_RULES_MISMATCH eni-db",
     "",
     [](ReachableVpcs& vpcs) {
       std::erase_if(vpcs["vpc-a"].policy.groups["sg-db"].rules,
                     [](const GroupRule& rule) { return rule.id == "sgr-pg"; });
     }},
    {"IPv6 out by an egress-only gateway",
     {eni("eni-web"), whoever("2001:db8::1"), 6, port(443)},
     "eni-web sg-web:sgr-web-out6 acl-1:101 rtb-public:::/0 eigw-1",
     "eigw-1 acl-1:101 eni-web",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-a"].routing.internet_gateway = false;
       vpcs["vpc-a"].routing.route_tables["rtb-public"] = {{"::/0", RouteTarget::egress_only_gateway, "eigw-1"}};
     }},
    {"IPv6 in, and no way back by an egress-only gateway",
     {igw("2001:db8::1"), eni("eni-web"), 6, port(80)},
     "igw acl-1:101 sg-web:sgr-http6 eni-web",
     "eni-web acl-1:101 rtb-public:::/0!NO_ROUTE_TO_DESTINATION",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-a"].policy.groups["sg-web"].rules.push_back({"sgr-http6", false, tcp(80, 80), "::/0", ""});
       vpcs["vpc-a"].routing.route_tables["rtb-public"] = {{"::/0", RouteTarget::egress_only_gateway, "eigw-1"}};
     }},
    {"nobody has the address",
     {eni("eni-web"), whoever("10.0.2.99"), 6, port(80)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.0.0.0/16!NO_POSSIBLE_DESTINATION"},
    {"whoever has the address",
     {eni("eni-web"), whoever("10.0.2.4"), 6, port(5432)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.0.0.0/16 acl-2:100 sg-db:sgr-pg eni-db",
     "eni-db acl-2:100 rtb-private:10.0.0.0/16 acl-1:100 eni-web"},
    {"to the internet with a public address",
     {eni("eni-web"), igw(), 6, port(443)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:0.0.0.0/0 igw",
     "igw acl-1:100 eni-web"},
    {"to the internet without one",
     {eni("eni-web2"), igw(), 6, port(443)},
     "eni-web2 sg-web:sgr-web-out acl-1:100 rtb-public:0.0.0.0/0 igw!IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"},
    {"to the internet by NAT",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:100 nat-1 acl-1:100 rtb-public:0.0.0.0/0 igw",
     "igw acl-1:100 nat-1 acl-1:100 acl-2:100 eni-db"},
    {"the NAT gateway has no public address",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:100 nat-1 acl-1:100 rtb-public:0.0.0.0/0 "
     "igw!IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
     "",
     [](ReachableVpcs& vpcs) { vpcs["vpc-a"].routing.nat_gateways[0].public_address.clear(); }},
    {"replies to NAT meet the subnet's ACL",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:100 nat-1 acl-1:100 rtb-public:0.0.0.0/0 igw",
     "igw acl-1:100 nat-1 acl-1:100 acl-2:50!SUBNET_ACL_RESTRICTION eni-db",
     [](ReachableVpcs& vpcs) { deny(vpcs["vpc-a"].policy.acls["acl-2"], false, tcp(1024, 65535), "0.0.0.0/0"); }},
    {"the NAT gateway's subnet lets nothing of the instance in",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:50!SUBNET_ACL_RESTRICTION nat-1 acl-1:100 "
     "rtb-public:0.0.0.0/0 igw",
     "",
     [](ReachableVpcs& vpcs) { deny(vpcs["vpc-a"].policy.acls["acl-1"], false, tcp(443, 443), "10.0.2.4/32"); }},
    {"the NAT gateway's subnet lets nothing out",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:100 nat-1 acl-1:50!SUBNET_ACL_RESTRICTION "
     "rtb-public:0.0.0.0/0 igw",
     "",
     [](ReachableVpcs& vpcs) { deny(vpcs["vpc-a"].policy.acls["acl-1"], true, tcp(443, 443), "8.8.8.8/32"); }},
    {"the NAT gateway's subnet lets no replies in",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:100 nat-1 acl-1:100 rtb-public:0.0.0.0/0 igw",
     "igw acl-1:50!SUBNET_ACL_RESTRICTION nat-1 acl-1:100 acl-2:100 eni-db",
     [](ReachableVpcs& vpcs) { deny(vpcs["vpc-a"].policy.acls["acl-1"], false, tcp(1024, 65535), "8.8.8.8/32"); }},
    {"the NAT gateway's subnet lets no replies out to the instance",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:100 nat-1 acl-1:100 rtb-public:0.0.0.0/0 igw",
     "igw acl-1:100 nat-1 acl-1:50!SUBNET_ACL_RESTRICTION acl-2:100 eni-db",
     [](ReachableVpcs& vpcs) { deny(vpcs["vpc-a"].policy.acls["acl-1"], true, tcp(1024, 65535), "10.0.2.0/24"); }},
    {"no route",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private!NO_ROUTE_TO_DESTINATION",
     "",
     [](ReachableVpcs& vpcs) { vpcs["vpc-a"].routing.route_tables["rtb-private"].clear(); }},
    {"a black hole wins over shorter prefixes",
     {eni("eni-web"), igw("198.51.100.7"), 6, port(443)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:198.51.100.0/24!BAD_STATE_ROUTE"},
    {"private addresses do not leave",
     {eni("eni-web"), whoever("192.168.1.1"), 6, port(443)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:0.0.0.0/0 igw!IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"},
    {"loopback is the instance itself",
     {eni("eni-web2"), whoever("127.8.0.4"), 6, port(80)},
     "eni-web2!NO_POSSIBLE_DESTINATION"},
    {"in from the internet",
     {igw(), eni("eni-web"), 6, port(80)},
     "igw acl-1:100 sg-web:sgr-http eni-web",
     "eni-web acl-1:100 rtb-public:0.0.0.0/0 igw"},
    {"in from the internet, by the public address",
     {igw("127.0.0.1"), whoever("127.8.0.4"), 6, port(80)},
     "igw acl-1:100 sg-web:sgr-http eni-web",
     "eni-web acl-1:100 rtb-public:0.0.0.0/0 igw"},
    {"in to an interface without public address",
     {igw("198.18.0.1"), eni("eni-web2"), 6, port(81)},
     "igw!IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS acl-1:100 groups!ENI_SG_RULES_MISMATCH eni-web2"},
    {"in, and no way back",
     {igw(), eni("eni-web"), 6, port(80)},
     "igw acl-1:100 sg-web:sgr-http eni-web",
     "eni-web acl-1:100 rtb-public!NO_ROUTE_TO_DESTINATION",
     [](ReachableVpcs& vpcs) { vpcs["vpc-a"].routing.route_tables["rtb-public"].clear(); }},
    {"in, and back by another way",
     {igw(), eni("eni-web"), 6, port(80)},
     "igw acl-1:100 sg-web:sgr-http eni-web",
     "eni-web acl-1:100 rtb-public:0.0.0.0/0!NO_ROUTE_TO_DESTINATION",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-a"].routing.route_tables["rtb-public"] = {{"0.0.0.0/0", RouteTarget::nat_gateway, "nat-1"}};
     }},
    {"a peering, both ways",
     {eni("eni-web"), eni("eni-b"), 6, port(80)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.1.0.0/16 pcx-1 acl-b:100 sg-b:sgr-b-in eni-b",
     "eni-b acl-b:100 rtb-b:10.0.0.0/16 pcx-1 acl-1:100 eni-web"},
    {"a peer's group",
     {eni("eni-web"), eni("eni-b"), 6, port(81)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.1.0.0/16 pcx-1 acl-b:100 sg-b:sgr-b-web eni-b",
     "eni-b acl-b:100 rtb-b:10.0.0.0/16 pcx-1 acl-1:100 eni-web",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-b"].policy.groups["sg-b"].rules.push_back({"sgr-b-web", false, tcp(81, 81), "", "sg-web"});
       vpcs["vpc-b"].policy.peer_groups["sg-web"] = {"pcx-1", {"10.0.1.4", "10.0.1.5"}};
     }},
    {"a peer's group, of another peering",
     {eni("eni-web"), eni("eni-b"), 6, port(81)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.1.0.0/16 pcx-1 acl-b:100 groups!ENI_SG_RULES_MISMATCH eni-b",
     "",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-b"].policy.groups["sg-b"].rules.push_back({"sgr-b-web", false, tcp(81, 81), "", "sg-web"});
       vpcs["vpc-b"].policy.peer_groups["sg-web"] = {"pcx-2", {"10.0.1.4", "10.0.1.5"}};
     }},
    {"out to a peer's group only",
     {eni("eni-web"), eni("eni-b"), 6, port(80)},
     "eni-web sg-web:sgr-to-b acl-1:100 rtb-public:10.1.0.0/16 pcx-1 acl-b:100 sg-b:sgr-b-in eni-b",
     "eni-b acl-b:100 rtb-b:10.0.0.0/16 pcx-1 acl-1:100 eni-web",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-a"].policy.groups["sg-web"].rules = {{"sgr-to-b", true, kAll, "", "sg-b"}};
       vpcs["vpc-a"].policy.peer_groups["sg-b"] = {"pcx-1", {"10.1.1.4"}};
     }},
    {"from the peering, from a member of a peer's group",
     {pcx("vpc-b"), eni("eni-b"), 6, port(81)},
     "pcx-1 acl-b:100 sg-b:sgr-b-web eni-b",
     "eni-b acl-b:100 rtb-b:10.0.0.0/16 pcx-1",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-b"].policy.groups["sg-b"].rules.push_back({"sgr-b-web", false, tcp(81, 81), "", "sg-web"});
       vpcs["vpc-b"].policy.peer_groups["sg-web"] = {"pcx-1", {"10.0.1.5"}};
     }},
    {"a peering without a route back",
     {eni("eni-web"), eni("eni-b"), 6, port(80)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.1.0.0/16 pcx-1 acl-b:100 sg-b:sgr-b-in eni-b",
     "eni-b acl-b:100 rtb-b!NO_ROUTE_TO_DESTINATION",
     [](ReachableVpcs& vpcs) { vpcs["vpc-b"].routing.route_tables["rtb-b"].clear(); }},
    {"a peering without a route",
     {eni("eni-db"), eni("eni-b"), 6, port(80)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:100 nat-1 acl-1:100 "
     "rtb-public:10.1.0.0/16!NO_POSSIBLE_DESTINATION"},
    {"as far as the peering",
     {eni("eni-web"), pcx("vpc-a"), 6, port(80)},
     "eni-web sg-web:sgr-web-out acl-1:100 rtb-public:10.1.0.0/16 pcx-1",
     "pcx-1 acl-1:100 eni-web"},
    {"from the peering, from an address that is allowed",
     {pcx("vpc-b", "10.0.1.4"), eni("eni-b"), 6, port(80)},
     "pcx-1 acl-b:100 sg-b:sgr-b-in eni-b",
     "eni-b acl-b:100 rtb-b:10.0.0.0/16 pcx-1"},
    {"an address that is not the interface's",
     {eni("eni-web", "10.0.9.9"), eni("eni-web2"), 6, port(80)},
     "eni-web!ENI_SOURCE_DEST_CHECK_RESTRICTION sg-web:sgr-web-out sg-web:sgr-http eni-web2"},
    {"by an instance that routes",
     {eni("eni-web2"), whoever("192.0.2.1"), 6, port(443)},
     "eni-web2 sg-web:sgr-web-out rtb-public:192.0.2.0/24 sg-mute:sgr-any eni-router sg-web:sgr-web-out "
     "rtb-public:192.0.2.0/24!NO_POSSIBLE_DESTINATION",
     "",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-a"].routing.route_tables["rtb-public"].push_back(
           {"192.0.2.0/24", RouteTarget::network_interface, "eni-router"});
     }},
    {"by an instance that lends its public address",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:100 sg-mute:sgr-any eni-router "
     "sg-web:sgr-web-out acl-1:100 rtb-public:0.0.0.0/0 igw",
     "igw acl-1:100 eni-router acl-1:100 rtb-public:10.0.0.0/16 acl-2:100 eni-db",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-a"].routing.route_tables["rtb-private"] = {
           {"0.0.0.0/0", RouteTarget::network_interface, "eni-router"}};
     }},
    {"an instance with source check does not route",
     {eni("eni-db"), igw("8.8.8.8"), 6, port(443)},
     "eni-db sg-db:sgr-db-out acl-2:100 rtb-private:0.0.0.0/0 acl-1:100 sg-mute:sgr-any "
     "eni-router!ENI_SOURCE_DEST_CHECK_RESTRICTION",
     "",
     [](ReachableVpcs& vpcs) {
       vpcs["vpc-a"].routers.clear();
       vpcs["vpc-a"].routing.route_tables["rtb-private"] = {
           {"0.0.0.0/0", RouteTarget::network_interface, "eni-router"}};
     }},
};

TEST(ReachabilityTest, TellsEachHopAndWhatDecides) {
  for (const Case& c : kCases) {
    ReachableVpcs world = vpcs();
    if (c.change) c.change(world);
    const Reachability answer = judge_reachability(world, c.question);
    EXPECT_EQ(in_short(answer.forward), c.forward) << c.name;
    EXPECT_EQ(in_short(answer.back), c.back) << c.name;
    const std::string all = in_short(answer.forward) + in_short(answer.back);
    EXPECT_EQ(answer.reachable, answer.code.empty() && all.find('!') == std::string::npos) << c.name;
    EXPECT_TRUE(answer.complete) << c.name;
  }
}

TEST(ReachabilityTest, CodesWithoutAHop) {
  ReachableVpcs world = vpcs();
  EXPECT_EQ(judge_reachability(world, {eni("eni-gone"), eni("eni-web")}).code, "NO_SOURCE_OR_DESTINATION");
  EXPECT_EQ(judge_reachability(world, {eni("eni-web"), whoever("169.254.169.254")}).code, "UNSUPPORTED_COMPONENT");
  EXPECT_EQ(judge_reachability(world, {eni("eni-web"), whoever("10.0.0.2")}).code, "UNSUPPORTED_COMPONENT");
  world["vpc-a"].routing.peerings.clear();
  EXPECT_EQ(judge_reachability(world, {eni("eni-web"), eni("eni-b")}).code, "DISCONNECTED_VPCS");
}

TEST(ReachabilityTest, AnOpenAddressOrPortIsSearchedFor) {
  ReachableVpcs world = vpcs();
  world["vpc-a"].policy.interfaces["eni-web"].group_ids = {"sg-db"};
  Reachability answer = judge_reachability(world, {igw(), eni("eni-web"), 6, port(22)});
  EXPECT_TRUE(answer.reachable);
  EXPECT_TRUE(answer.only_some_addresses);
  EXPECT_EQ(answer.source, "203.0.113.0");
  EXPECT_EQ(answer.destination, "127.8.0.4");
  answer = judge_reachability(world, {igw("198.51.100.1"), eni("eni-web"), 6, port(22)});
  EXPECT_FALSE(answer.reachable);
  answer = judge_reachability(world, {eni("eni-web2"), eni("eni-db"), 6, {}});
  EXPECT_TRUE(answer.reachable);
  EXPECT_EQ(answer.port, 5432);
  EXPECT_TRUE(answer.only_some_ports);
  EXPECT_FALSE(judge_reachability(world, {eni("eni-web2"), eni("eni-db"), 6, {1, 5431}}).reachable);
  EXPECT_EQ(judge_reachability(world, {pcx("vpc-b"), eni("eni-b"), 6, port(80)}).source, "10.0.1.0");
}

TEST(ReachabilityTest, SaysWhenOnlySomeRepliesPass) {
  ReachableVpcs world = vpcs();
  const ReachQuestion question{eni("eni-web"), eni("eni-db"), 6, port(5432)};
  EXPECT_FALSE(judge_reachability(world, question).only_some_replies);
  NetworkAcl& acl = world["vpc-a"].policy.acls["acl-2"];
  deny(acl, true, tcp(50000, 65535), "0.0.0.0/0");
  const Reachability answer = judge_reachability(world, question);
  EXPECT_TRUE(answer.reachable);
  EXPECT_TRUE(answer.only_some_replies);
  EXPECT_EQ(answer.reply_port, 32768);
  ReachQuestion narrow = question;
  narrow.source_ports = {50000, 50010};
  EXPECT_FALSE(judge_reachability(world, narrow).reachable);
}

// Inside one VPC the first packet fares as verdict.h says, and the reply as it says of ACLs.
TEST(ReachabilityTest, AgreesWithTheReferenceInsideAVpc) {
  std::mt19937 random(20240511);
  const auto pick = [&](int below) { return int(random() % unsigned(below)); };
  const std::vector<std::string> cidrs = {"0.0.0.0/0", "10.0.1.0/24", "10.0.2.0/24", "10.0.1.4/32", "10.0.2.4/30"};
  const auto traffic = [&]() -> Traffic {
    const int from = pick(4);
    return pick(4) == 0 ? Traffic{} : Traffic{pick(2) == 0 ? 6 : 17, from, from + pick(3)};
  };
  int reached = 0;
  for (int round = 0; round < 1000; ++round) {
    ReachableVpcs world;
    ReachableVpc& vpc = world["vpc-a"];
    vpc.routing.cidrs = {"10.0.0.0/16"};
    vpc.routing.subnet_route_tables = {{"10.0.1.0/24", "rtb-1"}, {"10.0.2.0/24", "rtb-1"}};
    int serial = 0;
    for (const std::string group : {"sg-1", "sg-2"}) {
      vpc.policy.groups[group] = {group, {}};
      for (int i = pick(5) + 2; i > 0; --i) {
        GroupRule rule{"sgr-" + std::to_string(++serial), pick(2) == 0, traffic(), cidrs[std::size_t(pick(5))], ""};
        if (pick(3) == 0) {
          rule.cidr.clear();
          rule.group_id = pick(2) == 0 ? "sg-1" : "sg-2";
        }
        vpc.policy.groups[group].rules.push_back(rule);
      }
    }
    for (const std::string acl : {"acl-1", "acl-2"}) {
      vpc.policy.acls[acl] = {acl, {{200, true, {}, "0.0.0.0/0", true}, {200, false, {}, "0.0.0.0/0", true}}};
      for (int i = 1; i <= 3; ++i)
        vpc.policy.acls[acl].entries.push_back({i, pick(2) == 0, traffic(), cidrs[std::size_t(pick(5))], pick(3) != 0});
    }
    vpc.policy.subnet_acls = {{"subnet-1", "acl-1"}, {"subnet-2", "acl-2"}};
    vpc.policy.interfaces["eni-1"] = {"eni-1", "subnet-1", {"10.0.1.4"}, {"sg-1"}};
    vpc.policy.interfaces["eni-2"] = {"eni-2", pick(2) == 0 ? "subnet-1" : "subnet-2", {"10.0.2.4"}, {"sg-2", "sg-1"}};
    if (vpc.policy.interfaces["eni-2"].subnet_id == "subnet-1") vpc.policy.interfaces["eni-2"].addresses = {"10.0.1.7"};
    const std::string there = vpc.policy.interfaces["eni-2"].addresses[0];
    const int protocol = pick(2) == 0 ? 6 : 17, number = pick(6), reply_port = pick(6);
    const Verdict verdict = judge(vpc.policy, {{"eni-1", "10.0.1.4"}, {"eni-2", there}, protocol, number, 0});
    const Verdict reply = judge(vpc.policy, {{"eni-2", there}, {"eni-1", "10.0.1.4"}, protocol, reply_port, 0});
    bool replied = true;
    for (const Decision& decision : reply.decisions)
      if (decision.stage == Stage::acl_out || decision.stage == Stage::acl_in) replied = replied && decision.allowed;
    const Reachability answer =
        judge_reachability(world, {eni("eni-1"), eni("eni-2"), protocol, port(number), port(reply_port)});
    EXPECT_EQ(answer.reachable, verdict.allowed && replied) << round;
    std::vector<std::string> by, said;
    for (const Decision& decision : verdict.decisions) by.push_back(decision.by);
    for (const Hop& hop : answer.forward) {
      if (hop.kind == HopKind::groups) said.push_back(hop.rule);
      if (hop.kind == HopKind::acl) said.push_back(hop.id + " " + hop.rule);
    }
    EXPECT_EQ(said, by) << round;
    reached += answer.reachable ? 1 : 0;
  }
  EXPECT_GT(reached, 100);
  EXPECT_LT(reached, 900);
}

}  // namespace
}  // namespace brume::net
