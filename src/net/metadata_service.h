// The instance metadata service's answer to a request: versions 1 and 2, as the EC2 user guide has them ("Use the
// Instance Metadata Service to access instance metadata").
//
// Pure but for the clock that tokens end by. Leaves to others: sockets, and finding out which instance asks
// (metadata_server.h).
#pragma once

#include <optional>
#include <string>

#include "net/metadata_request.h"
#include "net/metadata_token.h"
#include "net/metadata_tree.h"

namespace brume::net {

struct MetadataResponse {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain";
  std::string allow;                               // methods, with a 405
  std::optional<std::chrono::seconds> token_left;  // X-Aws-Ec2-Metadata-Token-Ttl-Seconds
  bool without_body = false;                       // to a HEAD
  std::optional<int> hop_limit;                    // the IP time to live to send it with
};

// `instance`: who asks, nothing if that is not known (404). `signer`: see metadata_at.
MetadataResponse answer_metadata(const MetadataRequest& request, const std::optional<InstanceMetadata>& instance,
                                 const MetadataTokens& tokens, const IdentitySigner* signer = nullptr);

// A failure with the page that goes with it.
MetadataResponse metadata_failure(int status);

// As bytes on the wire; the connection ends after it. `now` is the Date.
std::string to_http(const MetadataResponse& response, Timestamp now);

}  // namespace brume::net
