#include "daemon/cloud_names.h"

#include <algorithm>

#include "daemon/cloud.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/way_out.h"

namespace brume::daemon {
namespace {

std::optional<net::Ipv4> address_of(const std::optional<std::string>& text) {
  const auto address = net::parse_ipv4(text.value_or(""));
  return address ? std::optional(*address) : std::nullopt;
}

// The network of the region that has the VPC; null if none has.
ec2::NetworkState* network_of(const Cloud* cloud, const std::string& vpc_id) {
  if (cloud)
    for (const auto& [name, region] : cloud->regions())
      if (region->ec2.network_state().vpcs.contains(vpc_id)) return &region->ec2.network_state();
  return nullptr;
}

bool same_name(std::string_view given, std::string_view lower) {
  return std::ranges::equal(given, lower, {}, [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
}

}  // namespace

std::optional<net::VpcNames> CloudNames::vpc(const std::string& vpc_id) const {
  const ec2::NetworkState* network = network_of(cloud_, vpc_id);
  if (!network) return std::nullopt;
  const ec2::VpcRecord& record = *network->vpcs.find(vpc_id);
  net::VpcNames names{.region = network->context.region,
                      .blocks = {},
                      .support = record.dns_support,
                      .hostnames = record.dns_hostnames};
  const auto add = [&](const std::optional<std::string>& cidr) {
    const auto block = net::parse_ipv4_block(cidr.value_or(""));
    if (block && std::ranges::find(names.blocks, *block) == names.blocks.end()) names.blocks.push_back(*block);
  };
  add(record.vpc.CidrBlock);
  for (const auto& association : record.vpc.CidrBlockAssociationSet) add(association.CidrBlock);
  return names;
}

bool CloudNames::is_interface(const std::string& vpc_id, net::Ipv4 address) const {
  const ec2::NetworkState* network = network_of(cloud_, vpc_id);
  return network && ec2::interface_with_address(*network, vpc_id, to_string(address));
}

bool CloudNames::may_forward(const std::string& vpc_id, net::Ipv4 address) const {
  const ec2::NetworkState* network = network_of(cloud_, vpc_id);
  const std::string text = to_string(address);
  const auto* interface = network ? ec2::interface_with_address(*network, vpc_id, text) : nullptr;
  return interface && ec2::has_way_out(*network, *interface, text);
}

std::optional<net::Ipv4> CloudNames::instance(const std::string& vpc_id, std::string_view instance_id) const {
  const ec2::NetworkState* network = network_of(cloud_, vpc_id);
  if (!network) return std::nullopt;
  const auto interfaces = ec2::interfaces_of(*network, instance_id);
  if (interfaces.empty() || interfaces[0]->VpcId != vpc_id) return std::nullopt;
  return address_of(interfaces[0]->PrivateIpAddress);
}

std::optional<net::Ipv4> CloudNames::way_to(const std::string& vpc_id, net::Ipv4 public_address) const {
  if (!cloud_) return std::nullopt;
  const std::string text = to_string(public_address);
  for (const auto& [name, region] : cloud_->regions())
    for (const auto& [id, interface] : region->ec2.network_state().network_interfaces.rows())
      for (const auto& own : interface.PrivateIpAddresses)
        if (own.Association && own.Association->PublicIp == text)
          return interface.VpcId == vpc_id ? address_of(own.PrivateIpAddress) : public_address;
  return std::nullopt;
}

std::vector<net::Ipv4> CloudNames::load_balancer(std::string_view dns_name) const {
  std::vector<net::Ipv4> addresses;
  if (!cloud_) return addresses;
  for (const auto& [region_name, region] : cloud_->regions()) {
    ec2::NetworkState& network = region->ec2.network_state();
    // Names have a case; the one asked for has lost its own. There are at most some fifty.
    const auto described = region->elbv2.DescribeLoadBalancers(network.context.call("ec2"), {});
    if (!described) continue;
    for (const auto& balancer : described->LoadBalancers) {
      if (!same_name(*balancer.DNSName, dns_name)) continue;
      const std::string& arn = *balancer.LoadBalancerArn;  // …:loadbalancer/app/web/0123456789abcdef
      const std::string description = "ELB " + arn.substr(arn.find("loadbalancer/") + 13);
      for (const std::string& id : network.children(*balancer.VpcId)) {
        const ec2::NetworkInterface* node = network.network_interfaces.find(id);
        if (!node || node->Description != description) continue;
        if (const auto address = address_of(node->PrivateIpAddress)) addresses.push_back(*address);
      }
    }
  }
  return addresses;
}

std::vector<net::DnsServer> HostServers::operator()() {
  if (const auto now = clock_.now(); !read_at_ || now - *read_at_ >= std::chrono::seconds(1)) {
    read_at_ = now;
    servers_ = net::parse_resolv_conf(files_.read("/etc/resolv.conf").value_or(""));
  }
  return servers_;
}

}  // namespace brume::daemon
