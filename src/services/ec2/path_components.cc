#include "services/ec2/path_components.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

#include "services/common/ids.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/protocol.h"
#include "services/ec2/route.h"

namespace brume::ec2 {
namespace {

constexpr std::array<const ResourceKind*, 13> kKinds = {
    &kInstance,   &kNetworkInterface, &kSecurityGroup,     &kSecurityGroupRule, &kNetworkAcl, &kRouteTable,
    &kVpcPeering, &kInternetGateway,  &kEgressOnlyGateway, &kNatGateway,        &kSubnet,     &kVpc,
    &kPrefixList};

AnalysisComponent component_of(const NetworkState& region, const std::string& id) {
  AnalysisComponent component{.Id = id};
  for (const ResourceKind* kind : kKinds)
    if (id.starts_with(std::string(kind->prefix) + "-"))
      component.Arn = services::arn("ec2", region.context.region, fmt::format("{}/{}", kind->type, id));
  for (const Tag& tag : region.tags.of(id))
    if (tag.Key == "Name") component.Name = tag.Value;
  return component;
}

std::string block_of(const std::string& address) {
  if (address.find('/') != std::string::npos) return address;
  return address + (address.find(':') == std::string::npos ? "/32" : "/128");
}

std::string protocol_text(const std::string& protocol) {
  return protocol == "-1" ? "all" : protocol_name(protocol_number(protocol).value_or(-1));
}

// One way's hops, in AWS's shapes.
class Way {
 public:
  Way(NetworkState& state, const net::ReachQuestion& question, const net::Reachability& found, bool back)
      : state_(state), question_(question), found_(found), back_(back) {}

  List<PathComponent> components(const std::vector<net::Hop>& hops) {
    List<PathComponent> all;
    const net::Hop* before = nullptr;
    for (const net::Hop& hop : hops) {
      const bool first = &hop == &hops.front(), last = &hop == &hops.back();
      PathComponent component = of(hop);
      if (first) component.OutboundHeader = header(hop);
      if (last) component.InboundHeader = header(before ? *before : hop);
      if (before && (before->source != hop.source || before->destination != hop.destination)) {
        component.InboundHeader = header(*before);
        component.OutboundHeader = header(hop);
      }
      std::optional<AnalysisComponent> instance = component.AttachedTo;
      if (first && instance) add(all, {.Component = instance, .OutboundHeader = header(hop)});
      add(all, std::move(component));
      if (last && !first && instance && hop.code.empty())
        add(all, {.Component = instance, .InboundHeader = header(hop)});
      before = &hop;
    }
    return all;
  }

 private:
  static void add(List<PathComponent>& all, PathComponent component) {
    component.SequenceNumber = int(all.size()) + 1;
    component.AdditionalDetails.set_present();
    component.Explanations.set_present();
    all.push_back(std::move(component));
  }

  const NetworkState& region_of(const net::Hop& hop) const {
    for (const NetworkState* region : state_.all_regions())
      if (region->vpcs.contains(hop.vpc_id)) return *region;
    return state_;
  }

  // A packet that stands for every one from or to the internet has an address of no meaning.
  std::string shown(const std::string& address) const {
    const auto stands_for_all = [&](const net::Place& place, const std::string& tried) {
      return place.kind == net::PlaceKind::internet_gateway && place.address.empty() && tried == address &&
             !found_.only_some_addresses;
    };
    return stands_for_all(question_.from, found_.source) || stands_for_all(question_.to, found_.destination)
               ? "0.0.0.0/0"
               : address;
  }

  AnalysisPacketHeader header(const net::Hop& hop) const {
    AnalysisPacketHeader shape;
    if (!hop.source.empty()) shape.SourceAddresses = {block_of(shown(hop.source))};
    if (!hop.destination.empty()) shape.DestinationAddresses = {block_of(shown(hop.destination))};
    shape.Protocol = std::to_string(question_.protocol);
    const PortRange port{.From = found_.port, .To = found_.port};
    PortRange client{.From = question_.source_ports.from, .To = question_.source_ports.to};
    if (back_) client = {.From = found_.reply_port, .To = found_.reply_port};
    shape.SourcePortRanges = {back_ ? port : client};
    shape.DestinationPortRanges = {back_ ? client : port};
    return shape;
  }

