// Any bytes as a query: read or refused, and what is read can be answered and asked of another server as it was.
#include <cstdint>

#include "net/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::net;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const auto query = parse_dns_query(message);
  if (!query) {
    if (query.error() && parse_dns_query(dns_failure(message, *query.error()))) __builtin_trap();
    return 0;
  }
  if (const auto text = dns_text(query->name); text && dns_text(dns_name(*text)) != text) __builtin_trap();
  const auto again = parse_dns_query(write_dns_query(*query, 7));
  if (!again || again->name != query->name || again->type != query->type) __builtin_trap();
  const std::string reply = write_dns_reply(*query, {}, dns_udp_limit(*query));
  if (reply.size() > 512 || !is_dns_reply_to(reply, *query, query->id)) __builtin_trap();
  (void)is_dns_reply_to(message, *query, query->id);
  return 0;
}
