#include "services/ec2/reachability_question.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "net/route_lookup.h"
#include "net/verdict.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/vpc_policy.h"
#include "services/ec2/vpc_routing.h"

namespace brume::ec2 {
namespace {

class Asking {
 public:
  Asking(NetworkState& state, const NetworkInsightsPath& path) : state_(state), path_(path) {}

  ReachabilityQuestions run() {
    const std::vector<net::Place> sources = places(*path_.Source);
    const std::vector<net::Place> destinations =
        path_.Destination ? places(*path_.Destination)
                          : std::vector<net::Place>{{.kind = net::PlaceKind::address, .id = "", .vpc_id = ""}};
    if (!asked_.code.empty()) return std::move(asked_);
    for (const net::Place& from : sources)
      for (const net::Place& to : destinations) ask(from, to);
    if (asked_.questions.empty() && asked_.code.empty()) refuse("NO_PATH", *path_.Source);
    return std::move(asked_);
  }

 private:
  void refuse(std::string code, std::string component, std::string state = "") {
    if (!asked_.code.empty()) return;
    asked_.code = std::move(code);
    asked_.component = std::move(component);
    asked_.state = std::move(state);
  }

  std::vector<net::Place> places(const std::string& id) {
    std::vector<net::Place> found;
    if (id.starts_with("i-")) {
      for (const NetworkInterface* interface : interfaces_of(state_, id)) found.push_back(place_of(*interface));
      if (found.empty()) refuse("UNASSOCIATED_COMPONENT", id);
    } else if (id.starts_with("eni-")) {
      if (const NetworkInterface* interface = state_.network_interfaces.find(id))
        found.push_back(place_of(*interface));
      else
        refuse("NO_SOURCE_OR_DESTINATION", id);
    } else if (id.starts_with("igw-")) {
      const InternetGateway* gateway = state_.internet_gateways.find(id);
      if (!gateway)
        refuse("NO_SOURCE_OR_DESTINATION", id);
      else if (gateway->Attachments.empty())
        refuse("UNASSOCIATED_COMPONENT", id);
      else
        found.push_back({.kind = net::PlaceKind::internet_gateway, .vpc_id = *gateway->Attachments[0].VpcId});
    } else {
      const PeeringRecord* peering = state_.peerings.find(id);
      if (!peering)
        refuse("NO_SOURCE_OR_DESTINATION", id);
      else if (peering->connection.Status->Code != "active")
        refuse("BAD_STATE", id, *peering->connection.Status->Code);
      else
        found.push_back({.kind = net::PlaceKind::peering, .id = id});  // on which side: ask()
    }
    for (const net::Place& place : found) add_vpcs(place.vpc_id);
    return found;
  }

  net::Place place_of(const NetworkInterface& interface) {
    const std::string& id = *interface.NetworkInterfaceId;
    if (interface.InterfaceType == kNatGatewayInterface) refuse("UNSUPPORTED_COMPONENT", id);
    add_vpcs(*interface.VpcId);
    if (!interface.Attachment) {
      asked_.vpcs[*interface.VpcId].policy.interfaces.put(id, policy_interface_of(interface));
      asked_.notes.push_back(fmt::format("{} is not attached to an instance.", id));
    }
    return {.kind = net::PlaceKind::interface, .id = id, .vpc_id = *interface.VpcId};
  }

  // The VPC and its peers.
  void add_vpcs(const std::string& vpc_id) {
    if (vpc_id.empty() || !add_vpc(vpc_id)) return;
    for (const net::Peering& peering : asked_.vpcs[vpc_id].routing.peerings) add_vpc(peering.peer_vpc_id);
  }

  bool add_vpc(const std::string& vpc_id) {
    if (asked_.vpcs.contains(vpc_id)) return true;
    for (const NetworkState* region : state_.all_regions()) {
      if (!region->vpcs.contains(vpc_id)) continue;
      net::ReachableVpc& vpc = asked_.vpcs[vpc_id];
      vpc.policy = policy_of(*region, vpc_id);
      vpc.routing = routing_of(*region, vpc_id);
      for (const auto& [id, interface] : region->network_interfaces.rows())
        if (interface.VpcId == vpc_id && interface.SourceDestCheck == false) vpc.routers.insert(id);
      return true;
    }
    return false;
  }

