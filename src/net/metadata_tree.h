// What the instance metadata service tells an instance about itself: the paths, and the text at each.
//
// Pure. The paths, names and texts are those of the EC2 user guide ("Instance metadata categories"); a category without
// a value is not in the tree. A directory's text lists its entries, one a line, directories with a trailing slash.
// Leaves to others: who may ask (metadata_service.h), and the identity document's signatures (identity_signer.h).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace brume::net {

class IdentitySigner;

struct MetadataGroup {
  std::string id, name;
};

struct MetadataAddress {
  std::string local_ipv4;
  std::string public_ipv4;  // empty: none
};

struct MetadataInterface {
  std::string id;  // eni-…
  std::string mac;
  int device_number = 0;
  std::string local_hostname;
  std::string local_ipv4;
  std::string public_ipv4;  // empty: none
  std::string subnet_id, subnet_cidr;
  std::string vpc_id;
  std::vector<std::string> vpc_cidrs;
  std::vector<MetadataGroup> security_groups;
  std::string public_hostname;                  // empty: none
  std::vector<MetadataAddress> more_addresses;  // secondary ones
  std::vector<std::string> ipv6s, subnet_ipv6_cidrs, vpc_ipv6_cidrs;
};

struct MetadataCredentials {
  std::string role_name;  // empty: the profile has none
  // Empty, or AWS's code for why there are no keys, with a sentence: "AssumeRoleUnauthorizedAccess".
  std::string failure, failure_message;
  std::string instance_profile_arn, instance_profile_id;
  std::string access_key_id, secret_access_key, token;
  Timestamp last_updated{}, expiration{};
};

// As the instance's metadata options have it.
struct MetadataOptions {
  bool endpoint_enabled = true;  // HttpEndpoint
  bool tokens_required = true;   // HttpTokens
  int hop_limit = 1;             // HttpPutResponseHopLimit, 1 to 64
  bool tags_enabled = false;     // InstanceMetadataTags
};

struct InstanceMetadata {
  std::string instance_id, image_id, instance_type;
  std::string architecture = "x86_64";
  std::string account_id, reservation_id;
  int launch_index = 0;
  Timestamp launch_time{};
  std::string region, zone, zone_id;
  std::string hostname;                      // ip-10-0-101-7.eu-central-1.compute.internal
  std::string public_hostname, public_ipv4;  // empty: none
  std::string key_name, openssh_key;         // empty: none
  std::string user_data;                     // as given, raw
  std::string lifecycle_state;               // its group's target lifecycle state, "InService"; empty: in no group
  bool spot = false;                         // on a spot request
  // Of a Spot Instance that is going to be interrupted: when it was told, and when it is terminated.
  std::optional<Timestamp> noticed_at, interrupt_at;
  bool detailed_monitoring = false;
  std::string root_device;                    // "/dev/xvda"; empty: not known
  std::string placement_group;                // empty: none
  std::vector<MetadataInterface> interfaces;  // the primary one first; at least one
  std::optional<MetadataCredentials> credentials;
  std::map<std::string, std::string> tags;
  MetadataOptions options;
};

// The versions that the service knows besides "latest", oldest first.
const std::vector<std::string>& metadata_versions();

struct MetadataDocument {
  std::string text;
  bool binary = false;  // user data: any bytes
};

// The text at a path such as "/latest/meta-data/placement/region"; nothing if there is none. One slash or several, and
// one at the end or none, are the same, as with AWS. Without a signer the identity document has no signatures.
std::optional<MetadataDocument> metadata_at(const InstanceMetadata& instance, std::string_view path,
                                            const IdentitySigner* signer = nullptr);

}  // namespace brume::net
