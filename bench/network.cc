#include "network.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "env/namespaces.h"
#include "env/posix_error.h"
#include "measure.h"
#include "net/rtnetlink.h"

namespace brume::bench {

void inside(const std::string& path, const std::function<Result<void>()>& work) {
  must(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    return work();
  }));
}

namespace {

constexpr std::uint32_t kMtu = 9001;
constexpr net::Mac kMacs[] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 3}, {2, 0, 0, 0, 0, 4}};
const std::string kAclId = "acl-0123456789abcdef0";

std::string make_namespace(const std::string& folder, const std::string& name) {
  must(env::make_network_namespace(folder + "/" + name));
  return folder + "/" + name;
}

// A veth, up on both sides: neither is operational before the other is up.
void join(const Place& near, const std::string& near_link, const Place& far, const std::string& far_link, int number) {
  inside(near.path, [&]() -> Result<void> {
    BRUME_TRY(kernel, net::Rtnetlink::open());
    BRUME_TRY(other, env::open_network_namespace(far.path));
    return kernel.add_veth({.name = near_link,
                            .peer_name = far_link,
                            .peer_namespace = other.get(),
                            .mac = kMacs[std::size_t(2 * number)],
                            .peer_mac = kMacs[std::size_t(2 * number + 1)],
                            .mtu = kMtu});
  });
  inside(far.path, [&]() -> Result<void> {
    BRUME_TRY(kernel, net::Rtnetlink::open());
    BRUME_TRY(link, kernel.find_link(far_link));
    return kernel.set_up(link.index);
  });
}

// Gives the link its address, and routes to what lies behind it.
void address(const Place& place, const std::string& name, const std::vector<std::string>& behind,
             const std::string& gateway = "") {
  inside(place.path, [&]() -> Result<void> {
    BRUME_TRY(kernel, net::Rtnetlink::open());
    BRUME_TRY(link, kernel.find_link(name));
    BRUME_CHECK(kernel.add_address(link.index, *net::parse_ipv4(place.address), 32, name));
    for (const std::string& other : behind) BRUME_CHECK(kernel.add_host_route(link.index, *net::parse_ipv4(other)));
    if (!gateway.empty()) BRUME_CHECK(kernel.add_default_route(link.index, *net::parse_ipv4(gateway), 0, 0));
    return kernel.await_operational(name);
  });
}

sockaddr_in socket_address(const std::string& address, int port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(std::uint16_t(port));
  ::inet_pton(AF_INET, address.c_str(), &result.sin_addr);
  return result;
}

// Bound to `port` of the place unless that is -1.
env::Fd open_socket(const Place& place, int type, int port) {
  env::Fd fd;
  inside(place.path, [&]() -> Result<void> {
    fd = env::Fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    if (port < 0) return {};
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in local = socket_address(place.address, port);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
      return env::posix_error("Cannot bind to", place.address);
    return {};
  });
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  for (const int direction : {SO_SNDTIMEO, SO_RCVTIMEO})
    ::setsockopt(fd.get(), SOL_SOCKET, direction, &patience, sizeof patience);
  return fd;
}

}  // namespace

std::string own_world(unsigned limit_seconds, std::string& why) {
  ::alarm(limit_seconds);
  const std::string folder = "/mnt";  // every system has it, and what it holds is only hidden, from this process
  if (::geteuid() != 0)
    why = "needs root";
  else if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
           ::mount("none", folder.c_str(), "tmpfs", 0, "mode=0700") != 0)
    why = fmt::format("cannot have mounts of its own: {}", std::strerror(errno));
  else if (const auto made = env::make_network_namespace(folder + "/try"); !made)
    why = made.error().message;
  return why.empty() ? folder : "";
}

Way plain_veth(const std::string& folder) {
  Way way{
      "a veth pair", {make_namespace(folder, "plain-a"), "10.1.0.1"}, {make_namespace(folder, "plain-b"), "10.1.0.2"}};
  join(way.a, "eth0", way.b, "eth0", 0);
  address(way.a, "eth0", {way.b.address});
  address(way.b, "eth0", {way.a.address});
  return way;
}

