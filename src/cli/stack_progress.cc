#include "cli/stack_progress.h"

#include <chrono>
#include <thread>

#include "cli/patient.h"

namespace brume::cli {
namespace {

std::string in_words(const cloudformation::StackEvent& event) {
  const std::string reason = event.ResourceStatusReason.value_or("");
  return fmt::format("{}  {:<28} {:<38} {}{}{}", to_iso8601(*event.Timestamp, true).substr(11, 12),
                     *event.ResourceStatus, *event.LogicalResourceId, *event.ResourceType, reason.empty() ? "" : "  ",
                     reason);
}

}  // namespace

Result<std::string> StackProgress::follow() {
  while (true) {
    // The status first: at rest, the events that follow are the last.
    BRUME_TRY(described,
              patiently([&] { return session_.cloudformation.DescribeStacks(session_.call, {.StackName = stack_}); }));
    const std::string& status = *described.Stacks.front().StackStatus;
    BRUME_TRY(events, fresh());
    for (const cloudformation::StackEvent& event : events) note(event);
    if (!status.ends_with("_IN_PROGRESS")) return status;
    line_.meanwhile(fmt::format("{}  {}", stack_, status));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

void StackProgress::note(const cloudformation::StackEvent& event) {
  line_.say(in_words(event));
  const std::string reason = event.ResourceStatusReason.value_or("");
  if (failure_.empty() && event.ResourceStatus->ends_with("_FAILED") && reason != "Resource creation cancelled")
    failure_ = *event.LogicalResourceId + ": " + reason;
}

Result<std::vector<cloudformation::StackEvent>> StackProgress::fresh() {
  std::vector<cloudformation::StackEvent> events;
  cloudformation::DescribeStackEventsInput request;
  request.StackName = stack_;
  do {
    BRUME_TRY(page, patiently([&] { return session_.cloudformation.DescribeStackEvents(session_.call, request); }));
    bool known = false;
    for (cloudformation::StackEvent& event : page.StackEvents) {
      known = known || !seen_.insert(*event.EventId).second;
      if (known) break;
      events.push_back(std::move(event));
    }
    request.NextToken = known ? std::nullopt : page.NextToken;
  } while (request.NextToken);
  return std::vector(events.rbegin(), events.rend());
}

Result<std::vector<std::string>> resources_of(Session& session, const std::string& stack, std::string_view type) {
  std::vector<std::string> ids;
  cloudformation::ListStackResourcesInput request;
  request.StackName = stack;
  do {
    BRUME_TRY(page, session.cloudformation.ListStackResources(session.call, request));
    for (const cloudformation::StackResourceSummary& resource : page.StackResourceSummaries)
      if (resource.ResourceType == type && resource.PhysicalResourceId) ids.push_back(*resource.PhysicalResourceId);
    request.NextToken = page.NextToken;
  } while (request.NextToken);
  return ids;
}

}  // namespace brume::cli
