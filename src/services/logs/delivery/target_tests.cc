#include "services/logs/delivery/target_tests.h"

#include "services/logs/delivery/calls.h"

namespace brume::logs {
namespace {

constexpr auto kGood = std::chrono::seconds(60);

std::string_view refusal_of(DeliveryTarget::Kind kind) {
  switch (kind) {
    case DeliveryTarget::Kind::kinesis:
      return "Could not deliver test message to specified Kinesis stream. Check if the given Kinesis stream is in "
             "ACTIVE "
             "state.";
    case DeliveryTarget::Kind::firehose:
      return "Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in "
             "ACTIVE state.";
    case DeliveryTarget::Kind::lambda:
      return "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute "
             "your function.";
  }
  return "";
}

}  // namespace

Result<void> TargetTests::ask(const DeliveryTarget& destination) {
  const std::int64_t now = env_.clock.wall().time_since_epoch().count();
  const auto answered =
      outside_.calls.send(traits_of(destination.kind).service, destination.region, test_request(destination, now));
  const std::string why = answered ? read_delivery_answer(destination, *answered, 1).why : answered.error().message;
  Result<void> result;
  if (!why.empty()) result = fail("InvalidParameterException", "{} ({})", refusal_of(destination.kind), why);
  const std::lock_guard lock(mutex_);
  said_.insert_or_assign(destination.arn, Said{env_.clock.now(), result});
  return result;
}

Result<void> TargetTests::passed(const DeliveryTarget& destination) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(said_, [&](const auto& entry) { return env_.clock.now() - entry.second.when > kGood; });
    if (const auto found = said_.find(destination.arn); found != said_.end()) {
      Result<void> what = found->second.what;
      if (!what) said_.erase(found);  // the next to ask may find it mended
      return what;
    }
  }
  if (asking_.insert(destination.arn).second)
    outside_.aside([this, destination] { (void)ask(destination); },
                   [this, arn = destination.arn] { asking_.erase(arn); });
  return fail("OperationAbortedException", "A test message is on its way to {}: ask again in a moment.",
              destination.arn);
}

}  // namespace brume::logs