  void ask(net::Place from, net::Place to) {
    net::ReachQuestion question{.from = std::move(from),
                                .to = std::move(to),
                                .protocol = path_.Protocol == "udp" ? 17 : 6,
                                .destination_ports = {},
                                .source_ports = {1024, 65535}};
    question.from.address = path_.SourceIp.value_or("");
    question.to.address = path_.DestinationIp.value_or("");
    if (path_.DestinationPort) question.destination_ports = {*path_.DestinationPort, *path_.DestinationPort};
    if (path_.FilterAtSource) {
      narrow(question, *path_.FilterAtSource);
      if (path_.FilterAtSource->SourceAddress) question.from.address = *path_.FilterAtSource->SourceAddress;
      if (path_.FilterAtSource->DestinationAddress) question.to.address = *path_.FilterAtSource->DestinationAddress;
    }
    if (!place_sides(question)) return;
    if (path_.FilterAtDestination) {
      const net::PortRange at_source = question.source_ports;
      narrow(question, *path_.FilterAtDestination);
      if (path_.FilterAtSource && path_.FilterAtSource->SourcePortRange)
        question.source_ports = {std::max(at_source.from, question.source_ports.from),
                                 std::min(at_source.to, question.source_ports.to)};
      if (path_.FilterAtDestination->DestinationAddress &&
          !meet(question, *path_.FilterAtDestination->DestinationAddress))
        return refuse("FILTER_AT_DESTINATION_DESTINATION_ADDRESS", *path_.Source);
    }
    if (question.destination_ports.from > question.destination_ports.to)
      return refuse("FILTER_AT_DESTINATION_DESTINATION_PORT_RANGE", *path_.Source);
    if (question.source_ports.from > question.source_ports.to)
      return refuse("FILTER_AT_DESTINATION_SOURCE_PORT_RANGE", *path_.Source);
    asked_.questions.push_back(std::move(question));
  }

  // To the ports that the filter names. Ports named for the source replace those that clients take.
  static void narrow(net::ReachQuestion& question, const PathFilter& filter) {
    if (const auto& range = filter.DestinationPortRange)
      question.destination_ports = {std::max(question.destination_ports.from, int(*range->FromPort)),
                                    std::min(question.destination_ports.to, int(*range->ToPort))};
    if (const auto& range = filter.SourcePortRange) question.source_ports = {*range->FromPort, *range->ToPort};
  }

  // Lets the packet have this address when it arrives. False if it cannot.
  bool meet(net::ReachQuestion& question, const std::string& address) const {
    std::string wanted = address;
    if (question.from.kind == net::PlaceKind::internet_gateway) {
      const auto& known = asked_.vpcs.at(question.from.vpc_id).routing.public_addresses;
      const auto found = std::ranges::find(known, address, &net::PublicAddress::private_address);
      if (found != known.end()) wanted = found->address;
    }
    if (!question.to.address.empty() && question.to.address != wanted) return false;
    question.to.address = wanted;
    return true;
  }

  // On which side of a peering the other end of the path is. False if the two have nothing to do with each other.
  bool place_sides(net::ReachQuestion& question) {
    if (question.from.kind == net::PlaceKind::peering && !place_side(question.from, question.to)) return false;
    if (question.to.kind == net::PlaceKind::peering && !place_side(question.to, question.from)) return false;
    add_vpcs(question.from.vpc_id);
    return true;
  }

  bool place_side(net::Place& peering, const net::Place& other) {
    const VpcPeeringConnection& connection = state_.peerings.find(peering.id)->connection;
    for (const auto& side : {connection.RequesterVpcInfo, connection.AccepterVpcInfo}) {
      const std::string& vpc_id = *side->VpcId;
      if (other.kind == net::PlaceKind::interface && other.vpc_id == vpc_id) peering.vpc_id = vpc_id;
      if (other.kind != net::PlaceKind::address || !add_vpc(vpc_id)) continue;
      const auto address = net::parse_ip_block(other.address);
      if (address && net::range_with(asked_.vpcs[vpc_id].routing, *address)) peering.vpc_id = vpc_id;
    }
    if (!peering.vpc_id.empty()) return true;
    refuse(other.kind == net::PlaceKind::interface ? "DISCONNECTED_VPCS" : "NO_PATH", peering.id);
    return false;
  }

  NetworkState& state_;
  const NetworkInsightsPath& path_;
  ReachabilityQuestions asked_;
};

}  // namespace

ReachabilityQuestions questions_of(NetworkState& state, const NetworkInsightsPath& path) {
  return Asking(state, path).run();
}

}  // namespace brume::ec2
