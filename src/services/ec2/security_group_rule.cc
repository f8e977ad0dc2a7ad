#include "services/ec2/security_group_rule.h"

#include <algorithm>

#include "services/ec2/cidr.h"
#include "services/ec2/protocol.h"

namespace brume::ec2 {
namespace {

constexpr int kMaxRules = 60;
constexpr std::size_t kMaxDescription = 255;

// The rule without a source.
Result<SecurityGroupRule> without_source(const std::optional<std::string>& protocol, std::optional<std::int32_t> from,
                                         std::optional<std::int32_t> to, bool egress) {
  if (!protocol) return fail("MissingParameter", "The request must contain the parameter ipProtocol");
  BRUME_TRY(number, protocol_number(*protocol));
  SecurityGroupRule rule{.IsEgress = egress, .IpProtocol = protocol_name(number), .FromPort = -1, .ToPort = -1};
  switch (number) {
    case 6:
    case 17:
      if (!from || !to) return fail("MissingParameter", "The request must contain the parameters fromPort and toPort");
      for (const std::int32_t port : {*from, *to})
        if (port < 0 || port > 65535) return fail("InvalidParameterValue", "TCP/UDP port ({}) out of range", port);
      if (*from > *to) return fail("InvalidParameterValue", "Invalid TCP/UDP port range ({}:{})", *from, *to);
      break;
    case 1:
    case 58:
      for (const std::int32_t part : {from.value_or(-1), to.value_or(-1)})
        if (part < -1 || part > 255) return fail("InvalidParameterValue", "ICMP code ({}) out of range", part);
      if (from.value_or(-1) == -1 && to.value_or(-1) != -1)
        return fail("InvalidParameterValue", "ICMP code ({}) cannot be given for all ICMP types", *to);
      break;
    default:
      return rule;  // all ports, whatever was given
  }
  rule.FromPort = from.value_or(-1);
  rule.ToPort = to.value_or(-1);
  return rule;
}

Result<std::string> ipv4_range(const std::string& text) {
  if (const auto cidr = parse_cidr(text)) return format_cidr(*cidr);
  return fail("InvalidParameterValue", "CIDR block {} is malformed", text);
}

Result<std::string> ipv6_range(const std::string& text) {
  if (auto cidr = canonical_ipv6_cidr(text)) return *std::move(cidr);
  return fail("InvalidParameterValue", "CIDR block {} is malformed", text);
}

// AWS: letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*
Result<void> describe_as(SecurityGroupRule& rule, const std::optional<std::string>& description) {
  if (!description) return {};
  constexpr std::string_view others = " ._-:/()#,@[]+=&;{}!$*";
  const bool fits = description->size() <= kMaxDescription && std::ranges::all_of(*description, [&](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                             others.find(c) != std::string_view::npos;
                    });
  if (!fits)
    return fail("InvalidParameterValue",
                "Invalid rule description. Valid descriptions are strings less than 256 characters from the following "
                "set:  a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$*");
  if (!description->empty()) rule.Description = description;
  return {};
}

std::string source_of(const SecurityGroupRule& rule) {
  if (rule.CidrIpv4) return *rule.CidrIpv4;
  if (rule.CidrIpv6) return *rule.CidrIpv6;
  if (rule.PrefixListId) return *rule.PrefixListId;
  return rule.ReferencedGroupInfo ? rule.ReferencedGroupInfo->GroupId.value_or("") : "";
}

}  // namespace

Result<std::vector<SecurityGroupRule>> rules_of_permission(const IpPermission& permission, bool egress) {
  BRUME_TRY(common, without_source(permission.IpProtocol, permission.FromPort, permission.ToPort, egress));
  std::vector<SecurityGroupRule> rules;
  const auto add = [&](const std::optional<std::string>& description) -> Result<SecurityGroupRule*> {
    rules.push_back(common);
    BRUME_CHECK(describe_as(rules.back(), description));
    return &rules.back();
  };
  for (const IpRange& range : permission.IpRanges) {
    BRUME_TRY(cidr, ipv4_range(range.CidrIp.value_or("")));
    BRUME_TRY(rule, add(range.Description));
    rule->CidrIpv4 = cidr;
  }
  for (const Ipv6Range& range : permission.Ipv6Ranges) {
    BRUME_TRY(cidr, ipv6_range(range.CidrIpv6.value_or("")));
    BRUME_TRY(rule, add(range.Description));
    rule->CidrIpv6 = cidr;
  }
  for (const PrefixListId& list : permission.PrefixListIds) {
    BRUME_TRY(rule, add(list.Description));
    rule->PrefixListId = list.PrefixListId;
  }
  for (const UserIdGroupPair& pair : permission.UserIdGroupPairs) {
    BRUME_TRY(rule, add(pair.Description));
    rule->ReferencedGroupInfo =
        ReferencedSecurityGroup{.GroupId = pair.GroupId, .UserId = pair.UserId, .VpcId = pair.VpcId};
  }
  if (rules.empty())
    return fail("MissingParameter",
                "The request must contain a source or destination for each permission: an IPv4 or "
                "IPv6 range, a prefix list or a security group");
  return rules;
}

Result<SecurityGroupRule> rule_of_request(const SecurityGroupRuleRequest& request, bool egress) {
  IpPermission permission{.IpProtocol = request.IpProtocol, .FromPort = request.FromPort, .ToPort = request.ToPort};
  if (request.CidrIpv4) permission.IpRanges.push_back({.Description = request.Description, .CidrIp = request.CidrIpv4});
  if (request.CidrIpv6)
    permission.Ipv6Ranges.push_back({.Description = request.Description, .CidrIpv6 = request.CidrIpv6});
  if (request.PrefixListId)
    permission.PrefixListIds.push_back({.Description = request.Description, .PrefixListId = request.PrefixListId});
  if (request.ReferencedGroupId)
    permission.UserIdGroupPairs.push_back({.Description = request.Description, .GroupId = request.ReferencedGroupId});
  BRUME_TRY(rules, rules_of_permission(permission, egress));
  if (rules.size() > 1)
    return fail("InvalidParameterCombination", "A security group rule can have only one source or destination.");
  return rules[0];
}

bool same_rule(const SecurityGroupRule& a, const SecurityGroupRule& b) {
  return a.IsEgress == b.IsEgress && a.IpProtocol == b.IpProtocol && a.FromPort == b.FromPort && a.ToPort == b.ToPort &&
         source_of(a) == source_of(b);
}

List<IpPermission> permissions_of(const std::vector<const SecurityGroupRule*>& rules, bool egress) {
  List<IpPermission> permissions;
  permissions.set_present();
  for (const SecurityGroupRule* rule : rules) {
    if (rule->IsEgress != egress) continue;
    // Protocols without ports have none here, where a rule has -1.
    const bool ports = rule->IpProtocol == "tcp" || rule->IpProtocol == "udp" || rule->IpProtocol == "icmp" ||
                       rule->IpProtocol == "icmpv6";
    IpPermission made{.IpProtocol = rule->IpProtocol};
    if (ports) made.FromPort = rule->FromPort, made.ToPort = rule->ToPort;
    auto place = std::ranges::find_if(permissions, [&](const IpPermission& p) {
      return p.IpProtocol == made.IpProtocol && p.FromPort == made.FromPort && p.ToPort == made.ToPort;
    });
    if (place == permissions.end()) {
      made.IpRanges.set_present();
      made.Ipv6Ranges.set_present();
      made.PrefixListIds.set_present();
      made.UserIdGroupPairs.set_present();
      place = permissions.insert(permissions.end(), std::move(made));
    }
    if (rule->CidrIpv4) place->IpRanges.push_back({.Description = rule->Description, .CidrIp = rule->CidrIpv4});
    if (rule->CidrIpv6) place->Ipv6Ranges.push_back({.Description = rule->Description, .CidrIpv6 = rule->CidrIpv6});
    if (rule->PrefixListId)
      place->PrefixListIds.push_back({.Description = rule->Description, .PrefixListId = rule->PrefixListId});
    if (rule->ReferencedGroupInfo) {
      const ReferencedSecurityGroup& named = *rule->ReferencedGroupInfo;
      UserIdGroupPair& pair = place->UserIdGroupPairs.emplace_back();
      pair = {.Description = rule->Description, .UserId = named.UserId, .GroupId = named.GroupId};
      if (!named.VpcPeeringConnectionId) continue;
      pair.VpcId = named.VpcId;
      pair.VpcPeeringConnectionId = named.VpcPeeringConnectionId;
      pair.PeeringStatus = named.PeeringStatus;
    }
  }
  return permissions;
}

std::string in_words(const SecurityGroupRule& rule) {
  std::string protocol = rule.IpProtocol == "-1" ? "ALL" : *rule.IpProtocol;
  std::ranges::transform(protocol, protocol.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  std::string ports;
  if (protocol == "TCP" || protocol == "UDP")
    ports = fmt::format("from port: {}, to port: {}, ", *rule.FromPort, *rule.ToPort);
  else if (protocol.starts_with("ICMP"))
    ports = fmt::format("type: {}, code: {}, ", *rule.FromPort, *rule.ToPort);
  return fmt::format("peer: {}, {}, {}ALLOW", source_of(rule), protocol, ports);
}

Result<void> check_rule_limit(const std::vector<const SecurityGroupRule*>& rules, bool egress,
                              const std::function<int(const std::string& prefix_list_id)>& entries_of) {
  int ipv4 = 0, ipv6 = 0;
  for (const SecurityGroupRule* rule : rules) {
    if (rule->IsEgress != egress) continue;
    const int weight = rule->PrefixListId ? entries_of(*rule->PrefixListId) : 1;
    if (!rule->CidrIpv6) ipv4 += weight;
    if (!rule->CidrIpv4) ipv6 += weight;
  }
  if (ipv4 > kMaxRules || ipv6 > kMaxRules)
    return fail("RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.");
  return {};
}

}  // namespace brume::ec2
