// The heads of HTTP/1.x requests to the instance metadata service.
//
// Pure. Reads only what the service acts on; strict in what the rest may be, because what arrives is an instance's to
// choose. Leaves to others: the bytes on the socket, the 8 KiB limit and the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::net {

struct MetadataRequest {
  std::string method;
  std::string path;                  // percent-decoded, without the query; starts with a slash
  std::optional<std::string> token;  // X-aws-ec2-metadata-token
  std::optional<std::string> ttl;    // X-aws-ec2-metadata-token-ttl-seconds
  bool forwarded = false;            // X-Forwarded-For is there
};

// `head`: from the request line to the empty line. Errors: code BadRequest.
Result<MetadataRequest> parse_metadata_request(std::string_view head);

}  // namespace brume::net
