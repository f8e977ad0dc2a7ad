// CloudWatch Logs for the engine's tests.
#pragma once

#include <set>

#include "aws/call.h"
#include "logs/api.h"
#include "services/cloudformation/fake_things_test.h"

namespace brume::cloudformation {

class FakeLogs : public virtual FakeThings, public logs::Api {
 public:
  FakeLogs(store::Store& store, env::SimEnv& env) : FakeThings(store, env) {}

  Result<void> CreateLogGroup(const aws::Call&, const logs::CreateLogGroupRequest& r) override {
    return make_named("CreateLogGroup", "log-group", *r.logGroupName, r);
  }
  Result<void> DeleteLogGroup(const aws::Call&, const logs::DeleteLogGroupRequest& r) override {
    return drop("DeleteLogGroup", *r.logGroupName);
  }
  Result<void> PutRetentionPolicy(const aws::Call&, const logs::PutRetentionPolicyRequest& r) override {
    return called("PutRetentionPolicy " + std::to_string(*r.retentionInDays));
  }
  Result<void> DeleteRetentionPolicy(const aws::Call&, const logs::DeleteRetentionPolicyRequest&) override {
    return called("DeleteRetentionPolicy");
  }
  Result<void> TagResource(const aws::Call&, const logs::TagResourceRequest& r) override {
    return called("TagResource " + *r.resourceArn);
  }
  Result<void> PutMetricFilter(const aws::Call&, const logs::PutMetricFilterRequest& r) override {
    BRUME_CHECK(called("PutMetricFilter"));
    things.erase(*r.filterName);
    return put({*r.filterName, "metric-filter", *r.filterName, to_json(r), now()});
  }
  Result<void> DeleteMetricFilter(const aws::Call&, const logs::DeleteMetricFilterRequest& r) override {
    return drop("DeleteMetricFilter", *r.filterName);
  }
  // The destination is asked first.
  Result<void> PutSubscriptionFilter(const aws::Call&, const logs::PutSubscriptionFilterRequest& r) override {
    BRUME_CHECK(called("PutSubscriptionFilter"));
    if (refused_destinations.contains(*r.destinationArn))
      return fail("InvalidParameterException", "Could not deliver test message to specified Kinesis stream.");
    if (asked_destinations.insert(*r.destinationArn).second)
      return fail("OperationAbortedException", "A test message is on its way.");
    things.erase(*r.filterName);
    return put({*r.filterName, "subscription-filter", *r.filterName, to_json(r), now()});
  }
  Result<logs::DescribeSubscriptionFiltersResponse> DescribeSubscriptionFilters(
      const aws::Call&, const logs::DescribeSubscriptionFiltersRequest&) override {
    BRUME_CHECK(called("DescribeSubscriptionFilters"));
    logs::DescribeSubscriptionFiltersResponse out;
    for (const std::string& id : ids("subscription-filter")) out.subscriptionFilters.push_back({.filterName = id});
    return out;
  }
  Result<void> DeleteSubscriptionFilter(const aws::Call&, const logs::DeleteSubscriptionFilterRequest& r) override {
    return drop("DeleteSubscriptionFilter", *r.filterName);
  }
  std::set<std::string> asked_destinations, refused_destinations;
  Result<logs::PutQueryDefinitionResponse> PutQueryDefinition(const aws::Call&,
                                                              const logs::PutQueryDefinitionRequest& r) override {
    if (r.queryDefinitionId) {
      BRUME_CHECK(called("PutQueryDefinition " + *r.queryDefinitionId));
      return logs::PutQueryDefinitionResponse{.queryDefinitionId = r.queryDefinitionId};
    }
    BRUME_TRY(id, make("PutQueryDefinition", "query", r));
    return logs::PutQueryDefinitionResponse{.queryDefinitionId = id};
  }
  Result<logs::DeleteQueryDefinitionResponse> DeleteQueryDefinition(
      const aws::Call&, const logs::DeleteQueryDefinitionRequest& r) override {
    BRUME_CHECK(drop("DeleteQueryDefinition", *r.queryDefinitionId));
    return logs::DeleteQueryDefinitionResponse{.success = true};
  }
};

}  // namespace brume::cloudformation
