// Temporary keys: what a session token says, and the keys that follow from it.
//
// Stateless: a token is the session itself with a MAC under a key of this installation, and the access key and the
// secret are derived from it under the same key. So temporary keys survive a restart, cost no memory, end by
// themselves, and the same session always has the same keys. A token does not tell the secret.
// Leaves to others: whether the session has ended and its role is still there (authority.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/reflect.h"
#include "base/result.h"

namespace brume::sts {

struct Session {
  std::string role;     // its name; empty: the owner's own (GetSessionToken)
  std::string role_id;  // so that a role of the same name that comes later is not meant
  std::string name;
  std::string policy;                    // an inline session policy; may be empty
  std::vector<std::string> policy_arns;  // managed session policies
  std::string source_instance;           // ARN of the instance that the keys were given to; may be empty
  bool chained = false;                  // taken on by another role's session
  std::int64_t issued = 0, expires = 0;  // seconds since the epoch
  std::string salt;                      // what tells sessions apart that are otherwise the same
};

struct TemporaryKeys {
  std::string access_key_id;      // ASIA…
  std::string secret_access_key;  // 40 characters
  std::string token;
};

class SessionKeys {
 public:
  // `key`: at least 32 random bytes, kept across restarts.
  explicit SessionKeys(std::string key) : key_(std::move(key)) {}

  [[nodiscard]] TemporaryKeys issue(const Session& session) const;
  struct Opened {
    Session session;
    TemporaryKeys keys;
  };
  // Error: InvalidClientTokenId (403) for what was not issued under this key.
  [[nodiscard]] Result<Opened> open(std::string_view token) const;

 private:
  [[nodiscard]] std::string mac(std::string_view purpose, std::string_view payload) const;
  [[nodiscard]] TemporaryKeys keys_of(std::string_view payload) const;

  std::string key_;
};

}  // namespace brume::sts

BRUME_RECORD(brume::sts::Session, role, role_id, name, policy, policy_arns, source_instance, chained, issued, expires,
             salt)
