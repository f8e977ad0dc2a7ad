#include "net/rtnetlink.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "env/posix_error.h"
#include "net/netlink_attributes.h"

namespace brume::net {
namespace {

Link parse_link(const ifinfomsg& info, std::string_view attributes) {
  Link link;
  link.index = info.ifi_index;
  each_attribute(attributes, [&](int type, std::string_view value) {
    if (type == IFLA_IFNAME) link.name = text_of(value);
    if (type == IFLA_IFALIAS) link.alias = text_of(value);
    if (type == IFLA_OPERSTATE) link.operational = value == std::string_view("\x06");  // IF_OPER_UP
    if (type == IFLA_LINKINFO)
      each_attribute(value, [&](int inner, std::string_view kind) {
        if (inner == IFLA_INFO_KIND) link.kind = text_of(kind);
      });
  });
  return link;
}

std::uint8_t family_of(const IpAddress& address) {
  return address.ipv6 ? AF_INET6 : AF_INET;
}

ifaddrmsg address_body(int link, const IpAddress& address, int prefix) {
  return {.ifa_family = family_of(address),
          .ifa_prefixlen = std::uint8_t(prefix),
          .ifa_flags = 0,
          .ifa_scope = RT_SCOPE_UNIVERSE,
          .ifa_index = std::uint32_t(link)};
}

rtmsg host_route_body(const IpAddress& destination) {
  rtmsg route{};
  route.rtm_family = family_of(destination);
  route.rtm_dst_len = destination.ipv6 ? 128 : 32;
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_STATIC;
  route.rtm_scope = RT_SCOPE_LINK;
  route.rtm_type = RTN_UNICAST;
  return route;
}

fib_rule_hdr source_rule_body(const IpAddress& source) {
  fib_rule_hdr rule{};
  rule.family = family_of(source);
  rule.src_len = source.ipv6 ? 128 : 32;
  rule.action = FR_ACT_TO_TBL;
  return rule;
}

ifinfomsg link_body(int index, unsigned flags = 0) {
  ifinfomsg info{};
  info.ifi_index = index;
  info.ifi_flags = info.ifi_change = flags;
  return info;
}

}  // namespace

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags) {
  const nlmsghdr header{.nlmsg_len = 0,
                        .nlmsg_type = type,
                        .nlmsg_flags = std::uint16_t(NLM_F_REQUEST | flags),
                        .nlmsg_seq = 0,
                        .nlmsg_pid = 0};
  append(&header, sizeof header);
}

