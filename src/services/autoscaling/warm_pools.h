// Warm pools: put, described, deleted. A pool is part of its group's row. Leaves to others: what a pool does
// (warm_pool_controller.h).
#pragma once

#include "autoscaling/api.h"
#include "services/autoscaling/group_state.h"

namespace brume::autoscaling {

class WarmPoolOperations : public virtual Api, protected GroupPart {
 public:
  explicit WarmPoolOperations(GroupState& state) : GroupPart(state) {}

  Result<PutWarmPoolAnswer> PutWarmPool(const Call&, const PutWarmPoolType&) override;
  Result<DescribeWarmPoolAnswer> DescribeWarmPool(const Call&, const DescribeWarmPoolType&) override;
  Result<DeleteWarmPoolAnswer> DeleteWarmPool(const Call&, const DeleteWarmPoolType&) override;
};

}  // namespace brume::autoscaling
