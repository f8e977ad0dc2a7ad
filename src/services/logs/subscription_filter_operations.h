// Subscription filters: which there are. delivery/ has them work.
#pragma once

#include "services/logs/delivery/deliveries.h"
#include "services/logs/delivery/target_tests.h"
#include "services/logs/destination_operations.h"

namespace brume::logs {

class GroupOperations;

// Key "<group>\n<filter>".
struct SubscriptionFilterRecord {
  SubscriptionFilter filter;
};

}  // namespace brume::logs

BRUME_RECORD(brume::logs::SubscriptionFilterRecord, filter)

namespace brume::logs {

class SubscriptionFilterOperations : public DestinationOperations {
 public:
  SubscriptionFilterOperations(services::Context context, GroupOperations& groups, logstore::EventStore& store,
                               services::MetricSink& metrics, const services::Outside& outside);

  using Call = aws::Call;
  // Asks for the test that was made of the destination (put_errand), or has one made: OperationAbortedException then.
  Result<void> PutSubscriptionFilter(const Call&, const PutSubscriptionFilterRequest&) override;
  Result<void> DeleteSubscriptionFilter(const Call&, const DeleteSubscriptionFilterRequest&) override;
  Result<DescribeSubscriptionFiltersResponse> DescribeSubscriptionFilters(
      const Call&, const DescribeSubscriptionFiltersRequest&) override;

  // What is to run on another thread before PutSubscriptionFilter is carried out: the test of its destination.
  Result<std::function<Result<void>()>> put_errand(const PutSubscriptionFilterRequest& request);

 protected:
  Result<void> load_subscriptions();
  // Once the groups are read.
  void start_subscriptions();
  // With their group, in its transaction.
  void forget_subscriptions(const std::string& group);
  [[nodiscard]] bool is_subscribed(const std::string& group) const { return !subscriptions_of(group).empty(); }
  // From any thread, after something was appended to a group that is.
  void deliver_soon() { deliveries_.touch(); }

 private:
  // What a request asks for, if it may be.
  struct Wanted {
    SubscriptionFilter filter;
    std::uint64_t group = 0;
    DeliveryTarget target;
  };
  Result<Wanted> check(const PutSubscriptionFilterRequest& request) const;
  [[nodiscard]] std::vector<const SubscriptionFilter*> subscriptions_of(std::string_view group) const;
  void follow(const std::string& key);
  void erase(const std::string& group, const std::string& filter);

  services::Context context_;
  GroupOperations& groups_;
  store::Table<SubscriptionFilterRecord> subscriptions_;
  TargetTests tests_;
  Deliveries deliveries_;
};

}  // namespace brume::logs
