#include "cli/reach_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace brume::cli {
namespace {

using Component = std::optional<ec2::AnalysisComponent>;

std::string name_of(const Component& component) {
  if (!component) return "?";
  const std::string id = component->Id.value_or("?");
  return component->Name ? fmt::format("{} ({})", id, *component->Name) : id;
}

bool is(const Component& component, std::string_view prefix) {
  return component && component->Id && component->Id->starts_with(prefix);
}

// "10.0.0.4", without the prefix of a single address.
std::string address_in(const std::optional<ec2::AnalysisPacketHeader>& header, bool source) {
  if (!header) return "";
  const auto& addresses = source ? header->SourceAddresses : header->DestinationAddresses;
  return addresses.empty() ? "" : addresses[0].substr(0, addresses[0].find('/'));
}

std::string ports_of(const std::optional<ec2::PortRange>& range) {
  if (!range || (range->From == 0 && range->To == 65535)) return "";
  if (range->From == range->To) return fmt::format(" {}", range->From.value_or(0));
  return fmt::format(" {}-{}", range->From.value_or(0), range->To.value_or(0));
}

std::string traffic_of(const ec2::Explanation& why) {
  return fmt::format("{} {}", why.Protocols.empty() ? "" : why.Protocols[0], why.Port.value_or(0));
}

std::string other_side(const ec2::Explanation& why) {
  return why.Addresses.empty() ? "" : why.Addresses[0];
}

std::string target_of(const std::optional<ec2::AnalysisRouteTableRoute>& route) {
  for (const auto* target : {&route->GatewayId, &route->EgressOnlyInternetGatewayId, &route->NatGatewayId,
                             &route->VpcPeeringConnectionId, &route->NetworkInterfaceId, &route->InstanceId})
    if (*target) return **target == "local" ? "the VPC itself" : **target;
  return "nothing";
}

std::string group_line(const ec2::PathComponent& hop) {
  std::string who = name_of(hop.Component);
  for (const ec2::Explanation& why : hop.Explanations) {
    std::vector<std::string> names;
    for (const ec2::AnalysisComponent& group : why.SecurityGroups) names.push_back(name_of(group));
    const bool out = why.Direction == "egress";
    return fmt::format("{}: no rule lets {} {} {}{}", names.empty() ? who : fmt::format("{}", fmt::join(names, ", ")),
                       traffic_of(why), out ? "out to" : "in from", other_side(why),
                       why.ExplanationCode == "SG_HAS_NO_RULES" ? " (there are none at all)" : "");
  }
  if (!hop.SecurityGroupRule) return who;
  const ec2::AnalysisSecurityGroupRule& rule = *hop.SecurityGroupRule;
  std::string id;
  for (const ec2::AdditionalDetail& detail : hop.AdditionalDetails)
    if (detail.Component && detail.Component->Id) id = " " + *detail.Component->Id;
  const bool out = rule.Direction == "egress";
  const std::string other = rule.Cidr              ? *rule.Cidr
                            : rule.PrefixListId    ? *rule.PrefixListId
                            : rule.SecurityGroupId ? *rule.SecurityGroupId
                                                   : "anybody";
  return fmt::format("{}: rule{} lets {}{} {} {}", who, id, rule.Protocol.value_or("all"), ports_of(rule.PortRange),
                     out ? "out to" : "in from", other);
}

std::string acl_line(const ec2::PathComponent& hop) {
  std::string who = name_of(hop.Component);
  if (!hop.AclRule) return who;
  const ec2::AnalysisAclRule& rule = *hop.AclRule;
  const bool out = rule.Egress.value_or(false);
  if (rule.RuleNumber == 32767 && !hop.Explanations.empty()) {
    const ec2::Explanation& why = hop.Explanations[0];
    return fmt::format("{}: no entry lets {} {} {}, and the last one (*) denies", who, traffic_of(why),
                       out ? "out to" : "in from", other_side(why));
  }
  const bool allows = rule.RuleAction == "allow";
  std::string line = fmt::format("{}: entry {} {} {}{} {} {}", who, rule.RuleNumber.value_or(0),
                                 allows ? "lets" : "denies", rule.Protocol.value_or("all"), ports_of(rule.PortRange),
                                 out ? "out to" : "in from", rule.Cidr.value_or("anybody"));
  return line;
}

std::string route_line(const ec2::PathComponent& hop) {
  const std::string who = hop.Component ? name_of(hop.Component) : "the subnet's route table";
  const std::string code = hop.Explanations.empty() ? "" : hop.Explanations[0].ExplanationCode.value_or("");
  const std::string to = hop.Explanations.empty() ? "" : other_side(hop.Explanations[0]);
  if (!hop.RouteTableRoute) return fmt::format("{}: no route to {}", who, to);
  const std::string route =
      fmt::format("{} to {}", hop.RouteTableRoute->DestinationCidr.value_or("?"), target_of(hop.RouteTableRoute));
  if (code == "BAD_STATE_ROUTE")
    return fmt::format("{}: the route for {} leads nowhere: its target is gone or not in use (blackhole)", who, route);
  if (code == "NO_ROUTE_TO_DESTINATION")
    return fmt::format("{}: the route for {} is not the way to {}", who, route, to);
  if (code == "NO_POSSIBLE_DESTINATION") return fmt::format("{}: routes {}, where nobody takes {}", who, route, to);
  return fmt::format("{}: routes {}", who, route);
}

std::string gateway_line(const ec2::PathComponent& hop) {
  std::string who = name_of(hop.Component);
  for (const bool source : {true, false}) {
    const std::string before = address_in(hop.InboundHeader, source), after = address_in(hop.OutboundHeader, source);
    if (!before.empty() && !after.empty() && before != after)
      return fmt::format("{}: {} becomes {}", who, before, after);
  }
  return who;
}

std::string interface_line(const ec2::PathComponent& hop) {
  std::string line = name_of(hop.Component);
  if (hop.Subnet) line += " in " + name_of(hop.Subnet);
  return line;
}

// Codes whose meaning is not in the line of their hop, by what the mend is.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kReasons = {{
    {"ENI_SOURCE_DEST_CHECK_RESTRICTION", "the address is not its own, and its source/destination check is on"},
    {"IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", "the sender has no public address to go out with"},
    {"IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS", "the destination has no public address to be reached at"},
    {"IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS", "private addresses do not leave through an internet gateway"},
    {"IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS", "shared addresses do not leave through an internet gateway"},
    {"IGW_NAT_REFLECTION", "the way leads out and in again; ask for each half: to the internet, and from it"},
    {"NGW_REQUIRES_SOURCE_IN_VPC", "a NAT gateway serves its own VPC only"},
    {"PCX_REQUIRES_ADDRESS_IN_VPC_CIDR", "a peering carries only what goes from one of its VPCs to the other"},
    {"NO_POSSIBLE_DESTINATION", "there is nobody that the packet could be for"},
    {"NO_ROUTE_TO_DESTINATION", "the way does not lead to the destination"},
    {"BAD_STATE_ATTACHMENT", "it is not attached"},
    {"BAD_STATE_ROUTE", "it is gone"},
    {"DISCONNECTED_VPCS", "source and destination are in VPCs that no active peering joins"},
    {"NO_SOURCE_OR_DESTINATION", "it is not there (any more)"},
    {"UNASSOCIATED_COMPONENT", "it is not in a VPC: terminated, or not attached"},
    {"UNSUPPORTED_COMPONENT",
     "it is the resolver, the metadata service or a gateway: groups, ACLs and routes do not decide"},
    {"UNKNOWN_RESOURCE", "what lies beyond it is not known"},
    {"NO_PATH", "there is no way between two such ends"},
    {"FILTER_AT_DESTINATION_DESTINATION_ADDRESS", "no packet arrives with that destination address"},
    {"FILTER_AT_DESTINATION_DESTINATION_PORT_RANGE", "no packet arrives with such a destination port"},
    {"FILTER_AT_DESTINATION_SOURCE_PORT_RANGE", "no packet arrives with such a source port"},
    {"BAD_STATE", "it is not in service"},
}};

