// Spot Instances: who gives way when an On-Demand launch finds no room, and what a request says of itself. Pure.
//
// On one machine there is no market. A Spot Instance runs on what is free: it is launched while there is room, like any
// other, and is interrupted when an On-Demand launch does not fit. Leaves to others: what room there is
// (machine_room.h), notices and their deadlines (spot_controller.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/reflect.h"
#include "base/time.h"
#include "services/ec2/instance_record.h"

namespace brume::ec2 {

// From the notice to the interruption (EC2 user guide, "Spot Instance interruption notices").
inline constexpr std::chrono::seconds kInterruptionNotice{120};

// So long after its end nobody but an On-Demand Instance gets the room of one that gave way: without that, a group that
// replaces it by another Spot Instance would have it first, each time.
inline constexpr std::chrono::seconds kRoomClaimed{120};

// A request as it is kept. Its state and status are not: they follow from these and the instance.
struct SpotRequestRecord {
  SpotInstanceRequest request;
  bool cancelled = false;
  std::optional<Timestamp> noticed_at;    // when its instance was told
  std::optional<Timestamp> interrupt_at;  // and when it ends
  bool claimed = false;                   // its room is kept for On-Demand launches, until one has it or gives up
};

struct SpotCandidate {
  std::string id;
  Timestamp launched{};
  std::int64_t memory_mib = 0;
  bool leaving = false;  // it was given notice, or ends already
};

// Whose end makes `lacking_mib` free: the youngest, and none that need not go. What those that leave will free counts.
// Empty if that is enough, and if all together are not: nobody ends in vain.
std::vector<std::string> who_gives_way(std::vector<SpotCandidate> candidates, std::int64_t lacking_mib);

// The request as AWS shows it (EC2 user guide, "Spot Instance request status"), without its tags.
SpotInstanceRequest shown(const SpotRequestRecord& record, const InstanceRecord& instance);

}  // namespace brume::ec2

BRUME_RECORD(brume::ec2::SpotRequestRecord, request, cancelled, noticed_at, interrupt_at, claimed)
