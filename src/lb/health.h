// The health of one target, as a state machine over the results of its checks.
//
// Pure. A new target is healthy after its first success and unhealthy after `unhealthy_threshold` failures; after that
// either state needs its threshold of results in a row. Reasons and descriptions are those of DescribeTargetHealth.
// Leaves to the caller: making the checks, and targets that are draining or unused.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "lb/config.h"

namespace brume::lb {

// "200", "200,302", "200-299" and mixtures.
class Matcher {
 public:
  // Error: ValidationError.
  static Result<Matcher> parse(std::string_view text);
  [[nodiscard]] bool matches(int status) const;

 private:
  std::vector<std::pair<int, int>> ranges_;
};

struct CheckResult {
  enum class Kind { status, timed_out, failed } kind = Kind::failed;
  int status = 0;
};

struct HealthReport {
  std::string health, reason, description;
  bool operator==(const HealthReport&) const = default;
};

HealthReport draining_report();
HealthReport unused_report();
HealthReport disabled_report();

class HealthState {
 public:
  // `last_health`: where to begin, "healthy" or "unhealthy"; anything else is a new target.
  HealthState(const HealthCheck& settings, std::string_view last_health);
  // Keeps the state; counting starts anew.
  void set_settings(const HealthCheck& settings);
  void on_started();
  // Whether the report changed.
  bool on_result(const CheckResult& result);
  [[nodiscard]] bool healthy() const { return state_ == State::healthy; }
  [[nodiscard]] bool initial() const { return state_ == State::initial; }
  [[nodiscard]] const HealthReport& report() const { return report_; }

 private:
  enum class State { initial, healthy, unhealthy };
  bool publish(HealthReport report);
  [[nodiscard]] HealthReport failure_report(const CheckResult& last) const;

  HealthCheck settings_;
  Matcher matcher_;
  State state_ = State::initial;
  int successes_ = 0, failures_ = 0;
  std::vector<int> codes_;  // distinct, of the failures in a row
  HealthReport report_;
};

}  // namespace brume::lb
