// Instance refreshes: started, described, cancelled, rolled back. Leaves to others: what a refresh does
// (refresh_controller.h).
#pragma once

#include "autoscaling/api.h"
#include "cloudwatch/api.h"
#include "ec2/api.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/launch.h"
#include "services/autoscaling/refresh_controller.h"

namespace brume::autoscaling {

// Error: ValidationError while a refresh brings a configuration of its own.
Result<void> check_configuration_free(const GroupState& state, const UpdateAutoScalingGroupType& request);

class RefreshOperations : public virtual Api, protected GroupPart {
 public:
  RefreshOperations(GroupState& state, ec2::Api& ec2, cloudwatch::Api& cloudwatch, Launches& launches,
                    RefreshController& controller);

  Result<StartInstanceRefreshAnswer> StartInstanceRefresh(const Call&, const StartInstanceRefreshType&) override;
  Result<DescribeInstanceRefreshesAnswer> DescribeInstanceRefreshes(const Call&,
                                                                    const DescribeInstanceRefreshesType&) override;
  Result<CancelInstanceRefreshAnswer> CancelInstanceRefresh(const Call&, const CancelInstanceRefreshType&) override;
  Result<RollbackInstanceRefreshAnswer> RollbackInstanceRefresh(const Call&,
                                                                const RollbackInstanceRefreshType&) override;

 private:
  // desired_configuration.cc: what a refresh is to bring: checked, completed, and into its row. Errors:
  // ValidationError, UnsupportedOperation.
  Result<void> take_desired(const Call& call, const GroupRecord& group, const DesiredConfiguration& desired,
                            RefreshRecord& refresh);
  // Error: IrreversibleInstanceRefresh for a configuration that nobody could go back to.
  Result<void> check_reversible(const Call& call, const AutoScalingGroup& group);

  ec2::Api& ec2_;
  cloudwatch::Api& cloudwatch_;
  Launches& launches_;
  RefreshController& controller_;
};

}  // namespace brume::autoscaling
