#include "services/ec2/key_material.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "services/ec2/instances_testing.h"

namespace brume::ec2 {
namespace {

// Made with ssh-keygen; fingerprints by ssh-keygen -l -E sha256 (ed25519) and
// ssh-keygen -e -m pkcs8 | openssl pkey -pubin -outform DER | openssl md5 (rsa).
constexpr const char* kEd25519 =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMEYEBGHMhPhbQx++RDwa3wDZlLXJanVDlvv6GJmz1eh test\n";
constexpr const char* kEd25519Fingerprint = "KcG+hfzS40xGixaGxz8FXAF8DvTYSe6Abq2uZ0HuSoc=";
constexpr const char* kRsa =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDhl0OOIOBcWBPL8/aE6b9ikrywAltzeXqGtdIlLYq99Pe76qCBaR"
    "ZximTlCVGBJSnaD09yzUtuKwPPiRTNbRAORnMhI3R+LhkOiH+TRK0YaFEs34F7IXi9rQ34ZxPRSc3Cr4BklHj9J7BY"
    "UdLwmfNeMYbsCLyLBaxMR1wUOf5aSRACLankshsKkvPVlH4APJF39VcGgU32Vi6mCZ/sCL63grxJOmL4v4s+2rgMhh"
    "MhQC0jRpx5hjwJAyjU49VzVrhWyHD6RQD4hx5xrl4UCVwU2L2N3n2UWHwmp6CXsfG1847CV1MtmmxWp7AVv4PGx4Cb"
    "RD87meD8HxMmkKg3t1Sn test\n";
constexpr const char* kRsaPem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4ZdDjiDgXFgTy/P2hOm/\n"
    "YpK8sAJbc3l6hrXSJS2KvfT3u+qggWkWcYpk5QlRgSUp2g9Pcs1LbisDz4kUzW0Q\n"
    "DkZzISN0fi4ZDoh/k0StGGhRLN+BeyF4va0N+GcT0UnNwq+AZJR4/SewWFHS8Jnz\n"
    "XjGG7Ai8iwWsTEdcFDn+WkkQAi2p5LIbCpLz1ZR+ADyRd/VXBoFN9lYupgmf7Ai+\n"
    "t4K8STpi+L+LPtq4DIYTIUAtI0aceYY8CQMo1OPVc1a4Vshw+kUA+Iceca5eFAlc\n"
    "FNi9jd59lFh8Jqegl7HxtfOOwldTLZpsVqewFb+DxseAm0Q/O5ng/B8TJpCoN7dU\n"
    "pwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
constexpr const char* kRsaFingerprint = "3b:43:56:30:3f:42:77:54:60:f3:1f:d4:b3:7f:7c:22";

TEST(PublicKeys, KnownFingerprints) {
  const auto ed25519 = read_public_key(kEd25519);
  ASSERT_TRUE(ed25519);
  EXPECT_EQ(ed25519->type, "ed25519");
  EXPECT_EQ(ed25519->text + "\n", kEd25519);
  EXPECT_EQ(ed25519->fingerprint, kEd25519Fingerprint);
  for (const char* form : {kRsa, kRsaPem}) {
    const auto rsa = read_public_key(form);
    ASSERT_TRUE(rsa) << form;
    EXPECT_EQ(rsa->type, "rsa");
    EXPECT_EQ(rsa->fingerprint, kRsaFingerprint);
  }
  EXPECT_EQ(read_public_key(kRsa)->text + "\n", kRsa);
}

TEST(PublicKeys, BadOnesAreRefused) {
  const std::string good = kEd25519;
  for (const std::string& bad : {std::string(), std::string("ssh-ed25519"), std::string("ssh-ed25519 !!!! x"),
                                 std::string("ssh-dss AAAAB3NzaC1kc3MAAACB x"), "ssh-rsa" + good.substr(11),
                                 good.substr(0, 60), std::string("hello"), std::string(20000, 'a'), good + good}) {
    const auto read = read_public_key(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, "InvalidKey.Format");
  }
}

TEST(MadeKeys, HaveBothHalves) {
  const auto rsa = make_key_pair("rsa", "web");
  ASSERT_TRUE(rsa);
  EXPECT_TRUE(rsa->private_key.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
  EXPECT_EQ(rsa->fingerprint.size(), 59u);
  EXPECT_EQ(read_public_key(rsa->public_key)->text, rsa->public_key);
  const auto ed25519 = make_key_pair("ed25519", "web");
  ASSERT_TRUE(ed25519);
  EXPECT_TRUE(ed25519->private_key.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
  EXPECT_EQ(read_public_key(ed25519->public_key)->fingerprint, ed25519->fingerprint);
}

class KeyPairs : public testing::Region {};

TEST_F(KeyPairs, CreateDescribeDelete) {
  auto made = call(&Api::CreateKeyPair, CreateKeyPairRequest{.KeyName = "web", .KeyType = "ed25519"});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(code(call(&Api::CreateKeyPair, CreateKeyPairRequest{.KeyName = "web"})), "InvalidKeyPair.Duplicate");
  EXPECT_EQ(code(call(&Api::CreateKeyPair, CreateKeyPairRequest{.KeyName = "w2", .KeyFormat = "ppk"})),
            "UnsupportedOperation");
  ImportKeyPairRequest import;
  import.KeyName = "mine";
  import.PublicKeyMaterial = Blob{kRsa};
  auto imported = call(&Api::ImportKeyPair, import);
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->KeyFingerprint, kRsaFingerprint);
  restart();
  auto found = call(&Api::DescribeKeyPairs, DescribeKeyPairsRequest{.IncludePublicKey = true});
  ASSERT_EQ(found->KeyPairs.size(), 2u);
  EXPECT_EQ(found->KeyPairs[1].KeyFingerprint, made->KeyFingerprint);
  EXPECT_FALSE(call(&Api::DescribeKeyPairs, DescribeKeyPairsRequest{.KeyNames = {"web"}})->KeyPairs.at(0).PublicKey);
  // No private key anywhere on disk.
  const auto rows = backend.load("ec2.key-pairs", kRegion);
  ASSERT_TRUE(rows);
  for (const store::Row& row : *rows) EXPECT_EQ(row.value.find("PRIVATE"), std::string::npos);
  EXPECT_EQ(code(call(&Api::DescribeKeyPairs, DescribeKeyPairsRequest{.KeyNames = {"nobody"}})),
            "InvalidKeyPair.NotFound");
  EXPECT_EQ(call(&Api::DeleteKeyPair, DeleteKeyPairRequest{.KeyName = "web"})->KeyPairId, made->KeyPairId);
  EXPECT_TRUE(call(&Api::DeleteKeyPair, DeleteKeyPairRequest{.KeyName = "web"}));
  EXPECT_EQ(call(&Api::DescribeKeyPairs, DescribeKeyPairsRequest())->KeyPairs.size(), 1u);
}

}  // namespace
}  // namespace brume::ec2
