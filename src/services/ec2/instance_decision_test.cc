#include "services/ec2/instance_decision.h"

#include <gtest/gtest.h>

namespace brume::ec2 {
namespace {

using enum InstanceStateCode;

TEST(NextStep, Table) {
  constexpr ObservedInstance kNothing{.network = false}, kNetwork{}, kStopped{.exists = true, .running = false},
      kRunning{.exists = true, .running = true};
  const Timestamp now{std::chrono::hours(1000)};
  const struct {
    InstanceStateCode state;
    const char* reboot;
    bool hard;
    ObservedInstance observed;
    Step step;
  } cases[] = {
      {pending, "", false, kNothing, Step::start},
      {pending, "", false, kStopped, Step::start},
      {pending, "", false, kRunning, Step::mark_running},
      {running, "", false, kRunning, Step::none},
      {running, "", false, kStopped, Step::mark_ended},
      {running, "", false, kNothing, Step::mark_ended},
      {running, "stopping", false, kRunning, Step::stop},
      {running, "stopping", false, kStopped, Step::mark_restarting},
      {running, "starting", false, kStopped, Step::start},
      {running, "starting", false, kRunning, Step::mark_running},
      {stopping, "", false, kRunning, Step::stop},
      {stopping, "", false, kStopped, Step::mark_stopped},
      {stopping, "", false, kNothing, Step::mark_stopped},
      {stopped, "", false, kStopped, Step::none},
      {stopped, "", false, kRunning, Step::stop},
      {shutting_down, "", false, kRunning, Step::stop},
      {shutting_down, "", true, kRunning, Step::destroy},
      {shutting_down, "", false, kStopped, Step::destroy},
      {shutting_down, "", false, kNetwork, Step::remove_network},
      {shutting_down, "", false, kNothing, Step::mark_terminated},
      {terminated, "", false, kNothing, Step::none},
      {terminated, "", false, kStopped, Step::destroy},
  };
  for (const auto& c : cases) {
    InstanceRecord record;
    record.set_state(c.state);
    record.reboot = c.reboot;
    record.hard = c.hard;
    if (c.state == terminated) record.terminated_at = now;
    EXPECT_EQ(int(next_step(record, c.observed, now)), int(c.step))
        << name_of(c.state) << " reboot=" << c.reboot << " exists=" << c.observed.exists
        << " running=" << c.observed.running;
  }
}

TEST(NextStep, TerminatedIsForgottenAfterAnHour) {
  InstanceRecord record;
  record.set_state(terminated);
  record.terminated_at = Timestamp{std::chrono::hours(5)};
  EXPECT_EQ(next_step(record, {}, Timestamp{std::chrono::minutes(359)}), Step::none);
  EXPECT_EQ(next_step(record, {}, Timestamp{std::chrono::minutes(360)}), Step::forget);
}

}  // namespace
}  // namespace brume::ec2
