#include "aws/sigv4.h"

#include <algorithm>
#include <charconv>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace brume::aws {
namespace {

using std::chrono::minutes;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr minutes kSkew{15};
constexpr int kMaxExpires = 7 * 24 * 3600;
constexpr std::size_t kMaxSignedHeaders = 100;

std::unexpected<Error> refuse(std::string_view code, int status, std::string message) {
  return std::unexpected(Error{std::string(code), std::move(message), status});
}

std::unexpected<Error> incomplete(std::string message) {
  return refuse("IncompleteSignature", 400, std::move(message));
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::string hmac(std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), int(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), out,
       &size);
  return {reinterpret_cast<const char*>(out), size};
}

std::string signature_of(std::string_view secret, std::string_view date, std::string_view region,
                         std::string_view service, std::string_view text) {
  const std::string key = hmac(hmac(hmac(hmac("AWS4" + std::string(secret), date), region), service), "aws4_request");
  return hex(hmac(key, text));
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// Dot segments and doubled slashes resolved; what is left is encoded once more, as all services but S3 want it.
std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> kept;
  const auto parts = split(path, '/');
  for (const std::string_view part : parts) {
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!part.empty() && part != ".") {
      kept.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : kept) out.append("/").append(percent_encode(part));
  const std::string_view last = parts.back();
  if (out.empty() || last.empty() || last == "." || last == "..") out += '/';
  return out;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string_view pair : split(query, '&')) {
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto canonical = [](std::string_view text) {
      const auto decoded = percent_decode(text, false);
      return percent_encode(decoded ? std::string_view(*decoded) : text);
    };
    std::string name = canonical(pair.substr(0, equals));
    if (name == "X-Amz-Signature") continue;
    pairs.emplace_back(std::move(name), canonical(pair.substr(std::min(equals + 1, pair.size()))));
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [name, value] : pairs) out.append(out.empty() ? "" : "&").append(name).append("=").append(value);
  return out;
}

// Blanks around and doubled within are of no meaning.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value))
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  return out;
}

std::string scope_of(std::string_view date, std::string_view region, std::string_view service) {
  return fmt::format("{}/{}/{}/aws4_request", date, region, service);
}

Result<void> read_scope(std::string_view credential, Authorization& out) {
  const auto parts = split(credential, '/');
  if (parts.size() != 5 || parts[4] != "aws4_request" || std::ranges::any_of(parts, &std::string_view::empty))
    return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.");
  out.access_key = parts[0];
  out.date = parts[1];
  out.region = parts[2];
  out.service = parts[3];
  return {};
}

Result<void> read_signed_headers(std::string_view text, Authorization& out) {
  for (const std::string_view name : split(text, ';')) out.signed_headers.push_back(to_lower(name));
  if (out.signed_headers.size() > kMaxSignedHeaders) return incomplete("The request signs too many headers.");
  std::ranges::sort(out.signed_headers);
  if (std::ranges::adjacent_find(out.signed_headers) != out.signed_headers.end() || out.signed_headers.front().empty())
    return incomplete("SignedHeaders must name each header once.");
  return {};
}

Result<Authorization> parse_header(const HttpRequest& request, std::string_view text) {
  Authorization out;
  std::string_view credential, headers, signature;
  for (std::string_view part : split(text.substr(kAlgorithm.size()), ',')) {
    part = trim(part);
    if (part.starts_with("Credential="))
      credential = part.substr(11);
    else if (part.starts_with("SignedHeaders="))
      headers = part.substr(14);
    else if (part.starts_with("Signature="))
      signature = part.substr(10);
  }
  std::string lacks;
  if (credential.empty()) lacks += "Authorization header requires 'Credential' parameter. ";
  if (signature.empty()) lacks += "Authorization header requires 'Signature' parameter. ";
  if (headers.empty()) lacks += "Authorization header requires 'SignedHeaders' parameter. ";
  const std::string* date = find_header(request.headers, "x-amz-date");
  const std::string* http_date = find_header(request.headers, "date");
  if (!date && !http_date)
    lacks += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (!lacks.empty()) return incomplete(std::string(trim(lacks)));
  BRUME_CHECK(read_scope(credential, out));
  BRUME_CHECK(read_signed_headers(headers, out));
  out.signature = signature;
  auto time = date ? parse_basic_iso8601(*date) : parse_http_date(*http_date);
  if (!time && !date) time = parse_basic_iso8601(*http_date);
  if (!time) return incomplete("Date must be in ISO-8601 'basic format'.");
  out.time = *time;
  if (const std::string* token = find_header(request.headers, "x-amz-security-token")) out.session_token = *token;
  return out;
}

