#include "net/resolver_answer.h"

#include <algorithm>
#include <charconv>

namespace brume::net {
namespace {

constexpr std::uint32_t ttl = 60;

// What is local whether or not the VPC has it: RFC 1918 and link-local.
constexpr Ipv4Block private_blocks[] = {{{0x0a000000}, 8}, {{0xac100000}, 12}, {{0xc0a80000}, 16}, {{0xa9fe0000}, 16}};

bool is_below(std::string_view name, std::string_view zone) {
  return name == zone ||
         (name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.');
}

// The labels before ".zone".
std::string_view before(std::string_view name, std::string_view zone) {
  return name == zone ? "" : name.substr(0, name.size() - zone.size() - 1);
}

std::string own_zone(const std::string& region) {
  return region == "us-east-1" ? "ec2.internal" : region + ".compute.internal";
}

DnsRecord start_of_authority(const std::string& zone) {
  std::string data = dns_name("ns0." + zone) + dns_name("hostmaster." + zone);
  for (const std::uint32_t number : {1U, 3600U, 900U, 604800U, ttl}) append_dns_number(data, number);
  return {dns_name(zone), kDnsSoa, ttl, data};
}

DnsReply nothing(DnsCode code, const std::string& zone) {
  return {.code = code, .answers = {}, .authority = {start_of_authority(zone)}};
}
DnsReply no_name(const std::string& zone) {
  return nothing(DnsCode::no_such_name, zone);
}
// The name is there but has no record of that type.
DnsReply no_data(const std::string& zone) {
  return nothing(DnsCode::no_error, zone);
}

DnsReply with_addresses(const DnsQuery& query, const std::vector<Ipv4>& addresses, const std::string& zone) {
  if (query.type != kDnsA && query.type != kDnsAny) return no_data(zone);
  DnsReply reply;
  for (const Ipv4 address : addresses) reply.answers.push_back({query.name, kDnsA, ttl, dns_address(address)});
  // Most clients take the first; the id is as good as a die.
  std::ranges::rotate(reply.answers, reply.answers.begin() + query.id % std::ssize(reply.answers));
  return reply;
}

// "10-0-101-7"
std::optional<Ipv4> dashed_address(std::string_view text) {
  std::string dotted(text);
  if (dotted.find('.') != std::string::npos) return std::nullopt;
  std::ranges::replace(dotted, '-', '.');
  const auto address = parse_ipv4(dotted);
  return address ? std::optional(*address) : std::nullopt;
}

DnsReply answer_private(const DnsQuery& query, std::string_view name, std::string_view top, const std::string& vpc_id,
                        const VpcNames& vpc, const NameSource& source) {
  const std::string zone = own_zone(vpc.region), above(top);
  if (name == top || name == zone) return no_data(above);
  if (!vpc.hostnames || !is_below(name, zone)) return no_name(above);
  const std::string_view host = before(name, zone);
  std::optional<Ipv4> found;
  if (host.starts_with("ip-")) {
    found = dashed_address(host.substr(3));
    if (found && !source.is_interface(vpc_id, *found)) found.reset();
  } else if (host.starts_with("i-")) {
    found = source.instance(vpc_id, host);
  }
  return found ? with_addresses(query, {*found}, above) : no_name(above);
}

DnsReply answer_load_balancer(const DnsQuery& query, std::string_view name, const std::string& zone,
                              const NameSource& source) {
  if (before(name, zone).find('.') == std::string_view::npos) return no_data(zone);  // a region's part, or all
  const std::vector<Ipv4> nodes = source.load_balancer(name);
  return nodes.empty() ? no_name(zone) : with_addresses(query, nodes, zone);
}

// "ec2-203-0-113-25.compute-1.amazonaws.com" is us-east-1's, others have their region before "compute".
std::optional<Ipv4> address_in_public_name(std::string_view name) {
  if (!name.starts_with("ec2-")) return std::nullopt;
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view rest = name.substr(dot + 1);
  if (rest != "compute-1.amazonaws.com" && !rest.ends_with(".compute.amazonaws.com")) return std::nullopt;
  return dashed_address(name.substr(4, dot - 4));
}

// "7.101.0.10.in-addr.arpa", or fewer numbers for the zones above it. Nothing if it is not a private range's.
std::optional<DnsReply> answer_reverse(const DnsQuery& query, std::string_view name, const std::string& vpc_id,
                                       const VpcNames& vpc, const NameSource& source) {
  std::string_view rest = before(name, "in-addr.arpa");
  std::string zone = "in-addr.arpa";
  Ipv4Block block{{0}, 0};
  while (!rest.empty() && block.prefix < 32) {
    const std::size_t dot = rest.rfind('.');
    const std::string_view label = dot == std::string_view::npos ? rest : rest.substr(dot + 1);
    unsigned number = 0;
    const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), number);
    if (error != std::errc() || end != label.data() + label.size() || number > 255) break;
    if (block.prefix < 16) zone = std::string(label) + "." + zone;
    block.base.value |= number << (24 - block.prefix);
    block.prefix += 8;
    rest = dot == std::string_view::npos ? "" : rest.substr(0, dot);
  }
  const auto holds = [&](const Ipv4Block& outer) { return outer.prefix <= block.prefix && outer.contains(block.base); };
  if (!std::ranges::any_of(private_blocks, holds) && !std::ranges::any_of(vpc.blocks, holds)) return std::nullopt;
  if (!rest.empty()) return no_name(zone);
  // NXDOMAIN here would deny all that is below.
  if (block.prefix < 32) return no_data(zone);
  if (!vpc.hostnames || !source.is_interface(vpc_id, block.base)) return no_name(zone);
  if (query.type != kDnsPtr && query.type != kDnsAny) return no_data(zone);
  std::string host = to_string(block.base);
  std::ranges::replace(host, '.', '-');
  DnsReply reply;
  reply.answers.push_back({query.name, kDnsPtr, ttl, dns_name("ip-" + host + "." + own_zone(vpc.region))});
  return reply;
}

}  // namespace

std::optional<DnsReply> answer_locally(const DnsQuery& query, const std::string& vpc_id, const VpcNames& vpc,
                                       const NameSource& source) {
  if (query.edns && query.edns->version != 0) return DnsReply{.code = DnsCode::bad_version};
  // Zone transfers and what else is not a question for records (RFC 6895, "QTYPEs and meta types").
  const bool meta = query.type == 0 || query.type == kDnsOpt || (query.type >= 128 && query.type < kDnsAny);
  if (query.record_class != kDnsInternet || meta) return DnsReply{.code = DnsCode::refused};
  const auto name = dns_text(query.name);
  if (!name) return std::nullopt;
  for (const char* top : {"ec2.internal", "compute.internal"})
    if (is_below(*name, top)) return answer_private(query, *name, top, vpc_id, vpc, source);
  if (is_below(*name, "elb.localhost")) return answer_load_balancer(query, *name, "elb.localhost", source);
  if (is_below(*name, "in-addr.arpa")) return answer_reverse(query, *name, vpc_id, vpc, source);
  if (vpc.hostnames)
    if (const auto address = address_in_public_name(*name))
      if (const auto way = source.way_to(vpc_id, *address))
        return with_addresses(query, {*way}, std::string(name->substr(name->find('.') + 1)));
  return std::nullopt;
}

}  // namespace brume::net
