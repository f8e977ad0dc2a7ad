// How heads change on their way through: pure functions from a parsed head to the bytes that are sent on.
//
// Runs of fields that pass unchanged are copied as they came; what ends at this hop is left out (RFC 9110, 7.6.1) and
// what a load balancer adds is appended. Leaves to the caller: whether to forward at all, and the body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lb/http1.h"

namespace brume::lb {

enum class XffMode : std::uint8_t { append, preserve, remove };
XffMode parse_xff_mode(std::string_view text);

struct ForwardSettings {
  bool preserve_host_header = false;
  bool drop_invalid_header_fields = false;
  XffMode xff_mode = XffMode::append;
  std::int32_t listener_port = 80;
  std::string_view client;        // as X-Forwarded-For names it
  std::string_view proto_fields;  // "X-Forwarded-Proto: …\r\nX-Forwarded-Port: …\r\n", made once for a listener
  std::string_view trace_root;    // "1-<8 hex>-<24 hex>" for this request
};

// Appends the head for the target to `out`. `upgrade`: the request asks for another protocol and may have it.
void write_request_head(const RequestHead& head, const char* base, const ForwardSettings& settings, bool upgrade,
                        std::string& out);

// What the client's connection does after the response.
enum class Afterwards : std::uint8_t { keep_alive, close, upgrade };

// Appends the head for the client. `drop_chunked`: the body goes without its chunked coding (HTTP/1.0 clients).
void write_response_head(const ResponseHead& head, const char* base, Afterwards afterwards, bool drop_chunked,
                         std::string& out);

// The client as X-Forwarded-For names it: with its port if asked, IPv6 then in brackets.
std::string forwarded_for(std::string_view address, bool v4, std::uint16_t port, bool with_port);

// The number of addresses in all X-Forwarded-For fields.
int count_forwarded_for(const RequestHead& head, const char* base);

// X-Amzn-Trace-Id as it is sent on: without one Root is added, with a Root Self goes before it; others stay. What is
// longer than 7 KB is replaced.
std::string trace_id(std::string_view received, std::string_view root);

}  // namespace brume::lb