Result<Authorization> parse_presigned(const std::vector<std::pair<std::string, std::string>>& query) {
  Authorization out;
  out.presigned = true;
  const auto get = [&](std::string_view name) -> std::string_view {
    for (const auto& [key, value] : query)
      if (key == name) return value;
    return {};
  };
  for (const char* name : {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "X-Amz-SignedHeaders"})
    if (get(name).empty()) return incomplete(fmt::format("AWS query-string parameters must include '{}'.", name));
  if (get("X-Amz-Algorithm") != kAlgorithm) return incomplete("Unsupported AWS 'algorithm'.");
  BRUME_CHECK(read_scope(get("X-Amz-Credential"), out));
  BRUME_CHECK(read_signed_headers(get("X-Amz-SignedHeaders"), out));
  out.signature = get("X-Amz-Signature");
  out.session_token = get("X-Amz-Security-Token");
  const auto time = parse_basic_iso8601(get("X-Amz-Date"));
  if (!time) return incomplete("Date must be in ISO-8601 'basic format'.");
  out.time = *time;
  const std::string_view expires = get("X-Amz-Expires");
  int seconds = int(std::chrono::seconds(kSkew).count());
  if (!expires.empty()) {
    const auto [end, error] = std::from_chars(expires.data(), expires.data() + expires.size(), seconds);
    if (error != std::errc{} || end != expires.data() + expires.size() || seconds < 1 || seconds > kMaxExpires)
      return incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800.");
  }
  out.expires = std::chrono::seconds(seconds);
  return out;
}

Result<void> check_time(const Authorization& a, Timestamp now) {
  const std::string given = to_basic_iso8601(a.time), here = to_basic_iso8601(now);
  const auto allowed =
      a.presigned ? std::chrono::duration_cast<std::chrono::milliseconds>(a.expires) : std::chrono::milliseconds(kSkew);
  if (a.time + allowed < now) {
    if (a.presigned)
      return refuse(
          "RequestExpired", 403,
          fmt::format("Signature expired: {} is now earlier than {}", to_basic_iso8601(a.time + allowed), here));
    return refuse("RequestExpired", 403,
                  fmt::format("Signature expired: {} is now earlier than {} ({} - 15 min.)", given,
                              to_basic_iso8601(now - kSkew), here));
  }
  if (a.time > now + kSkew)
    return refuse("RequestExpired", 403,
                  fmt::format("Signature not yet current: {} is still later than {} ({} + 15 min.)", given,
                              to_basic_iso8601(now + kSkew), here));
  return {};
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::string canonical_request(const HttpRequest& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, bool path_as_sent) {
  const auto [path, query] = split_target(request.target);
  std::string out = request.method + "\n" + (path_as_sent ? std::string(path) : canonical_path(path)) + "\n" +
                    canonical_query(query) + "\n";
  for (const std::string& name : signed_headers) {
    out += name + ":";
    bool first = true;
    for (const auto& [key, value] : request.headers) {
      if (!equal_ignoring_case(key, name)) continue;
      if (!first) out += ',';
      first = false;
      out += canonical_value(value);
    }
    out += '\n';
  }
  out += '\n';
  for (std::size_t i = 0; i < signed_headers.size(); ++i) out.append(i ? ";" : "").append(signed_headers[i]);
  return out.append("\n").append(payload_hash);
}

std::string string_to_sign(std::string_view canonical, std::string_view amz_date, std::string_view scope) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope, sha256_hex(canonical));
}

Result<Authorization> parse_authorization(const HttpRequest& request) {
  if (const std::string* header = find_header(request.headers, "authorization")) {
    const std::string_view text = trim(*header);
    if (!text.starts_with(kAlgorithm) || text.size() == kAlgorithm.size() || text[kAlgorithm.size()] != ' ')
      return incomplete("Unsupported AWS 'algorithm' in the Authorization header.");
    return parse_header(request, text);
  }
  const std::string_view query = split_target(request.target).second;
  if (query.find("X-Amz-Signature=") != std::string_view::npos ||
      query.find("X-Amz-Algorithm=") != std::string_view::npos) {
    BRUME_TRY(pairs, parse_form(query));
    return parse_presigned(pairs);
  }
  return refuse("MissingAuthenticationToken", 403, "Request is missing Authentication Token");
}

