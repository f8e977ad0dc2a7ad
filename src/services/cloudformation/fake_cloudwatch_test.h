// CloudWatch for the engine's tests.
#pragma once

#include "aws/call.h"
#include "cloudwatch/api.h"
#include "services/cloudformation/fake_things_test.h"

namespace brume::cloudformation {

class FakeCloudWatch : public virtual FakeThings, public cloudwatch::Api {
 public:
  FakeCloudWatch(store::Store& store, env::SimEnv& env) : FakeThings(store, env) {}

  Result<void> PutMetricAlarm(const aws::Call&, const cloudwatch::PutMetricAlarmInput& r) override {
    return put_alarm("PutMetricAlarm", *r.AlarmName, to_json(r));
  }
  Result<void> PutCompositeAlarm(const aws::Call&, const cloudwatch::PutCompositeAlarmInput& r) override {
    return put_alarm("PutCompositeAlarm", *r.AlarmName, to_json(r));
  }
  Result<void> DeleteAlarms(const aws::Call&, const cloudwatch::DeleteAlarmsInput& r) override {
    return drop("DeleteAlarms", r.AlarmNames[0]);
  }
  Result<cloudwatch::PutDashboardOutput> PutDashboard(const aws::Call&,
                                                      const cloudwatch::PutDashboardInput& r) override {
    BRUME_CHECK(put_alarm("PutDashboard", *r.DashboardName, to_json(r)));
    return cloudwatch::PutDashboardOutput{};
  }
  Result<cloudwatch::DeleteDashboardsOutput> DeleteDashboards(const aws::Call&,
                                                              const cloudwatch::DeleteDashboardsInput& r) override {
    BRUME_CHECK(drop("DeleteDashboards", r.DashboardNames[0]));
    return cloudwatch::DeleteDashboardsOutput{};
  }
  Result<cloudwatch::TagResourceOutput> TagResource(const aws::Call&, const cloudwatch::TagResourceInput& r) override {
    BRUME_CHECK(called("TagResource " + *r.ResourceARN));
    return cloudwatch::TagResourceOutput{};
  }
  Result<cloudwatch::UntagResourceOutput> UntagResource(const aws::Call&,
                                                        const cloudwatch::UntagResourceInput&) override {
    BRUME_CHECK(called("UntagResource"));
    return cloudwatch::UntagResourceOutput{};
  }

 private:
  Result<void> put_alarm(const std::string& operation, const std::string& name, const std::string& text) {
    BRUME_CHECK(called(operation));
    if (things.contains(name)) {
      things.modify(name, [&](Thing& thing) { thing.text = text; });
      return {};
    }
    return put({name, "alarm", name, text, now()});
  }
};

}  // namespace brume::cloudformation
