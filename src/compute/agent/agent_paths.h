// Where the agent's files are inside an instance.
#pragma once

namespace brume::agent {

inline constexpr const char* kConfigFile = "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json";
inline constexpr const char* kConfigFolder = "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.d";
// The instance's id follows: an image that was made of an instance brings its state to another.
inline constexpr const char* kStateFolder = "/var/lib/brume-agent";

}  // namespace brume::agent