std::string reason_of(const ec2::Explanation& why) {
  std::string code = why.ExplanationCode.value_or("");
  if (code == "BAD_STATE" && why.State) return "it is " + *why.State;
  for (const auto& [known, reason] : kReasons)
    if (known == code) return std::string(reason);
  return code;
}

std::string line_of(const ec2::PathComponent& hop) {
  const Component& component = hop.Component;
  if (is(component, "sg-")) return group_line(hop);
  if (is(component, "acl-")) return acl_line(hop);
  if (is(component, "rtb-") || !component) return route_line(hop);
  std::string line = is(component, "eni-") ? interface_line(hop) : gateway_line(hop);
  for (const ec2::Explanation& why : hop.Explanations) line += ": " + reason_of(why);
  return line;
}

void add_lines(std::string& text, const List<ec2::PathComponent>& hops) {
  for (const ec2::PathComponent& hop : hops)
    text += fmt::format("  {} {}\n", hop.Explanations.empty() ? "✓" : "✗", line_of(hop));
}

bool is_blocked(const List<ec2::PathComponent>& hops) {
  return std::ranges::any_of(hops, [](const ec2::PathComponent& hop) { return !hop.Explanations.empty(); });
}

}  // namespace

std::string in_words(const ec2::NetworkInsightsAnalysis& analysis, const std::string& title) {
  std::string text = title + "\n";
  add_lines(text, analysis.ForwardPathComponents);
  if (is_blocked(analysis.ReturnPathComponents)) {
    text += "  and the reply:\n";
    add_lines(text, analysis.ReturnPathComponents);
  } else if (!analysis.ReturnPathComponents.empty()) {
    text += "  ✓ replies come back\n";
  }
  std::size_t shown = 0;
  for (const auto* hops : {&analysis.ForwardPathComponents, &analysis.ReturnPathComponents})
    for (const ec2::PathComponent& hop : *hops) shown += hop.Explanations.size();
  for (std::size_t i = shown; i < analysis.Explanations.size(); ++i)
    text +=
        fmt::format("  ✗ {}: {}\n", name_of(analysis.Explanations[i].Component), reason_of(analysis.Explanations[i]));
  if (analysis.WarningMessage) text += fmt::format("  ! {}\n", *analysis.WarningMessage);
  if (analysis.StatusMessage) text += fmt::format("  ! {}\n", *analysis.StatusMessage);
  constexpr std::array<std::string_view, 3> verdicts = {"Reachable", "Not reachable", "Could not tell"};
  return text + std::string(verdicts[std::size_t(exit_status(analysis))]) + "\n";
}

int exit_status(const ec2::NetworkInsightsAnalysis& analysis) {
  const bool unsupported = std::ranges::any_of(analysis.Explanations, [](const ec2::Explanation& why) {
    return why.ExplanationCode == "UNSUPPORTED_COMPONENT";
  });
  if (!analysis.NetworkPathFound || unsupported) return 2;
  return *analysis.NetworkPathFound ? 0 : 1;
}

}  // namespace brume::cli
