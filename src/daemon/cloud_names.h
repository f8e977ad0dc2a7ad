// What the resolvers of all VPCs know, from what EC2 and ELBv2 of all regions know.
#pragma once

#include "env/clock.h"
#include "env/files.h"
#include "net/resolver.h"

namespace brume::daemon {

class Cloud;

class CloudNames : public net::NameSource {
 public:
  // Knows nothing before.
  void begin(const Cloud& cloud) { cloud_ = &cloud; }

  [[nodiscard]] std::optional<net::VpcNames> vpc(const std::string& vpc_id) const override;
  [[nodiscard]] bool is_interface(const std::string& vpc_id, net::Ipv4 address) const override;
  [[nodiscard]] bool may_forward(const std::string& vpc_id, net::Ipv4 address) const override;
  [[nodiscard]] std::optional<net::Ipv4> instance(const std::string& vpc_id,
                                                  std::string_view instance_id) const override;
  [[nodiscard]] std::optional<net::Ipv4> way_to(const std::string& vpc_id, net::Ipv4 public_address) const override;
  [[nodiscard]] std::vector<net::Ipv4> load_balancer(std::string_view dns_name) const override;

 private:
  const Cloud* cloud_ = nullptr;
};

// The servers of the host's /etc/resolv.conf, which is looked at again once a second at most.
class HostServers {
 public:
  HostServers(const env::Files& files, const env::Clock& clock) : files_(files), clock_(clock) {}
  std::vector<net::DnsServer> operator()();

 private:
  const env::Files& files_;
  const env::Clock& clock_;
  std::optional<env::MonotonicTime> read_at_;
  std::vector<net::DnsServer> servers_;
};

}  // namespace brume::daemon
