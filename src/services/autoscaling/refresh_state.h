// Which instance refresh a group has, and what that means for its launches and its instances.
//
// Reads only. Leaves to others: the calls (refresh.h), what a refresh does next (refresh_decision.h,
// refresh_controller.h).
#pragma once

#include <string>

#include "services/autoscaling/group_state.h"
#include "services/autoscaling/refresh_decision.h"

namespace brume::autoscaling {

// A group's newest refresh; null if it has ended.
struct ActiveRefresh {
  std::string key;
  const RefreshRecord* record = nullptr;
  explicit operator bool() const { return record != nullptr; }
};
ActiveRefresh active_refresh(const GroupState& state, const std::string& group);
RefreshView::Phase phase_of(const InstanceRefresh& refresh);

// The id of the refresh that a new instance is of; empty: of none.
std::string launching_refresh(const GroupState& state, const std::string& group);
// The group as instances are launched for it now: during a refresh with the configuration that this brings.
GroupRecord as_launched(const GroupState& state, const GroupRecord& group);
// Whether the refresh, or its rollback, replaces this instance.
bool is_stale(const RefreshRecord& refresh, const MemberRecord& member);

// Keys of the group's refreshes, oldest first.
std::vector<std::string> refreshes_of(const GroupState& state, const std::string& group);

}  // namespace brume::autoscaling
