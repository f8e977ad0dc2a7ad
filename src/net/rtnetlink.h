// The kernel's links, addresses, routes and neighbours, through rtnetlink(7).
//
// A Rtnetlink belongs to the namespace in which its thread was when it was opened, and to one thread at a time.
// Requests are acknowledged before they return. Errors: InternalFailure, naming the step and the kernel's reason.
// Leaves to others: what to make (kernel_fabric.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/fd.h"
#include "net/address.h"

namespace brume::net {

// One netlink request under construction.
class NetlinkMessage {
 public:
  NetlinkMessage(std::uint16_t type, std::uint16_t flags);
  // The fixed part that follows the header: ifinfomsg, ifaddrmsg, …
  template <typename T>
  NetlinkMessage& body(const T& value) {
    return append(&value, sizeof value);
  }
  NetlinkMessage& attribute(std::uint16_t type, const void* data, std::size_t size);
  NetlinkMessage& attribute(std::uint16_t type, std::uint32_t value) { return attribute(type, &value, sizeof value); }
  // Zero-terminated, as interface names are.
  NetlinkMessage& attribute(std::uint16_t type, const std::string& text);
  NetlinkMessage& attribute(std::uint16_t type, const IpAddress& address);
  // Attributes added by `fill` lie inside the new one.
  NetlinkMessage& nested(std::uint16_t type, const std::function<void(NetlinkMessage&)>& fill);

  // The finished bytes, with length and sequence number in place.
  const std::string& finish(std::uint32_t sequence);

 private:
  NetlinkMessage& append(const void* data, std::size_t size);
  std::string bytes_;
};

struct Link {
  int index = 0;
  std::string name;
  std::string kind;  // "veth"; empty for lo
  std::string alias;
  bool operational = false;  // up, its peer too, and a queue attached
};

struct LabelledAddress {
  IpAddress address;
  std::string label;  // of an IPv4 address; IPv6 has none
};

struct VethSpec {
  std::string name, peer_name;
  int peer_namespace = -1;  // descriptor; the peer is made there and never seen elsewhere
  Mac mac, peer_mac;
  std::uint32_t mtu = 0;
};

// A route of a VPC's, the internet namespace's or the host's, told from others by its protocol (brume_protocol).
enum class RouteKind : std::uint8_t { unicast, unreachable, blackhole };
struct KernelRoute {
  std::uint32_t table = 0;
  IpBlock destination;
  RouteKind kind = RouteKind::unicast;
  int link = 0;      // of a unicast route
  IpAddress via;     // taken to be on the link although no block says so; 0.0.0.0: none
  IpAddress source;  // what the host's own packets take as theirs; 0.0.0.0: the kernel's choice
  std::uint32_t metric = 0;
  auto operator<=>(const KernelRoute&) const = default;
};

// Packets from `source`, or that come in through `link`, look into `table`. Neither: all packets of the family.
struct KernelRule {
  std::uint32_t priority = 0;
  IpBlock source;
  std::string link;
  std::uint32_t table = 0;
  auto operator<=>(const KernelRule&) const = default;
};

// Whose a route or a rule is, for whoever lists them; numbers from 100 on are free for software's own use.
inline constexpr std::uint8_t brume_protocol = 178;

class Rtnetlink {
 public:
  // In the namespace of the calling thread.
  static Result<Rtnetlink> open();

  // The near end comes up; the peer cannot before both are there. One that is there already is an error.
  Result<void> add_veth(const VethSpec& spec);
  // A link that is not there is fine.
  Result<void> delete_link(const std::string& name);
  Result<void> set_alias(int link, const std::string& alias);
  Result<void> set_up(int link);
  // Waits until packets that are sent to the link are not dropped any more. That is some time after both ends are up:
  // the kernel attaches the queue from a work item (Linux before 6.7; later ones do it when asked for the link's
  // state).
  Result<void> await_operational(const std::string& name);
  Result<std::vector<Link>> links();
  // Index 0 if there is none of that name.
  Result<Link> find_link(const std::string& name);

  // Adds or confirms. No route to the block is made, and nobody is asked whether the address is free. `label`: at most
  // 15 characters, of IPv4 only.
  Result<void> add_address(int link, const IpAddress& address, int prefix, const std::string& label);
  // Waits until packets to the address are taken: the kernel does the last of adding an IPv6 address in its own time.
  Result<void> await_local(const IpAddress& address);
  Result<void> delete_address(int link, const IpAddress& address, int prefix);
  // Of both families.
  Result<std::vector<LabelledAddress>> addresses(int link);

  // A single address that lies directly behind `link`. One behind another link moves here, of IPv4 only if `take_over`;
  // otherwise that is an error.
  Result<void> add_host_route(int link, const IpAddress& destination, bool take_over = false);
  Result<void> delete_host_route(int link, const IpAddress& destination);
  // All of them, of one family, by link.
  Result<std::vector<std::pair<int, IpAddress>>> host_routes(bool ipv6);
  // The gateway is taken to be on the link although no block says so. `table` 0: the main one.
  Result<void> add_default_route(int link, const IpAddress& gateway, std::uint32_t metric, std::uint32_t table);
  // Packets from `source` look into `table` first.
  Result<void> add_source_rule(const IpAddress& source, std::uint32_t table);
  Result<void> delete_source_rule(const IpAddress& source, std::uint32_t table);
  // All rules that name `table`, of both families.
  Result<void> delete_rules(std::uint32_t table);
  // Those with Brume's protocol only, of both families. `replace`: instead of another of the same destination, table
  // and metric; otherwise such a one is an error. Deleting one that is not there is fine.
  Result<void> add_route(const KernelRoute& route, bool replace);
  Result<void> delete_route(const KernelRoute& route);
  Result<std::vector<KernelRoute>> routes();
  Result<void> add_rule(const KernelRule& rule);
  Result<void> delete_rule(const KernelRule& rule);
  Result<std::vector<KernelRule>> rules();
  // Links that default routes of the main table leave through, anybody's.
  Result<std::vector<int>> default_route_links();

  // `address` has `mac` for good: nobody is asked, and no answer believed.
  Result<void> add_neighbour(int link, const IpAddress& address, const Mac& mac);

 private:
  explicit Rtnetlink(env::Fd socket) : socket_(std::move(socket)) {}
  // As the kernel tells them, anybody's.
  struct FoundRoute {
    std::uint8_t protocol = 0, type = 0;  // RTPROT_…, RTN_…
    KernelRoute route;                    // without its kind
  };
  struct FoundRule {
    std::uint8_t protocol = 0;
    KernelRule rule;
  };
  Result<void> each_route(bool ipv6, const std::function<void(FoundRoute)>& visit);
  // Of both families.
  Result<void> each_rule(const std::function<void(FoundRule)>& visit);
  // `harmless`: an errno that means the kernel is already as asked.
  Result<void> request(std::string_view what, NetlinkMessage message, int harmless = 0);
  Result<bool> is_local(const IpAddress& address);
  Result<void> dump(std::string_view what, NetlinkMessage message,
                    const std::function<void(std::uint16_t type, std::string_view payload)>& visit);
  Result<void> send(std::string_view what, const std::string& bytes);
  Result<std::string_view> receive(std::string_view what);

  env::Fd socket_;
  std::uint32_t sequence_ = 0;
  std::string buffer_ = std::string(std::size_t{64} * 1024, '\0');
};

}  // namespace brume::net
