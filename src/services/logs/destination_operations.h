// Destinations: names for streams, to which subscription filters may deliver by the name's ARN. They are made for other
// accounts' filters, of which there are none here: an access policy is kept and shown, and decides nothing.
#pragma once

#include "logs/api.h"
#include "services/common/context.h"
#include "services/logs/delivery/target.h"
#include "store/table.h"

namespace brume::logs {

// Key: the name.
struct DestinationRecord {
  Destination destination;
};

}  // namespace brume::logs

BRUME_RECORD(brume::logs::DestinationRecord, destination)

namespace brume::logs {

class DestinationOperations : public virtual Api {
 public:
  explicit DestinationOperations(services::Context context)
      : context_(std::move(context)), destinations_(context_.store, "log-destinations", context_.region) {}

  using Call = aws::Call;
  Result<PutDestinationResponse> PutDestination(const Call&, const PutDestinationRequest&) override;
  Result<void> PutDestinationPolicy(const Call&, const PutDestinationPolicyRequest&) override;
  Result<DescribeDestinationsResponse> DescribeDestinations(const Call&, const DescribeDestinationsRequest&) override;
  Result<void> DeleteDestination(const Call&, const DeleteDestinationRequest&) override;

 protected:
  Result<void> load_destinations() { return destinations_.load(); }
  // Where a filter with this destinationArn delivers to. Errors: InvalidParameterException.
  [[nodiscard]] Result<DeliveryTarget> target_of(const std::string& destination_arn) const;

 private:
  services::Context context_;
  store::Table<DestinationRecord> destinations_;
};

}  // namespace brume::logs
