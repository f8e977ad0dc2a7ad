#include "lb/rules.h"

#include <algorithm>

namespace brume::lb {
namespace {

char fold(char c, bool ignore_case) { return ignore_case && c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

}  // namespace

bool wildcard_match(std::string_view pattern, std::string_view text, bool ignore_case, bool escapes) {
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, resume = 0;  // the last `*`, and where its match may be extended
  while (t < text.size()) {
    std::size_t width = 1;
    bool literal = false;
    if (p < pattern.size()) {
      if (escapes && pattern[p] == '\\' && p + 1 < pattern.size() && (pattern[p + 1] == '*' || pattern[p + 1] == '?')) {
        literal = true;
        width = 2;
      }
      if (!literal && pattern[p] == '*') {
        star = p++;
        resume = t;
        continue;
      }
      const char wanted = pattern[p + width - 1];
      if ((!literal && wanted == '?') || fold(wanted, ignore_case) == fold(text[t], ignore_case)) {
        p += width;
        ++t;
        continue;
      }
    }
    if (star == std::string_view::npos) return false;
    p = star + 1;
    t = ++resume;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

CompiledCondition::CompiledCondition(const Condition& condition) : condition_(condition) {
  const std::string& field = condition.field;
  if (field == "host-header") kind_ = Kind::host;
  else if (field == "path-pattern") kind_ = Kind::path;
  else if (field == "http-request-method") kind_ = Kind::method;
  else if (field == "source-ip") kind_ = Kind::source;
  else if (field == "http-header") kind_ = Kind::header;
  else if (field == "query-string") kind_ = Kind::query;
  if (kind_ == Kind::source) {
    for (const std::string& value : condition.values) {
      if (const auto block = Cidr::parse(value)) blocks_.push_back(*block);
    }
  }
}

bool CompiledCondition::matches(const RequestView& request) const {
  auto any = [this](auto test) { return std::ranges::any_of(condition_.values, test); };
  switch (kind_) {
    case Kind::host: return any([&](const std::string& value) { return wildcard_match(value, request.host, true); });
    case Kind::path: return any([&](const std::string& value) { return wildcard_match(value, request.path, false); });
    case Kind::method: return any([&](const std::string& value) { return value == request.method; });
    case Kind::source:
      return std::ranges::any_of(blocks_, [&](const Cidr& block) { return block.contains(request.source); });
    case Kind::header:
      for (const Field& field : request.head.fields) {
        if (!equals_ignoring_case(field.name.in(request.base), condition_.header_name)) continue;
        const std::string_view text = field.value.in(request.base);
        if (any([&](const std::string& value) { return wildcard_match(value, text, true); })) return true;
      }
      return false;
    case Kind::query: return any([&](const std::string& value) { return matches_query(value, request.query); });
    case Kind::unknown: break;
  }
  return false;  // a condition this version does not know must not let everything through
}

bool CompiledCondition::matches_query(std::string_view pattern, std::string_view query) const {
  const auto equals = pattern.find('=');
  const std::string_view key = equals == std::string_view::npos ? "" : pattern.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? pattern : pattern.substr(equals + 1);
  while (true) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const auto middle = pair.find('=');
    const std::string_view name = pair.substr(0, middle);
    const std::string_view text = middle == std::string_view::npos ? "" : pair.substr(middle + 1);
    if (!pair.empty() && (key.empty() || wildcard_match(key, name, true, true)) &&
        wildcard_match(value, text, true, true)) {
      return true;
    }
    if (end == std::string_view::npos) return false;
    query.remove_prefix(end + 1);
  }
}

bool CompiledRule::matches(const RequestView& request) const {
  return std::ranges::all_of(conditions, [&](const CompiledCondition& one) { return one.matches(request); });
}

std::string redirect_location(const Redirect& redirect, const RequestView& request, std::int32_t port) {
  auto part = [](const std::string& value, const char* standard) { return value.empty() ? std::string(standard) : value; };
  std::string path = part(redirect.path, "/#{path}");
  // AWS's default for the query is "#{query}"; the daemon fills it in, so that an empty one means none.
  const std::string& query = redirect.query;
  if (path.empty() || path[0] != '/') path.insert(0, "/");
  // The whole is put together first, so that what a client sent is never searched for placeholders.
  std::string location;
  std::string protocol = part(redirect.protocol, "#{protocol}");
  if (protocol == "HTTP" || protocol == "HTTPS") protocol = protocol == "HTTP" ? "http" : "https";
  const std::string pattern = protocol + "://" + part(redirect.host, "#{host}") + ":" +
                              part(redirect.port, "#{port}") + path + (query.empty() ? "" : "?" + query);
  std::string_view rest = pattern;
  const std::string port_text = std::to_string(port);
  while (!rest.empty()) {
    const auto open = rest.find("#{");
    const auto close = open == std::string_view::npos ? open : rest.find('}', open);
    if (close == std::string_view::npos) {
      location += rest;
      break;
    }
    location += rest.substr(0, open);
    const std::string_view name = rest.substr(open + 2, close - open - 2);
    if (name == "protocol") location += "http";
    else if (name == "host") location += request.host;
    else if (name == "port") location += port_text;
    else if (name == "path") location += request.path.empty() ? request.path : request.path.substr(1);
    else if (name == "query") location += request.query;
    rest.remove_prefix(close + 1);
  }
  if (location.ends_with('?')) location.pop_back();
  return location;
}

HostPort split_host(std::string_view value) {
  const auto colon = value.rfind(':');
  const auto bracket = value.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return {value, {}};
  return {value.substr(0, colon), value.substr(colon + 1)};
}

}  // namespace brume::lb
