// An instance as it is kept: AWS's own shape, plus what the answer does not show.
//
// `instance.State` is desire and fact in one, as AWS's states are: pending and running want it to run, stopping and
// stopped do not, shutting-down and terminated want it gone. The transitional ones say that the machine is not there
// yet. Tags, groups and interfaces are not kept here but filled in from where they live when an instance is answered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reflect.h"
#include "ec2/shapes.h"

namespace brume::ec2 {

enum class InstanceStateCode : std::int32_t {
  pending = 0,
  running = 16,
  shutting_down = 32,
  terminated = 48,
  stopping = 64,
  stopped = 80
};

inline constexpr const char* kInstanceTable = "ec2.instances";

std::string_view name_of(InstanceStateCode state);

struct InstanceRecord {
  Instance instance;
  std::string reservation_id;
  std::string requester_id;       // the service that launched it for the user, or empty
  std::string user_data;          // base64
  std::string shutdown_behavior;  // InstanceInitiatedShutdownBehavior: "stop" or "terminate"
  bool disable_api_termination = false;
  bool disable_api_stop = false;
  std::string cpu_credits;              // "standard" or "unlimited"; empty where the type has none
  std::vector<std::string> interfaces;  // eni-…, by device index
  std::string key_pair_material;        // the public key when it was launched, OpenSSH form; may be empty
  std::string profile_name;             // of the instance profile, or empty
  std::string profile_association_id;   // iip-assoc-…, or empty
  std::string volume_id;                // vol-…, of the root device
  EbsBlockDevice root_volume;
  // Durable progress of what takes more than one step.
  std::string reboot;     // "", "stopping", or "starting" (it has stopped and is to start again)
  bool launched = false;  // it has run, so a failed start stops it rather than terminating it
  // Its primary interface gets a public address whenever it starts, unless it has an Elastic IP.
  bool auto_public_address = false;
  bool hard = false;  // stop or terminate without asking the system inside
  std::optional<brume::Timestamp> terminated_at;

  [[nodiscard]] InstanceStateCode state() const { return InstanceStateCode(*instance.State->Code); }
  // Then it is never stopped: an instance of a one-time request cannot be started again.
  [[nodiscard]] bool is_spot() const { return instance.InstanceLifecycle == "spot"; }
  void set_state(InstanceStateCode state) {
    instance.State = InstanceState{};
    instance.State->Code = std::int32_t(state);
    instance.State->Name = std::string(name_of(state));
  }
};

}  // namespace brume::ec2

BRUME_RECORD(brume::ec2::InstanceRecord, instance, reservation_id, requester_id, user_data, shutdown_behavior,
             disable_api_termination, disable_api_stop, cpu_credits, interfaces, key_pair_material, profile_name,
             profile_association_id, volume_id, root_volume, reboot, launched, auto_public_address, hard, terminated_at)
