// Load balancers: their nodes, attributes and place on the host.
#include <algorithm>

#include "services/common/ids.h"
#include "services/common/page.h"
#include "services/elbv2/attributes.h"
#include "services/elbv2/service.h"
#include "services/elbv2/tags.h"

namespace brume::elbv2 {
namespace {

constexpr std::size_t kMaxPerRegion = 50;  // quota "Application Load Balancers per Region"

List<LoadBalancerAttribute> as_list(const Attributes& attributes) {
  List<LoadBalancerAttribute> list;
  for (const auto& [key, value] : attributes) list.push_back({key, value});
  return list;
}

}  // namespace

// Letters, digits and inner hyphens, at most 32, not "internal-…" (CreateLoadBalancer's Name).
Result<void> check_resource_name(const std::string& name, std::string_view what) {
  const bool valid = !name.empty() && name.size() <= 32 && name.front() != '-' && name.back() != '-' &&
                     std::ranges::all_of(name, [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
                     });
  if (!valid)
    return fail("ValidationError",
                "The {} name '{}' must have 1 to 32 letters, digits and hyphens, and not begin or end with a hyphen",
                what, name);
  if (what == "load balancer" && name.starts_with("internal-"))
    return fail("ValidationError", "The load balancer name '{}' must not begin with 'internal-'", name);
  return {};
}

std::string Service::free_listen_address(bool published) const {
  std::set<std::string> taken;
  for (const auto& [arn, record] : load_balancers_.rows()) taken.insert(record.listen_address);
  if (published && !taken.contains("0.0.0.0")) return "0.0.0.0";
  // 127.1.0.0/16 is the host's own and needs no configuration.
  for (int i = 1; i < 65536; ++i) {
    std::string address = fmt::format("127.1.{}.{}", i >> 8, i & 255);
    if (!taken.contains(address)) return address;
  }
  return "127.1.255.255";
}

Result<std::vector<NodeRecord>> Service::make_nodes(const Call& call, const LoadBalancer& balancer,
                                                    const List<std::string>& subnets) {
  const auto described = ec2_.DescribeSubnets(call, {.SubnetIds = subnets});
  if (!described) return fail("SubnetNotFound", "{}", described.error().message);
  std::vector<NodeRecord> nodes;
  for (const ec2::Subnet& subnet : described->Subnets) {
    if (*subnet.VpcId != *described->Subnets.front().VpcId)
      return fail("InvalidConfigurationRequest", "All subnets must be in the same VPC");
    if (std::ranges::any_of(nodes, [&](const NodeRecord& n) { return n.zone == *subnet.AvailabilityZone; }))
      return fail("InvalidConfigurationRequest",
                  "A load balancer cannot be attached to multiple subnets in the same Availability Zone");
    nodes.push_back({*subnet.AvailabilityZone, *subnet.SubnetId, "", ""});
  }
  const std::string& arn = *balancer.LoadBalancerArn;
  // Its interfaces are the service's: only that may delete them while they are in use.
  const Call as_service = context_.call("elasticloadbalancing");
  const std::string description = "ELB " + arn.substr(arn.find("loadbalancer/") + 13);
  for (NodeRecord& node : nodes) {
    ec2::CreateNetworkInterfaceRequest request;
    request.SubnetId = node.subnet;
    request.Description = description;
    request.Groups = balancer.SecurityGroups;
    BRUME_TRY(created, ec2_.CreateNetworkInterface(as_service, request));
    node.network_interface = *created.NetworkInterface->NetworkInterfaceId;
    node.address = *created.NetworkInterface->PrivateIpAddress;
  }
  return nodes;
}

List<AvailabilityZone> Service::zones_of(const LoadBalancerRecord& record) const {
  List<AvailabilityZone> zones;
  for (const NodeRecord& node : record.nodes) {
    AvailabilityZone& zone = zones.emplace_back();
    zone.ZoneName = node.zone;
    zone.SubnetId = node.subnet;
    zone.LoadBalancerAddresses.set_present();
    // Where a load balancer has an address to itself on the host, this is the way to it.
    if (record.listen_address != "0.0.0.0") zone.LoadBalancerAddresses.emplace_back().IpAddress = record.listen_address;
  }
  return zones;
}

Result<CreateLoadBalancerOutput> Service::CreateLoadBalancer(const Call& call, const CreateLoadBalancerInput& request) {
  const std::string& name = *request.Name;
  BRUME_CHECK(check_resource_name(name, "load balancer"));
  if (request.Type.value_or("application") != "application")
    return fail("UnsupportedOperation", "Brume has application load balancers only, not '{}'", *request.Type);
  if (request.IpAddressType.value_or("ipv4") != "ipv4")
    return fail("UnsupportedOperation", "Brume's load balancers have the IP address type ipv4 only");
  List<std::string> subnets = request.Subnets;
  for (const SubnetMapping& mapping : request.SubnetMappings) {
    if (mapping.AllocationId || mapping.PrivateIPv4Address || mapping.IPv6Address)
      return fail("InvalidConfigurationRequest", "Addresses can't be specified for an application load balancer");
    subnets.push_back(mapping.SubnetId.value_or(""));
  }
  if (subnets.size() < 2)
    return fail("ValidationError", "At least two subnets in two different Availability Zones must be specified");
  std::ranges::sort(subnets);

  for (const auto& [arn, record] : load_balancers_.rows()) {
    const LoadBalancer& existing = record.load_balancer;
    if (*existing.LoadBalancerName != name) continue;
    // The same request again answers the same load balancer, as AWS's does.
    List<std::string> existing_subnets;
    for (const NodeRecord& node : record.nodes) existing_subnets.push_back(node.subnet);
    std::ranges::sort(existing_subnets);
    if (existing_subnets == subnets && *existing.Scheme == request.Scheme.value_or("internet-facing"))
      return CreateLoadBalancerOutput{{existing}};
    return fail("DuplicateLoadBalancerName",
                "A load balancer with the same name '{}' exists, but with different settings", name);
  }
  if (load_balancers_.size() >= kMaxPerRegion)
    return fail("TooManyLoadBalancers", "The limit of {} load balancers has been reached", kMaxPerRegion);

  LoadBalancerRecord record;
  LoadBalancer& balancer = record.load_balancer;
  const std::string id = context_.env.random.hex(16);
  balancer.LoadBalancerArn =
      services::arn("elasticloadbalancing", context_.region, fmt::format("loadbalancer/app/{}/{}", name, id));
  balancer.Scheme = request.Scheme.value_or("internet-facing");
  // Names under localhost resolve to this machine by RFC 6761.
  balancer.DNSName = fmt::format("{}{}-{}.{}.elb.localhost", *balancer.Scheme == "internal" ? "internal-" : "", name,
                                 context_.env.random.below(9000000000) + 1000000000, context_.region);
  balancer.CanonicalHostedZoneId = "Z1LMS91P8CMLE5";
  balancer.CreatedTime = context_.env.clock.wall();
  balancer.LoadBalancerName = name;
  balancer.Type = "application";
  balancer.IpAddressType = "ipv4";
  balancer.State = LoadBalancerState{"provisioning", {}};
  BRUME_TRY(described, ec2_.DescribeSubnets(call, {.SubnetIds = {subnets.front()}}));
  balancer.VpcId = described.Subnets.front().VpcId;
  balancer.SecurityGroups = request.SecurityGroups;
  ec2::DescribeSecurityGroupsRequest groups;
  if (request.SecurityGroups.empty())
    groups.Filters = {{"vpc-id", {*balancer.VpcId}}, {"group-name", {std::string("default")}}};
  else
    groups.GroupIds = request.SecurityGroups;
  const auto found = ec2_.DescribeSecurityGroups(call, groups);
  if (!found) return fail("InvalidSecurityGroup", "{}", found.error().message);
  for (const ec2::SecurityGroup& group : found->SecurityGroups) {
    if (*group.VpcId != *balancer.VpcId)
      return fail("InvalidConfigurationRequest", "The security group '{}' is not in the VPC '{}'", *group.GroupId,
                  *balancer.VpcId);
    if (request.SecurityGroups.empty()) balancer.SecurityGroups.push_back(*group.GroupId);
  }
  BRUME_TRY(nodes, make_nodes(call, balancer, subnets));
  record.nodes = std::move(nodes);
  record.listen_address = free_listen_address(*balancer.Scheme == "internet-facing");
  balancer.AvailabilityZones = zones_of(record);
  record.attributes = initial_attributes(load_balancer_attributes());
  BRUME_CHECK(merge_tags(record.tags, request.Tags));
  CreateLoadBalancerOutput output{{balancer}};
  load_balancers_.put(*balancer.LoadBalancerArn, std::move(record));
  changed();
  return output;
}

LoadBalancer Service::shown(const LoadBalancerRecord& record) const {
  LoadBalancer balancer = record.load_balancer;
  for (const auto& [arn, error] : listener_errors_) {
    const ListenerRecord* listener = listeners_.find(arn);
    if (!listener || listener->listener.LoadBalancerArn != balancer.LoadBalancerArn || balancer.State->Code != "active")
      continue;
    balancer.State = LoadBalancerState{"active_impaired", fmt::format("A listener does not work: {}", error)};
  }
  return balancer;
}

Result<DescribeLoadBalancersOutput> Service::DescribeLoadBalancers(const Call&,
                                                                   const DescribeLoadBalancersInput& request) {
  if (!request.LoadBalancerArns.empty() && !request.Names.empty())
    return fail("ValidationError", "Load balancer names and load balancer ARNs can't be specified at the same time");
  std::vector<LoadBalancer> found;
  for (const std::string& arn : request.LoadBalancerArns) {
    BRUME_TRY(record, find_load_balancer(arn));
    found.push_back(shown(*record));
  }
  for (const std::string& name : request.Names) {
    const auto named = std::ranges::find_if(
        load_balancers_.rows(), [&](const auto& row) { return *row.second.load_balancer.LoadBalancerName == name; });
    if (named == load_balancers_.rows().end())
      return fail("LoadBalancerNotFound", "Load balancers '[{}]' not found", name);
    found.push_back(shown(named->second));
  }
  if (request.LoadBalancerArns.empty() && request.Names.empty())
    for (const auto& [arn, record] : load_balancers_.rows()) found.push_back(shown(record));
  std::ranges::sort(found, {}, &LoadBalancer::LoadBalancerArn);
  BRUME_TRY(page, services::paginate(
                      std::move(found), std::size_t(request.PageSize.value_or(400)), request.Marker,
                      [](const LoadBalancer& b) { return *b.LoadBalancerArn; }, "ValidationError"));
  return DescribeLoadBalancersOutput{std::move(page.items), std::move(page.next_token)};
}

Result<DeleteLoadBalancerOutput> Service::DeleteLoadBalancer(const Call& call, const DeleteLoadBalancerInput& request) {
  const LoadBalancerRecord* record = load_balancers_.find(*request.LoadBalancerArn);
  if (!record) return DeleteLoadBalancerOutput{};  // deleting what is gone succeeds
  if (record->attributes.at("deletion_protection.enabled") == "true")
    return fail("OperationNotPermitted", "Load balancer '{}' cannot be deleted because deletion protection is enabled",
                *request.LoadBalancerArn);
  const Call as_service = context_.call("elasticloadbalancing");
  for (const NodeRecord& node : record->nodes)
    BRUME_CHECK(ec2_.DeleteNetworkInterface(as_service, {.NetworkInterfaceId = node.network_interface}));
  std::vector<std::string> gone;
  for (const auto& [arn, listener] : listeners_.rows())
    if (*listener.listener.LoadBalancerArn == *request.LoadBalancerArn) gone.push_back(arn);
  for (const std::string& arn : gone) BRUME_CHECK(DeleteListener(call, {arn}));
  load_balancers_.erase(*request.LoadBalancerArn);
  changed();
  return DeleteLoadBalancerOutput{};
}

Result<DescribeLoadBalancerAttributesOutput> Service::DescribeLoadBalancerAttributes(
    const Call&, const DescribeLoadBalancerAttributesInput& request) {
  BRUME_TRY(record, find_load_balancer(*request.LoadBalancerArn));
  return DescribeLoadBalancerAttributesOutput{as_list(record->attributes)};
}

Result<ModifyLoadBalancerAttributesOutput> Service::ModifyLoadBalancerAttributes(
    const Call&, const ModifyLoadBalancerAttributesInput& request) {
  BRUME_TRY(record, find_load_balancer(*request.LoadBalancerArn));
  LoadBalancerRecord next = *record;
  for (const LoadBalancerAttribute& attribute : request.Attributes) {
    BRUME_CHECK(check_attribute(load_balancer_attributes(), attribute.Key.value_or(""), attribute.Value.value_or("")));
    next.attributes[*attribute.Key] = attribute.Value.value_or("");
  }
  BRUME_CHECK(check_together(next.attributes));
  ModifyLoadBalancerAttributesOutput output{as_list(next.attributes)};
  load_balancers_.put(*request.LoadBalancerArn, std::move(next));
  changed();
  context_.store.after_commit([this, arn = *request.LoadBalancerArn] { context_.hints.publish(arn); });
  return output;
}

Result<SetSecurityGroupsOutput> Service::SetSecurityGroups(const Call& call, const SetSecurityGroupsInput& request) {
  BRUME_TRY(record, find_load_balancer(*request.LoadBalancerArn));
  for (const NodeRecord& node : record->nodes) {
    ec2::ModifyNetworkInterfaceAttributeRequest modify;
    modify.NetworkInterfaceId = node.network_interface;
    modify.Groups = request.SecurityGroups;
    if (auto done = ec2_.ModifyNetworkInterfaceAttribute(call, modify); !done)
      return fail("InvalidSecurityGroup", "{}", done.error().message);
  }
  load_balancers_.modify(*request.LoadBalancerArn,
                         [&](LoadBalancerRecord& r) { r.load_balancer.SecurityGroups = request.SecurityGroups; });
  return SetSecurityGroupsOutput{request.SecurityGroups, {}};
}

Result<SetSubnetsOutput> Service::SetSubnets(const Call& call, const SetSubnetsInput& request) {
  BRUME_TRY(found, find_load_balancer(*request.LoadBalancerArn));
  LoadBalancerRecord record = *found;
  List<std::string> wanted = request.Subnets;
  for (const SubnetMapping& mapping : request.SubnetMappings) wanted.push_back(mapping.SubnetId.value_or(""));
  if (wanted.size() < 2)
    return fail("ValidationError", "At least two subnets in two different Availability Zones must be specified");
  std::vector<NodeRecord> kept;
  for (const NodeRecord& node : record.nodes) {
    if (std::ranges::find(wanted, node.subnet) != wanted.end()) {
      kept.push_back(node);
      std::erase(wanted, node.subnet);
    } else {
      BRUME_CHECK(ec2_.DeleteNetworkInterface(context_.call("elasticloadbalancing"),
                                              {.NetworkInterfaceId = node.network_interface}));
    }
  }
  if (!wanted.empty()) {
    BRUME_TRY(added, make_nodes(call, record.load_balancer, wanted));
    for (NodeRecord& node : added) {
      if (std::ranges::find(kept, node.zone, &NodeRecord::zone) != kept.end())
        return fail("InvalidConfigurationRequest",
                    "A load balancer cannot be attached to multiple subnets in the same Availability Zone");
      kept.push_back(std::move(node));
    }
  }
  record.nodes = std::move(kept);
  List<AvailabilityZone> zones = zones_of(record);
  record.load_balancer.AvailabilityZones = zones;
  load_balancers_.put(*request.LoadBalancerArn, std::move(record));
  changed();
  return SetSubnetsOutput{std::move(zones), "ipv4", {}};
}

Result<SetIpAddressTypeOutput> Service::SetIpAddressType(const Call&, const SetIpAddressTypeInput& request) {
  BRUME_CHECK(find_load_balancer(*request.LoadBalancerArn));
  if (*request.IpAddressType != "ipv4")
    return fail("UnsupportedOperation", "Brume's load balancers have the IP address type ipv4 only");
  return SetIpAddressTypeOutput{request.IpAddressType};
}

Result<DescribeCapacityReservationOutput> Service::DescribeCapacityReservation(
    const Call&, const DescribeCapacityReservationInput& request) {
  BRUME_CHECK(find_load_balancer(*request.LoadBalancerArn));
  return DescribeCapacityReservationOutput{};  // nothing is reserved
}

}  // namespace brume::elbv2
