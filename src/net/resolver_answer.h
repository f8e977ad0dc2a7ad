// What a VPC's resolver answers of its own knowledge: instances, load balancers, the VPC's addresses.
//
// Pure. Names are AWS's (VPC user guide, "DNS attributes for your VPC"): private and public host names are known only
// with enableDnsHostnames, a public one stands for the private address inside its VPC. All of ec2.internal,
// compute.internal, elb.localhost and the private reverse zones is decided here, so that none of it is asked outside.
// Leaves to others: enableDnsSupport, who may have the rest forwarded (resolver.h), the facts (NameSource).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "net/dns_message.h"

namespace brume::net {

struct VpcNames {
  std::string region;
  std::vector<Ipv4Block> blocks;  // the VPC's ranges, the primary one first
  bool support = true;            // enableDnsSupport
  bool hostnames = false;         // enableDnsHostnames
};

// Whoever knows the network. Asked on the loop for each query; must not block.
class NameSource {
 public:
  virtual ~NameSource() = default;
  // Nothing if there is no such VPC.
  [[nodiscard]] virtual std::optional<VpcNames> vpc(const std::string& vpc_id) const = 0;
  // Has an interface of the VPC this private address?
  [[nodiscard]] virtual bool is_interface(const std::string& vpc_id, Ipv4 address) const = 0;
  // May what the interface with this address asks be asked outside?
  [[nodiscard]] virtual bool may_forward(const std::string& vpc_id, Ipv4 address) const = 0;
  // The primary private address of an instance of the VPC.
  [[nodiscard]] virtual std::optional<Ipv4> instance(const std::string& vpc_id, std::string_view instance_id) const = 0;
  // The way to a public address: the private one if it is the VPC's, itself if it is another's; nothing if nobody's.
  [[nodiscard]] virtual std::optional<Ipv4> way_to(const std::string& vpc_id, Ipv4 public_address) const = 0;
  // Addresses of a load balancer's nodes, by its DNS name in lower case.
  [[nodiscard]] virtual std::vector<Ipv4> load_balancer(std::string_view dns_name) const = 0;
};

// Nothing: to be asked outside.
std::optional<DnsReply> answer_locally(const DnsQuery& query, const std::string& vpc_id, const VpcNames& vpc,
                                       const NameSource& source);

}  // namespace brume::net
