#include "net/edge_rules.h"

#include <fmt/format.h>

#include "net/address.h"
#include "net/route_plan.h"

namespace brume::net {

std::string internet_table() {
  return fmt::format(R"(table ip brume_edge
delete table ip brume_edge
table ip brume_edge {{
  set private {{ type ipv4_addr; flags interval
    elements = {{ 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16,
                 224.0.0.0/3 }}
  }}
  chain pass {{ type filter hook forward priority 0
    iifname "host" oifname "host" drop
    oifname "host" ct direction original ip daddr @private reject with icmp type net-unreachable
  }}
  chain local {{ type filter hook input priority 0
    drop
  }}
  chain translate_out {{ type nat hook postrouting priority 100
    oifname "host" ip saddr 127.0.0.0/8 snat to {}
  }}
}}
)",
                     to_string(internet_hop));
}

std::string host_table(const std::string& name, const std::vector<std::string>& forwarding) {
  const std::string elements =
      forwarding.empty() ? "" : fmt::format("elements = {{ \"{}\" }}", fmt::join(forwarding, "\", \""));
  // Links that forward for Brume do nothing new for others, save what somebody translates on purpose.
  return fmt::format(R"(table ip {0}
delete table ip {0}
table ip {0} {{
  set forwarding {{ type ifname
    {1}
  }}
  chain local {{ type filter hook input priority -10
    iifname "{0}" ct state established,related ct direction reply accept
    iifname "{0}" reject with icmp type admin-prohibited
  }}
  chain pass {{ type filter hook forward priority -10
    iifname "{0}" oifname "{0}" drop
    oifname "{0}" accept
    iifname @forwarding ct status dnat accept
    iifname @forwarding ct state new drop
  }}
  chain translate_out {{ type nat hook postrouting priority 100
    oifname != "{0}" ip saddr {2} masquerade
  }}
}}
)",
                     name, elements, to_string(internet_hop));
}

std::string internet_ipv6_table() {
  // IPv6 has no rp_filter: from a VPC come only addresses that lead there, from the host none of them.
  return R"(table ip6 brume_edge
delete table ip6 brume_edge
table ip6 brume_edge {
  set private { type ipv6_addr; flags interval
    elements = { ::/8, fc00::/7, fe80::/9, ff00::/8 }
  }
  chain guard { type filter hook prerouting priority -310
    iifname "lo" accept
    ip6 saddr { fe80::/10, ff00::/8 } drop
    ip6 daddr { fe80::/10, ff00::/8 } drop
    iifname "host" fib saddr oifname "host" accept
    iifname "host" drop
    fib saddr . iif oif missing drop
  }
  chain pass { type filter hook forward priority 0
    iifname "host" oifname "host" drop
    oifname "host" ct direction original ip6 daddr @private reject with icmpv6 type no-route
  }
  chain local { type filter hook input priority 0
    drop
  }
}
)";
}

std::string host_ipv6_table(const std::string& name, const std::set<IpBlock>& ranges) {
  std::vector<std::string> elements;
  for (const IpBlock& range : ranges) elements.push_back(range.text());
  // What the host forwards goes out under its own address: the ranges are nobody's beyond it.
  return fmt::format(R"(table ip6 {0}
delete table ip6 {0}
table ip6 {0} {{
  set ranges {{ type ipv6_addr; flags interval
    elements = {{ {1} }}
  }}
  chain local {{ type filter hook input priority -10
    iifname "{0}" ct state established,related ct direction reply accept
    iifname "{0}" reject with icmpv6 type admin-prohibited
  }}
  chain pass {{ type filter hook forward priority -10
    iifname "{0}" oifname "{0}" drop
  }}
  chain translate_out {{ type nat hook postrouting priority 100
    oifname != "{0}" ip6 saddr @ranges masquerade
  }}
}}
)",
                     name, fmt::join(elements, ", "));
}

}  // namespace brume::net
