#include "net/metadata_request.h"

#include <algorithm>
#include <charconv>

namespace brume::net {
namespace {

// RFC 9110, section 5.6.2.
bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

bool same_name(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? char(x + 32) : x) == y; });
}

std::string_view trim(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Takes a line with its CRLF (or bare LF) off the text; nothing if there is none.
std::optional<std::string_view> next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return {};
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<std::string> decode_path(std::string_view target) {
  // The absolute form is what a client sends that takes us for a proxy.
  if (target.starts_with("http://")) {
    const std::size_t slash = target.find('/', 7);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find('?'));
  if (!target.starts_with('/')) return {};
  std::string path;
  for (std::size_t i = 0; i < target.size(); ++i) {
    char c = target[i];
    if (c == '%') {
      std::uint8_t value = 0;
      const char* const begin = target.data() + i + 1;
      if (target.size() - i < 3) return {};
      if (const auto [end, error] = std::from_chars(begin, begin + 2, value, 16);
          error != std::errc() || end != begin + 2)
        return {};
      c = char(value);
      i += 2;
    }
    if (c == '\0') return {};
    path += c;
  }
  return path;
}

}  // namespace

Result<MetadataRequest> parse_metadata_request(std::string_view head) {
  const auto bad = [](std::string_view what) { return fail("BadRequest", "The request has {}", what); };
  const auto request_line = next_line(head);
  if (!request_line) return bad("no request line");
  const std::size_t first = request_line->find(' '), last = request_line->rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("a malformed request line");
  const std::string_view version = request_line->substr(last + 1);
  const std::string_view target = request_line->substr(first + 1, last - first - 1);
  MetadataRequest request;
  request.method = request_line->substr(0, first);
  if (!is_token(request.method)) return bad("a malformed method");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return bad("an unknown version");
  if (!std::ranges::all_of(target, [](char c) { return c > ' ' && c < 127; })) return bad("a malformed target");
  auto path = decode_path(target);
  if (!path) return bad("a malformed target");
  request.path = std::move(*path);

  for (;;) {
    const auto line = next_line(head);
    if (!line) return bad("no end");
    if (line->empty()) break;
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) return bad("a malformed header");
    const std::string_view name = line->substr(0, colon), value = trim(line->substr(colon + 1));
    if (!std::ranges::all_of(value, [](char c) { return c == '\t' || std::uint8_t(c) >= ' '; }))
      return bad("a malformed header");
    const auto keep = [&](std::optional<std::string>& field) {
      if (field) return false;
      field = value;
      return true;
    };
    if (same_name(name, "x-aws-ec2-metadata-token") && !keep(request.token)) return bad("two tokens");
    if (same_name(name, "x-aws-ec2-metadata-token-ttl-seconds") && !keep(request.ttl)) return bad("two lifetimes");
    if (same_name(name, "x-forwarded-for")) request.forwarded = true;
  }
  if (!head.empty()) return bad("more after its end");
  return request;
}

}  // namespace brume::net
