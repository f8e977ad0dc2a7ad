// SSH key pairs: making them, reading public keys, and AWS's fingerprints of them.
//
// Pure but for the kernel's randomness, which OpenSSL draws: a private key must not come from a seeded generator. A
// private key is only ever returned to the caller; nothing here keeps one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::ec2 {

struct KeyMaterial {
  std::string public_key;   // "ssh-ed25519 AAAA… name"
  std::string private_key;  // PEM; for ed25519 OpenSSH's own form
  std::string fingerprint;
};

// `type` "rsa" (2048 bits) or "ed25519".
// Fingerprint of a made key (EC2 user guide, "verify your key pair's fingerprint"): SHA-1 of the private key's PKCS #8
// DER for RSA, SHA-256 as OpenSSH prints it for ed25519.
Result<KeyMaterial> make_key_pair(std::string_view type, std::string_view comment);

struct PublicKey {
  std::string type;         // "rsa" or "ed25519"
  std::string text;         // OpenSSH form
  std::string fingerprint;  // of an imported key: MD5 of the public key's DER for RSA, SHA-256 for ed25519
};

// Reads OpenSSH's form, PEM or DER ("ssh-keygen -e -m pkcs8"). Errors: InvalidKey.Format.
Result<PublicKey> read_public_key(std::string_view bytes);

}  // namespace brume::ec2
