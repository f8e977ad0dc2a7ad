// The kinds of resources of the instance half (resource_kind.h).
#pragma once

#include "services/ec2/resource_kind.h"

namespace brume::ec2 {

inline constexpr ResourceKind kInstance{"i", "instance", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound",
                                        "instance ID"};
inline constexpr ResourceKind kImage{"ami", "image", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "image id"};
inline constexpr ResourceKind kLaunchTemplate{"lt", "launch-template", "InvalidLaunchTemplateId.Malformed",
                                              "InvalidLaunchTemplateId.NotFound", "launch template ID"};
inline constexpr ResourceKind kKeyPair{"key", "key-pair", "InvalidKeyPairId.Malformed", "InvalidKeyPair.NotFound",
                                       "key pair ID"};
inline constexpr ResourceKind kSpotRequest{"sir", "spot-instances-request", "InvalidSpotInstanceRequestID.Malformed",
                                           "InvalidSpotInstanceRequestID.NotFound", "spot instance request ID"};
inline constexpr ResourceKind kVolume{"vol", "volume", "InvalidVolumeID.Malformed", "InvalidVolume.NotFound", "volume"};

}  // namespace brume::ec2
