#include "services/ec2/instance_decision.h"

namespace brume::ec2 {

std::string_view name_of(InstanceStateCode state) {
  switch (state) {
    case InstanceStateCode::pending:
      return "pending";
    case InstanceStateCode::running:
      return "running";
    case InstanceStateCode::shutting_down:
      return "shutting-down";
    case InstanceStateCode::terminated:
      return "terminated";
    case InstanceStateCode::stopping:
      return "stopping";
    case InstanceStateCode::stopped:
      return "stopped";
  }
  return "";
}

Step next_step(const InstanceRecord& record, ObservedInstance observed, Timestamp now) {
  switch (record.state()) {
    case InstanceStateCode::pending:
      return observed.running ? Step::mark_running : Step::start;
    case InstanceStateCode::running:
      if (record.reboot == "stopping") return observed.running ? Step::stop : Step::mark_restarting;
      if (record.reboot == "starting") return observed.running ? Step::mark_running : Step::start;
      return observed.running ? Step::none : Step::mark_ended;
    case InstanceStateCode::stopping:
      return observed.running ? Step::stop : Step::mark_stopped;
    case InstanceStateCode::stopped:
      return observed.running ? Step::stop : Step::none;
    case InstanceStateCode::shutting_down:
      if (observed.running && !record.hard) return Step::stop;
      if (observed.exists || observed.running) return Step::destroy;
      return observed.network ? Step::remove_network : Step::mark_terminated;
    case InstanceStateCode::terminated:
      if (observed.exists || observed.running) return Step::destroy;
      return record.terminated_at && now >= *record.terminated_at + kTerminatedVisible ? Step::forget : Step::none;
  }
  return Step::none;
}

}  // namespace brume::ec2
