#include "net/resolver_answer.h"

#include <gtest/gtest.h>

namespace brume::net {
namespace {

class Names : public NameSource {
 public:
  std::optional<VpcNames> vpc(const std::string&) const override { return std::nullopt; }
  bool is_interface(const std::string& vpc_id, Ipv4 address) const override {
    return vpc_id == "vpc-1" && address == *parse_ipv4("10.0.101.7");
  }
  bool may_forward(const std::string&, Ipv4) const override { return true; }
  std::optional<Ipv4> instance(const std::string&, std::string_view id) const override {
    return id == "i-0a1" ? std::optional(*parse_ipv4("10.0.101.7")) : std::nullopt;
  }
  std::optional<Ipv4> way_to(const std::string&, Ipv4 address) const override {
    return address == *parse_ipv4("127.8.0.12") ? std::optional(*parse_ipv4("10.0.101.7")) : std::nullopt;
  }
  std::vector<Ipv4> load_balancer(std::string_view name) const override {
    if (name != "web-1.eu-west-1.elb.localhost") return {};
    return {*parse_ipv4("10.0.101.200"), *parse_ipv4("10.0.102.200")};
  }
};

// "NOERROR 10.0.101.7 …", "NXDOMAIN ec2.internal" with the zone of its SOA, "forward".
std::string told(const std::string& name, std::uint16_t type, const VpcNames& vpc, std::uint16_t record_class = 1) {
  const DnsQuery query{.name = dns_name(name), .type = type, .record_class = record_class};
  const auto reply = answer_locally(query, "vpc-1", vpc, Names());
  if (!reply) return "forward";
  const char* const codes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  std::string text = codes[int(reply->code)];
  for (const DnsRecord& record : reply->answers) {
    EXPECT_EQ(record.name, query.name);
    EXPECT_EQ(record.ttl, 60U);
    if (record.type == kDnsPtr) {
      text += " " + dns_text(record.data).value_or("?");
    } else {
      Ipv4 address;
      for (const char c : record.data) address.value = address.value << 8 | std::uint8_t(c);
      text += " " + to_string(address);
    }
  }
  for (const DnsRecord& record : reply->authority) {
    EXPECT_EQ(record.type, kDnsSoa);
    text += " " + dns_text(record.name).value_or("?");
  }
  return text;
}

VpcNames vpc_in(const std::string& region, bool hostnames) {
  return {.region = region,
          .blocks = {*parse_ipv4_block("10.0.0.0/16"), *parse_ipv4_block("100.64.0.0/16")},
          .hostnames = hostnames};
}

TEST(ResolverAnswerTest, Names) {
  const VpcNames vpc = vpc_in("eu-west-1", true);
  const struct {
    const char* name;
    std::uint16_t type;
    const char* expected;
  } cases[] = {
      {"ip-10-0-101-7.eu-west-1.compute.internal", 1, "NOERROR 10.0.101.7"},
      {"IP-10-0-101-7.EU-West-1.Compute.Internal", 1, "NOERROR 10.0.101.7"},
      {"ip-10-0-101-7.eu-west-1.compute.internal", 255, "NOERROR 10.0.101.7"},
      {"ip-10-0-101-7.eu-west-1.compute.internal", 28, "NOERROR compute.internal"},
      {"ip-10-0-101-7.eu-west-1.compute.internal", 252, "REFUSED"},
      {"ip-10-0-101-7.eu-west-1.compute.internal", 41, "REFUSED"},
      {"ip-10-0-101-8.eu-west-1.compute.internal", 1, "NXDOMAIN compute.internal"},
      {"ip-10-0-101-07.eu-west-1.compute.internal", 1, "NXDOMAIN compute.internal"},
      {"ip-10.0.101.7.eu-west-1.compute.internal", 1, "NXDOMAIN compute.internal"},
      {"ip-10-0-101-7.eu-west-2.compute.internal", 1, "NXDOMAIN compute.internal"},
      {"ip-10-0-101-7.ec2.internal", 1, "NXDOMAIN ec2.internal"},
      {"i-0a1.eu-west-1.compute.internal", 1, "NOERROR 10.0.101.7"},
      {"i-0a2.eu-west-1.compute.internal", 1, "NXDOMAIN compute.internal"},
      {"eu-west-1.compute.internal", 1, "NOERROR compute.internal"},
      {"compute.internal", 1, "NOERROR compute.internal"},
      {"xcompute.internal", 1, "forward"},
      {"web-1.eu-west-1.elb.localhost", 1, "NOERROR 10.0.101.200 10.0.102.200"},
      {"Web-1.eu-west-1.elb.localhost", 28, "NOERROR elb.localhost"},
      {"web-2.eu-west-1.elb.localhost", 1, "NXDOMAIN elb.localhost"},
      {"eu-west-1.elb.localhost", 1, "NOERROR elb.localhost"},
      {"ec2-127-8-0-12.eu-west-1.compute.amazonaws.com", 1, "NOERROR 10.0.101.7"},
      {"ec2-127-8-0-12.compute-1.amazonaws.com", 1, "NOERROR 10.0.101.7"},
      {"ec2-127-8-0-13.eu-west-1.compute.amazonaws.com", 1, "forward"},
      {"ec2-127-8-0-12.example.com", 1, "forward"},
      {"7.101.0.10.in-addr.arpa", 12, "NOERROR ip-10-0-101-7.eu-west-1.compute.internal"},
      {"7.101.0.10.in-addr.arpa", 1, "NOERROR 0.10.in-addr.arpa"},
      {"8.101.0.10.in-addr.arpa", 12, "NXDOMAIN 0.10.in-addr.arpa"},
      {"x.7.101.0.10.in-addr.arpa", 12, "NXDOMAIN 0.10.in-addr.arpa"},
      {"101.0.10.in-addr.arpa", 12, "NOERROR 0.10.in-addr.arpa"},
      {"10.in-addr.arpa", 12, "NOERROR 10.in-addr.arpa"},
      {"1.0.64.100.in-addr.arpa", 12, "NXDOMAIN 64.100.in-addr.arpa"},
      {"1.0.168.192.in-addr.arpa", 12, "NXDOMAIN 168.192.in-addr.arpa"},
      {"168.192.in-addr.arpa", 12, "NOERROR 168.192.in-addr.arpa"},
      {"192.in-addr.arpa", 12, "forward"},
      {"1.0.0.8.in-addr.arpa", 12, "forward"},
      {"in-addr.arpa", 12, "forward"},
      {"www.example.com", 1, "forward"},
      {"localhost", 1, "forward"},
      {"", 2, "forward"},
  };
  for (const auto& c : cases) EXPECT_EQ(told(c.name, c.type, vpc), c.expected) << c.name << " " << c.type;
  EXPECT_EQ(told("www.example.com", 1, vpc, 3), "REFUSED");
  EXPECT_EQ(told("ip-10-0-101-7.ec2.internal", 1, vpc_in("us-east-1", true)), "NOERROR 10.0.101.7");
  EXPECT_EQ(told("7.101.0.10.in-addr.arpa", 12, vpc_in("us-east-1", true)), "NOERROR ip-10-0-101-7.ec2.internal");
}

TEST(ResolverAnswerTest, WithoutHostNames) {
  const VpcNames vpc = vpc_in("us-east-1", false);
  EXPECT_EQ(told("ip-10-0-101-7.ec2.internal", 1, vpc), "NXDOMAIN ec2.internal");
  EXPECT_EQ(told("7.101.0.10.in-addr.arpa", 12, vpc), "NXDOMAIN 0.10.in-addr.arpa");
  EXPECT_EQ(told("ec2-127-8-0-12.compute-1.amazonaws.com", 1, vpc), "forward");
  EXPECT_EQ(told("web-1.eu-west-1.elb.localhost", 1, vpc), "NOERROR 10.0.101.200 10.0.102.200");
}

TEST(ResolverAnswerTest, AnotherVersionOfEdns) {
  DnsQuery query{.name = dns_name("x"), .type = 1, .record_class = 1, .edns = DnsEdns{.version = 1}};
  EXPECT_EQ(answer_locally(query, "vpc-1", vpc_in("eu-west-1", true), Names())->code, DnsCode::bad_version);
}

}  // namespace
}  // namespace brume::net
