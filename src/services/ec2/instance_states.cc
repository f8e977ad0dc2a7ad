// Start, stop, reboot, terminate, and the console: desired states, which the controller brings about.
#include <algorithm>

#include "base/base64.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/public_address.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

using enum InstanceStateCode;

InstanceState state_of(const InstanceRecord& record) {
  return *record.instance.State;
}

Result<void> some_ids(const List<std::string>& ids) {
  if (ids.empty()) return fail("MissingParameter", "The request must contain the parameter InstanceId");
  return {};
}

std::unexpected<Error> incorrect_state(const InstanceRecord& record, std::string_view done) {
  return fail("IncorrectInstanceState", "The instance '{}' is not in a state from which it can be {}.",
              *record.instance.InstanceId, done);
}

void by_user(InstanceRecord& record, Timestamp now) {
  record.instance.StateTransitionReason = user_initiated(now);
  record.instance.StateReason = StateReason{};
  record.instance.StateReason->Code = "Client.UserInitiatedShutdown";
  record.instance.StateReason->Message = "Client.UserInitiatedShutdown: User initiated shutdown";
}

InstanceStateChange change_of(const InstanceRecord& before, const InstanceRecord& after) {
  InstanceStateChange change;
  change.InstanceId = after.instance.InstanceId;
  change.PreviousState = state_of(before);
  change.CurrentState = state_of(after);
  return change;
}

}  // namespace

Result<StartInstancesResult> InstanceOperations::StartInstances(const aws::Call&,
                                                                const StartInstancesRequest& request) {
  BRUME_CHECK(some_ids(request.InstanceIds));
  BRUME_TRY(found, find_instances(request.InstanceIds));
  StartInstancesResult result;
  for (const InstanceRecord* record : found) {
    const InstanceStateCode state = record->state();
    if (state != stopped && state != pending && state != running) return incorrect_state(*record, "started");
    const InstanceRecord before = *record;
    InstanceRecord after = before;
    if (state == stopped) {
      if (const InstanceType* type = find_instance_type(*after.instance.InstanceType))
        BRUME_CHECK(count_that_fits(*type, 1, 1, false));
      if (after.auto_public_address && !after.interfaces.empty())
        BRUME_CHECK(assign_automatic(network_, after.interfaces[0]));
      after.set_state(pending);
      after.hard = false;
      after.instance.StateReason.reset();
      after.instance.StateTransitionReason = "";
      after.instance.LaunchTime = std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall());
      put(*after.instance.InstanceId, after);
    }
    result.StartingInstances.push_back(change_of(before, after));
  }
  return unless_dry_run(request, std::move(result));
}

Result<StopInstancesResult> InstanceOperations::StopInstances(const aws::Call&, const StopInstancesRequest& request) {
  BRUME_CHECK(some_ids(request.InstanceIds));
  if (request.Hibernate.value_or(false)) return unsupported("Brume does not support hibernation.");
  BRUME_TRY(found, find_instances(request.InstanceIds));
  StopInstancesResult result;
  for (const InstanceRecord* record : found) {
    const InstanceStateCode state = record->state();
    if (state != running && state != stopping && state != stopped) return incorrect_state(*record, "stopped");
    if (record->is_spot())
      return fail("UnsupportedOperation",
                  "You can't stop the Spot Instance '{}' because it is associated with a one-time Spot Instance "
                  "request. You can only stop Spot Instances associated with persistent Spot Instance requests.",
                  *record->instance.InstanceId);
    if (record->disable_api_stop)
      return fail("OperationNotPermitted",
                  "The instance '{}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.",
                  *record->instance.InstanceId);
    const InstanceRecord before = *record;
    InstanceRecord after = before;
    if (state != stopped) {
      after.reboot.clear();
      after.hard = after.hard || request.Force.value_or(false) || request.SkipOsShutdown.value_or(false);
      if (state == running) by_user(after, context_.env.clock.wall());
      after.set_state(stopping);
      put(*after.instance.InstanceId, after);
    }
    result.StoppingInstances.push_back(change_of(before, after));
  }
  return unless_dry_run(request, std::move(result));
}

Result<void> InstanceOperations::RebootInstances(const aws::Call&, const RebootInstancesRequest& request) {
  BRUME_CHECK(some_ids(request.InstanceIds));
  BRUME_TRY(found, find_instances(request.InstanceIds));
  for (const InstanceRecord* record : found) {
    if (record->state() != running) return incorrect_state(*record, "rebooted");
    if (!record->reboot.empty()) continue;  // it is on its way
    InstanceRecord after = *record;
    after.reboot = "stopping";
    put(*after.instance.InstanceId, after);
  }
  return unless_dry_run(request);
}

Result<TerminateInstancesResult> InstanceOperations::TerminateInstances(const aws::Call&,
                                                                        const TerminateInstancesRequest& request) {
  BRUME_CHECK(some_ids(request.InstanceIds));
  BRUME_TRY(found, find_instances(request.InstanceIds));
  TerminateInstancesResult result;
  for (const InstanceRecord* record : found) {
    const InstanceStateCode state = record->state();
    const bool going = state == shutting_down || state == terminated;
    if (record->disable_api_termination && !going)
      return fail("OperationNotPermitted",
                  "The instance '{}' may not be terminated. Modify its 'disableApiTermination' instance attribute and "
                  "try again.",
                  *record->instance.InstanceId);
    const InstanceRecord before = *record;
    InstanceRecord after = before;
    if (state != terminated) {
      after.reboot.clear();
      after.hard = after.hard || request.Force.value_or(false) || request.SkipOsShutdown.value_or(false);
      if (!going) by_user(after, context_.env.clock.wall());
      after.set_state(shutting_down);
      put(*after.instance.InstanceId, after);
    }
    result.TerminatingInstances.push_back(change_of(before, after));
  }
  return unless_dry_run(request, std::move(result));
}

Result<GetConsoleOutputResult> InstanceOperations::GetConsoleOutput(const aws::Call&,
                                                                    const GetConsoleOutputRequest& request) {
  BRUME_TRY(record, find_instance(request.InstanceId));
  GetConsoleOutputResult result;
  result.InstanceId = request.InstanceId;
  result.Timestamp = context_.env.clock.wall();
  std::string console;
  if (record->state() != terminated) {
    auto output = driver_.console(*request.InstanceId);
    // A pending instance is not on the machine yet, and has printed nothing.
    if (!output && output.error().code != "InvalidInstanceID.NotFound")
      return std::unexpected(std::move(output).error());
    if (output) console = *std::move(output);
  }
  result.Output = base64_encode(console);
  return unless_dry_run(request, std::move(result));
}

}  // namespace brume::ec2
