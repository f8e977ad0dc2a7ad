// Between the VPCs and the host: the namespace `internet`, and one link and one nftables table on the host.
//
//   vpc-…  uplink ═ u<hash>  internet  host ═ brume  the host
//
// Made when the first VPC needs a way out, removed with the last. A public address is a /32 route from the host to
// `internet` and from there to its VPC's uplink; loopback addresses (127.8.0.12) work as any other. What instances send
// to the host's own addresses is refused, unless it answers; private and loopback destinations are refused in
// `internet`. A loopback address that leaves the host is translated to the host's own, others go out as they are.
//
// Whose `brume` is says its alias; a link of another daemon is never touched. Where the host does not forward, the
// links of its default routes do from then on, for what is Brume's only, until the edge is removed; the alias names
// them. Not safe for concurrent calls. Leaves to others: the VPC's side (kernel_routes.cc).
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/rtnetlink.h"

namespace brume::net {

struct EdgeOptions {
  std::string host_namespace;       // path of the one that counts as the host's; empty: the process's own
  std::string host_name = "brume";  // of the link and the table there
};

// Of links between namespaces of Brume's own. Each is alone on its wire, so they may be alike.
inline constexpr Mac trunk_mac{0x02, 0xb2, 0x00, 0x00, 0x00, 0x02};
inline constexpr std::uint32_t trunk_mtu = 1500;  // as through an internet gateway on AWS

// Opens rtnetlink inside the namespace at `path`.
Result<Rtnetlink> open_in(const std::string& path);
// Runs `work` inside it, on a thread of its own.
Result<void> inside(const std::string& path, const std::function<Result<void>()>& work);
// What a link between namespaces needs: no source check by route (the tables check), up, and working.
// IPv6 is on or off.
Result<void> set_up_trunk(const std::string& path, const std::string& name, bool ipv6);

class Edge {
 public:
  // `folder` holds the namespaces.
  Edge(std::string folder, EdgeOptions options) : folder_(std::move(folder)), options_(std::move(options)) {}

  // Makes or mends the edge and the VPC's uplink. What it cannot finish it takes back.
  Result<void> connect(const std::string& vpc_id, const std::string& vpc_path, bool ipv6);
  [[nodiscard]] Result<bool> connected(const std::string& vpc_path) const;
  // The addresses and IPv6 ranges that lead to the VPC, which is connected; taken from another VPC if that had them.
  Result<std::set<IpBlock>> destinations(const std::string& vpc_id);
  // On failure they are as before.
  Result<void> set_destinations(const std::string& vpc_id, const std::set<IpBlock>& wanted);
  // Adds some and takes some away, at their cost; the others stay. On failure they are as before.
  Result<void> change_destinations(const std::string& vpc_id, const std::set<IpBlock>& gone,
                                   const std::set<IpBlock>& come);
  // Removes the VPC's uplink, if it has one, and what nobody needs any more.
  Result<void> disconnect(const std::string& vpc_path);
  // Routes of addresses that lead nowhere any more, and the edge itself if no VPC is connected.
  Result<void> release();
  // All of it, whoever is connected.
  Result<void> remove();

 private:
  [[nodiscard]] std::string path() const { return folder_ + "/internet"; }
  Result<void> ensure_edge(bool ipv6);
  Result<void> ensure_host_link(Rtnetlink& edge);
  Result<void> set_up_host();
  Result<void> sync_host();
  // Before the routes to these are made, or after they are gone.
  Result<void> set_up_host_ipv6(Rtnetlink& host, int link, const std::set<IpBlock>& ranges);
  Result<void> remove_host_ipv6();
  // Fails if the link on the host is another's; otherwise its alias.
  Result<std::string> host_alias(Rtnetlink& host) const;

  std::string folder_;
  EdgeOptions options_;
};

}  // namespace brume::net
