// What an alarm does when its state changes: the seam between CloudWatch, which watches, and the service that an
// action's ARN belongs to. One a region; whoever can carry out actions adds itself when it is made.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace brume::services {

struct AlarmEvent {
  std::string alarm_name;
  std::string alarm_arn;
  std::string state;       // OK, ALARM, INSUFFICIENT_DATA
  std::string action_arn;  // what is to be done
  Timestamp time;          // when the alarm came to this state
  // Those that the evaluation counted, newest first: one a period, at most as many as the alarm has evaluation periods.
  // None for composite alarms, missing data and states that somebody set.
  std::vector<double> datapoints;
  double threshold = 0;
  bool repeated = false;  // the alarm was in this state before: Auto Scaling's actions are called again each period

  [[nodiscard]] std::optional<double> newest() const {
    return datapoints.empty() ? std::nullopt : std::optional(datapoints.front());
  }
};

class AlarmActions {
 public:
  // Answers a sentence for the alarm's history, or why it could not be done.
  using Perform = std::function<Result<std::string>(const AlarmEvent&)>;

  // `service` is the third part of the action's ARN ("autoscaling", "automate").
  void add(std::string service, Perform perform) { performers_[std::move(service)] = std::move(perform); }
  // None if nobody does actions of that service.
  [[nodiscard]] const Perform* find(std::string_view service) const {
    const auto found = performers_.find(service);
    return found == performers_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, Perform, std::less<>> performers_;
};

}  // namespace brume::services