  PathComponent of(const net::Hop& hop) const {
    const NetworkState& region = region_of(hop);
    PathComponent shape;
    Explanation why{.Direction = hop.egress ? "egress" : "ingress", .ExplanationCode = hop.code};
    const AnalysisComponent vpc = component_of(region, hop.vpc_id);
    why.Vpc = vpc;
    if (!hop.id.empty()) shape.Component = component_of(region, hop.id);
    switch (hop.kind) {
      case net::HopKind::interface:
        interface(region, hop, shape, why);
        break;
      case net::HopKind::groups:
        groups(region, hop, shape, why);
        break;
      case net::HopKind::acl:
        acl(region, hop, shape, why);
        break;
      case net::HopKind::route_table:
        route_table(region, hop, shape, why);
        break;
      case net::HopKind::internet_gateway:
        if (const InternetGateway* gateway = region.internet_gateway_of(hop.vpc_id); gateway && hop.id.empty())
          shape.Component = component_of(region, *gateway->InternetGatewayId);
        why.InternetGateway = shape.Component;
        why.Addresses = {shown(hop.egress ? hop.source : hop.destination)};
        shape.Vpc = vpc;
        break;
      case net::HopKind::nat_gateway:
        why.NatGateway = shape.Component;
        shape.Vpc = vpc;
        break;
      case net::HopKind::peering:
        peering(region, hop, shape);
        why.VpcPeeringConnection = shape.Component;
        break;
    }
    why.Component = shape.Component;
    if (!hop.code.empty()) shape.Explanations.push_back(std::move(why));
    return shape;
  }

  void interface(const NetworkState& region, const net::Hop& hop, PathComponent& shape, Explanation& why) const {
    shape.Vpc = component_of(region, hop.vpc_id);
    why.NetworkInterface = shape.Component;
    why.Addresses = {shown(hop.egress ? hop.source : hop.destination)};
    const NetworkInterface* record = region.network_interfaces.find(hop.id);
    if (!record) return;
    shape.Subnet = component_of(region, *record->SubnetId);
    if (record->Attachment && record->Attachment->InstanceId)
      shape.AttachedTo = component_of(region, *record->Attachment->InstanceId);
  }

  void groups(const NetworkState& region, const net::Hop& hop, PathComponent& shape, Explanation& why) const {
    why.NetworkInterface = component_of(region, hop.interface_id);
    why.Addresses = {shown(hop.egress ? hop.destination : hop.source)};
    why.Protocols = {protocol_name(question_.protocol)};
    why.Port = found_.port;
    if (const NetworkInterface* record = region.network_interfaces.find(hop.interface_id))
      for (const GroupIdentifier& group : record->Groups)
        why.SecurityGroups.push_back(component_of(region, *group.GroupId));
    if (!shape.Component && !why.SecurityGroups.empty()) shape.Component = why.SecurityGroups[0];
    why.SecurityGroup = shape.Component;
    const SecurityGroupRule* rule = region.security_group_rules.find(hop.id + "/" + hop.rule);
    if (!rule) return;
    AnalysisSecurityGroupRule& as = shape.SecurityGroupRule.emplace();
    as.Direction = hop.egress ? "egress" : "ingress";
    as.Protocol = protocol_text(rule->IpProtocol.value_or("-1"));
    as.Cidr = rule->CidrIpv4 ? rule->CidrIpv4 : rule->CidrIpv6;
    as.PrefixListId = rule->PrefixListId;
    if (rule->ReferencedGroupInfo) as.SecurityGroupId = rule->ReferencedGroupInfo->GroupId;
    if (rule->FromPort.value_or(-1) >= 0) as.PortRange = PortRange{.From = rule->FromPort, .To = rule->ToPort};
    shape.AdditionalDetails.push_back(
        {.AdditionalDetailType = "SECURITY_GROUP_RULE", .Component = component_of(region, hop.rule)});
  }

  void acl(const NetworkState& region, const net::Hop& hop, PathComponent& shape, Explanation& why) const {
    AnalysisAclRule& as = shape.AclRule.emplace();
    as.Egress = hop.egress;
    as.RuleNumber = hop.rule == "*" ? 32767 : std::atoi(hop.rule.c_str());
    as.RuleAction = "deny";
    as.Protocol = "all";
    as.Cidr = hop.source.find(':') == std::string::npos ? "0.0.0.0/0" : "::/0";
    if (const NetworkAcl* record = region.network_acls.find(hop.id))
      for (const NetworkAclEntry& entry : record->Entries) {
        if (entry.RuleNumber != *as.RuleNumber || entry.Egress.value_or(false) != hop.egress) continue;
        as.RuleAction = entry.RuleAction;
        as.Protocol = protocol_text(entry.Protocol.value_or("-1"));
        as.Cidr = entry.CidrBlock ? entry.CidrBlock : entry.Ipv6CidrBlock;
        if (entry.PortRange) as.PortRange = PortRange{.From = entry.PortRange->From, .To = entry.PortRange->To};
      }
    why.Acl = shape.Component;
    why.AclRule = shape.AclRule;
    why.Addresses = {shown(hop.egress ? hop.destination : hop.source)};
    why.Protocols = {protocol_name(question_.protocol)};
    why.Port = back_ ? found_.reply_port : found_.port;
    if (const NetworkInterface* record = region.network_interfaces.find(hop.interface_id))
      why.Subnet = component_of(region, *record->SubnetId);
    if (const NatGateway* record = region.nat_gateways.find(hop.interface_id))
      why.Subnet = component_of(region, *record->SubnetId);
  }

