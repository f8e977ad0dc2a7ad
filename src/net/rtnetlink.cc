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

ifaddrmsg address_body(int link, int prefix) {
  return {.ifa_family = AF_INET,
          .ifa_prefixlen = std::uint8_t(prefix),
          .ifa_flags = 0,
          .ifa_scope = RT_SCOPE_UNIVERSE,
          .ifa_index = std::uint32_t(link)};
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

NetlinkMessage& NetlinkMessage::attribute(std::uint16_t type, Ipv4 address) {
  return attribute(type, htonl(address.value));
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
        if (error == 0) return {};
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

Result<void> Rtnetlink::add_address(int link, Ipv4 address, int prefix, const std::string& label) {
  NetlinkMessage message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.body(address_body(link, prefix))
      .attribute(IFA_LOCAL, address)
      .attribute(IFA_ADDRESS, address)
      .attribute(IFA_LABEL, label)
      .attribute(IFA_FLAGS, std::uint32_t(IFA_F_NOPREFIXROUTE | IFA_F_PERMANENT));
  return request("add the address " + to_string(address), std::move(message), EEXIST);
}

Result<void> Rtnetlink::delete_address(int link, Ipv4 address, int prefix) {
  NetlinkMessage message(RTM_DELADDR, NLM_F_ACK);
  message.body(address_body(link, prefix)).attribute(IFA_LOCAL, address);
  return request("delete the address " + to_string(address), std::move(message), EADDRNOTAVAIL);
}

Result<std::vector<LabelledAddress>> Rtnetlink::addresses(int link) {
  NetlinkMessage message(RTM_GETADDR, NLM_F_DUMP);
  message.body(address_body(0, 0));
  std::vector<LabelledAddress> found;
  BRUME_CHECK(dump("list addresses", std::move(message), [&](std::uint16_t type, std::string_view payload) {
    ifaddrmsg info;
    std::string_view attributes;
    if (type != RTM_NEWADDR || !split(payload, info, attributes) || int(info.ifa_index) != link) return;
    LabelledAddress entry;
    each_attribute(attributes, [&](int kind, std::string_view value) {
      if (kind == IFA_LABEL) entry.label = text_of(value);
      if (kind == IFA_LOCAL && value.size() == sizeof entry.address.value) {
        std::memcpy(&entry.address.value, value.data(), value.size());
        entry.address.value = ntohl(entry.address.value);
      }
    });
    found.push_back(std::move(entry));
  }));
  return found;
}

Result<void> Rtnetlink::add_host_route(int link, Ipv4 destination) {
  rtmsg route{};
  route.rtm_family = AF_INET;
  route.rtm_dst_len = 32;
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_STATIC;
  route.rtm_scope = RT_SCOPE_LINK;
  route.rtm_type = RTN_UNICAST;
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.body(route).attribute(RTA_DST, destination).attribute(RTA_OIF, std::uint32_t(link));
  return request("route " + to_string(destination), std::move(message));
}

Result<void> Rtnetlink::add_default_route(int link, Ipv4 gateway, std::uint32_t metric, std::uint32_t table) {
  rtmsg route{};
  route.rtm_family = AF_INET;
  route.rtm_protocol = RTPROT_STATIC;
  route.rtm_scope = RT_SCOPE_UNIVERSE;
  route.rtm_type = RTN_UNICAST;
  route.rtm_flags = RTNH_F_ONLINK;
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.body(route)
      .attribute(RTA_GATEWAY, gateway)
      .attribute(RTA_OIF, std::uint32_t(link))
      .attribute(RTA_PRIORITY, metric)
      .attribute(RTA_TABLE, table == 0 ? std::uint32_t(RT_TABLE_MAIN) : table);
  return request("route through " + to_string(gateway), std::move(message));
}

Result<void> Rtnetlink::add_source_rule(Ipv4 source, std::uint32_t table) {
  fib_rule_hdr rule{};
  rule.family = AF_INET;
  rule.src_len = 32;
  rule.action = FR_ACT_TO_TBL;
  NetlinkMessage message(RTM_NEWRULE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.body(rule).attribute(FRA_SRC, source).attribute(FRA_TABLE, table).attribute(FRA_PRIORITY, table);
  return request("add a rule for " + to_string(source), std::move(message), EEXIST);
}

Result<void> Rtnetlink::delete_rules(std::uint32_t table) {
  NetlinkMessage message(RTM_GETRULE, NLM_F_DUMP);
  fib_rule_hdr wanted{};
  wanted.family = AF_INET;
  message.body(wanted);
  std::vector<Ipv4> sources;
  BRUME_CHECK(dump("list rules", std::move(message), [&](std::uint16_t type, std::string_view payload) {
    fib_rule_hdr rule;
    std::string_view attributes;
    if (type != RTM_NEWRULE || !split(payload, rule, attributes)) return;
    Ipv4 source;
    std::uint32_t found = 0;
    each_attribute(attributes, [&](int kind, std::string_view value) {
      if (kind == FRA_SRC && value.size() == 4) std::memcpy(&source.value, value.data(), 4);
      if (kind == FRA_TABLE && value.size() == 4) std::memcpy(&found, value.data(), 4);
    });
    if (found == table) sources.push_back({ntohl(source.value)});
  }));
  for (const Ipv4 source : sources) {
    fib_rule_hdr rule{};
    rule.family = AF_INET;
    rule.src_len = 32;
    NetlinkMessage deletion(RTM_DELRULE, NLM_F_ACK);
    deletion.body(rule).attribute(FRA_SRC, source).attribute(FRA_TABLE, table);
    BRUME_CHECK(request("delete a rule", std::move(deletion), ENOENT));
  }
  return {};
}

Result<void> Rtnetlink::add_neighbour(int link, Ipv4 address, const Mac& mac) {
  ndmsg neighbour{};
  neighbour.ndm_family = AF_INET;
  neighbour.ndm_ifindex = link;
  neighbour.ndm_state = NUD_PERMANENT;
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.body(neighbour).attribute(NDA_DST, address).attribute(NDA_LLADDR, mac.data(), mac.size());
  return request("add the neighbour " + to_string(address), std::move(message));
}

}  // namespace brume::net
