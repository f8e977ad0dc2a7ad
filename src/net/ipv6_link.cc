#include "net/ipv6_link.h"

#include <fmt/format.h>

#include "env/namespaces.h"
#include "env/posix_files.h"
#include "net/nftables.h"

namespace brume::net {
namespace {

std::string setting(std::string_view link, std::string_view name) {
  return fmt::format("ipv6/conf/{}/{}", link, name);
}

}  // namespace

IpAddress ipv6_router() {
  IpAddress address;  // fe80::1
  address.ipv6 = true;
  address.bytes[0] = 0xfe;
  address.bytes[1] = 0x80;
  address.bytes[15] = 1;
  return address;
}

bool has_ipv6() {
  return env::PosixFiles().exists("/proc/sys/net/ipv6/conf/all/disable_ipv6");
}

Result<void> need_ipv6() {
  if (!has_ipv6()) return fail("UnsupportedOperation", "The kernel of this machine has no IPv6.");
  return {};
}

Result<bool> ipv6_enabled(std::string_view link) {
  const std::string file = "/proc/sys/net/" + setting(link, "disable_ipv6");
  if (!env::PosixFiles().exists(file)) return false;
  BRUME_TRY(text, env::PosixFiles().read(file));
  return text.starts_with("0");
}

Result<void> enable_ipv6(std::string_view link) {
  BRUME_CHECK(need_ipv6());
  BRUME_TRY(on, ipv6_enabled(link));
  if (on) return {};
  BRUME_CHECK(env::write_sysctl(setting(link, "addr_gen_mode"), "1"));  // none
  for (const char* name : {"accept_ra", "accept_dad", "dad_transmits", "autoconf", "accept_redirects",
                           "accept_source_route", "router_solicitations"})
    BRUME_CHECK(env::write_sysctl(setting(link, name), "0"));
  return env::write_sysctl(setting(link, "disable_ipv6"), "0");
}

Result<void> disable_ipv6(std::string_view link) {
  const std::string name = setting(link, "disable_ipv6");
  if (!env::PosixFiles().exists("/proc/sys/net/" + name)) return {};
  return env::write_sysctl(name, "1");
}

Result<void> guard_ipv6() {
  // IPv6 has no rp_filter. What comes from beyond the VPC is route_plan.h's to judge.
  return run_nftables(R"(add table ip6 brume_guard
add set ip6 brume_guard unchecked { type ifname; }
add chain ip6 brume_guard check { type filter hook prerouting priority -310; }
flush chain ip6 brume_guard check
add rule ip6 brume_guard check iifname "lo" accept
add rule ip6 brume_guard check ip6 saddr fe80::/10 drop
add rule ip6 brume_guard check ip6 daddr { fe80::/10, ff00::/8 } drop
add rule ip6 brume_guard check iifname { "uplink", "p*" } accept
add rule ip6 brume_guard check iifname @unchecked accept
add rule ip6 brume_guard check fib saddr . iif oif missing drop
)");
}

Result<void> check_ipv6_source(const std::string& link, bool check) {
  const std::string element = fmt::format("element ip6 brume_guard unchecked {{ \"{}\" }}\n", link);
  return run_nftables("add " + element + (check ? "delete " + element : ""));
}

}  // namespace brume::net
