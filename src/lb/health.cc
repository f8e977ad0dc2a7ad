#include "lb/health.h"

#include <algorithm>
#include <charconv>

namespace brume::lb {
namespace {

bool parse_status(std::string_view text, int& status) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  return error == std::errc() && end == text.data() + text.size() && status >= 100 && status <= 599;
}

}  // namespace

Result<Matcher> Matcher::parse(std::string_view text) {
  Matcher matcher;
  const std::string_view whole = text;
  while (true) {
    const auto comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const auto dash = item.find('-');
    int low = 0, high = 0;
    const bool good = parse_status(item.substr(0, dash), low) &&
                      parse_status(dash == std::string_view::npos ? item : item.substr(dash + 1), high) && low <= high;
    if (!good) return fail("ValidationError", "Health check matcher HTTP code '{}' is not valid", whole);
    matcher.ranges_.emplace_back(low, high);
    if (comma == std::string_view::npos) return matcher;
    text.remove_prefix(comma + 1);
  }
}

bool Matcher::matches(int status) const {
  return std::ranges::any_of(ranges_, [status](auto range) { return status >= range.first && status <= range.second; });
}

HealthReport draining_report() {
  return {"draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"};
}
HealthReport unused_report() {
  return {"unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"};
}
HealthReport disabled_report() {
  return {"unavailable", "Target.HealthCheckDisabled", "Health checks are not enabled for this target"};
}

HealthState::HealthState(const HealthCheck& settings, std::string_view last_health) {
  set_settings(settings);
  if (last_health == "healthy") {
    state_ = State::healthy;
    report_ = {"healthy", "", ""};
  } else if (last_health == "unhealthy") {
    state_ = State::unhealthy;
    report_ = {"unhealthy", "Target.FailedHealthChecks", "Health checks failed"};
  } else {
    report_ = {"initial", "Elb.RegistrationInProgress", "Target registration is in progress"};
  }
}

void HealthState::set_settings(const HealthCheck& settings) {
  settings_ = settings;
  // A matcher that does not parse never gets here from the API; should it, the default keeps checks meaningful.
  if (auto parsed = Matcher::parse(settings.matcher)) matcher_ = *std::move(parsed);
  else matcher_ = *Matcher::parse("200");
  successes_ = failures_ = 0;
  codes_.clear();
}

void HealthState::on_started() {
  if (state_ == State::initial) {
    report_ = {"initial", "Elb.InitialHealthChecking", "Initial health checks in progress"};
  }
}

bool HealthState::publish(HealthReport report) {
  if (report == report_) return false;
  report_ = std::move(report);
  return true;
}

bool HealthState::on_result(const CheckResult& result) {
  if (result.kind == CheckResult::Kind::status && matcher_.matches(result.status)) {
    failures_ = 0;
    codes_.clear();
    ++successes_;
    if (state_ == State::initial || (state_ == State::unhealthy && successes_ >= settings_.healthy_threshold)) {
      state_ = State::healthy;
    }
    return state_ == State::healthy && publish({"healthy", "", ""});
  }
  successes_ = 0;
  ++failures_;
  if (result.kind == CheckResult::Kind::status && std::ranges::find(codes_, result.status) == codes_.end()) {
    codes_.push_back(result.status);
  }
  if (failures_ >= settings_.unhealthy_threshold) state_ = State::unhealthy;
  return state_ == State::unhealthy && publish(failure_report(result));
}

HealthReport HealthState::failure_report(const CheckResult& last) const {
  switch (last.kind) {
    case CheckResult::Kind::timed_out: return {"unhealthy", "Target.Timeout", "Request timed out"};
    case CheckResult::Kind::failed: return {"unhealthy", "Target.FailedHealthChecks", "Health checks failed"};
    case CheckResult::Kind::status: break;
  }
  return {"unhealthy", "Target.ResponseCodeMismatch",
          fmt::format("Health checks failed with these codes: [{}]", fmt::join(codes_, ", "))};
}

}  // namespace brume::lb
