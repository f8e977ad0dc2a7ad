#include "services/ec2/flow_log_controller.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace brume::ec2 {
namespace {

constexpr std::chrono::seconds kInterval{60};

bool same_logs(const FlowLogging& a, const FlowLogging& b) {
  return std::ranges::equal(a.logs, b.logs, {}, &FlowLog::FlowLogId, &FlowLog::FlowLogId);
}

}  // namespace

FlowLogController::FlowLogController(NetworkState& state, net::Fabric& fabric, services::LogSink& sink)
    : state_(state), fabric_(fabric), sink_(sink), loop_(state.context.env.loop) {}

void FlowLogController::start() {
  state_.on_flow_change = [this](const std::string& vpc_id) { wake(vpc_id); };
  for (const auto& [vpc_id, cursor] : state_.flow_cursors.rows()) wake(vpc_id);
  for (const auto& [id, record] : state_.flow_logs.rows())
    if (const auto vpc_id = vpc_of_flow_log(state_, record.log)) wake(*vpc_id);
}

std::int64_t FlowLogController::now() const {
  return std::chrono::floor<std::chrono::seconds>(state_.context.env.clock.wall()).time_since_epoch().count();
}

void FlowLogController::wake(const std::string& vpc_id) {
  if (state_.flow_logs.size() == 0 && state_.flow_cursors.size() == 0) return;
  Watched& vpc = vpcs_[vpc_id];
  if (vpc.posted) return;
  vpc.posted = true;
  loop_.post([this, vpc_id] {
    vpcs_[vpc_id].posted = false;
    look(vpc_id);
  });
}

void FlowLogController::forget_old() {
  std::vector<std::string> old;
  for (const auto& [id, record] : state_.flow_logs.rows())
    if (!vpc_of_flow_log(state_, record.log)) old.push_back(id);
  if (old.empty()) return;
  const auto forgotten = state_.context.store.transact([&]() -> Result<void> {
    for (const std::string& id : old) {
      state_.flow_logs.erase(id);
      state_.tags.erase_all(id);
    }
    return {};
  });
  if (!forgotten) log_error("flow logs of what is gone stay: {}", forgotten.error().message);
}

void FlowLogController::look(const std::string& vpc_id) {
  if (vpcs_[vpc_id].busy) return;  // looks again when that is done
  forget_old();
  Watched& vpc = vpcs_[vpc_id];
  FlowLogging wanted = flow_logging_of(state_, vpc_id);
  const bool watched = state_.flow_cursors.contains(vpc_id);
  if (wanted.interfaces.empty() && !watched) {
    loop_.cancel(vpc.timer);
    loop_.cancel(vpc.retry);
    vpcs_.erase(vpc_id);
    return;
  }
  if (!watched) return tell(vpc_id, wanted);
  if (!vpc.adopted) {
    // By an earlier daemon, for what the tables say, as far as one can tell.
    vpc.logging = wanted;
    vpc.adopted = vpc.due = true;
  }
  if (vpc.due || !same_logs(vpc.logging, wanted)) return collect(vpc_id, wanted);
  if (!vpc.told || watch_of(vpc_id, vpc.logging) != watch_of(vpc_id, wanted)) return tell(vpc_id, wanted);
  vpc.logging = std::move(wanted);  // what its interfaces belong to may have changed
}

void FlowLogController::tell(const std::string& vpc_id, const FlowLogging& wanted) {
  // A VPC that may be watched has a cursor, so that an end is put to it whatever happens.
  if (!state_.flow_cursors.contains(vpc_id)) {
    const auto noted = state_.context.store.transact([&]() -> Result<void> {
      state_.flow_cursors.put(vpc_id, FlowCursor());
      return {};
    });
    if (!noted) return try_again(vpc_id, "recorded", noted.error().message);
    vpcs_[vpc_id].adopted = true;
  }
  vpcs_[vpc_id].busy = true;
  auto result = std::make_shared<Result<std::int64_t>>();
  loop_.run_blocking(
      [this, result, watch = watch_of(vpc_id, wanted), second = now(),
       delivered = state_.flow_cursors.find(vpc_id)->delivered] {
        *result = fabric_.watch_flows(watch, second, delivered);
      },
      [this, vpc_id, wanted, result] { told(vpc_id, wanted, *result); });
}

