#include "net/dns_message.h"

#include <algorithm>

namespace brume::net {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t longest_name = 255;
constexpr unsigned most_additional = 8;  // records beside the question; a client has use for two, OPT and TSIG
constexpr std::uint16_t our_payload = 1232;

// Bits of the header's second word.
constexpr unsigned reply_bit = 0x8000, opcode_bits = 0x7800, truncated_bit = 0x0200, desired_bit = 0x0100,
                   available_bit = 0x0080, unchecked_bit = 0x0010, code_bits = 0x000f;

std::uint16_t number_at(std::string_view message, std::size_t at) {
  return std::uint16_t(std::uint8_t(message[at]) << 8 | std::uint8_t(message[at + 1]));
}

// The end of the uncompressed name at `at`.
std::optional<std::size_t> end_of_name(std::string_view message, std::size_t at) {
  for (std::size_t next = at; next < message.size();) {
    const std::uint8_t length = std::uint8_t(message[next]);
    next += 1 + length;
    if (length > 63 || next - at > longest_name) return std::nullopt;
    if (length == 0) return next;
  }
  return std::nullopt;
}

struct ReadRecord {
  bool at_root = false;
  std::uint16_t type = 0, record_class = 0;
  std::uint32_t ttl = 0;
};

// Moves `at` behind the record that begins there, if it is a whole one. Its name may end in a pointer, which is not
// followed.
std::optional<ReadRecord> read_record(std::string_view message, std::size_t& at) {
  ReadRecord record;
  const std::size_t start = at;
  for (;;) {
    if (at >= message.size() || at - start > longest_name) return std::nullopt;
    const std::uint8_t length = std::uint8_t(message[at]);
    if (length >= 0xc0) {
      at += 2;
      break;
    }
    if (length > 63) return std::nullopt;
    at += 1 + length;
    if (length == 0) {
      record.at_root = at == start + 1;
      break;
    }
  }
  if (at + 10 > message.size()) return std::nullopt;
  record.type = number_at(message, at);
  record.record_class = number_at(message, at + 2);
  record.ttl = std::uint32_t(number_at(message, at + 4)) << 16 | number_at(message, at + 6);
  const std::size_t length = number_at(message, at + 8);
  at += 10;
  if (length > message.size() - at) return std::nullopt;
  at += length;
  return record;
}

void append_header(std::string& out, std::uint16_t id, unsigned flags, std::uint16_t questions, std::size_t answers,
                   std::size_t authority, std::uint16_t additional) {
  append_dns_number(out, id);
  append_dns_number(out, std::uint16_t(flags));
  append_dns_number(out, questions);
  append_dns_number(out, std::uint16_t(answers));
  append_dns_number(out, std::uint16_t(authority));
  append_dns_number(out, additional);
}

void append_question(std::string& out, const DnsQuery& query) {
  out += query.name;
  append_dns_number(out, query.type);
  append_dns_number(out, query.record_class);
}

void append_record(std::string& out, const DnsQuery& query, const DnsRecord& record) {
  if (record.name == query.name)
    append_dns_number(out, std::uint16_t(0xc000 | header_size));  // a pointer to the question's
  else
    out += record.name;
  append_dns_number(out, record.type);
  append_dns_number(out, kDnsInternet);
  append_dns_number(out, record.ttl);
  append_dns_number(out, std::uint16_t(record.data.size()));
  out += record.data;
}

void append_edns(std::string& out, DnsCode code, bool dnssec_ok) {
  out += '\0';
  append_dns_number(out, kDnsOpt);
  append_dns_number(out, our_payload);
  append_dns_number(out, (std::uint32_t(code) >> 4) << 24 | (dnssec_ok ? 0x8000U : 0U));
  append_dns_number(out, std::uint16_t(0));
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
}

}  // namespace

void append_dns_number(std::string& out, std::uint16_t value) {
  out += char(value >> 8);
  out += char(value & 255);
}

void append_dns_number(std::string& out, std::uint32_t value) {
  append_dns_number(out, std::uint16_t(value >> 16));
  append_dns_number(out, std::uint16_t(value & 0xffff));
}

