#include "services/ec2/spot_controller.h"

#include <algorithm>

#include "base/log.h"
#include "services/common/ids.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/machine_room.h"

namespace brume::ec2 {
namespace {

constexpr env::Duration kRetry = std::chrono::seconds(1);

bool is_leaving(const InstanceRecord& record) {
  return record.state() == InstanceStateCode::shutting_down || record.state() == InstanceStateCode::terminated;
}

LaunchSpecification specification_of(const Instance& instance) {
  LaunchSpecification launch;
  launch.ImageId = instance.ImageId;
  launch.InstanceType = instance.InstanceType;
  launch.KeyName = instance.KeyName;
  launch.SubnetId = instance.SubnetId;
  launch.EbsOptimized = instance.EbsOptimized;
  launch.Placement.emplace().AvailabilityZone = instance.Placement->AvailabilityZone;
  launch.Monitoring.emplace().Enabled = instance.Monitoring->State == "enabled";
  return launch;
}

}  // namespace

SpotController::SpotController(services::Context context, store::Table<InstanceRecord>& instances, Tags& tags,
                               std::function<void(const std::string&)> changed)
    : context_(std::move(context)),
      instances_(instances),
      tags_(tags),
      changed_(std::move(changed)),
      requests_(context_.store, "ec2.spot-requests", context_.region) {
  tags_.add_kind(kSpotRequest, [this](std::string_view id) { return exists(id); });
}

void SpotController::fulfil(Instance& instance, const SpotMarketOptions& options) {
  // Requests go with their instances; nothing else would ever look for the rows of those that are gone.
  std::vector<std::string> gone;
  for (const auto& [id, record] : requests_.rows())
    if (!exists(id)) gone.push_back(id);
  for (const std::string& id : gone) {
    tags_.erase_all(id);
    requests_.erase(id);
  }
  const std::string id = services::new_id(context_.env.random, kSpotRequest.prefix);
  instance.InstanceLifecycle = "spot";
  instance.SpotInstanceRequestId = id;
  SpotRequestRecord record;
  SpotInstanceRequest& request = record.request;
  request.SpotInstanceRequestId = id;
  request.InstanceId = instance.InstanceId;
  request.CreateTime = instance.LaunchTime;
  request.Type = "one-time";
  request.InstanceInterruptionBehavior = "terminate";
  request.ProductDescription = "Linux/UNIX";
  request.SpotPrice = options.MaxPrice;
  request.LaunchedAvailabilityZone = instance.Placement->AvailabilityZone;
  request.LaunchedAvailabilityZoneId = instance.Placement->AvailabilityZoneId;
  request.LaunchSpecification = specification_of(instance);
  requests_.put(id, std::move(record));
}

void SpotController::cancel(const std::string& id) {
  requests_.modify(id, [](SpotRequestRecord& record) { record.cancelled = true; });
}

void SpotController::make_room(std::int64_t lacking_mib) {
  context_.env.loop.post([this, lacking_mib] {
    if (const auto done = context_.store.transact([&] { return give_notice(lacking_mib); }); !done)
      log_error("Spot Instances were not given notice: {}", done.error().message);
  });
}

Result<void> SpotController::give_notice(std::int64_t lacking_mib) {
  std::vector<SpotCandidate> candidates;
  for (const auto& [id, record] : requests_.rows()) {
    const InstanceRecord* instance = instances_.find(*record.request.InstanceId);
    if (!instance || instance->state() == InstanceStateCode::terminated) continue;
    candidates.push_back({.id = id,
                          .launched = *record.request.CreateTime,
                          .memory_mib = memory_mib(*instance),
                          .leaving = record.noticed_at.has_value() || is_leaving(*instance)});
  }
  const Timestamp now = std::chrono::floor<std::chrono::seconds>(context_.env.clock.wall());
  for (const std::string& id : who_gives_way(std::move(candidates), lacking_mib)) {
    requests_.modify(id, [&](SpotRequestRecord& record) {
      record.noticed_at = now;
      record.interrupt_at = now + context_.scaled(kInterruptionNotice);
      record.claimed = true;
    });
    const std::string instance = *requests_.find(id)->request.InstanceId;
    log_info("{} is interrupted at {}: an On-Demand Instance needs its room", instance,
             to_iso8601(*requests_.find(id)->interrupt_at));
    context_.store.after_commit([this, instance] {
      context_.hints.publish(instance);
      look();
    });
  }
  return {};
}

bool SpotController::is_claimed(const SpotRequestRecord& record) const {
  const InstanceRecord* instance = record.claimed ? instances_.find(*record.request.InstanceId) : nullptr;
  return instance && instance->terminated_at &&
         context_.env.clock.wall() < *instance->terminated_at + context_.scaled(kRoomClaimed);
}

std::int64_t SpotController::claimed_mib() const {
  std::int64_t claimed = 0;
  for (const auto& [id, record] : requests_.rows())
    if (is_claimed(record)) claimed += memory_mib(*instances_.find(*record.request.InstanceId));
  return claimed;
}

void SpotController::take_claimed(std::int64_t mib) {
  std::vector<std::string> taken;
  for (const auto& [id, record] : requests_.rows()) {
    if (mib <= 0) break;
    if (!is_claimed(record)) continue;
    taken.push_back(id);
    mib -= memory_mib(*instances_.find(*record.request.InstanceId));
  }
  for (const std::string& id : taken) requests_.modify(id, [](SpotRequestRecord& record) { record.claimed = false; });
}

void SpotController::look() {
  context_.env.loop.cancel(timer_);
  const Timestamp now = context_.env.clock.wall();
  std::optional<env::Duration> next;
  std::vector<std::string> due;
  for (const auto& [id, record] : requests_.rows()) {
    const InstanceRecord* instance = record.interrupt_at ? instances_.find(*record.request.InstanceId) : nullptr;
    if (!instance || is_leaving(*instance)) continue;
    if (*record.interrupt_at <= now)
      due.push_back(*record.request.InstanceId);
    else
      next = std::min<env::Duration>(next.value_or(env::Duration::max()), *record.interrupt_at - now);
  }
  if (!due.empty()) {
    const auto done = context_.store.transact([&]() -> Result<void> {
      for (const std::string& id : due) interrupt(id);
      return {};
    });
    if (!done) {
      log_error("Spot Instances were not interrupted, will be tried again: {}", done.error().message);
      next = kRetry;
    }
  }
  if (next) timer_ = context_.env.loop.after(*next, [this] { look(); });
}

void SpotController::interrupt(const std::string& instance_id) {
  instances_.modify(instance_id, [&](InstanceRecord& record) {
    record.reboot.clear();
    StateReason& reason = record.instance.StateReason.emplace();
    reason.Code = "Server.SpotInstanceTermination";
    reason.Message = "Server.SpotInstanceTermination: Spot instance termination";
    record.instance.StateTransitionReason = "Server.SpotInstanceTermination";
    record.set_state(InstanceStateCode::shutting_down);
  });
  context_.store.after_commit([this, instance_id] { changed_(instance_id); });
}

bool SpotController::exists(std::string_view id) const {
  const SpotRequestRecord* record = requests_.find(id);
  return record && instances_.contains(*record->request.InstanceId);
}

SpotInstanceRequest SpotController::describe(const SpotRequestRecord& record) const {
  SpotInstanceRequest request = shown(record, *instances_.find(*record.request.InstanceId));
  request.Tags = tags_.of(*request.SpotInstanceRequestId);
  return request;
}

}  // namespace brume::ec2
