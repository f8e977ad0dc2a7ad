#include "services/sts/session.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/base64.h"
#include "base/json.h"

namespace brume::sts {
namespace {

constexpr std::size_t kMacSize = 32, kMaxToken = 16384;

std::unexpected<Error> invalid() {
  return std::unexpected(Error{"InvalidClientTokenId", "The security token included in the request is invalid.", 403});
}

}  // namespace

std::string SessionKeys::mac(std::string_view purpose, std::string_view payload) const {
  // A purpose has no zero byte in it, so that it cannot run into the payload.
  std::string message(purpose);
  message += '\0';
  message += payload;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  HMAC(EVP_sha256(), key_.data(), int(key_.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), digest.data(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), kMacSize};
}

TemporaryKeys SessionKeys::keys_of(std::string_view payload) const {
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  TemporaryKeys keys{.access_key_id = "ASIA", .secret_access_key = base64_encode(mac("secret", payload).substr(0, 30))};
  for (const char c : mac("id", payload).substr(0, 16)) keys.access_key_id += kLetters[std::uint8_t(c) & 31];
  keys.token = base64_encode(mac("token", payload) + std::string(payload));
  return keys;
}

TemporaryKeys SessionKeys::issue(const Session& session) const {
  return keys_of(to_json(session));
}

Result<SessionKeys::Opened> SessionKeys::open(std::string_view token) const {
  if (token.size() > kMaxToken) return invalid();
  const auto bytes = base64_decode(token);
  if (!bytes || bytes->size() <= kMacSize) return invalid();
  const std::string_view payload = std::string_view(*bytes).substr(kMacSize);
  if (CRYPTO_memcmp(mac("token", payload).data(), bytes->data(), kMacSize) != 0) return invalid();
  auto session = from_json<Session>(payload);
  if (!session) return invalid();
  return Opened{*std::move(session), keys_of(payload)};
}

}  // namespace brume::sts
