#include "services/ec2/key_material.h"

#include <algorithm>
#include <memory>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base64.h"

namespace brume::ec2 {
namespace {

template <auto function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Bytes = std::unique_ptr<BIO, Free<BIO_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;

std::unexpected<Error> bad_format() {
  return fail("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
}

std::string digest(const EVP_MD* algorithm, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &size, algorithm, nullptr);
  return {reinterpret_cast<char*>(out), size};
}

// "1f:51:ae:…"
std::string with_colons(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes)
    text += fmt::format("{}{:02x}", text.empty() ? "" : ":", static_cast<unsigned char>(byte));
  return text;
}

// SSH's wire form (RFC 4251): lengths before strings.
void put(std::string& out, std::string_view text) {
  for (int shift = 24; shift >= 0; shift -= 8) out += char((text.size() >> shift) & 255);
  out += text;
}
bool take(std::string_view& in, std::string_view& text) {
  if (in.size() < 4) return false;
  std::size_t size = 0;
  for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(in[std::size_t(i)]);
  in.remove_prefix(4);
  if (in.size() < size) return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

// An mpint: a zero byte first if the top bit is set.
std::string mpint(const BIGNUM* number) {
  std::string bytes(std::size_t(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  if (!bytes.empty() && (bytes[0] & 0x80)) bytes.insert(bytes.begin(), '\0');
  return bytes;
}

Number parameter(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  return Number(number);
}

std::string raw_public(const EVP_PKEY* key) {
  std::size_t size = 32;
  std::string bytes(size, '\0');
  EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(bytes.data()), &size);
  return bytes;
}

std::string ssh_blob(const EVP_PKEY* key) {
  std::string blob;
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
    put(blob, "ssh-ed25519");
    put(blob, raw_public(key));
  } else {
    put(blob, "ssh-rsa");
    put(blob, mpint(parameter(key, OSSL_PKEY_PARAM_RSA_E).get()));
    put(blob, mpint(parameter(key, OSSL_PKEY_PARAM_RSA_N).get()));
  }
  return blob;
}

std::string public_der(const EVP_PKEY* key) {
  unsigned char* out = nullptr;
  const int size = i2d_PUBKEY(key, &out);
  std::string der(reinterpret_cast<char*>(out), std::size_t(std::max(size, 0)));
  OPENSSL_free(out);
  return der;
}

std::string pkcs8_der(const EVP_PKEY* key) {
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>> info(EVP_PKEY2PKCS8(key));
  unsigned char* out = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &out);
  std::string der(reinterpret_cast<char*>(out), std::size_t(std::max(size, 0)));
  OPENSSL_clear_free(out, std::size_t(std::max(size, 0)));
  return der;
}

std::string text_of(const Bytes& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, std::size_t(size)};
}

// "-----BEGIN RSA PRIVATE KEY-----", as EC2 hands RSA keys out.
std::string rsa_pem(const EVP_PKEY* key) {
  const Bytes out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey_traditional(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(out);
}

// OpenSSH's private key format (PROTOCOL.key in its sources), unencrypted: ssh reads ed25519 keys in no other.
std::string openssh_pem(const EVP_PKEY* key, std::string_view comment) {
  const std::string point = raw_public(key);
  std::size_t size = 32;
  std::string seed(size, '\0');
  EVP_PKEY_get_raw_private_key(key, reinterpret_cast<unsigned char*>(seed.data()), &size);
  std::string check(4, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(check.data()), 4);
  std::string secret = check + check;
  put(secret, "ssh-ed25519");
  put(secret, point);
  put(secret, seed + point);
  put(secret, comment);
  for (char pad = 1; secret.size() % 8 != 0; ++pad) secret += pad;
  std::string all("openssh-key-v1\0", 15);
  put(all, "none");
  put(all, "none");
  put(all, "");
  all.append("\0\0\0\1", 4);
  put(all, ssh_blob(key));
  put(all, secret);
  const std::string base64 = base64_encode(all);
  std::string pem = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 70) pem += base64.substr(at, 70) + "\n";
  return pem + "-----END OPENSSH PRIVATE KEY-----\n";
}

