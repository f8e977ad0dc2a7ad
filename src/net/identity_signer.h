// Signs instance identity documents, as AWS does with its region's key: software can then tell that a document comes
// from this installation.
//
// The key and its self-signed certificate are the installation's own. Signatures are deterministic and kept for a
// while, since an instance may ask often. Leaves to others: keeping the key (daemon/keys.h), the document
// (metadata_tree.h).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace brume::net {

struct IdentityKey {
  std::string private_key, certificate;  // PEM
};

// RSA, 2048 bits; the certificate is valid for thirty years from `now`.
Result<IdentityKey> make_identity_key(Timestamp now);

class IdentitySigner {
 public:
  // Error: InternalFailure if it is no key with its certificate.
  static Result<std::unique_ptr<IdentitySigner>> open(const IdentityKey& key);
  ~IdentitySigner();
  IdentitySigner(const IdentitySigner&) = delete;
  IdentitySigner& operator=(const IdentitySigner&) = delete;

  struct Signatures {
    std::string signature;  // base64: SHA-256 with RSA over the document
    std::string pkcs7;      // base64: PKCS #7 signed data with the document in it, SHA-256 with RSA
  };
  // Empty strings if OpenSSL fails. On the loop's thread only.
  const Signatures& sign(const std::string& document) const;

 private:
  struct Keys;
  explicit IdentitySigner(std::unique_ptr<Keys> keys);

  std::unique_ptr<Keys> keys_;
  mutable std::map<std::string, Signatures> kept_;
};

}  // namespace brume::net
