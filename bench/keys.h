// With which keys a benchmark signs.
#pragma once

#include <string>

#include "aws/sigv4.h"
#include "daemon/keys.h"
#include "env/posix_files.h"
#include "measure.h"

namespace brume::bench {

// The owner's of the daemon with this state folder; any, for a server that does not verify, if it is empty.
inline aws::Credentials credentials(const std::string& state_dir) {
  if (state_dir.empty()) return {.access_key = "AKIAIOSFODNN7EXAMPLE", .secret_key = "secret"};
  const auto key = daemon::read_owner_key(env::PosixFiles(), state_dir);
  if (!key) give_up(key.error().message);
  return {.access_key = key->access_key_id, .secret_key = key->secret_access_key};
}

}  // namespace brume::bench
