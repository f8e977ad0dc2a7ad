#include "daemon/keys.h"

#include <array>

#include "base/base64.h"
#include "base/json.h"

namespace brume::daemon {
namespace {

std::string path_of(const std::string& state_dir) {
  return state_dir + "/credentials.json";
}

std::string identity_path(const std::string& state_dir) {
  return state_dir + "/instance-identity.json";
}

std::unexpected<Error> not_started(const std::string& missing) {
  return fail("NotStarted", "There is no Brume here yet ({} is missing); start it with `brume start`", missing);
}

std::string random_bytes(env::Random& random, std::size_t count) {
  std::string bytes(count, '\0');
  random.fill(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

}  // namespace

Result<AccessKey> read_owner_key(const env::Files& files, const std::string& state_dir) {
  if (!files.exists(path_of(state_dir))) return not_started(path_of(state_dir));
  BRUME_TRY(text, files.read(path_of(state_dir)));
  return from_json<AccessKey>(text);
}

Result<AccessKey> owner_key(env::Files& files, env::Random& random, const std::string& state_dir) {
  if (files.exists(path_of(state_dir))) return read_owner_key(files, state_dir);
  // The form of AWS's: AKIA and 16 of A–Z, 2–7; 40 characters of base64.
  AccessKey key{.access_key_id = "AKIA", .secret_access_key = base64_encode(random_bytes(random, 30))};
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  while (key.access_key_id.size() < 20) key.access_key_id += kLetters[random.next() & 31];
  BRUME_CHECK(files.write(path_of(state_dir), to_json(key), 0600));
  return key;
}

Result<std::string> secret(env::Files& files, env::Random& random, const std::string& state_dir,
                           const std::string& name) {
  const std::string path = state_dir + "/" + name + ".key";
  if (!files.exists(path)) {
    std::string bytes = random_bytes(random, 32);
    BRUME_CHECK(files.write(path, bytes, 0600));
    return bytes;
  }
  return files.read(path);
}

Result<net::IdentityKey> read_identity_key(const env::Files& files, const std::string& state_dir) {
  if (!files.exists(identity_path(state_dir))) return not_started(identity_path(state_dir));
  BRUME_TRY(text, files.read(identity_path(state_dir)));
  return from_json<net::IdentityKey>(text);
}

Result<net::IdentityKey> identity_key(env::Files& files, Timestamp now, const std::string& state_dir) {
  if (files.exists(identity_path(state_dir))) return read_identity_key(files, state_dir);
  BRUME_TRY(key, net::make_identity_key(now));
  BRUME_CHECK(files.write(identity_path(state_dir), to_json(key), 0600));
  return key;
}

}  // namespace brume::daemon