void FlowLogController::told(const std::string& vpc_id, const FlowLogging& wanted, const Result<std::int64_t>& result) {
  Watched& vpc = vpcs_[vpc_id];
  vpc.busy = false;
  if (!result) return try_again(vpc_id, "counted", result.error().message);
  vpc.failures = 0;
  if (wanted.interfaces.empty()) {
    const auto ended = state_.context.store.transact([&]() -> Result<void> {
      state_.flow_cursors.erase(vpc_id);
      return {};
    });
    if (!ended) return try_again(vpc_id, "ended", ended.error().message);
    vpc.adopted = vpc.told = false;
    vpc.logging = {};
    vpc.left.clear();
    loop_.cancel(std::exchange(vpc.timer, 0));
    return wake(vpc_id);
  }
  for (const auto& [id, interface] : vpc.logging.interfaces)
    if (!wanted.interfaces.contains(id)) vpc.left.insert_or_assign(id, interface);
  vpc.logging = wanted;
  vpc.told = true;
  if (vpc.timer == 0)
    vpc.timer = loop_.after(kInterval, [this, vpc_id] {
      Watched& due = vpcs_[vpc_id];
      due.timer = 0;
      due.due = true;
      look(vpc_id);
    });
  wake(vpc_id);
}

void FlowLogController::collect(const std::string& vpc_id, const FlowLogging& wanted) {
  Watched& vpc = vpcs_[vpc_id];
  vpc.busy = true;
  auto collection = std::make_shared<Collection>();
  // The flow logs until now, with what is known of their interfaces by now.
  collection->logging = vpc.logging;
  for (const auto& [id, interface] : wanted.interfaces)
    if (const auto found = collection->logging.interfaces.find(id); found != collection->logging.interfaces.end())
      found->second = interface;
  collection->logging.interfaces.insert(vpc.left.begin(), vpc.left.end());
  collection->delivered = state_.flow_cursors.find(vpc_id)->delivered;
  for (const FlowLog& log : collection->logging.logs)
    if (auto made = sink_.ensure_group(*log.LogGroupName); !made)
      log_warning("the log group {} is not made: {}", *log.LogGroupName, made.error().message);
  loop_.run_blocking([this, vpc_id, collection, second = now()] { carry_out(vpc_id, *collection, second); },
                     [this, vpc_id, collection] { collected(vpc_id, *collection); });
}

void FlowLogController::carry_out(const std::string& vpc_id, Collection& collection, std::int64_t now) {
  collection.periods = fabric_.collect_flows(watch_of(vpc_id, collection.logging), now);
  if (!collection.periods) return;
  for (const net::FlowPeriod& period : *collection.periods) {
    if (period.begin <= collection.delivered) continue;  // the fabric could not be told yet
    for (const FlowDelivery& delivery : deliveries_of(collection.logging, state_.context.region, period))
      if (auto appended = sink_.append(delivery.group, delivery.stream, delivery.events,
                                       fmt::format("flows:{}:{}", delivery.flow_log_id, period.begin));
          !appended)
        collection.failed[delivery.flow_log_id] = appended.error().message;
  }
}

void FlowLogController::collected(const std::string& vpc_id, const Collection& collection) {
  Watched& vpc = vpcs_[vpc_id];
  vpc.busy = false;
  vpc.due = true;  // until it is delivered
  if (!collection.periods) return try_again(vpc_id, "collected", collection.periods.error().message);
  const auto& periods = *collection.periods;
  const auto noted = state_.context.store.transact([&]() -> Result<void> {
    set_status(collection);
    if (collection.failed.empty() && !periods.empty())
      state_.flow_cursors.put(vpc_id, {.delivered = periods.back().begin});
    return {};
  });
  if (!collection.failed.empty()) return try_again(vpc_id, "delivered", collection.failed.begin()->second);
  if (!noted) return try_again(vpc_id, "recorded", noted.error().message);
  // What was closed before is not the period that was to be collected now.
  vpc.due = !periods.empty() && periods.back().again;
  vpc.left.clear();
  vpc.told = false;
  tell(vpc_id, flow_logging_of(state_, vpc_id));
}

void FlowLogController::set_status(const Collection& collection) {
  for (const FlowLog& log : collection.logging.logs) {
    const FlowLogRecord* record = state_.flow_logs.find(*log.FlowLogId);
    const bool failed = collection.failed.contains(*log.FlowLogId);
    if (!record || (record->log.DeliverLogsStatus == "FAILED") == failed) continue;
    state_.flow_logs.modify(*log.FlowLogId, [&](FlowLogRecord& changed) {
      changed.log.DeliverLogsStatus = failed ? "FAILED" : "SUCCESS";
      changed.log.DeliverLogsErrorMessage = failed ? std::optional<std::string>("Unknown error") : std::nullopt;
    });
  }
}

void FlowLogController::try_again(const std::string& vpc_id, std::string_view what, const std::string& why) {
  Watched& vpc = vpcs_[vpc_id];
  // A VPC's network is made with its first instance: that it is not there yet is nothing to tell.
  if (++vpc.failures == 4) log_warning("flows of {} are not {}: {}", vpc_id, what, why);
  loop_.after(std::chrono::seconds(std::min(30, 1 << std::min(vpc.failures - 1, 5))), [this, vpc_id] { look(vpc_id); });
}

}  // namespace brume::ec2
