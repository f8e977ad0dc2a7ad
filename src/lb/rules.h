// What a listener does with a request: its rules, by priority, then its default action.
//
// Pure. Conditions as in the Application Load Balancer user guide: host, header and query compare without case, path
// and method with; `*` and `?` are wildcards but for methods; source-ip looks at the peer, never at X-Forwarded-For.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lb/address.h"
#include "lb/config.h"
#include "lb/http1.h"

namespace brume::lb {

// What conditions look at. `host` is without port.
struct RequestView {
  const RequestHead& head;
  const char* base;
  std::string_view method, host, path, query;
  const Address& source;
};

// `pattern` against the whole of `text`; `\*` and `\?` stand for the characters themselves if `escapes`.
bool wildcard_match(std::string_view pattern, std::string_view text, bool ignore_case, bool escapes = false);

// A condition with its values in the form in which they are compared.
class CompiledCondition {
 public:
  explicit CompiledCondition(const Condition& condition);
  [[nodiscard]] bool matches(const RequestView& request) const;

 private:
  enum class Kind { host, path, method, source, header, query, unknown };
  [[nodiscard]] bool matches_query(std::string_view pattern, std::string_view query) const;

  Kind kind_ = Kind::unknown;
  Condition condition_;
  std::vector<Cidr> blocks_;
};

struct CompiledRule {
  std::vector<CompiledCondition> conditions;
  std::size_t action = 0;  // the caller's index
  std::int32_t priority = 0;
  [[nodiscard]] bool matches(const RequestView& request) const;
};

// The Location of a redirect. `host` and `port` are the request's own.
std::string redirect_location(const Redirect& redirect, const RequestView& request, std::int32_t port);

// A Host value as host and port ("" if there is none); brackets stay on an IPv6 address.
struct HostPort {
  std::string_view host, port;
};
HostPort split_host(std::string_view value);

}  // namespace brume::lb
