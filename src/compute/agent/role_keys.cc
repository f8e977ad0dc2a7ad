#include "compute/agent/role_keys.h"

#include <charconv>

#include <boost/json.hpp>

namespace brume::agent {

namespace json = boost::json;

Result<Keys> read_role_keys(std::string_view document) {
  boost::system::error_code error;
  const json::value value = json::parse(document, error);
  const json::object* object = error ? nullptr : value.if_object();
  if (!object) return fail("NoCredentials", "the metadata service gives no keys");
  const auto member = [&](std::string_view name) -> std::string {
    const json::value* found = object->if_contains(name);
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
  };
  if (const std::string code = member("Code"); code != "Success")
    return fail("NoCredentials", "the role gives no keys: {} {}", code, member("Message"));
  const auto expires = parse_iso8601(member("Expiration"));
  Keys keys{member("AccessKeyId"), member("SecretAccessKey"), member("Token"), expires.value_or(Timestamp())};
  if (keys.access_key.empty() || keys.secret_key.empty() || !expires)
    return fail("NoCredentials", "the metadata service gives no keys");
  return keys;
}

bool are_stale(const Keys& keys, Timestamp now) {
  return keys.access_key.empty() || now >= keys.expires - std::chrono::minutes(5);
}

std::string Endpoint::host() const {
  return fmt::format("{}.{}.{}.{}:{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255, address & 255, port);
}

std::optional<Endpoint> read_endpoint(std::string_view text) {
  if (text.starts_with("http://")) text.remove_prefix(7);
  if (text.ends_with('/')) text.remove_suffix(1);
  Endpoint out{.address = 0, .port = 80};
  const auto number = [&](unsigned limit) -> std::optional<unsigned> {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value > limit) return std::nullopt;
    text.remove_prefix(std::size_t(end - text.data()));
    return value;
  };
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    const auto part = number(255);
    if (!part) return std::nullopt;
    out.address = (out.address << 8) | *part;
  }
  if (text.starts_with(':')) {
    text.remove_prefix(1);
    const auto port = number(65535);
    if (!port || *port == 0) return std::nullopt;
    out.port = std::uint16_t(*port);
  }
  return text.empty() ? std::optional(out) : std::nullopt;
}

}  // namespace brume::agent
