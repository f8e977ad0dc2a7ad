// What the signer makes is checked the way AWS's documentation has users check it: with OpenSSL and the certificate.
#include "net/identity_signer.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "base/base64.h"

namespace brume::net {
namespace {

constexpr const char* kDocument = "{\n  \"instanceId\" : \"i-1\"\n}";

class IdentitySignerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = make_identity_key(*parse_iso8601("2026-11-24T10:15:30Z"));
    ASSERT_TRUE(made);
    key_ = *made;
    other_ = *make_identity_key(*parse_iso8601("2026-11-24T10:15:30Z"));
  }
  static X509* certificate_of(const IdentityKey& key) {
    BIO* bio = BIO_new_mem_buf(key.certificate.data(), int(key.certificate.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    return certificate;
  }
  static bool verifies(const std::string& signature, const std::string& document, const IdentityKey& key) {
    X509* certificate = certificate_of(key);
    const std::string bytes = *base64_decode(signature);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, X509_get0_pubkey(certificate));
    const int verified = EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                                          reinterpret_cast<const unsigned char*>(document.data()), document.size());
    EVP_MD_CTX_free(context);
    X509_free(certificate);
    return verified == 1;
  }
  // The content, if the signature is by this key.
  static std::string open_pkcs7(const std::string& text, const IdentityKey& key) {
    const std::string pem = "-----BEGIN PKCS7-----\n" + text + "\n-----END PKCS7-----\n";
    BIO* bio = BIO_new_mem_buf(pem.data(), int(pem.size()));
    PKCS7* data = PEM_read_bio_PKCS7(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    X509* certificate = certificate_of(key);
    STACK_OF(X509)* certificates = sk_X509_new_null();
    sk_X509_push(certificates, certificate);
    BIO* out = BIO_new(BIO_s_mem());
    std::string content = "(not verified)";
    if (data && PKCS7_verify(data, certificates, nullptr, nullptr, out, PKCS7_NOVERIFY | PKCS7_NOINTERN) == 1) {
      char* bytes = nullptr;
      const long size = BIO_get_mem_data(out, &bytes);
      content.assign(bytes, std::size_t(size));
    }
    BIO_free(out);
    sk_X509_free(certificates);
    X509_free(certificate);
    PKCS7_free(data);
    return content;
  }
  static inline IdentityKey key_, other_;
};

TEST_F(IdentitySignerTest, SignaturesCanBeVerified) {
  const auto signer = IdentitySigner::open(key_);
  ASSERT_TRUE(signer);
  const auto& made = (*signer)->sign(kDocument);
  EXPECT_TRUE(verifies(made.signature, kDocument, key_));
  EXPECT_FALSE(verifies(made.signature, std::string(kDocument) + " ", key_));
  EXPECT_FALSE(verifies(made.signature, kDocument, other_));
  EXPECT_EQ(open_pkcs7(made.pkcs7, key_), kDocument);
  EXPECT_EQ(open_pkcs7(made.pkcs7, other_), "(not verified)");
}

TEST_F(IdentitySignerTest, AreTheSameEachTime) {
  const auto a = IdentitySigner::open(key_), b = IdentitySigner::open(key_);
  EXPECT_EQ((*a)->sign(kDocument).pkcs7, (*b)->sign(kDocument).pkcs7);
  EXPECT_EQ((*a)->sign(kDocument).signature, (*a)->sign(kDocument).signature);
  EXPECT_NE((*a)->sign("{}").signature, (*a)->sign(kDocument).signature);
}

TEST_F(IdentitySignerTest, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(IdentitySigner::open({key_.private_key, other_.certificate}));
  EXPECT_FALSE(IdentitySigner::open({"", ""}));
  EXPECT_FALSE(IdentitySigner::open({key_.certificate, key_.certificate}));
}

}  // namespace
}  // namespace brume::net
