#include "net/identity_signer.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <vector>

#include "base/base64.h"

namespace brume::net {
namespace {

constexpr std::size_t kKept = 512;  // documents; some 3 KB each

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Pkcs7 = std::unique_ptr<PKCS7, Deleter<PKCS7_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;

Bio reader(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), int(text.size())));
}

std::string content(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, std::size_t(size)) : "";
}

// In lines, as AWS answers it and PEM wants it.
std::string base64_lines(std::string_view bytes) {
  const std::string text = base64_encode(bytes);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 64) out += (at ? "\n" : "") + text.substr(at, 64);
  return out;
}

std::string plain_signature(EVP_PKEY* key, const std::string& document) {
  const Digest context(EVP_MD_CTX_new());
  std::vector<unsigned char> signature(std::size_t(EVP_PKEY_get_size(key)));
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, reinterpret_cast<const unsigned char*>(document.data()),
                     document.size()) != 1)
    return {};
  return base64_lines({reinterpret_cast<const char*>(signature.data()), size});
}

std::string signed_data(EVP_PKEY* key, X509* certificate, const std::string& document) {
  const Bio input = reader(document);
  // Without attributes, which would have the time in them.
  const Pkcs7 data(PKCS7_sign(certificate, key, nullptr, input.get(), PKCS7_BINARY | PKCS7_NOATTR));
  const Bio output(BIO_new(BIO_s_mem()));
  if (!data || !output || i2d_PKCS7_bio(output.get(), data.get()) != 1) return {};
  return base64_lines(content(output));
}

}  // namespace

struct IdentitySigner::Keys {
  Key key;
  Certificate certificate;
};

IdentitySigner::IdentitySigner(std::unique_ptr<Keys> keys) : keys_(std::move(keys)) {}
IdentitySigner::~IdentitySigner() = default;

Result<IdentityKey> make_identity_key(Timestamp now) {
  const Key key(EVP_RSA_gen(2048));
  const Certificate certificate(X509_new());
  const Bio key_text(BIO_new(BIO_s_mem())), certificate_text(BIO_new(BIO_s_mem()));
  std::time_t from = std::chrono::system_clock::to_time_t(now);
  bool made = key && certificate && key_text && certificate_text;
  if (made) {
    X509* const c = certificate.get();
    X509_NAME* const name = X509_get_subject_name(c);
    const auto add = [&](const char* field, const char* text) {
      return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text), -1, -1,
                                        0) == 1;
    };
    made = X509_set_version(c, 2) == 1 && ASN1_INTEGER_set_int64(X509_get_serialNumber(c), from) == 1 &&
           X509_time_adj_ex(X509_getm_notBefore(c), -1, 0, &from) != nullptr &&
           X509_time_adj_ex(X509_getm_notAfter(c), 30 * 365, 0, &from) != nullptr && add("O", "Brume") &&
           add("CN", "Instance identity") && X509_set_issuer_name(c, name) == 1 && X509_set_pubkey(c, key.get()) == 1 &&
           X509_sign(c, key.get(), EVP_sha256()) > 0 &&
           PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
           PEM_write_bio_X509(certificate_text.get(), c) == 1;
  }
  if (!made) return fail_internal("Cannot make the key that instance identity documents are signed with");
  return IdentityKey{content(key_text), content(certificate_text)};
}

Result<std::unique_ptr<IdentitySigner>> IdentitySigner::open(const IdentityKey& pair) {
  auto keys = std::make_unique<Keys>();
  keys->key.reset(PEM_read_bio_PrivateKey(reader(pair.private_key).get(), nullptr, nullptr, nullptr));
  keys->certificate.reset(PEM_read_bio_X509(reader(pair.certificate).get(), nullptr, nullptr, nullptr));
  if (!keys->key || !keys->certificate || X509_check_private_key(keys->certificate.get(), keys->key.get()) != 1)
    return fail_internal("The key that instance identity documents are signed with cannot be read");
  return std::unique_ptr<IdentitySigner>(new IdentitySigner(std::move(keys)));
}

const IdentitySigner::Signatures& IdentitySigner::sign(const std::string& document) const {
  if (const auto found = kept_.find(document); found != kept_.end()) return found->second;
  if (kept_.size() >= kKept) kept_.clear();
  return kept_[document] = {plain_signature(keys_->key.get(), document),
                            signed_data(keys_->key.get(), keys_->certificate.get(), document)};
}

}  // namespace brume::net
