// Signature Version 4 for the agent's own calls: a POST of JSON to "/", with the temporary keys of the instance's role.
//
// Pure. (Verifying, queries and everything else that signatures can be on is src/aws/sigv4.h's; it does not go into a
// static program without all of libcrypto's providers.) Source: AWS General Reference, "Signature Version 4".
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/time.h"

namespace brume::agent {

struct Keys {
  std::string access_key, secret_key, token;
  Timestamp expires;
};

struct Call {
  std::string host;  // as in the Host header
  std::string region, service;
  std::string target;  // X-Amz-Target; empty: none
  std::string content_type;
};

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes);
Digest hmac_sha256(std::string_view key, std::string_view text);

// The whole request's head, with its empty line.
std::string signed_head(const Call& call, std::string_view body, const Keys& keys, Timestamp now);

}  // namespace brume::agent
