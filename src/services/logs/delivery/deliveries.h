// The subscription filters of a region, at work: has what was appended delivered, each filter by itself.
//
// How far a filter is is stored with each delivery, at the latest with the next one: what dies in between is delivered
// again. Level-triggered: looks a moment after something was appended, each half minute, and at the start. What a
// destination does not take is tried again after 1 s, doubling to a minute; once it has taken nothing for a day, events
// that came more than a day ago are given up, as at AWS. Of what is not delivered yet at most some MiB a filter are in
// memory. Tells CloudWatch, in AWS/Logs, what was forwarded and what was refused.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "services/common/context.h"
#include "services/common/metric_sink.h"
#include "services/common/outside.h"
#include "services/logs/delivery/delivery.h"
#include "store/table.h"

namespace brume::logs {

// Key: the filter's. DeliveryCursor.
struct CursorRecord {
  std::int64_t above = 0, up_to = 0, at_time = 0, at_id = 0;
};

}  // namespace brume::logs

BRUME_RECORD(brume::logs::CursorRecord, above, up_to, at_time, at_id)

namespace brume::logs {

class Deliveries {
 public:
  // `resolve`: where the ARN of a filter's destination leads now; called on the loop. References outlive this.
  Deliveries(services::Context context, logstore::EventStore& store, services::MetricSink& metrics,
             const services::Outside& outside, std::function<Result<DeliveryTarget>(const std::string& arn)> resolve);
  Deliveries(const Deliveries&) = delete;
  Deliveries& operator=(const Deliveries&) = delete;

  Result<void> load() { return cursors_.load(); }
  // What was appended up to now is not for this filter. In the transaction that makes it.
  void begin(const std::string& filter, logstore::GroupId group);
  // In the transaction that deletes it.
  void end(const std::string& filter);
  // Delivers for it from now on, by this rule. Once it is on disk; of one that has ended, nothing.
  void follow(const std::string& filter, DeliveryRule rule, const std::string& destination);
  // Something was appended to a group with filters. From any thread.
  void touch();

 private:
  struct Followed {
    std::uint64_t number = 0;  // of no other: a filter that is made again under a name is another one
    std::shared_ptr<const DeliveryRule> rule;
    std::string destination;
    DeliveryCursor cursor;
    std::optional<DeliveryBatch> batch;
    std::string batch_for;  // the ARN that it was made for: its destination may be given another
    bool busy = false;
    int unsaved = 0;  // jobs that moved the cursor and delivered nothing
    int failures = 0;
    env::Loop::TimerId retry = 0;
    std::optional<env::MonotonicTime> failing_since;
    std::string told;  // the reason that the log has already
  };
  void look_at_all();
  void look(const std::string& filter);
  void done(const std::string& filter, std::uint64_t number, DeliveryJob& job);
  void save(const std::string& filter, Followed& followed, const DeliveryJob& job);
  void try_again(const std::string& filter, Followed& followed, const std::string& why);

  services::Context context_;
  logstore::EventStore& store_;
  services::MetricSink& metrics_;
  const services::Outside& outside_;
  std::function<Result<DeliveryTarget>(const std::string&)> resolve_;
  store::Table<CursorRecord> cursors_;
  std::map<std::string, Followed> followed_;
  std::uint64_t last_number_ = 0;
  std::atomic<bool> touched_ = false;
  env::Loop::TimerId timer_ = 0;
};

}  // namespace brume::logs