NetlinkMessage& NetlinkMessage::append(const void* data, std::size_t size) {
  bytes_.append(static_cast<const char*>(data), size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  return *this;
}

NetlinkMessage& NetlinkMessage::attribute(std::uint16_t type, const void* data, std::size_t size) {
  const rtattr header{.rta_len = std::uint16_t(RTA_LENGTH(size)), .rta_type = type};
  append(&header, sizeof header);
  return append(data, size);
}

NetlinkMessage& NetlinkMessage::attribute(std::uint16_t type, const std::string& text) {
  return attribute(type, text.c_str(), text.size() + 1);
}

NetlinkMessage& NetlinkMessage::attribute(std::uint16_t type, const IpAddress& address) {
  return attribute(type, address.bytes.data(), address.ipv6 ? 16 : 4);
}

NetlinkMessage& NetlinkMessage::nested(std::uint16_t type, const std::function<void(NetlinkMessage&)>& fill) {
  const std::size_t start = bytes_.size();
  attribute(type, nullptr, 0);
  fill(*this);
  const auto length = std::uint16_t(bytes_.size() - start);
  std::memcpy(bytes_.data() + start + offsetof(rtattr, rta_len), &length, sizeof length);
  return *this;
}

const std::string& NetlinkMessage::finish(std::uint32_t sequence) {
  nlmsghdr header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = std::uint32_t(bytes_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return bytes_;
}

Result<Rtnetlink> Rtnetlink::open() {
  env::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  const sockaddr_nl local{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
    return env::posix_error("Cannot open", "rtnetlink");
  return Rtnetlink(std::move(socket));
}

Result<void> Rtnetlink::send(std::string_view what, const std::string& bytes) {
  if (::send(socket_.get(), bytes.data(), bytes.size(), 0) != ssize_t(bytes.size()))
    return env::posix_error("rtnetlink: cannot", what);
  return {};
}

Result<std::string_view> Rtnetlink::receive(std::string_view what) {
  for (;;) {
    const ssize_t n = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (n >= 0) return std::string_view(buffer_).substr(0, std::size_t(n));
    if (errno != EINTR) return env::posix_error("rtnetlink: cannot", what);
  }
}

Result<void> Rtnetlink::dump(std::string_view what, NetlinkMessage message,
                             const std::function<void(std::uint16_t, std::string_view)>& visit) {
  const std::uint32_t sequence = ++sequence_;
  BRUME_CHECK(send(what, message.finish(sequence)));
  for (;;) {
    BRUME_TRY(datagram, receive(what));
    std::string_view rest = datagram;
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) break;
      const std::string_view payload = rest.substr(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
      rest.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
      if (header.nlmsg_seq != sequence) continue;  // the end of a dump that was given up
      if (header.nlmsg_type == NLMSG_DONE) return {};
      if (header.nlmsg_type == NLMSG_ERROR) {
        int error = -EBADMSG;
        if (payload.size() >= sizeof error) std::memcpy(&error, payload.data(), sizeof error);
        // A kernel without the family has nothing of it.
        if (error == 0 || error == -EAFNOSUPPORT || error == -EOPNOTSUPP) return {};
        return env::posix_error("rtnetlink: cannot", what, -error);
      }
      visit(header.nlmsg_type, payload);
    }
  }
}

Result<void> Rtnetlink::request(std::string_view what, NetlinkMessage message, int harmless) {
  const std::uint32_t sequence = ++sequence_;
  BRUME_CHECK(send(what, message.finish(sequence)));
  for (;;) {
    BRUME_TRY(datagram, receive(what));
    nlmsghdr header;
    if (datagram.size() < NLMSG_LENGTH(sizeof(nlmsgerr))) continue;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_seq != sequence || header.nlmsg_type != NLMSG_ERROR) continue;
    int error = 0;
    std::memcpy(&error, datagram.data() + NLMSG_HDRLEN, sizeof error);
    if (error == 0 || -error == harmless) return {};
    return env::posix_error("rtnetlink: cannot", what, -error);
  }
}

Result<void> Rtnetlink::add_veth(const VethSpec& spec) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.body(link_body(0, IFF_UP))
      .attribute(IFLA_IFNAME, spec.name)
      .attribute(IFLA_ADDRESS, spec.mac.data(), spec.mac.size())
      .attribute(IFLA_MTU, spec.mtu)
      .nested(IFLA_LINKINFO, [&](NetlinkMessage& info) {
        info.attribute(IFLA_INFO_KIND, std::string("veth")).nested(IFLA_INFO_DATA, [&](NetlinkMessage& data) {
          data.nested(VETH_INFO_PEER, [&](NetlinkMessage& peer) {
            peer.body(link_body(0))
                .attribute(IFLA_IFNAME, spec.peer_name)
                .attribute(IFLA_ADDRESS, spec.peer_mac.data(), spec.peer_mac.size())
                .attribute(IFLA_MTU, spec.mtu)
                .attribute(IFLA_NET_NS_FD, std::uint32_t(spec.peer_namespace));
          });
        });
      });
  return request("make the veth " + spec.name, std::move(message));
}

Result<void> Rtnetlink::delete_link(const std::string& name) {
  NetlinkMessage message(RTM_DELLINK, NLM_F_ACK);
  message.body(link_body(0)).attribute(IFLA_IFNAME, name);
  return request("delete the link " + name, std::move(message), ENODEV);
}

Result<void> Rtnetlink::set_alias(int link, const std::string& alias) {
  NetlinkMessage message(RTM_SETLINK, NLM_F_ACK);
  message.body(link_body(link)).attribute(IFLA_IFALIAS, alias);
  return request("set an alias", std::move(message));
}

Result<void> Rtnetlink::set_up(int link) {
  NetlinkMessage message(RTM_SETLINK, NLM_F_ACK);
  message.body(link_body(link, IFF_UP));
  return request("set a link up", std::move(message));
}