Result<void> verify_signature(const HttpRequest& request, const Authorization& a, const Credentials& credentials,
                              Timestamp now) {
  const auto signs = [&](std::string_view name) { return std::ranges::binary_search(a.signed_headers, name); };
  if (!signs("host"))
    return refuse("SignatureDoesNotMatch", 403, "'Host' must be a 'SignedHeader' in the AWS Authorization.");
  for (const auto& [name, value] : request.headers)
    if (const std::string lower = to_lower(name); lower.starts_with("x-amz-") && !signs(lower))
      return refuse("SignatureDoesNotMatch", 403,
                    fmt::format("'{}' must be a 'SignedHeader' in the AWS Authorization.", lower));
  const std::string amz_date = to_basic_iso8601(a.time);
  if (a.date != amz_date.substr(0, 8))
    return refuse(
        "SignatureDoesNotMatch", 403,
        fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: {}",
                    amz_date));
  BRUME_CHECK(check_time(a, now));
  if (!same(a.session_token, credentials.session_token))
    return refuse("InvalidClientTokenId", 403, "The security token included in the request is invalid.");
  std::string payload = sha256_hex(request.body);
  if (const std::string* declared = find_header(request.headers, "x-amz-content-sha256")) {
    if (*declared == kUnsigned)
      payload = kUnsigned;
    else if (!same(*declared, payload))
      return refuse("SignatureDoesNotMatch", 403,
                    "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  const std::string canonical = canonical_request(request, a.signed_headers, payload);
  const std::string text = string_to_sign(canonical, amz_date, scope_of(a.date, a.region, a.service));
  if (!same(a.signature, signature_of(credentials.secret_key, a.date, a.region, a.service, text)))
    return refuse(
        "SignatureDoesNotMatch", 403,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.");
  return {};
}

void sign_request(HttpRequest& request, const Credentials& credentials, std::string_view region,
                  std::string_view service, Timestamp now) {
  const std::string amz_date = to_basic_iso8601(now), date = amz_date.substr(0, 8);
  request.headers.emplace_back("X-Amz-Date", amz_date);
  if (!credentials.session_token.empty())
    request.headers.emplace_back("X-Amz-Security-Token", credentials.session_token);
  const bool s3 = service == "s3";
  if (s3 && !find_header(request.headers, "x-amz-content-sha256"))
    request.headers.emplace_back("X-Amz-Content-Sha256", sha256_hex(request.body));
  std::vector<std::string> names;
  for (const auto& [name, value] : request.headers) names.push_back(to_lower(name));
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const std::string* declared = find_header(request.headers, "x-amz-content-sha256");
  const std::string canonical = canonical_request(request, names, declared ? *declared : sha256_hex(request.body), s3);
  const std::string scope = scope_of(date, region, service);
  const std::string signature =
      signature_of(credentials.secret_key, date, region, service, string_to_sign(canonical, amz_date, scope));
  request.headers.emplace_back("Authorization",
                               fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                           credentials.access_key, scope, fmt::join(names, ";"), signature));
}

void presign_request(HttpRequest& request, const Credentials& credentials, std::string_view region,
                     std::string_view service, Timestamp now, std::chrono::seconds expires) {
  const std::string amz_date = to_basic_iso8601(now), date = amz_date.substr(0, 8);
  const std::string scope = scope_of(date, region, service);
  request.target += request.target.find('?') == std::string::npos ? '?' : '&';
  request.target +=
      fmt::format("X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders=host",
                  kAlgorithm, percent_encode(credentials.access_key + "/" + scope), amz_date, expires.count());
  if (!credentials.session_token.empty())
    request.target += "&X-Amz-Security-Token=" + percent_encode(credentials.session_token);
  const std::string text =
      string_to_sign(canonical_request(request, {"host"}, sha256_hex(request.body)), amz_date, scope);
  request.target += "&X-Amz-Signature=" + signature_of(credentials.secret_key, date, region, service, text);
}

}  // namespace brume::aws
