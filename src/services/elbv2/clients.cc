#include "services/elbv2/clients.h"

#include <set>

namespace brume::elbv2 {
namespace {

bool concerns(const ec2::SecurityGroupRule& rule, int port) {
  if (rule.IsEgress.value_or(false)) return false;
  if (rule.IpProtocol == "-1") return true;
  return rule.IpProtocol == "tcp" && rule.FromPort.value_or(-1) <= port && port <= rule.ToPort.value_or(-1);
}

Result<void> add_prefix_list(ec2::Api& ec2, const aws::Call& call, const std::string& id, std::set<std::string>& into) {
  ec2::GetManagedPrefixListEntriesRequest request{.PrefixListId = id};
  do {
    BRUME_TRY(page, ec2.GetManagedPrefixListEntries(call, request));
    for (const ec2::PrefixListEntry& entry : page.Entries)
      if (entry.Cidr && entry.Cidr->find(':') == std::string::npos) into.insert(*entry.Cidr);
    request.NextToken = page.NextToken;
  } while (request.NextToken);
  return {};
}

}  // namespace

Result<std::vector<std::string>> allowed_clients(ec2::Api& ec2, const aws::Call& call, const List<std::string>& groups,
                                                 int port) {
  std::set<std::string> ranges;
  if (groups.empty()) return std::vector<std::string>();
  ec2::DescribeSecurityGroupRulesRequest request{.Filters = {{"group-id", groups}}};
  do {
    BRUME_TRY(page, ec2.DescribeSecurityGroupRules(call, request));
    for (const ec2::SecurityGroupRule& rule : page.SecurityGroupRules) {
      if (!concerns(rule, port)) continue;
      if (rule.CidrIpv4) ranges.insert(*rule.CidrIpv4);
      if (rule.PrefixListId) BRUME_CHECK(add_prefix_list(ec2, call, *rule.PrefixListId, ranges));
    }
    request.NextToken = page.NextToken;
  } while (request.NextToken);
  return std::vector<std::string>(ranges.begin(), ranges.end());
}

}  // namespace brume::elbv2
