// The low-level functions are deprecated in favour of ones that bring all providers of libcrypto, and their memory,
// into a program that hashes.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "compute/agent/signer.h"

#include <openssl/sha.h>

#include <fmt/format.h>

namespace brume::agent {
namespace {

constexpr std::size_t kBlock = 64;

std::string_view view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string hex(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : digest) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace

Digest sha256(std::string_view bytes) {
  Digest out;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  SHA256_Final(out.data(), &context);
  return out;
}

Digest hmac_sha256(std::string_view key, std::string_view text) {  // RFC 2104
  std::string inner(kBlock, '\x36'), outer(kBlock, '\x5c');
  const std::string short_key(key.size() > kBlock ? view(sha256(key)) : key);
  for (std::size_t i = 0; i < short_key.size(); ++i) {
    inner[i] = char(inner[i] ^ short_key[i]);
    outer[i] = char(outer[i] ^ short_key[i]);
  }
  inner += text;
  outer += view(sha256(inner));
  return sha256(outer);
}

std::string signed_head(const Call& call, std::string_view body, const Keys& keys, Timestamp now) {
  const std::string amz_date = to_basic_iso8601(std::chrono::floor<std::chrono::seconds>(now));
  const std::string date = amz_date.substr(0, 8);
  std::string headers =
      fmt::format("content-type:{}\nhost:{}\nx-amz-date:{}\n", call.content_type, call.host, amz_date);
  std::string names = "content-type;host;x-amz-date";
  if (!keys.token.empty()) {
    headers += fmt::format("x-amz-security-token:{}\n", keys.token);
    names += ";x-amz-security-token";
  }
  if (!call.target.empty()) {
    headers += fmt::format("x-amz-target:{}\n", call.target);
    names += ";x-amz-target";
  }
  const std::string canonical = fmt::format("POST\n/\n\n{}\n{}\n{}", headers, names, hex(sha256(body)));
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", date, call.region, call.service);
  const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", amz_date, scope, hex(sha256(canonical)));
  Digest key = hmac_sha256("AWS4" + keys.secret_key, date);
  for (const std::string_view part :
       {std::string_view(call.region), std::string_view(call.service), std::string_view("aws4_request")})
    key = hmac_sha256(view(key), part);
  std::string out = fmt::format(
      "POST / HTTP/1.1\r\nHost: {}\r\nUser-Agent: brume-init\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
      "X-Amz-Date: {}\r\n",
      call.host, call.content_type, body.size(), amz_date);
  if (!keys.token.empty()) out += fmt::format("X-Amz-Security-Token: {}\r\n", keys.token);
  if (!call.target.empty()) out += fmt::format("X-Amz-Target: {}\r\n", call.target);
  out += fmt::format("Authorization: AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}\r\n\r\n",
                     keys.access_key, scope, names, hex(hmac_sha256(view(key), to_sign)));
  return out;
}

}  // namespace brume::agent
