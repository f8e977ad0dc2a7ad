#include "services/ec2/service.h"

namespace brume::ec2 {

Result<void> Service::load() {
  BRUME_CHECK(network.load());
  BRUME_CHECK(load_insights());
  return load_instances();
}

Result<void> Service::start() {
  fabric_controller.start();
  flow_log_controller.start();
  return start_instances();
}

}  // namespace brume::ec2
