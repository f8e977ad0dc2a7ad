#include "lb/health.h"

#include <gtest/gtest.h>

namespace brume::lb {
namespace {

CheckResult status(int code) { return {CheckResult::Kind::status, code}; }
CheckResult timed_out() { return {CheckResult::Kind::timed_out, 0}; }
CheckResult failed() { return {CheckResult::Kind::failed, 0}; }

TEST(Health, Matchers) {
  struct Case {
    const char* matcher;
    int status;
    bool expected;
  };
  for (const auto& test : {Case{"200", 200, true}, {"200", 201, false}, {"200,302", 302, true}, {"200-299", 250, true},
                           {"200-299", 300, false}, {"200-204,404", 404, true}, {"200-204,404", 205, false}}) {
    const auto matcher = Matcher::parse(test.matcher);
    ASSERT_TRUE(matcher) << test.matcher;
    EXPECT_EQ(matcher->matches(test.status), test.expected) << test.matcher << " " << test.status;
  }
  for (const char* bad : {"", "20", "200,", "299-200", "abc", "200-", "-200", "200 ", "1000", "200--201"}) {
    EXPECT_FALSE(Matcher::parse(bad)) << bad;
  }
}

TEST(Health, FirstSuccessMakesANewTargetHealthy) {
  HealthState state({}, "");
  EXPECT_EQ(state.report(),
            (HealthReport{"initial", "Elb.RegistrationInProgress", "Target registration is in progress"}));
  state.on_started();
  EXPECT_EQ(state.report().reason, "Elb.InitialHealthChecking");
  EXPECT_TRUE(state.on_result(status(200)));
  EXPECT_TRUE(state.healthy());
  EXPECT_EQ(state.report(), (HealthReport{"healthy", "", ""}));
  EXPECT_FALSE(state.on_result(status(200)));
}

TEST(Health, Transitions) {
  struct Case {
    const char* name;
    const char* from;
    std::vector<CheckResult> results;
    HealthReport expected;
  };
  const HealthReport healthy{"healthy", "", ""};
  const HealthReport restarted{"unhealthy", "Target.FailedHealthChecks", "Health checks failed"};
  const Case cases[] = {
      {"one failure is not enough", "healthy", {status(503)}, healthy},
      {"failures must be in a row", "healthy", {status(503), status(200), status(503)}, healthy},
      {"mismatch", "healthy", {status(503), status(503)},
       {"unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"}},
      {"several codes", "healthy", {status(503), status(500), status(503)},
       {"unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503, 500]"}},
      {"timeouts", "healthy", {timed_out(), timed_out()}, {"unhealthy", "Target.Timeout", "Request timed out"}},
      {"refused", "healthy", {failed(), failed()}, restarted},
      {"the last failure gives the reason", "healthy", {failed(), failed(), timed_out()},
       {"unhealthy", "Target.Timeout", "Request timed out"}},
      {"a new target fails", "", {failed(), failed()}, restarted},
      {"three successes of three", "unhealthy", {status(200), status(200), status(200)}, healthy},
      {"two of three", "unhealthy", {status(200), status(200)}, restarted},
      {"successes must be in a row", "unhealthy", {status(200), status(200), failed(), status(200)}, restarted},
  };
  for (const auto& test : cases) {
    HealthState state({.healthy_threshold = 3, .unhealthy_threshold = 2}, test.from);
    for (const auto& result : test.results) state.on_result(result);
    EXPECT_EQ(state.report(), test.expected) << test.name << ": " << state.report().description;
  }
}

}  // namespace
}  // namespace brume::lb