// As OpenSSH prints it, without the "SHA256:", with padding.
std::string sha256_fingerprint(const EVP_PKEY* key) {
  return base64_encode(digest(EVP_sha256(), ssh_blob(key)));
}

Key read_ssh_blob(std::string_view blob) {
  std::string_view type, first, second;
  if (!take(blob, type) || !take(blob, first)) return nullptr;
  if (type == "ssh-ed25519") {
    if (first.size() != 32 || !blob.empty()) return nullptr;
    return Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                           reinterpret_cast<const unsigned char*>(first.data()), 32));
  }
  if (type != "ssh-rsa" || !take(blob, second) || !blob.empty() || second.size() > 2049) return nullptr;
  const auto number = [](std::string_view bytes) {
    return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), int(bytes.size()), nullptr));
  };
  const Number e = number(first), n = number(second);
  const std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  const std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  return Key(key);
}

}  // namespace

Result<KeyMaterial> make_key_pair(std::string_view type, std::string_view comment) {
  const bool rsa = type == "rsa";
  const Key key(rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t(2048))
                    : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return fail_internal("A key pair cannot be made");
  KeyMaterial material;
  material.public_key =
      fmt::format("{} {} {}", rsa ? "ssh-rsa" : "ssh-ed25519", base64_encode(ssh_blob(key.get())), comment);
  material.private_key = rsa ? rsa_pem(key.get()) : openssh_pem(key.get(), comment);
  material.fingerprint = rsa ? with_colons(digest(EVP_sha1(), pkcs8_der(key.get()))) : sha256_fingerprint(key.get());
  return material;
}

Result<PublicKey> read_public_key(std::string_view bytes) {
  constexpr std::size_t kLimit = 16384;
  if (bytes.empty() || bytes.size() > kLimit) return bad_format();
  Key key;
  std::string comment;
  if (bytes.starts_with("ssh-")) {
    while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == '\r' || bytes.back() == ' '))
      bytes.remove_suffix(1);
    const std::size_t space = bytes.find(' ');
    if (space == std::string_view::npos || bytes.find('\n') != std::string_view::npos) return bad_format();
    std::string_view rest = bytes.substr(space + 1);
    const std::size_t end = rest.find(' ');
    if (end != std::string_view::npos) comment = rest.substr(end);
    const auto blob = base64_decode(rest.substr(0, end));
    if (!blob) return bad_format();
    key = read_ssh_blob(*blob);
    if (key && !bytes.starts_with(EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519 ? "ssh-ed25519 " : "ssh-rsa "))
      return bad_format();
  } else if (bytes.find("-----BEGIN PUBLIC KEY-----") != std::string_view::npos) {
    const Bytes in(BIO_new_mem_buf(bytes.data(), int(bytes.size())));
    key.reset(PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr));
  } else {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    key.reset(d2i_PUBKEY(nullptr, &at, long(bytes.size())));
  }
  if (!key) return bad_format();
  const int kind = EVP_PKEY_get_base_id(key.get());
  if (kind != EVP_PKEY_ED25519 && kind != EVP_PKEY_RSA) return bad_format();
  const bool rsa = kind == EVP_PKEY_RSA;
  if (rsa && (EVP_PKEY_get_bits(key.get()) < 1024 || EVP_PKEY_get_bits(key.get()) > 4096))
    return fail("InvalidKey.Format", "RSA keys must have 1024, 2048 or 4096 bits");
  PublicKey result;
  result.type = rsa ? "rsa" : "ed25519";
  result.text = fmt::format("{} {}{}", rsa ? "ssh-rsa" : "ssh-ed25519", base64_encode(ssh_blob(key.get())), comment);
  result.fingerprint = rsa ? with_colons(digest(EVP_md5(), public_der(key.get()))) : sha256_fingerprint(key.get());
  return result;
}

}  // namespace brume::ec2
