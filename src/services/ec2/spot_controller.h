// Spot Instance requests, and the interruption of their instances.
//
// Each Spot Instance has one one-time request, made with it and gone with it. A notice and its deadline are in the
// request's row, so an interruption goes on where it was whenever the daemon stops; a deadline that passed meanwhile is
// due at the start. Leaves to others: who gives way (spot_decision.h), ending the instance (InstanceController).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "services/common/context.h"
#include "services/ec2/spot_decision.h"
#include "services/ec2/tags.h"
#include "store/table.h"

namespace brume::ec2 {

class SpotController {
 public:
  // `changed` is told after the commit that an instance's record changed.
  SpotController(services::Context context, store::Table<InstanceRecord>& instances, Tags& tags,
                 std::function<void(const std::string& id)> changed);
  SpotController(const SpotController&) = delete;
  SpotController& operator=(const SpotController&) = delete;

  Result<void> load() { return requests_.load(); }
  // Interrupts what is due, and what will be.
  void start() { look(); }

  // In a transaction: the request of an instance that is being launched, fulfilled. `options` were checked. Writes into
  // `instance` that it is a Spot Instance.
  void fulfil(Instance& instance, const SpotMarketOptions& options);
  // In a transaction: the instances stay.
  void cancel(const std::string& id);
  // Soon, in a transaction of its own, since what did not fit undoes its own: gives notice to those who give way.
  void make_room(std::int64_t lacking_mib);

  // MiB that came free for On-Demand launches and are not for Spot Instances.
  [[nodiscard]] std::int64_t claimed_mib() const;
  // In a transaction: an On-Demand launch has so many MiB, those first.
  void take_claimed(std::int64_t mib);

  [[nodiscard]] const SpotRequestRecord* find(std::string_view id) const { return requests_.find(id); }
  // Whether it is still shown: its instance is.
  [[nodiscard]] bool exists(std::string_view id) const;
  // As the answer shows it, with its tags; it exists.
  [[nodiscard]] SpotInstanceRequest describe(const SpotRequestRecord& record) const;
  [[nodiscard]] const store::Table<SpotRequestRecord>& requests() const { return requests_; }

 private:
  // Its room is free, and claimed.
  [[nodiscard]] bool is_claimed(const SpotRequestRecord& record) const;
  void look();
  Result<void> give_notice(std::int64_t lacking_mib);
  void interrupt(const std::string& instance_id);

  services::Context context_;
  store::Table<InstanceRecord>& instances_;
  Tags& tags_;
  std::function<void(const std::string&)> changed_;
  store::Table<SpotRequestRecord> requests_;
  env::Loop::TimerId timer_ = 0;
};

}  // namespace brume::ec2