Result<void> Rtnetlink::await_operational(const std::string& name) {
  using namespace std::chrono_literals;
  for (const auto deadline = std::chrono::steady_clock::now() + 2s; std::chrono::steady_clock::now() < deadline;) {
    BRUME_TRY(link, find_link(name));
    if (link.operational) return {};
    std::this_thread::sleep_for(1ms);
  }
  return fail_internal("The link {} does not come up", name);
}

Result<std::vector<Link>> Rtnetlink::links() {
  NetlinkMessage message(RTM_GETLINK, NLM_F_DUMP);
  message.body(link_body(0));
  std::vector<Link> links;
  BRUME_CHECK(dump("list links", std::move(message), [&](std::uint16_t type, std::string_view payload) {
    ifinfomsg info;
    std::string_view attributes;
    if (type == RTM_NEWLINK && split(payload, info, attributes)) links.push_back(parse_link(info, attributes));
  }));
  return links;
}

Result<Link> Rtnetlink::find_link(const std::string& name) {
  // A single answer rather than a dump: a VPC may hold hundreds.
  NetlinkMessage message(RTM_GETLINK, 0);
  message.body(link_body(0)).attribute(IFLA_IFNAME, name);
  const std::uint32_t sequence = ++sequence_;
  BRUME_CHECK(send("find a link", message.finish(sequence)));
  for (;;) {
    BRUME_TRY(datagram, receive("find a link"));
    nlmsghdr header;
    if (datagram.size() < sizeof header) continue;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_seq != sequence || header.nlmsg_len > datagram.size()) continue;
    const std::string_view payload = datagram.substr(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    int error = -EBADMSG;
    if (header.nlmsg_type == NLMSG_ERROR && payload.size() >= sizeof error)
      std::memcpy(&error, payload.data(), sizeof error);
    if (error == -ENODEV) return Link{};
    ifinfomsg info;
    std::string_view attributes;
    if (header.nlmsg_type == RTM_NEWLINK && split(payload, info, attributes)) return parse_link(info, attributes);
    return env::posix_error("rtnetlink: cannot find the link", name, -error);
  }
}

Result<void> Rtnetlink::add_address(int link, const IpAddress& address, int prefix, const std::string& label) {
  std::uint32_t flags = IFA_F_NOPREFIXROUTE | IFA_F_PERMANENT;
  if (address.ipv6) flags |= IFA_F_NODAD;
  NetlinkMessage message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.body(address_body(link, address, prefix)).attribute(IFA_LOCAL, address).attribute(IFA_ADDRESS, address);
  if (!address.ipv6) message.attribute(IFA_LABEL, label);
  message.attribute(IFA_FLAGS, flags);
  return request("add the address " + to_string(address), std::move(message), EEXIST);
}

Result<void> Rtnetlink::await_local(const IpAddress& address) {
  using namespace std::chrono_literals;
  for (const auto deadline = std::chrono::steady_clock::now() + 2s; std::chrono::steady_clock::now() < deadline;) {
    BRUME_TRY(local, is_local(address));
    if (local) return {};
    std::this_thread::sleep_for(1ms);
  }
  return fail_internal("The address {} does not become the namespace's own", to_string(address));
}

Result<bool> Rtnetlink::is_local(const IpAddress& address) {
  rtmsg wanted{};
  wanted.rtm_family = family_of(address);
  wanted.rtm_dst_len = address.ipv6 ? 128 : 32;
  NetlinkMessage message(RTM_GETROUTE, 0);
  message.body(wanted).attribute(RTA_DST, address);
  const std::uint32_t sequence = ++sequence_;
  BRUME_CHECK(send("look up a route", message.finish(sequence)));
  for (;;) {
    BRUME_TRY(datagram, receive("look up a route"));
    nlmsghdr header;
    rtmsg found{};
    if (datagram.size() < sizeof header) continue;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_seq != sequence) continue;
    std::string_view attributes;
    return header.nlmsg_type == RTM_NEWROUTE && split(datagram.substr(NLMSG_HDRLEN), found, attributes) &&
           found.rtm_type == RTN_LOCAL;
  }
}

Result<void> Rtnetlink::delete_address(int link, const IpAddress& address, int prefix) {
  NetlinkMessage message(RTM_DELADDR, NLM_F_ACK);
  message.body(address_body(link, address, prefix)).attribute(IFA_LOCAL, address);
  return request("delete the address " + to_string(address), std::move(message), EADDRNOTAVAIL);
}

