// DNS messages (RFC 1035, with EDNS of RFC 6891): queries read, replies written, another server's replies recognised.
//
// Pure. Reading is strict and bounded, because queries are an instance's to choose: one question, whose name is not
// compressed; every record is inside the message and nothing follows the last. A reply is never taken for a query, so
// that two servers do not answer each other for ever. Leaves to others: what is answered (resolver_answer.h), sockets.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace brume::net {

// Types and the one class that mean something here; any other number may come.
inline constexpr std::uint16_t kDnsA = 1, kDnsSoa = 6, kDnsPtr = 12, kDnsOpt = 41, kDnsAny = 255;
inline constexpr std::uint16_t kDnsInternet = 1;

enum class DnsCode : std::uint16_t {
  no_error = 0,
  form_error = 1,
  server_failure = 2,
  no_such_name = 3,
  not_implemented = 4,
  refused = 5,
  bad_version = 16,  // of EDNS; only to a query with EDNS
};

struct DnsEdns {
  std::uint16_t payload = 512;  // the largest UDP message that the sender takes
  std::uint8_t version = 0;
  bool dnssec_ok = false;
};

struct DnsQuery {
  std::uint16_t id = 0;
  bool recursion_desired = false, checking_disabled = false;
  std::string name;  // wire form, as it was sent: labels with their lengths, to the empty one
  std::uint16_t type = 0, record_class = 0;
  std::optional<DnsEdns> edns;
};

struct DnsRecord {
  std::string name;  // wire form
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::string data;
};

struct DnsReply {
  DnsCode code = DnsCode::no_error;
  std::vector<DnsRecord> answers, authority;
  bool truncated = false;
};

// Error: the code to answer with, or none where nothing may be answered (no whole header, or itself a reply).
std::expected<DnsQuery, std::optional<DnsCode>> parse_dns_query(std::string_view message);

// The reply to what parse_dns_query() found wrong: a header only.
std::string dns_failure(std::string_view message, DnsCode code);

// Of at most `limit` bytes: records that do not fit are left out, all of them, and the reply is marked truncated.
std::string write_dns_reply(const DnsQuery& query, const DnsReply& reply, std::size_t limit);
// The limit for a reply over UDP: what the client takes, at most 1232, which crosses any link in one piece.
std::size_t dns_udp_limit(const DnsQuery& query);

// The same question for another server, under an id of its own.
std::string write_dns_query(const DnsQuery& query, std::uint16_t id);
// Is it the reply to write_dns_query(query, id)?
bool is_dns_reply_to(std::string_view message, const DnsQuery& query, std::uint16_t id);
// Of a message for which that is true.
DnsCode dns_code(std::string_view message);
bool dns_truncated(std::string_view message);
void set_dns_id(std::string& message, std::uint16_t id);

// "web.ec2.internal" in wire form; its labels have 1 to 63 characters.
std::string dns_name(std::string_view text);
// In lower case without a last dot; nothing for the root or if a label has other characters than host names (and "_").
std::optional<std::string> dns_text(std::string_view name);

std::string dns_address(Ipv4 address);  // the data of an A record
void append_dns_number(std::string& out, std::uint16_t value);
void append_dns_number(std::string& out, std::uint32_t value);

}  // namespace brume::net
