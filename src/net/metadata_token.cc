#include "net/metadata_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstring>

#include "base/base64.h"

namespace brume::net {
namespace {

// 8 bytes of end (milliseconds, big-endian), 8 of salt, 24 of MAC: 40 bytes, 56 characters, as long as AWS's.
constexpr std::size_t payload_size = 16, mac_size = 24, encoded_size = 56;

}  // namespace

std::string MetadataTokens::mac(std::string_view instance_id, std::string_view payload) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  // The payload's length is fixed, so that the two cannot run into each other.
  const std::string message = std::string(payload) + std::string(instance_id);
  HMAC(EVP_sha256(), key_.data(), int(key_.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), digest.data(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), mac_size};
}

std::string MetadataTokens::issue(std::string_view instance_id, std::chrono::seconds lifetime) const {
  auto end = std::uint64_t((clock_.wall() + lifetime).time_since_epoch().count());
  std::string payload(payload_size, '\0');
  for (std::size_t i = 8; i-- > 0; end >>= 8) payload[i] = char(end & 255);
  random_.fill(std::as_writable_bytes(std::span(payload).subspan(8)));
  std::string token = base64_encode(payload + mac(instance_id, payload));
  // The URL-safe alphabet: clients put tokens in headers and, wrongly but sometimes, elsewhere.
  for (char& c : token) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return token;
}

std::optional<std::chrono::seconds> MetadataTokens::remaining(std::string_view instance_id,
                                                              std::string_view token) const {
  if (token.size() != encoded_size) return {};
  std::string standard(token);
  for (char& c : standard) c = c == '-' ? '+' : c == '_' ? '/' : c;
  const auto bytes = base64_decode(standard);
  if (!bytes || bytes->size() != payload_size + mac_size) return {};
  const std::string_view payload = std::string_view(*bytes).substr(0, payload_size);
  if (CRYPTO_memcmp(mac(instance_id, payload).data(), bytes->data() + payload_size, mac_size) != 0) return {};
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < 8; ++i) end = end << 8 | std::uint8_t(payload[i]);
  const auto left = Timestamp(std::chrono::milliseconds(end)) - clock_.wall();
  if (left <= left.zero()) return {};
  return std::chrono::ceil<std::chrono::seconds>(left);
}

}  // namespace brume::net
