// Reads the instance metadata service (version 2: with a token) over plain sockets, with bounded patience and sizes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

// One visit: a token, good for five minutes, and answers with it. Each call blocks for some seconds at most.
class MetadataVisit {
 public:
  MetadataVisit();
  // The service says that it will not answer.
  [[nodiscard]] bool refused() const { return refused_; }
  // Empty where there is no such thing, if that is `optional`; nothing if it did not go well.
  [[nodiscard]] std::optional<std::string> get(std::string_view path, bool optional) const;

 private:
  bool refused_ = false;
  std::string header_;
};

}  // namespace brume::init