Result<std::vector<LabelledAddress>> Rtnetlink::addresses(int link) {
  std::vector<LabelledAddress> found;
  for (const std::uint8_t family : both_families) {
    NetlinkMessage message(RTM_GETADDR, NLM_F_DUMP);
    ifaddrmsg wanted{};
    wanted.ifa_family = family;
    message.body(wanted);
    BRUME_CHECK(dump("list addresses", std::move(message), [&](std::uint16_t type, std::string_view payload) {
      ifaddrmsg info;
      std::string_view attributes;
      if (type != RTM_NEWADDR || !split(payload, info, attributes) || int(info.ifa_index) != link) return;
      if (info.ifa_family != family) return;
      LabelledAddress entry;
      each_attribute(attributes, [&](int kind, std::string_view value) {
        if (kind == IFA_LABEL) entry.label = text_of(value);
        if (kind == (family == AF_INET ? IFA_LOCAL : IFA_ADDRESS)) entry.address = address_of(value);
      });
      found.push_back(std::move(entry));
    }));
  }
  return found;
}

Result<void> Rtnetlink::add_host_route(int link, const IpAddress& destination, bool take_over) {
  const std::uint16_t other = destination.ipv6 || take_over ? NLM_F_REPLACE : NLM_F_EXCL;
  NetlinkMessage message(RTM_NEWROUTE, std::uint16_t(NLM_F_ACK | NLM_F_CREATE | other));
  message.body(host_route_body(destination)).attribute(RTA_DST, destination).attribute(RTA_OIF, std::uint32_t(link));
  return request("route " + to_string(destination), std::move(message));
}

Result<void> Rtnetlink::delete_host_route(int link, const IpAddress& destination) {
  NetlinkMessage message(RTM_DELROUTE, NLM_F_ACK);
  message.body(host_route_body(destination)).attribute(RTA_DST, destination).attribute(RTA_OIF, std::uint32_t(link));
  return request("remove the route to " + to_string(destination), std::move(message), ESRCH);
}

Result<void> Rtnetlink::add_default_route(int link, const IpAddress& gateway, std::uint32_t metric,
                                          std::uint32_t table) {
  rtmsg route{};
  route.rtm_family = family_of(gateway);
  route.rtm_protocol = RTPROT_STATIC;
  route.rtm_scope = RT_SCOPE_UNIVERSE;
  route.rtm_type = RTN_UNICAST;
  route.rtm_flags = RTNH_F_ONLINK;
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.body(route)
      .attribute(RTA_GATEWAY, gateway)
      .attribute(RTA_OIF, std::uint32_t(link))
      .attribute(RTA_PRIORITY, gateway.ipv6 ? metric + 1024 : metric)  // of IPv6 none means 1024
      .attribute(RTA_TABLE, table == 0 ? std::uint32_t(RT_TABLE_MAIN) : table);
  return request("route through " + to_string(gateway), std::move(message));
}

Result<void> Rtnetlink::add_source_rule(const IpAddress& source, std::uint32_t table) {
  NetlinkMessage message(RTM_NEWRULE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.body(source_rule_body(source))
      .attribute(FRA_SRC, source)
      .attribute(FRA_TABLE, table)
      .attribute(FRA_PRIORITY, table);
  return request("add a rule for " + to_string(source), std::move(message), EEXIST);
}

Result<void> Rtnetlink::delete_source_rule(const IpAddress& source, std::uint32_t table) {
  NetlinkMessage message(RTM_DELRULE, NLM_F_ACK);
  message.body(source_rule_body(source)).attribute(FRA_SRC, source).attribute(FRA_TABLE, table);
  return request("delete a rule", std::move(message), ENOENT);
}

Result<void> Rtnetlink::add_neighbour(int link, const IpAddress& address, const Mac& mac) {
  ndmsg neighbour{};
  neighbour.ndm_family = family_of(address);
  neighbour.ndm_ifindex = link;
  neighbour.ndm_state = NUD_PERMANENT;
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.body(neighbour).attribute(NDA_DST, address).attribute(NDA_LLADDR, mac.data(), mac.size());
  return request("add the neighbour " + to_string(address), std::move(message));
}

}  // namespace brume::net
