#include "services/logs/destination_operations.h"

#include "base/json.h"
#include "services/common/ids.h"
#include "services/common/page.h"

namespace brume::logs {

Result<DeliveryTarget> DestinationOperations::target_of(const std::string& destination_arn) const {
  const std::string mine = services::arn("logs", context_.region, "destination:");
  if (!destination_arn.starts_with(mine)) return parse_target(destination_arn);
  const DestinationRecord* record = destinations_.find(destination_arn.substr(mine.size()));
  if (!record)
    return fail("InvalidParameterException",
                "Could not deliver test message to specified destination. Check if the destination is valid. (There is "
                "no {}.)",
                destination_arn);
  return parse_target(*record->destination.targetArn);
}

Result<PutDestinationResponse> DestinationOperations::PutDestination(const Call&,
                                                                     const PutDestinationRequest& request) {
  if (!request.tags.empty())
    return fail("InvalidParameterException", "Brume keeps no tags of destinations: leave tags out.");
  BRUME_TRY(target, parse_target(*request.targetArn));
  if (target.kind == DeliveryTarget::Kind::lambda)
    return fail("InvalidParameterException", "targetArn {}: a destination is a Kinesis stream or a Firehose stream.",
                target.arn);
  const std::string& name = *request.destinationName;
  Destination destination{.destinationName = name,
                          .targetArn = request.targetArn,
                          .roleArn = request.roleArn,
                          .accessPolicy = std::nullopt,
                          .arn = services::arn("logs", context_.region, "destination:" + name),
                          .creationTime = context_.env.clock.wall().time_since_epoch().count()};
  if (const DestinationRecord* before = destinations_.find(name)) {
    destination.accessPolicy = before->destination.accessPolicy;
    destination.creationTime = before->destination.creationTime;
  }
  destinations_.put(name, DestinationRecord{destination});
  return PutDestinationResponse{.destination = std::move(destination)};
}

Result<void> DestinationOperations::PutDestinationPolicy(const Call&, const PutDestinationPolicyRequest& request) {
  const std::string& name = *request.destinationName;
  if (!destinations_.contains(name))
    return fail("InvalidParameterException", "The destination {} does not exist.", name);
  if (!is_json_object(*request.accessPolicy))
    return fail("InvalidParameterException", "accessPolicy is not a policy document: it has to be a JSON object.");
  destinations_.modify(name,
                       [&](DestinationRecord& record) { record.destination.accessPolicy = request.accessPolicy; });
  return {};
}

Result<DescribeDestinationsResponse> DestinationOperations::DescribeDestinations(
    const Call&, const DescribeDestinationsRequest& request) {
  std::vector<Destination> all;
  for (const auto& [name, record] : destinations_.rows())
    if (name.starts_with(request.DestinationNamePrefix.value_or(""))) all.push_back(record.destination);
  const auto name_of = [](const Destination& destination) { return *destination.destinationName; };
  BRUME_TRY(page, services::paginate(std::move(all), std::size_t(request.limit.value_or(50)), request.nextToken,
                                     name_of, "InvalidParameterException"));
  DescribeDestinationsResponse response{.destinations = List<Destination>(std::move(page.items)),
                                        .nextToken = std::move(page.next_token)};
  response.destinations.set_present();
  return response;
}

Result<void> DestinationOperations::DeleteDestination(const Call&, const DeleteDestinationRequest& request) {
  if (!destinations_.contains(*request.destinationName))
    return fail("ResourceNotFoundException", "The specified destination does not exist.");
  destinations_.erase(*request.destinationName);
  return {};
}

}  // namespace brume::logs
