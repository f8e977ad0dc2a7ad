// The access key of the cloud's owner, and keys that the daemon keeps for itself. Files of mode 0600 in the state
// folder.
#pragma once

#include <string>

#include "base/reflect.h"
#include "base/result.h"
#include "env/files.h"
#include "env/random.h"
#include "net/identity_signer.h"

namespace brume::daemon {

struct AccessKey {
  std::string access_key_id, secret_access_key;
};

// Made on first use. Errors: of the files.
Result<AccessKey> owner_key(env::Files& files, env::Random& random, const std::string& state_dir);
// Without making one. Error: NotStarted.
Result<AccessKey> read_owner_key(const env::Files& files, const std::string& state_dir);
// 32 random bytes under a name, made on first use.
Result<std::string> secret(env::Files& files, env::Random& random, const std::string& state_dir,
                           const std::string& name);
// What instance identity documents are signed with, made on first use.
Result<net::IdentityKey> identity_key(env::Files& files, Timestamp now, const std::string& state_dir);
// Without making one. Error: NotStarted.
Result<net::IdentityKey> read_identity_key(const env::Files& files, const std::string& state_dir);

}  // namespace brume::daemon

BRUME_RECORD(brume::daemon::AccessKey, access_key_id, secret_access_key)
BRUME_RECORD(brume::net::IdentityKey, private_key, certificate)
