// CloudWatch: metrics, alarms on them, dashboards.
#pragma once

#include "cloudwatch/api.h"
#include "services/common/alarm_actions.h"
#include "services/common/context.h"

namespace brume::cloudwatch {

class Service : public Api {
 public:
  // `actions` holds who carries out what alarms ask for.
  Service(services::Context context, services::AlarmActions& actions)
      : context_(std::move(context)), actions_(actions) {}
  Result<void> load() { return {}; }
  void start() {}

 private:
  services::Context context_;
  [[maybe_unused]] services::AlarmActions& actions_;
};

}  // namespace brume::cloudwatch
