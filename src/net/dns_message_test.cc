#include "net/dns_message.h"

#include <gtest/gtest.h>

namespace brume::net {
namespace {

using namespace std::string_literals;

const std::string head = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
const std::string head_with_one = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"s;
const std::string web = "\x03Web\x04test\x00\x00\x01\x00\x01"s;
const std::string opt = "\x00\x00\x29\x10\x00\x00\x00\x80\x00\x00\x00"s;  // 4096 bytes, DNSSEC OK

std::string with_flags(char high, char low) {
  std::string message = head + web;
  message[2] = high;
  message[3] = low;
  return message;
}
std::string with_counts(const std::string& counts, const std::string& rest = web) {
  return head.substr(0, 4) + counts + rest;
}

TEST(DnsMessageTest, ReadsOneQuestion) {
  const auto query = parse_dns_query(head + web);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->id, 0x1234);
  EXPECT_TRUE(query->recursion_desired);
  EXPECT_FALSE(query->checking_disabled);
  EXPECT_EQ(query->name, "\x03Web\x04test\x00"s);
  EXPECT_EQ(query->type, kDnsA);
  EXPECT_EQ(query->record_class, kDnsInternet);
  EXPECT_FALSE(query->edns);
  EXPECT_EQ(dns_udp_limit(*query), 512U);
}

TEST(DnsMessageTest, ReadsEdns) {
  const auto query = parse_dns_query(head_with_one + web + opt);
  ASSERT_TRUE(query);
  ASSERT_TRUE(query->edns);
  EXPECT_EQ(query->edns->payload, 4096);
  EXPECT_EQ(query->edns->version, 0);
  EXPECT_TRUE(query->edns->dnssec_ok);
  EXPECT_EQ(dns_udp_limit(*query), 1232U);
  const std::string reply = write_dns_reply(*query, {.code = DnsCode::bad_version}, 512);
  EXPECT_EQ(reply.substr(head.size() + web.size()), "\x00\x00\x29\x04\xd0\x01\x00\x80\x00\x00\x00"s);
  EXPECT_EQ(dns_code(reply), DnsCode::no_error) << "the lower four bits of 16";
}

TEST(DnsMessageTest, WhatIsNotAQuestion) {
  constexpr auto form_error = DnsCode::form_error;
  const std::string long_name = [] {
    std::string name;
    for (int i = 0; i < 4; ++i) name += "\x3f" + std::string(63, 'a');  // 256 with the last, empty label
    return name + "\x00\x00\x01\x00\x01"s;
  }();
  const struct {
    const char* what;
    std::string message;
    std::optional<DnsCode> code;
  } cases[] = {
      {"nothing", "", std::nullopt},
      {"part of a header", head.substr(0, 11), std::nullopt},
      {"a reply", with_flags('\x81', '\x80'), std::nullopt},
      {"a status request", with_flags('\x10', 0), DnsCode::not_implemented},
      {"an update", with_flags('\x28', 0), DnsCode::not_implemented},
      {"no question", with_counts("\0\0\0\0\0\0\0\0"s, ""), form_error},
      {"two questions", with_counts("\0\2\0\0\0\0\0\0"s, web + web), form_error},
      {"an answer in a query", with_counts("\0\1\0\1\0\0\0\0"s), form_error},
      {"an authority in a query", with_counts("\0\1\0\0\0\1\0\0"s), form_error},
      {"no name", head, form_error},
      {"a name without an end", head + "\x03web"s, form_error},
      {"a label beyond the end", head + "\x09web\x00\x00\x01\x00\x01"s, form_error},
      {"a pointer to itself", head + "\xc0\x0c\x00\x01\x00\x01"s, form_error},
      {"a label of an unknown kind", head + "\x41web\x00\x00\x01\x00\x01"s, form_error},
      {"a name of 256 bytes", head + long_name, form_error},
      {"no class", head + web.substr(0, web.size() - 2), form_error},
      {"bytes after the end", head + web + "x", form_error},
      {"a record too few", head_with_one + web, form_error},
      {"half a record", head_with_one + web + opt.substr(0, 9), form_error},
      {"data beyond the end", head_with_one + web + opt.substr(0, 10) + "\x01"s, form_error},
      {"two OPT records", with_counts("\0\1\0\0\0\0\0\2"s, web + opt + opt), form_error},
      {"an OPT record that is not the root's", head_with_one + web + "\x01x"s + opt, form_error},
      {"too many records", with_counts("\0\1\0\0\0\0\xff\xff"s), form_error},
  };
  for (const auto& c : cases) {
    const auto query = parse_dns_query(c.message);
    ASSERT_FALSE(query) << c.what;
    EXPECT_EQ(query.error(), c.code) << c.what;
  }
}

TEST(DnsMessageTest, OtherRecordsArePassedOver) {
  const std::string tsig = "\xc0\x0c\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x02zz"s;
  const auto query = parse_dns_query(with_counts("\0\1\0\0\0\0\0\2"s, web + tsig + opt));
  ASSERT_TRUE(query);
  EXPECT_TRUE(query->edns);
}

TEST(DnsMessageTest, AFailureEchoesIdAndOpcode) {
  EXPECT_EQ(dns_failure(with_flags('\x29', '\x10'), DnsCode::not_implemented),
            "\x12\x34\xa9\x94\x00\x00\x00\x00\x00\x00\x00\x00"s);
}

TEST(DnsMessageTest, WritesAReply) {
  const auto query = parse_dns_query(head + web);
  ASSERT_TRUE(query);
  DnsReply reply;
  reply.answers.push_back({query->name, kDnsA, 60, dns_address({0x0a006507})});
  EXPECT_EQ(write_dns_reply(*query, reply, 512),
            "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"s + web +
                "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x65\x07"s);
}

TEST(DnsMessageTest, WhatDoesNotFitIsTruncated) {
  const auto query = parse_dns_query(head_with_one + web + opt);
  ASSERT_TRUE(query);
  DnsReply reply;
  for (std::uint32_t i = 0; i < 40; ++i) reply.answers.push_back({query->name, kDnsA, 60, dns_address({i})});
  const std::string cut = write_dns_reply(*query, reply, 512);
  EXPECT_TRUE(dns_truncated(cut));
  EXPECT_EQ(cut.size(), head.size() + web.size() + opt.size());
  const std::string whole = write_dns_reply(*query, reply, 65535);
  EXPECT_FALSE(dns_truncated(whole));
  EXPECT_EQ(whole.size(), cut.size() + 40 * 16);
}

TEST(DnsMessageTest, RecognisesItsReply) {
  const auto query = parse_dns_query(head + web);
  ASSERT_TRUE(query);
  std::string asked = write_dns_query(*query, 0x7788);
  EXPECT_EQ(asked, "\x77\x88\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s + web);
  EXPECT_FALSE(is_dns_reply_to(asked, *query, 0x7788)) << "a query";
  std::string good = write_dns_reply(*query, {.code = DnsCode::refused}, 512);
  set_dns_id(good, 0x7788);
  EXPECT_TRUE(is_dns_reply_to(good, *query, 0x7788));
  EXPECT_EQ(dns_code(good), DnsCode::refused);
  EXPECT_FALSE(is_dns_reply_to(good, *query, 0x7789));
  EXPECT_FALSE(is_dns_reply_to(good.substr(0, good.size() - 1), *query, 0x7788));
  std::string other = good;
  other[13] = 'w';
  EXPECT_TRUE(is_dns_reply_to(other, *query, 0x7788)) << "names have no case";
  other[13] = 'x';
  EXPECT_FALSE(is_dns_reply_to(other, *query, 0x7788));
  other = good;
  other[good.size() - 3] = 28;
  EXPECT_FALSE(is_dns_reply_to(other, *query, 0x7788)) << "another type";
}

TEST(DnsMessageTest, NamesAsText) {
  EXPECT_EQ(dns_name("web.test"), "\x03web\x04test\x00"s);
  const struct {
    std::string name;
    std::optional<std::string> text;
  } cases[] = {
      {"\x03Web\x04TEST\x00"s, "web.test"}, {"\x04_tcp\x01\x61\x00"s, "_tcp.a"}, {"\x00"s, std::nullopt},
      {"\x03w.b\x00"s, std::nullopt},       {"\x02w\x00\x00"s, std::nullopt},    {"\x02w\xc3\x00"s, std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(dns_text(c.name), c.text);
}

}  // namespace
}  // namespace brume::net
