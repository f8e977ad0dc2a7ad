#include "services/cloudformation/engine.h"

#include <algorithm>

namespace brume::cloudformation {
namespace {

constexpr env::Duration kFirstPoll = std::chrono::milliseconds(100), kLastPoll = std::chrono::seconds(1);

bool under_way(const std::string& status) {
  return status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS";
}

}  // namespace

void Engine::start() {
  for (const auto& [id, stack] : tables_.stacks.rows())
    if (under_way(stack.status)) wake(id);
}

void Engine::wake(const std::string& stack_id) {
  timers_[stack_id].delay = kFirstPoll;
  schedule(stack_id, env::Duration::zero());
}

void Engine::schedule(const std::string& stack_id, env::Duration delay) {
  Timer& timer = timers_[stack_id];
  context_.env.loop.cancel(timer.id);
  timer.id = context_.env.loop.after(delay, [this, stack_id] { step(stack_id); });
}

void Engine::step(const std::string& stack_id) {
  const StackRecord* stack = tables_.stacks.find(stack_id);
  if (!stack || !under_way(stack->status)) {
    timers_.erase(stack_id);
    plans_.erase(stack_id);
    return;
  }
  auto pass = advance(StackRecord(*stack));
  Timer& timer = timers_[stack_id];
  // A pass that failed as a whole (the disk is full) is tried again, like one that waits.
  if (pass && pass->changed) {
    timer.delay = kFirstPoll;
    return schedule(stack_id, env::Duration::zero());
  }
  const env::Duration delay = std::max(timer.delay, kFirstPoll);
  timer.delay = std::min(2 * delay, kLastPoll);
  schedule(stack_id, delay);
}

Result<Engine::Pass> Engine::advance(const StackRecord& stack) {
  const std::string& status = stack.status;
  if (status == "CREATE_IN_PROGRESS" || status == "UPDATE_IN_PROGRESS") return deploy(stack);
  if (status == "ROLLBACK_IN_PROGRESS") return remove_stack(stack, true);
  if (status == "DELETE_IN_PROGRESS") return remove_stack(stack, false);
  if (status == "UPDATE_ROLLBACK_IN_PROGRESS") return roll_back_update(stack);
  if (status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS") return clean_up(stack, false);
  return clean_up(stack, true);  // UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS
}

void Engine::set_status(const std::string& stack_id, std::string status, std::string reason) {
  tables_.stacks.modify(stack_id, [&](StackRecord& stack) {
    stack.status = status;
    stack.status_reason = reason;
  });
  Record self{.stack_id = stack_id, .logical_id = tables_.stacks.find(stack_id)->name};
  self.now.type = "AWS::CloudFormation::Stack";
  add_event(stack_id, self, std::move(status), std::move(reason), stack_id);
}

void Engine::add_event(const std::string& stack_id, const Record& resource, std::string status, std::string reason,
                       const std::string& physical_id) {
  std::int32_t number = 0;
  tables_.stacks.modify(stack_id, [&](StackRecord& stack) { number = ++stack.events; });
  const StackRecord& stack = *tables_.stacks.find(stack_id);
  StackEvent event;
  event.StackId = stack_id;
  event.StackName = stack.name;
  event.LogicalResourceId = resource.logical_id;
  event.PhysicalResourceId = physical_id;
  event.ResourceType = resource.now.type;
  event.Timestamp = now();
  event.EventId = physical_id == stack_id
                      ? context_.env.random.uuid()
                      : fmt::format("{}-{}-{}-{}", resource.logical_id, status, to_iso8601(now(), true), number);
  event.ResourceStatus = std::move(status);
  if (!reason.empty()) event.ResourceStatusReason = std::move(reason);
  if (!resource.now.properties.empty()) event.ResourceProperties = resource.now.properties;
  if (!stack.client_token.empty()) event.ClientRequestToken = stack.client_token;
  tables_.events.put(fmt::format("{}/{:08}", stack_id, number), {std::move(event)});
}

std::vector<std::string> Engine::logical_ids(const std::string& stack_id) const {
  std::vector<std::string> out;
  const auto& rows = tables_.resources.rows();
  const std::string start = stack_id + "/";
  for (auto row = rows.lower_bound(start); row != rows.end() && row->first.starts_with(start); ++row)
    out.push_back(row->second.logical_id);
  return out;
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

}  // namespace brume::cloudformation