  static bool leads_to(const NetworkState& region, const Route& route, const std::string& destination) {
    if (route.DestinationCidrBlock == destination || route.DestinationIpv6CidrBlock == destination) return true;
    const PrefixListRecord* list =
        route.DestinationPrefixListId ? region.prefix_lists.find(*route.DestinationPrefixListId) : nullptr;
    return list &&
           std::ranges::any_of(list->entries, [&](const PrefixListEntry& entry) { return entry.Cidr == destination; });
  }

  void route_table(const NetworkState& region, const net::Hop& hop, PathComponent& shape, Explanation& why) const {
    why.RouteTable = shape.Component;
    why.Addresses = {shown(hop.destination)};
    const RouteTable* table = region.route_tables.find(hop.id);
    if (!table || hop.rule.empty()) return;
    AnalysisRouteTableRoute& as = shape.RouteTableRoute.emplace();
    as.DestinationCidr = hop.rule;
    as.State = "active";
    for (const Route& record : table->Routes) {
      if (!leads_to(region, record, hop.rule)) continue;
      const Route route = describe(region, *table, record);
      as.DestinationPrefixListId = route.DestinationPrefixListId;
      as.EgressOnlyInternetGatewayId = route.EgressOnlyInternetGatewayId;
      as.GatewayId = route.GatewayId;
      as.InstanceId = route.InstanceId;
      as.NatGatewayId = route.NatGatewayId;
      as.NetworkInterfaceId = route.NetworkInterfaceId;
      as.VpcPeeringConnectionId = route.VpcPeeringConnectionId;
      as.Origin = route.Origin;
      as.State = route.State;
      break;
    }
    why.RouteTableRoute = shape.RouteTableRoute;
    why.State = hop.target == "blackhole" ? std::optional<std::string>("blackhole") : std::nullopt;
  }

  static void peering(const NetworkState& region, const net::Hop& hop, PathComponent& shape) {
    const PeeringRecord* record = region.peerings.find(hop.id);
    if (!record) return;
    const std::string& requester = *record->connection.RequesterVpcInfo->VpcId;
    const std::string& accepter = *record->connection.AccepterVpcInfo->VpcId;
    const std::string& other = requester == hop.vpc_id ? accepter : requester;
    shape.SourceVpc = component_of(region, hop.egress ? hop.vpc_id : other);
    shape.DestinationVpc = component_of(region, hop.egress ? other : hop.vpc_id);
  }

  NetworkState& state_;
  const net::ReachQuestion& question_;
  const net::Reachability& found_;
  const bool back_;
};

std::string warning_of(const net::ReachQuestion& question, const net::Reachability& found) {
  std::vector<std::string> parts;
  if (!found.reachable) return "";
  if (found.only_some_addresses)
    parts.push_back(
        question.from.address.empty() && question.from.kind != net::PlaceKind::interface ? fmt::format(
                                                                                               "Only from some "
                                                                                               "addresses, such as {}.",
                                                                                               found.source)
                                                                                         : fmt::format(
                                                                                               "Only to some "
                                                                                               "addresses, such as {}.",
                                                                                               found.destination));
  if (found.only_some_ports) parts.push_back(fmt::format("Only to some ports, such as {}.", found.port));
  if (found.only_some_replies)
    parts.push_back(fmt::format("Replies reach only some ports of a client, such as {}.", found.reply_port));
  return fmt::format("{}", fmt::join(parts, " "));
}

}  // namespace

Explanation explanation_of(NetworkState& state, const std::string& code, const std::string& component,
                           const std::string& component_state) {
  Explanation why{.Component = component_of(state, component), .ExplanationCode = code};
  if (!component_state.empty()) why.State = component_state;
  return why;
}

void show_reachability(NetworkState& state, const net::ReachQuestion& question, const net::Reachability& found,
                       NetworkInsightsAnalysis& analysis) {
  analysis.NetworkPathFound = found.reachable;
  analysis.ForwardPathComponents = Way(state, question, found, false).components(found.forward);
  analysis.ReturnPathComponents = Way(state, question, found, true).components(found.back);
  for (const auto* way : {&analysis.ForwardPathComponents, &analysis.ReturnPathComponents})
    for (const PathComponent& component : *way)
      for (const Explanation& why : component.Explanations) analysis.Explanations.push_back(why);
  if (const std::string warning = warning_of(question, found); !warning.empty()) analysis.WarningMessage = warning;
}

}  // namespace brume::ec2
