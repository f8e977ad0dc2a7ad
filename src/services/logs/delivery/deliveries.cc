#include "services/logs/delivery/deliveries.h"

#include <algorithm>

#include "base/log.h"

namespace brume::logs {
namespace {

constexpr auto kGather = std::chrono::milliseconds(250);
constexpr auto kLook = std::chrono::seconds(30);
constexpr auto kLongestPause = std::chrono::seconds(60);
constexpr auto kGiveUp = std::chrono::hours(24);
constexpr int kMostUnsaved = 64;

CursorRecord to_record(const DeliveryCursor& cursor) {
  return {std::int64_t(cursor.above), std::int64_t(cursor.up_to), cursor.at.timestamp, std::int64_t(cursor.at.id)};
}

DeliveryCursor from_record(const CursorRecord& record) {
  return {std::uint64_t(record.above), std::uint64_t(record.up_to), {record.at_time, std::uint64_t(record.at_id)}};
}

}  // namespace

Deliveries::Deliveries(services::Context context, logstore::EventStore& store, services::MetricSink& metrics,
                       const services::Outside& outside,
                       std::function<Result<DeliveryTarget>(const std::string& arn)> resolve)
    : context_(std::move(context)),
      store_(store),
      metrics_(metrics),
      outside_(outside),
      resolve_(std::move(resolve)),
      cursors_(context_.store, "log-subscription-cursors", context_.region) {}

void Deliveries::begin(const std::string& filter, logstore::GroupId group) {
  if (!cursors_.contains(filter)) cursors_.put(filter, to_record({.above = store_.last_id(group)}));
}

void Deliveries::end(const std::string& filter) {
  cursors_.erase(filter);
  context_.store.after_commit([this, filter] {
    const auto found = followed_.find(filter);
    if (found == followed_.end()) return;
    context_.env.loop.cancel(found->second.retry);
    followed_.erase(found);
  });
}

void Deliveries::follow(const std::string& filter, DeliveryRule rule, const std::string& destination) {
  const CursorRecord* cursor = cursors_.find(filter);
  if (!cursor) return;
  Followed& followed = followed_[filter];
  if (followed.number == 0) {
    followed.number = ++last_number_;
    followed.cursor = from_record(*cursor);
  }
  followed.rule = std::make_shared<const DeliveryRule>(std::move(rule));
  followed.destination = destination;
  followed.batch.reset();
  followed.failures = 0;
  followed.failing_since.reset();
  context_.env.loop.cancel(std::exchange(followed.retry, 0));
  touch();
}

void Deliveries::touch() {
  if (touched_.exchange(true)) return;
  context_.env.loop.post([this] {
    context_.env.loop.cancel(std::exchange(timer_, context_.env.loop.after(kGather, [this] { look_at_all(); })));
  });
}

void Deliveries::look_at_all() {
  touched_ = false;
  for (const auto& [filter, followed] : followed_) look(filter);
  context_.env.loop.cancel(std::exchange(timer_, 0));
  if (!followed_.empty()) timer_ = context_.env.loop.after(kLook, [this] { look_at_all(); });
}

void Deliveries::look(const std::string& filter) {
  Followed& followed = followed_.at(filter);
  if (followed.busy || followed.retry != 0) return;
  const DeliveryCursor& cursor = followed.cursor;
  if (!followed.batch && cursor.up_to == 0 && store_.last_id(followed.rule->group) <= cursor.above) return;
  auto destination = resolve_(followed.destination);
  if (!destination) return try_again(filter, followed, destination.error().message);
  auto job = std::make_shared<DeliveryJob>();
  job->rule = followed.rule;
  job->destination = *std::move(destination);
  job->cursor = cursor;
  if (followed.batch_for == job->destination.arn) job->batch = std::move(followed.batch);
  followed.batch.reset();
  followed.batch_for = job->destination.arn;
  if (followed.failing_since && context_.env.clock.now() - *followed.failing_since >= kGiveUp) {
    job->give_up_before = (context_.env.clock.wall() - std::chrono::milliseconds(kGiveUp)).time_since_epoch().count();
    job->batch.reset();  // it does not know when its events came
  }
  followed.busy = true;
  outside_.aside([this, job] { job->run(store_, outside_.calls, context_.env.clock); },
                 [this, filter, number = followed.number, job] { done(filter, number, *job); });
}

void Deliveries::done(const std::string& filter, std::uint64_t number, DeliveryJob& job) {
  const auto found = followed_.find(filter);
  if (found == followed_.end() || found->second.number != number) return;
  Followed& followed = found->second;
  followed.busy = false;
  if (followed.rule == job.rule) followed.batch = std::move(job.batch);
  const bool moved = followed.cursor != job.cursor;
  followed.cursor = job.cursor;
  if (job.lost > 0)
    log_warning(
        "{} log events of {} are not delivered to {}, by the subscription filter {}: they are larger than it "
        "takes, or it has taken nothing for a day",
        job.lost, job.rule->group_name, job.destination.arn, job.rule->filter);
  if (job.delivered + job.lost + job.failed + job.throttled > 0 || (moved && ++followed.unsaved == kMostUnsaved))
    save(filter, followed, job);
  if (job.delivered > 0 || job.why.empty()) followed.failing_since.reset();
  if (!job.why.empty()) return try_again(filter, followed, job.why);
  if (!followed.told.empty())
    log_info("log events of {} are delivered to {} again", job.rule->group_name, job.destination.arn);
  followed.told.clear();
  followed.failures = 0;
  if (job.more || followed.rule != job.rule) look(filter);
}

void Deliveries::save(const std::string& filter, Followed& followed, const DeliveryJob& job) {
  followed.unsaved = 0;
  const Timestamp minute = std::chrono::floor<std::chrono::minutes>(context_.env.clock.wall());
  std::vector<services::MetricSample> samples;
  const auto tell = [&](const char* name, const char* unit, std::uint64_t value) {
    if (value == 0) return;
    samples.push_back(services::one_value(name,
                                          {{"DestinationType", traits_of(job.destination.kind).metric_name},
                                           {"FilterName", job.rule->filter},
                                           {"LogGroupName", job.rule->group_name}},
                                          unit, minute, double(value)));
  };
  tell("ForwardedLogEvents", "Count", job.delivered);
  tell("ForwardedBytes", "Bytes", job.bytes);
  tell("DeliveryErrors", "Count", job.failed + job.lost);
  tell("DeliveryThrottling", "Count", job.throttled);
  const auto saved = context_.store.transact([&]() -> Result<void> {
    cursors_.put(filter, to_record(followed.cursor));
    if (!samples.empty()) metrics_.put("AWS/Logs", samples);
    return {};
  });
  if (!saved)
    log_warning("how far the subscription filter {} of {} is is not stored, and delivered again after a restart: {}",
                job.rule->filter, job.rule->group_name, saved.error().message);
}

void Deliveries::try_again(const std::string& filter, Followed& followed, const std::string& why) {
  if (followed.told != why)
    log_warning("log events of {} do not reach {}: {}; tried again", followed.rule->group_name, followed.destination,
                why);
  followed.told = why;
  if (!followed.failing_since) followed.failing_since = context_.env.clock.now();
  const auto pause =
      std::min<env::Duration>(std::chrono::seconds(1) * (1 << std::min(followed.failures++, 6)), kLongestPause);
  followed.retry = context_.env.loop.after(pause, [this, filter] {
    followed_.at(filter).retry = 0;
    look(filter);
  });
}

}  // namespace brume::logs
