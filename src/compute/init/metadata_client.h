// Reads the instance metadata service (version 2: with a token) over plain sockets, with bounded patience and sizes.
#pragma once

#include <optional>
#include <string>

namespace brume::init {

struct Metadata {
  std::string instance_id;
  std::string user_data;  // empty: none
};

struct LoginKey {
  std::string instance_id;
  std::string public_key;  // empty: the instance has no key pair
};

// Both try for a minute with growing pauses, since the service may come up after the instance. Nothing if it did not
// answer, or as soon as it says that it will not (it is switched off for the instance).
std::optional<Metadata> read_metadata();
std::optional<LoginKey> read_login_key();

}  // namespace brume::init
