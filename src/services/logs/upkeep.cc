#include "services/logs/upkeep.h"

#include <utility>

#include "base/log.h"

namespace brume::logs {

Upkeep::Upkeep(services::Context context, logstore::EventStore& store, const store::Table<GroupRecord>& groups,
               env::Aside aside)
    : context_(std::move(context)),
      store_(store),
      groups_(groups),
      aside_(std::move(aside)),
      removals_(context_.store, "log-group-removals", context_.region) {}

void Upkeep::remove(std::int64_t group) {
  removals_.put(fmt::to_string(group), RemovalRecord{group});
  context_.store.after_commit([this] { context_.env.loop.post([this] { look(); }); });
}

void Upkeep::look() {
  if (std::exchange(again_, busy_)) return;
  if (busy_) return;
  context_.env.loop.cancel(std::exchange(timer_, 0));
  auto job = std::make_shared<Job>();
  for (const auto& [key, removal] : removals_.rows()) job->removed.push_back(removal.id);
  const std::int64_t now = context_.env.clock.wall().time_since_epoch().count();
  for (const auto& [name, record] : groups_.rows())
    if (record.retention_days)
      job->expiring.emplace_back(record.id,
                                 now - std::chrono::milliseconds(std::chrono::days(*record.retention_days)).count());
  busy_ = true;
  aside_(
      [this, job] {
        for (const std::int64_t group : job->removed)
          if (auto removed = store_.delete_group(std::uint64_t(group)); !removed)
            job->errors.push_back(removed.error().message);
        for (const auto& [group, older_than] : job->expiring)
          if (auto expired = store_.expire(std::uint64_t(group), older_than); !expired)
            job->errors.push_back(expired.error().message);
      },
      [this, job] { done(*job); });
}

void Upkeep::done(const Job& job) {
  busy_ = false;
  if (!job.errors.empty()) {
    log_warning("log events that have to go are still there: {}; tried again in a minute", job.errors.front());
  } else if (!job.removed.empty()) {
    const auto crossed_out = context_.store.transact([&]() -> Result<void> {
      for (const std::int64_t group : job.removed) removals_.erase(fmt::to_string(group));
      return {};
    });
    if (!crossed_out) log_warning("removed log groups are not crossed out: {}", crossed_out.error().message);
  }
  if (std::exchange(again_, false)) return look();
  timer_ = context_.env.loop.after(std::chrono::minutes(1), [this] {
    timer_ = 0;
    look();
  });
}

}  // namespace brume::logs