std::expected<DnsQuery, std::optional<DnsCode>> parse_dns_query(std::string_view message) {
  if (message.size() < header_size) return std::unexpected(std::nullopt);
  const unsigned flags = number_at(message, 2);
  if ((flags & reply_bit) != 0) return std::unexpected(std::nullopt);
  if ((flags & opcode_bits) != 0) return std::unexpected(DnsCode::not_implemented);
  const unsigned additional = number_at(message, 10);
  const auto malformed = std::unexpected(DnsCode::form_error);
  if (number_at(message, 4) != 1 || number_at(message, 6) != 0 || number_at(message, 8) != 0 ||
      additional > most_additional)
    return malformed;

  DnsQuery query;
  query.id = number_at(message, 0);
  query.recursion_desired = (flags & desired_bit) != 0;
  query.checking_disabled = (flags & unchecked_bit) != 0;
  const auto name_end = end_of_name(message, header_size);
  if (!name_end || *name_end + 4 > message.size()) return malformed;
  query.name = message.substr(header_size, *name_end - header_size);
  query.type = number_at(message, *name_end);
  query.record_class = number_at(message, *name_end + 2);
  std::size_t at = *name_end + 4;
  for (unsigned i = 0; i < additional; ++i) {
    const auto record = read_record(message, at);
    if (!record) return malformed;
    if (record->type != kDnsOpt) continue;
    if (!record->at_root || query.edns) return malformed;
    query.edns = DnsEdns{.payload = record->record_class,
                         .version = std::uint8_t(record->ttl >> 16 & 255),
                         .dnssec_ok = (record->ttl & 0x8000) != 0};
  }
  if (at != message.size()) return malformed;
  return query;
}

std::string dns_failure(std::string_view message, DnsCode code) {
  std::string out;
  const unsigned kept = number_at(message, 2) & (opcode_bits | desired_bit | unchecked_bit);
  append_header(out, number_at(message, 0), reply_bit | available_bit | kept | unsigned(code), 0, 0, 0, 0);
  return out;
}

std::string write_dns_reply(const DnsQuery& query, const DnsReply& reply, std::size_t limit) {
  std::string body;
  append_question(body, query);
  const std::size_t bare = body.size();
  for (const DnsRecord& record : reply.answers) append_record(body, query, record);
  for (const DnsRecord& record : reply.authority) append_record(body, query, record);
  std::string edns;
  if (query.edns) append_edns(edns, reply.code, query.edns->dnssec_ok);
  const bool fits = header_size + body.size() + edns.size() <= limit;
  if (!fits) body.resize(bare);

  unsigned flags = reply_bit | available_bit | (unsigned(reply.code) & code_bits);
  if (query.recursion_desired) flags |= desired_bit;
  if (query.checking_disabled) flags |= unchecked_bit;
  if (!fits || reply.truncated) flags |= truncated_bit;
  std::string out;
  append_header(out, query.id, flags, 1, fits ? reply.answers.size() : 0, fits ? reply.authority.size() : 0,
                query.edns ? 1 : 0);
  return out + body + edns;
}

std::size_t dns_udp_limit(const DnsQuery& query) {
  return query.edns ? std::clamp<std::size_t>(query.edns->payload, 512, our_payload) : 512;
}

std::string write_dns_query(const DnsQuery& query, std::uint16_t id) {
  std::string out;
  const unsigned flags = (query.recursion_desired ? desired_bit : 0U) | (query.checking_disabled ? unchecked_bit : 0U);
  append_header(out, id, flags, 1, 0, 0, query.edns ? 1 : 0);
  append_question(out, query);
  if (query.edns) append_edns(out, DnsCode::no_error, query.edns->dnssec_ok);
  return out;
}

bool is_dns_reply_to(std::string_view message, const DnsQuery& query, std::uint16_t id) {
  std::string question;
  append_question(question, query);
  if (message.size() < header_size + question.size() || number_at(message, 0) != id || number_at(message, 4) != 1 ||
      (number_at(message, 2) & (reply_bit | opcode_bits)) != reply_bit)
    return false;
  // Lengths of labels are below 'A', so lowering all bytes of the names compares names.
  const std::string_view asked = message.substr(header_size, question.size());
  return std::ranges::equal(asked.substr(0, query.name.size()), query.name, {}, lower, lower) &&
         asked.substr(query.name.size()) == std::string_view(question).substr(query.name.size());
}

DnsCode dns_code(std::string_view message) {
  return DnsCode(number_at(message, 2) & code_bits);
}

bool dns_truncated(std::string_view message) {
  return (number_at(message, 2) & truncated_bit) != 0;
}

void set_dns_id(std::string& message, std::uint16_t id) {
  message[0] = char(id >> 8);
  message[1] = char(id & 255);
}

std::string dns_name(std::string_view text) {
  std::string out;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t dot = std::min(text.find('.', start), text.size());
    out += char(dot - start);
    out += text.substr(start, dot - start);
    start = dot + 1;
  }
  return out + '\0';
}

std::optional<std::string> dns_text(std::string_view name) {
  std::string text;
  for (std::size_t at = 0; at < name.size() && name[at] != 0;) {
    if (!text.empty()) text += '.';
    const std::string_view label = name.substr(at + 1, std::uint8_t(name[at]));
    for (const char c : label) {
      const char small = lower(c);
      if (!((small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') || small == '-' || small == '_'))
        return std::nullopt;
      text += small;
    }
    at += 1 + label.size();
  }
  if (text.empty()) return std::nullopt;
  return text;
}

std::string dns_address(Ipv4 address) {
  std::string out;
  append_dns_number(out, address.value);
  return out;
}

}  // namespace brume::net
