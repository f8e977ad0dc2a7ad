// HTTP messages as values, and how their targets and forms are spelled.
//
// Nothing here touches a socket: servers and clients (http_server.h, client.h) carry these. Header names compare
// without regard to case; the order and repetition of headers are kept.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/event_stream.h"
#include "base/percent.h"
#include "base/result.h"

namespace brume::aws {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "POST";
  std::string target = "/";  // path and query, as sent
  Headers headers;
  std::string body;
  std::string peer;  // the client's address
};

struct HttpAnswer {
  int status = 200;
  Headers headers;
  std::string body;
  BodySource stream;  // if there is one: called once, when the head has left, and writes the body
};

// The first header of this name, or nullptr.
const std::string* find_header(const Headers& headers, std::string_view name);
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);
// Without the blanks around it.
std::string_view trim(std::string_view text);

// "/a/b" and "x=1" of "/a/b?x=1".
std::pair<std::string_view, std::string_view> split_target(std::string_view target);

// The pairs of a query string or form body, decoded, in the order sent. At most 20,000. Errors: MalformedQueryString.
Result<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text);

// Is it well-formed UTF-8 without the control characters that XML 1.0 cannot carry?
bool is_text(std::string_view bytes);

}  // namespace brume::aws