Way routed_veths(const std::string& folder) {
  Way way{"two veth pairs, routed, no rules",
          {make_namespace(folder, "routed-a"), "10.2.0.2"},
          {make_namespace(folder, "routed-b"), "10.2.1.2"}};
  const Place left{make_namespace(folder, "router"), "10.2.0.1"}, right{left.path, "10.2.1.1"};
  inside(left.path, [] { return env::write_sysctl("ipv4/ip_forward", "1"); });
  join(left, "left", way.a, "eth0", 0);
  join(right, "right", way.b, "eth0", 1);
  address(left, "left", {way.a.address});
  address(right, "right", {way.b.address});
  address(way.a, "eth0", {}, left.address);
  address(way.b, "eth0", {}, right.address);
  return way;
}

Way instances(net::Fabric& fabric, const net::Policy& policy) {
  must(fabric.ensure_vpc(vpc_spec()));
  must(fabric.enforce(policy));
  const net::InterfaceSpec a = interface_spec(0), b = interface_spec(1);
  must(fabric.ensure_interface(a));
  must(fabric.ensure_interface(b));
  return {"two instances, groups and ACLs",
          {fabric.instance_namespace(a.instance_id), a.address},
          {fabric.instance_namespace(b.instance_id), b.address}};
}

env::Fd udp_socket(const Place& place, int port) {
  return open_socket(place, SOCK_DGRAM, port);
}

env::Fd tcp_listener(const Place& place, int port) {
  env::Fd fd = open_socket(place, SOCK_STREAM, port);
  if (::listen(fd.get(), 64) != 0) give_up("cannot listen");
  return fd;
}

env::Fd tcp_socket(const Place& place) {
  return open_socket(place, SOCK_STREAM, -1);
}

bool connect_to(const env::Fd& socket, const Place& place, int port) {
  const sockaddr_in remote = socket_address(place.address, port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) == 0;
}

std::string group_id(int number) {
  return fmt::format("sg-{:017x}", number);
}

net::VpcSpec vpc_spec() {
  return {.id = kVpcId, .subnet_cidrs = {"10.0.0.0/18", "10.0.64.0/18"}, .cidr = "10.0.0.0/16"};
}

net::Policy empty_policy() {
  net::Policy policy{.vpc_id = kVpcId, .groups = {}, .acls = {}, .subnet_acls = {}, .interfaces = {}};
  policy.acls[kAclId] = {kAclId, {{100, false, {}, "0.0.0.0/0", true}, {100, true, {}, "0.0.0.0/0", true}}};
  for (const int subnet : {0, 1}) policy.subnet_acls[fmt::format("subnet-{:017x}", subnet)] = kAclId;
  return policy;
}

void add_group(net::Policy& policy, int number, int rules) {
  net::SecurityGroup group{.id = group_id(number), .rules = {}};
  group.rules.push_back({fmt::format("sgr-{:017x}", 0), true, {}, "0.0.0.0/0", ""});
  for (int i = 0; i < rules; ++i)
    group.rules.push_back({fmt::format("sgr-{:017x}", i + 1),
                           false,
                           {6, 8000 + i, 8000 + i},
                           fmt::format("172.{}.{}.0/24", 16 + i / 256, i % 256),
                           ""});
  policy.groups.put(group.id, group);
}

net::InterfaceSpec interface_spec(int number) {
  const int subnet = number % 2, host = number / 2 + 10;
  return {.id = fmt::format("eni-{:017x}", number),
          .vpc_id = kVpcId,
          .instance_id = fmt::format("i-{:017x}", number),
          .address = fmt::format("10.0.{}.{}", subnet * 64 + host / 256, host % 256),
          .subnet_cidr = vpc_spec().subnet_cidrs[std::size_t(subnet)],
          .mac = fmt::format("02:00:00:00:{:02x}:{:02x}", number / 256, number % 256)};
}

void add_interface(net::Policy& policy, int number, std::vector<std::string> group_ids) {
  const net::InterfaceSpec spec = interface_spec(number);
  policy.interfaces.put(spec.id, {.id = spec.id,
                                  .subnet_id = fmt::format("subnet-{:017x}", number % 2),
                                  .addresses = {spec.address},
                                  .group_ids = std::move(group_ids)});
}

}  // namespace brume::bench
