// Session tokens of the instance metadata service, version 2.
//
// Stateless: a token carries its end and a MAC over that and the instance's id, under a key that the daemon keeps. So a
// token is good for one instance, ends on the wall clock, survives a restart of the daemon, and costs no memory however
// many an instance asks for.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "env/clock.h"
#include "env/random.h"

namespace brume::net {

class MetadataTokens {
 public:
  // `key`: at least 32 random bytes, kept across restarts.
  MetadataTokens(std::string key, const env::Clock& clock, env::Random& random)
      : key_(std::move(key)), clock_(clock), random_(random) {}

  [[nodiscard]] std::string issue(std::string_view instance_id, std::chrono::seconds lifetime) const;
  // What is left of a token's life; nothing if it is over, forged or another instance's.
  [[nodiscard]] std::optional<std::chrono::seconds> remaining(std::string_view instance_id,
                                                              std::string_view token) const;

 private:
  [[nodiscard]] std::string mac(std::string_view instance_id, std::string_view payload) const;

  std::string key_;
  const env::Clock& clock_;
  env::Random& random_;
};

}  // namespace brume::net
