// Reads the instance metadata service (version 2: with a token) over plain sockets, with bounded patience and sizes.
#pragma once

#include <optional>
#include <string>

namespace brume::init {

struct Metadata {
  std::string instance_id;
  std::string user_data;  // empty: none
};

// Tries for a minute with growing pauses, since the service may come up after the instance. Nothing if it did not
// answer.
std::optional<Metadata> read_metadata();

}  // namespace brume::init
