#include "services/audit/trail.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "services/audit/record.h"

namespace brume::audit {
namespace {

constexpr std::size_t kSoon = 1000;  // records that are not kept waiting

}  // namespace

Trail::Trail(env::Env& env, Sinks sinks, bool reads, TrailLimits limits)
    : env_(env),
      sinks_(std::move(sinks)),
      reads_(reads),
      limits_(limits),
      name_(env.random.hex(16)),
      sending_(std::make_shared<Batches>()) {}

void Trail::note(const aws::Dispatcher::Answered& answered) {
  if (!is_recorded(answered, reads_)) return;
  const Timestamp time = env_.clock.wall();
  std::string record = record_of(answered, time, env_.random.uuid());
  if (records_ == limits_.records || bytes_ + record.size() > limits_.bytes) {
    if (dropped_++ == 0) log_error("calls are not recorded: those before cannot be appended to {}", kGroup);
    return;
  }
  Batch& batch = waiting_[answered.call.region];
  ++records_;
  bytes_ += record.size();
  batch.bytes += record.size();
  batch.events.push_back({time, std::move(record)});
  if (busy_ || failures_ > 0) return;
  if (timer_ == 0) send_in(std::chrono::seconds(1));
  if (batch.events.size() >= kSoon && !std::exchange(soon_, true)) send_in(env::Duration::zero());
}

void Trail::send_in(env::Duration time) {
  env_.loop.cancel(timer_);
  timer_ = env_.loop.after(time, [this] { send(); });
}

Result<void> Trail::prepare() {
  if (!sending_->empty()) return {};  // those first, in their order
  Result<void> result;
  for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
    Batch& batch = waiting->second;
    batch.sink = sinks_(waiting->first);
    const auto ready = [&]() -> Result<void> {
      if (!batch.sink) return fail_internal("there is no place for calls of region '{}'", waiting->first);
      return batch.sink->ensure_group(kGroup, services::kOwnRetentionDays);
    }();
    if (!ready) {
      result = ready;
      ++waiting;
      continue;
    }
    batch.region = waiting->first;
    batch.token = fmt::format("audit:{}:{}", name_, batches_made_++);
    sending_->push_back(std::move(batch));
    waiting = waiting_.erase(waiting);
  }
  return result;
}

void Trail::append(Batches& batches) {
  for (Batch& batch : batches)
    batch.result = batch.sink->append(kGroup, fmt::format("{}_CloudTrail_{}", aws::kAccount, batch.region),
                                      batch.events, batch.token);
}

Result<void> Trail::sent() {
  Result<void> result;
  std::erase_if(*sending_, [&](const Batch& batch) {
    if (!batch.result) {
      result = batch.result;
      return false;
    }
    records_ -= batch.events.size();
    bytes_ -= batch.bytes;
    return true;
  });
  return result;
}

void Trail::send() {
  timer_ = 0;
  soon_ = false;
  const auto go_on = [this](const Result<void>& result) {
    busy_ = false;
    if (result) {
      failures_ = 0;
      if (dropped_ > 0) log_error("{} calls were not recorded in {}", std::exchange(dropped_, 0), kGroup);
      if (!waiting_.empty()) send_in(std::chrono::seconds(1));
      return;
    }
    if (++failures_ == 4) log_error("calls cannot be recorded in {}: {}", kGroup, result.error().message);
    send_in(std::chrono::seconds(std::min(30, 1 << std::min(failures_ - 1, 5))));
  };
  const Result<void> prepared = prepare();
  if (sending_->empty()) return go_on(prepared);
  busy_ = true;
  env_.loop.run_blocking([batches = sending_] { append(*batches); }, [this, go_on] { go_on(sent()); });
}

void Trail::flush() {
  for (int round = 0; round < 2; ++round) {
    if (const auto prepared = prepare(); !prepared) log_error("calls cannot be recorded: {}", prepared.error().message);
    append(*sending_);
    if (const auto done = sent(); !done) return log_error("calls cannot be recorded: {}", done.error().message);
  }
}

}  // namespace brume::audit
